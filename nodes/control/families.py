"""Which family of models a ControlNet belongs to, known before sampling. Pure: it reads shapes only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ..prompt_graph import GetNode

# The width of the prompts a family is conditioned on.
FAMILIES = {
    128: "Steer's demo family",
    768: "SD 1.x",
    1024: "SD 2.x",
    1280: "the SDXL refiner",
    2048: "SDXL",
    2304: "Lumina 2",
    2560: "Z-Image",
    3584: "Qwen-Image",
    4096: "SD 3 or Flux",
    7680: "Flux.2 Klein 4B",
    12288: "Flux.2 Klein 9B",
    15360: "Flux.2",
}
# Some share a width and differ in their pooled prompts. 0: they have none.
POOLED = {
    (2048, 0): "AuraFlow, OmniGen2 or another family without pooled prompts",
    (4096, 0): "Wan, Chroma or another family without pooled prompts",
    (4096, 768): "Flux",
    (4096, 2048): "SD 3",
}
# The first weight that meets the prompt, by the end of its name: UNets, control LoRAs, SD 3, Flux and Qwen.
_MEET_THE_PROMPT = ("attn2.to_k.weight", "attn2.to_k.down", "context_embedder.weight", "txt_in.weight")
_MEET_THE_POOLED = ("y_embedder.mlp.0.weight", "vector_in.in_layer.weight")  # SD 3, Flux
_MEETS_THE_SIZES = "label_emb.0.0.weight"  # of SDXL: the pooled prompt, and six numbers for the picture's size
_SIZES = 6 * 256
# Networks without a weight that meets the prompt, by a part that only they have: Stability's for SD 3.5, Fun for
# Qwen-Image.
_NO_PROMPT = {"double_y_emb": 4096, "control_img_in": 3584}
# By how much T2I adapters shrink the hint at once: those of SD 1.x, which also fit SD 2.x, and of SDXL.
_ADAPTERS = {8: (768, 1024), 16: (2048,)}


@dataclass(frozen=True)
class Loader:
    """What names a file on the way up: `widgets` of any node, or the embedded one's node `demo`, called `title`."""

    widgets: tuple[str, ...]
    demo: str
    title: str


NET = Loader(("control_net_name",), "SteerDemoControlNet", "Demo ControlNet")
MODEL = Loader(("ckpt_name", "clip_name", "clip_name1"), "SteerDemoModel", "Demo Model")


@dataclass(frozen=True)
class Takes:
    """What a ControlNet takes. widths: of prompts; empty if any, or not known. pooled: of pooled ones; None if any."""

    widths: tuple[int, ...]
    pooled: int | None = None


def find_net_width(net: Any) -> int | None:
    """The width of the prompts that a CONTROL_NET takes; None if it takes none (T2I adapters) or cannot be known."""
    return next(iter(find_takes(net).widths), None) if not _adapter_widths(net) else None


def find_takes(net: Any) -> Takes:
    """What a CONTROL_NET takes, by the layout of its network."""
    adapter = _adapter_widths(net)
    if adapter:
        return Takes(adapter, 1280 if adapter == (2048,) else None)
    model = getattr(net, "control_model", None)
    weights = model.state_dict() if isinstance(model, torch.nn.Module) else getattr(net, "control_weights", {})
    shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
    width = _columns(shapes, _MEET_THE_PROMPT)
    if width is None:
        width = next((width for part, width in _NO_PROMPT.items() if hasattr(model, part)), None)
    pooled = _columns(shapes, _MEET_THE_POOLED)
    if pooled is None and (sizes := _columns(shapes, (_MEETS_THE_SIZES,))) is not None and sizes > _SIZES:
        pooled = sizes - _SIZES
    return Takes(() if width is None else (width,), pooled)


def _columns(shapes: Mapping[str, tuple[int, ...]], ends: tuple[str, ...]) -> int | None:
    return next((shape[1] for name, shape in shapes.items() if name.endswith(ends)), None)


