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

from ...axis import files_of
from ...prompt_graph import GetNode, is_link
from .cells import BY_SAMPLER, BY_SIGMAS, Settings

MODELS = ("model", "clip", "vae")
SESSION = "changes seen: "  # begins a state that means nothing after a restart of ComfyUI; no key may hold it
VERSION = 1  # raise it when the same settings begin to make other pictures
# The identity of the model file that a text names ("v1-5.safetensors"); None where it names none.
FileIdentity = Callable[[str], str | None]
# What a node of the graph says of the files that it reads; None where it says nothing.
NodeState = Callable[[Mapping[str, Any]], Any]


def read_noted_state(node: Mapping[str, Any]) -> Any:
    """The state that ComfyUI's cache noted on the node."""
    return drop_session_state(node.get("is_changed"))


def drop_session_state(state: Any) -> Any:
    """The state of a node; None for one that counts in this session only."""
    return None if isinstance(state, list) and any(str(part).startswith(SESSION) for part in state) else state


def hash_json(value: Any) -> str:
    """The SHA-256, in hex, of `value` as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def to_json(value: Any) -> Any:
    """JSON that stands for `value`: a tensor by shape, dtype and bytes, an object that cannot be read by its type."""
    if isinstance(value, torch.Tensor):
        tensor = value.detach().cpu().contiguous()
        raw = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
        return ["tensor", str(tensor.dtype), list(tensor.shape), hashlib.sha256(raw).hexdigest()]
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: to_json(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): to_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return ["float", str(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return ["object", type(value).__qualname__]


class Upstream:
    """Hashes of the parts of a graph that feed a node. Each node is looked at once."""

    def __init__(self, get_node: GetNode, identity: FileIdentity, state: NodeState = read_noted_state) -> None:
        self.get_node, self.identity, self.state = get_node, identity, state
        self.files: dict[str, str] = {}  # name -> identity of those that were met
        self._known: dict[str, str] = {}

    def describe_inputs(self, node_id: str, without: str = "") -> list[Any]:
        """The kind of a node, its inputs and its files, as JSON. without: the input that is left out."""
        node = self.get_node(node_id) or {"class_type": "absent", "inputs": {}}
        inputs = {name: self._describe_value(value) for name, value in node["inputs"].items() if name != without}
        return [node["class_type"], inputs, to_json(self.state(node))]

    def hash_input(self, node_id: str, name: str) -> str:
        """The hash of what the input `name` of a node is connected to, or holds."""
        node = self.get_node(node_id)
        return hash_json(self._describe_value(node["inputs"].get(name) if node else None))

    def _describe_value(self, value: Any) -> Any:
        if is_link(value):
            return ["link", self._hash_upstream(str(value[0])), value[1]]
        if isinstance(value, str) and (file := self.identity(value)) is not None:
            self.files[value] = file
            return ["file", value, file]
        return to_json(value)

    def _hash_upstream(self, node_id: str) -> str:
        """The hash of a node and all before it. A loop of nodes ends at itself.

        Without recursion, because graphs may be deeper than Python's stack.
        """
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
                self._known[current] = self._hash_node(node)
        return self._known[node_id]

    def _hash_node(self, node: Mapping[str, Any] | None) -> str:
        if node is None:
            return hash_json("absent")
        inputs = {}
        for name, value in node["inputs"].items():
            known = self._known.get(str(value[0]), "loop") if is_link(value) else ""
            inputs[name] = ["link", known, value[1]] if is_link(value) else self._describe_value(value)
        # What a node says of files it reads (fingerprint_inputs, IS_CHANGED), as ComfyUI's cache counts it.
        return hash_json([node["class_type"], inputs, to_json(self.state(node))])


def hash_cell(
    settings: Settings, shared: Mapping[str, Any], identity: FileIdentity, sources: Mapping[str, Any] | None = None
) -> str:
    """The key of a cell, 64 hexadecimal digits. shared: what all cells have in common, see `describe_shared`. sources:
    by model, clip and vae, what stays of the graph where a file of an axis takes the place of the loader's."""
    parts, values = dict(shared), settings.values()
    for name in [*(BY_SAMPLER if "sampler" in parts else ()), *(BY_SIGMAS if "sigmas" in parts else ())]:
        del values[name]  # the connected one counts
    if settings.checkpoint is not None:  # it brings its own
        for name in MODELS:
            parts.pop(name, None)
    brought = {"model": settings.diffusion_model, "clip": settings.text_encoder, "vae": settings.vae}
    for name in (name for name, file in brought.items() if file is not None):
        parts[name] = (sources or {})[name]
    loras = settings.lora if isinstance(settings.lora, tuple) else (settings.lora,)
    files = [settings.checkpoint, *(lora.name if lora else None for lora in loras)]
    files += files_of(tuple(brought.values()))
    return hash_json([VERSION, values, parts, [identity(file) if file else None for file in files]])


def describe_shared(upstream: Upstream, node_id: str, latent: Mapping[str, Any], **optional: Any) -> dict[str, Any]:
    """What all cells of a sweep have in common, as JSON. optional: control, sampler and sigmas; None if unconnected.

    The content of sigmas counts. A control counts by graph and by its hints, a sampler by graph.
    """
    parts: dict[str, Any] = {name: upstream.hash_input(node_id, name) for name in MODELS}
    parts["latent"] = to_json(latent)
    for name, value in optional.items():
        if value is not None:
            graph = None if name == "sigmas" else upstream.hash_input(node_id, name)
            parts[name] = [graph, to_json(value)]
    return parts
