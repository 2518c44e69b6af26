"""Where the MODEL, CLIP or VAE of a Sweep comes from: its loader, and the nodes between, which an axis of files keeps.

An axis gives the loader another file. ModelSamplingAuraFlow, a LoRA or CLIP Set Last Layer behind it count as before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...axis import EncoderFiles
from ...choices import DIFFUSION_MODEL, TEXT_ENCODER, VAE_FILE
from ...prompt_graph import GetNode, is_link
from .cell_key import Upstream

# The input of a Sweep that the files of an axis replace.
SOCKETS = {DIFFUSION_MODEL: "model", TEXT_ENCODER: "clip", VAE_FILE: "vae"}
KEPT = ("weight_dtype", "type", "device")  # of the connected loader
SIDES = ("model", "clip")  # Load LoRA has both: the one that is not looked for may be absent
BOTH = "LoraLoader"
MOST_FILES, UNTYPED = 4, 3  # of one CLIP; the loaders of three and four have no type


@dataclass(frozen=True)
class Between:
    """A node between a loader and the Sweep. output: its output that leads on. inputs: all but the one looked for."""

    node_id: str
    kind: str
    output: int
    inputs: Mapping[str, Any]


@dataclass(frozen=True)
class LoaderChain:
    """kept: settings of the loader. between: the nodes behind it, the nearest to it first."""

    socket: str
    kept: Mapping[str, str]
    between: tuple[Between, ...] = ()


def find_source(get_node: GetNode, node_id: str, axis: str) -> LoaderChain:
    """Where the input comes from that the files of `axis` replace.

    Raises:
        ValueError: a node between has further links, such as a merge of two models.
    """
    socket = SOCKETS[axis]
    link = (get_node(node_id) or {"inputs": {}})["inputs"].get(socket)
    between: list[Between] = []
    node: Mapping[str, Any] | None = None
    while is_link(link):
        node = get_node(str(link[0]))
        if node is None:
            break
        inputs = dict(node["inputs"])
        above = inputs.pop(socket, None)
        if not is_link(above):
            break
        if node["class_type"] == BOTH:
            inputs |= dict.fromkeys((side for side in SIDES if side != socket), None)
        others = [name for name, value in inputs.items() if is_link(value)]
        if others or any(step.node_id == link[0] for step in between):
            raise ValueError(_too_much(axis, link[0], node["class_type"], others))
        between.insert(0, Between(str(link[0]), node["class_type"], int(link[1]), inputs))
        link = above
    if node is not None and is_link(link):
        others = [name for name, value in node["inputs"].items() if is_link(value)]
        if others:
            raise ValueError(_too_much(axis, link[0], node["class_type"], others))
    inputs = node["inputs"] if node else {}
    kept = {name: inputs[name] for name in KEPT if isinstance(inputs.get(name), str)}
    return LoaderChain(socket, kept, tuple(between))


def _too_much(axis: str, node_id: str, kind: str, others: Sequence[str]) -> str:
    return (
        f"axis of {axis}: before the input {SOCKETS[axis]} stands {kind} (node {node_id}), which also takes "
        f"{', '.join(others) or 'itself'}. Sweep cannot make it again for each file. Wire a Sweep Value to the loader, "
        "and use Sweep Graph."
    )


def describe_source(source: LoaderChain, upstream: Upstream) -> list[Any]:
    """What of the graph counts for a cell with a file of an axis, as JSON."""
    steps = [[upstream.describe_inputs(step.node_id, source.socket), step.output] for step in source.between]
    return [dict(source.kept), steps]


def check_encoders(values: Iterable[str | EncoderFiles], source: LoaderChain, types: Iterable[str]) -> None:
    """Check that each CLIP of an axis has a type that ComfyUI knows.

    Raises:
        ValueError: it has none, or another one.
    """
    known = [each.lower() for each in types]
    for value in values:
        names = value.names if isinstance(value, EncoderFiles) else (value,)
        found = type_of(value, source)
        if len(names) > MOST_FILES:
            raise ValueError(f"axis of {TEXT_ENCODER}: '{names[0]}' has {len(names)} files; {MOST_FILES} are the most.")
        if len(names) < UNTYPED and found.lower() not in known:
            fault = f"'{found}' is no type of text encoder" if found else f"nothing says the type of '{names[0]}'"
            raise ValueError(
                f"axis of {TEXT_ENCODER}: {fault}. Write one behind a colon, such as {names[0]} : qwen_image. ComfyUI "
                f"has: {', '.join(known)}."
            )


def type_of(value: str | EncoderFiles, source: LoaderChain) -> str:
    """The type of a CLIP: its own, or that of the connected loader."""
    own = value.type if isinstance(value, EncoderFiles) else ""
    return own or source.kept.get("type", "")
