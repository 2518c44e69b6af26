"""Which family of models a ControlNet belongs to, known before sampling. Pure: it reads shapes only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch

from ..prompt_graph import GetNode

# The width of the prompts a family is conditioned on.
FAMILIES = {
    128: "Steer's demo family",
    768: "SD 1.x",
    1024: "SD 2.x",
    2048: "SDXL",
    3584: "Qwen-Image",
    4096: "SD 3 or Flux",
}
POOLED = {2048: "SD 3", 768: "Flux"}  # these two differ in the width of the pooled prompt only
# The first weight that meets the prompt, by the end of its name: UNets, control LoRAs, SD 3, Flux and Qwen.
_MEET_THE_PROMPT = ("attn2.to_k.weight", "attn2.to_k.down", "context_embedder.weight", "txt_in.weight")
_MEET_THE_POOLED = ("y_embedder.mlp.0.weight", "vector_in.in_layer.weight")  # SD 3, Flux
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


def find_net_width(net: Any) -> int | None:
    """The width of the prompts that a CONTROL_NET takes; None if it takes none (T2I adapters) or cannot be known."""
    return _width(net, _MEET_THE_PROMPT)


def find_pooled_width(net: Any) -> int | None:
    """The width of the pooled prompts that a CONTROL_NET of SD 3 or Flux takes; None of any other."""
    return _width(net, _MEET_THE_POOLED)


def _width(net: Any, ends: tuple[str, ...]) -> int | None:
    model = getattr(net, "control_model", None)
    weights = model.state_dict() if isinstance(model, torch.nn.Module) else getattr(net, "control_weights", {})
    return next((int(weight.shape[1]) for name, weight in weights.items() if name.endswith(ends)), None)


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
    adapter = _adapter_widths(net)
    width, pooled = (adapter[0], None) if adapter else (find_net_width(net), find_pooled_width(net))
    for tokens, values in (entry for side in sides for entry in side):
        if not isinstance(tokens, torch.Tensor) or "cross_attn_controlnet" in values:
            continue
        found, found_pooled = int(tokens.shape[-1]), _find_pooled(values)
        wrong = found not in adapter and found in FAMILIES if adapter else width not in (None, found)
        if not wrong and (pooled is None or found_pooled in (None, pooled)):
            continue
        of_net, of_model = (f" '{name}'" if name else "" for name in (net_name, model_name))
        raise ValueError(
            f"{socket}: the ControlNet{of_net} is made for {_family(width, pooled)}, but the prompt comes from"
            f"{of_model or ' a model'}, of {_family(found, found_pooled)}. Choose a ControlNet and a model of one "
            "family."
        )


def _find_pooled(values: dict[str, Any]) -> int | None:
    """The width of a prompt's pooled one; None if there is none, or one that says nothing."""
    pooled = values.get("pooled_output")
    return int(pooled.shape[-1]) if isinstance(pooled, torch.Tensor) and bool(pooled.any()) else None


def _family(width: int | None, pooled: int | None) -> str:
    if width in (None, 4096) and pooled in POOLED:
        return f"{POOLED[pooled]} (pooled prompts of width {pooled})"
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