def _adapter_widths(net: Any) -> tuple[int, ...]:
    """The prompts of the families that a T2I adapter is made for; empty if it is none that is known."""
    shuffle = getattr(getattr(net, "t2i_model", None), "unshuffle", None)
    return _ADAPTERS.get(getattr(shuffle, "downscale_factor", 0), ())


def check_family(
    net: Any, sides: Iterable[list[Any]], net_name: str = "", model_name: str = "", socket: str = "control_net"
) -> None:
    """Check that the prompts, and their pooled ones, have the width of those that `net` was made for.

    sides: CONDITIONINGs. An entry that brings its own prompt for ControlNets is left alone. Names are for the message.
    socket: the input that the net came in by.

    Raises:
        ValueError: they have another width.
    """
    takes, is_adapter = find_takes(net), bool(_adapter_widths(net))
    for tokens, values in (entry for side in sides for entry in side):
        if not isinstance(tokens, torch.Tensor) or "cross_attn_controlnet" in values:
            continue
        found, found_pooled = tokens.shape[-1], _find_pooled(values)
        # An adapter never sees the prompt: only a family that is known is another one.
        wrong = bool(takes.widths) and found not in takes.widths and (not is_adapter or found in FAMILIES)
        wrong_pooled = found in FAMILIES and takes.pooled is not None and found_pooled not in (None, takes.pooled)
        if not wrong and not wrong_pooled:
            continue
        of_net, of_model = (f" '{name}'" if name else "" for name in (net_name, model_name))
        width = next(iter(takes.widths), None)
        raise ValueError(
            f"{socket}: the ControlNet{of_net} is made for {_family(width, takes.pooled)}, but the prompt comes from"
            f"{of_model or ' a model'}, of {_family(found, found_pooled)}. Choose a ControlNet and a model of one "
            "family."
        )


def _find_pooled(values: dict[str, Any]) -> int | None:
    """The width of a prompt's pooled one, 0 if its encoder gives none; None if that is not known."""
    if "pooled_output" not in values:
        return None
    pooled = values["pooled_output"]
    if pooled is None:
        return 0
    return pooled.shape[-1] if isinstance(pooled, torch.Tensor) and bool(pooled.any()) else None


def describe_prompt(tokens: torch.Tensor, values: dict[str, Any]) -> str:
    """The family of models that an entry of a CONDITIONING is for, in words."""
    return _family(tokens.shape[-1], _find_pooled(values))


def _family(width: int | None, pooled: int | None) -> str:
    of_pooled = None if width is None or pooled is None else POOLED.get((width, pooled))
    if of_pooled is not None:
        return f"{of_pooled} (pooled prompts of width {pooled})" if pooled else of_pooled
    return f"{FAMILIES.get(width or 0, 'another family')} (prompts of width {width})"


def name_upstream(get_node: GetNode, node_id: str, socket: str, loader: Loader) -> str:
    """The file name, or the embedded one's title and kind, that an input of a node comes from; "" if none is met.

    get_node: node id -> {"class_type", "inputs"} of the graph that runs, or None.
    """
    waiting, seen = [_link((get_node(node_id) or {}).get("inputs", {}).get(socket))], {node_id}
    while waiting:
        one = waiting.pop(0)
        node = get_node(one) if one and one not in seen else None
        if node is None:
            continue
        seen.add(one)
        inputs = node.get("inputs", {})
        if node.get("class_type") == loader.demo:
            return " ".join([loader.title, *(value for value in inputs.values() if isinstance(value, str))])
        for widget in loader.widgets:
            if isinstance(inputs.get(widget), str):
                return inputs[widget]
        waiting += [_link(value) for value in inputs.values()]
    return ""


def _link(value: Any) -> str:
    """The node that an input comes from; "" for a widget."""
    return str(value[0]) if isinstance(value, list) and len(value) == 2 else ""
