"""The key of a cell: a hash of all that makes its picture, and of nothing else.

Settings count by value, tensors by content, and a MODEL, CLIP or VAE, which cannot be read, by the part of the graph it
comes from together with the files named there. Where a node stands in the graph and what it is called do not count.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch

from ...prompt_graph import GetNode, is_link
from .cells import BY_SAMPLER, BY_SIGMAS, Settings

MODELS = ("model", "clip", "vae")
SESSION = "changes seen: "  # begins a state that means nothing after ComfyUI was restarted; no key may hold it
VERSION = 1  # raise it when the same settings begin to make other pictures
# What tells the file of a model apart that a text names ("v1-5.safetensors"); None where it names none.
FileIdentity = Callable[[str], str | None]
# What a node of the graph says of the files that it reads; None where it says nothing.
NodeState = Callable[[Mapping[str, Any]], Any]


def noted_state(node: Mapping[str, Any]) -> Any:
    """As ComfyUI's cache notes it on the node."""
    return lasting(node.get("is_changed"))


def lasting(state: Any) -> Any:
    """A node's state; None for one that counts in this session only."""
    return None if isinstance(state, list) and any(str(part).startswith(SESSION) for part in state) else state


def digest(value: Any) -> str:
    """sha256 of JSON with sorted keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def content(value: Any) -> Any:
    """JSON that stands for `value`: tensors by shape, dtype and bytes, anything that cannot be read by its type."""
    if isinstance(value, torch.Tensor):
        tensor = value.detach().cpu().contiguous()
        raw = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
        return ["tensor", str(tensor.dtype), list(tensor.shape), hashlib.sha256(raw).hexdigest()]
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: content(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): content(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [content(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return ["float", str(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return ["object", type(value).__qualname__]


class Upstream:
    """Digests of the parts of a graph that feed a node. Each node is looked at once."""

    def __init__(self, get_node: GetNode, identity: FileIdentity, state: NodeState = noted_state) -> None:
        self.get_node, self.identity, self.state = get_node, identity, state
        self.files: dict[str, str] = {}  # name -> identity of those that were met
        self._known: dict[str, str] = {}

    def of_input(self, node_id: str, name: str) -> str:
        """The digest of what the input `name` of a node is connected to, or holds."""
        node = self.get_node(node_id)
        return digest(self._value(node["inputs"].get(name) if node else None))

    def _value(self, value: Any) -> Any:
        if is_link(value):
            return ["link", self._node(str(value[0])), value[1]]
        if isinstance(value, str) and (file := self.identity(value)) is not None:
            self.files[value] = file
            return ["file", value, file]
        return content(value)

    def _node(self, node_id: str) -> str:
        """Without recursion, because graphs may be deeper than Python's stack; a loop of nodes ends at itself."""
        todo = [node_id]
        begun: set[str] = set()
        while todo:
            current = todo[-1]
            node = self.get_node(current)
            inputs = node["inputs"] if node else {}
            sources = [str(value[0]) for value in inputs.values() if is_link(value)]
            missing = [source for source in sources if source not in self._known and source not in begun]
            if missing and current not in self._known:
                begun.add(current)
                todo += missing
                continue
            todo.pop()
            if current not in self._known:
                self._known[current] = self._digest_of(node)
        return self._known[node_id]

    def _digest_of(self, node: Mapping[str, Any] | None) -> str:
        if node is None:
            return digest("absent")
        inputs = {}
        for name, value in node["inputs"].items():
            known = self._known.get(str(value[0]), "loop") if is_link(value) else ""
            inputs[name] = ["link", known, value[1]] if is_link(value) else self._value(value)
        # What a node says of files it reads (fingerprint_inputs, IS_CHANGED), as ComfyUI's cache counts it.
        return digest([node["class_type"], inputs, content(self.state(node))])


def cell_key(settings: Settings, shared: Mapping[str, Any], identity: FileIdentity) -> str:
    """The key of a cell, 64 hexadecimal digits. shared: what all cells have in common, see `shared_parts`."""
    parts, values = dict(shared), settings.values()
    for name in [*(BY_SAMPLER if "sampler" in parts else ()), *(BY_SIGMAS if "sigmas" in parts else ())]:
        del values[name]  # the connected one counts
    if settings.checkpoint is not None:  # it brings its own
        for name in MODELS:
            parts.pop(name, None)
    files = [settings.checkpoint, settings.lora.name if settings.lora else None]
    return digest([VERSION, values, parts, [identity(file) if file else None for file in files]])


def shared_parts(upstream: Upstream, node_id: str, latent: Mapping[str, Any], **optional: Any) -> dict[str, Any]:
    """What all cells of a sweep have in common. optional: the inputs control, sampler and sigmas; None: unconnected.

    Of sigmas the content counts. A control counts by graph and by its hints, a sampler by graph.
    """
    parts: dict[str, Any] = {name: upstream.of_input(node_id, name) for name in MODELS}
    parts["latent"] = content(latent)
    for name, value in optional.items():
        if value is not None:
            graph = None if name == "sigmas" else upstream.of_input(node_id, name)
            parts[name] = [graph, content(value)]
    return parts
