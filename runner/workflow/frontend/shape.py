"""Whether a file has the shape of a workflow. What passes here can be read without asking at every step.

A fault names its place, such as `nodes[3].inputs[0].link`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ..prompt import WorkflowError

MAX_DEPTH = 100  # of lists in lists; JSON and Python stop somewhere above
MAX_NODES = 100_000


def check_graph(graph: dict[str, Any]) -> None:
    """Check that a workflow in UI format can be read.

    Raises:
        WorkflowError: it cannot. The message says where and why.
    """
    check_values(graph)
    _check_network(graph, "")
    for where, definition in _definitions(graph, ""):
        if not isinstance(definition.get("id"), str) or not definition["id"]:
            raise _fault(f"{where}.id", "is no text")
        _check_network(definition, f"{where}.")
        for side in ("inputs", "outputs"):
            for place, slot in _dicts(definition, side, f"{where}."):
                _check(f"{place}.name", slot.get("name"), str)
                for link_place, link in _entries(slot, "linkIds", f"{place}."):
                    _check(link_place, link, int, str)


def check_values(data: Any) -> None:
    """Check that a document is not nested too deeply and holds no number that JSON does not know.

    Raises:
        WorkflowError: it is, or does.
    """
    todo: list[tuple[Any, int]] = [(data, 0)]
    while todo:
        value, depth = todo.pop()
        if isinstance(value, float) and not math.isfinite(value):
            raise WorkflowError(f"it holds the number {value}, which no workflow has. Save it from ComfyUI again.")
        if isinstance(value, (list, dict)):
            if depth >= MAX_DEPTH:
                raise WorkflowError(f"it is nested more than {MAX_DEPTH} deep. This is no workflow of ComfyUI.")
            todo += [(each, depth + 1) for each in (value.values() if isinstance(value, dict) else value)]


def subgraphs_of(graph: dict[str, Any]) -> list[dict[str, Any]]:
    """The definitions of a checked workflow's subgraphs."""
    return [definition for _, definition in _definitions(graph, "")]


def places_of_subgraphs(graph: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """The definitions of a checked workflow's subgraphs, each with its place in the file."""
    todo: list[tuple[tuple[str | int, ...], dict[str, Any]]] = [((), graph)]
    while todo:
        place, network = todo.pop(0)
        listed = (network.get("definitions") or {}).get("subgraphs") or []
        found = [((*place, "definitions", "subgraphs", i), each) for i, each in enumerate(listed) if each is not None]
        yield from found
        todo += found


def _definitions(graph: dict[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    definitions = graph.get("definitions")
    if definitions is None:
        return
    _check(f"{prefix}definitions", definitions, dict)
    for where, definition in _dicts(definitions, "subgraphs", f"{prefix}definitions."):
        yield where, definition
        yield from _definitions(definition, f"{where}.")


def _check_network(network: dict[str, Any], prefix: str) -> None:
    """The nodes and links of a graph or a subgraph."""
    nodes = list(_dicts(network, "nodes", prefix))
    if len(nodes) > MAX_NODES:
        raise _fault(f"{prefix}nodes", f"has more than {MAX_NODES} entries")
    for where, node in nodes:
        _check_node(node, f"{where}.")
    for where, link in _entries(network, "links", prefix):
        if isinstance(link, list):
            if len(link) < 5:
                raise _fault(where, "has fewer than five entries")
            link = dict(zip(("id", "origin_id", "origin_slot", "target_id", "target_slot"), link, strict=False))
        _check(where, link, dict)
        for key in ("id", "origin_id", "target_id"):
            _check(f"{where}.{key}", link.get(key), int, str)
        for key in ("origin_slot", "target_slot"):
            _check(f"{where}.{key}", link.get(key), int)
    extra = network.get("extra")
    if isinstance(extra, dict) and extra.get("groupNodes") is not None:
        _check(f"{prefix}extra.groupNodes", extra["groupNodes"], dict)


def _check_node(node: dict[str, Any], prefix: str) -> None:
    _check(f"{prefix}type", node.get("type"), str)
    if node.get("id") is not None:
        _check(f"{prefix}id", node["id"], int, str)
    if node.get("mode") is not None:
        _check(f"{prefix}mode", node["mode"], int)
    if node.get("widgets_values") is not None:
        _check(f"{prefix}widgets_values", node["widgets_values"], list, dict)
    properties = node.get("properties")
    if properties is not None and properties != []:
        _check(f"{prefix}properties", properties, dict)
    for where, slot in _dicts(node, "inputs", prefix):
        _check(f"{where}.name", slot.get("name", ""), str)
        if slot.get("link") is not None:
            _check(f"{where}.link", slot["link"], int, str)
        if slot.get("widget") is not None:
            _check(f"{where}.widget", slot["widget"], dict)
            _check(f"{where}.widget.name", slot["widget"].get("name", ""), str)
    for where, slot in _dicts(node, "outputs", prefix):
        for place, link in _entries(slot, "links", f"{where}."):
            _check(place, link, int, str)


def _dicts(owner: dict[str, Any], key: str, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for where, entry in _entries(owner, key, prefix):
        _check(where, entry, dict)
        yield where, entry


def _entries(owner: dict[str, Any], key: str, prefix: str) -> Iterator[tuple[str, Any]]:
    """The entries of a list but for those that are null, each with its place. No list at all is an empty one."""
    listed = owner.get(key)
    if listed is None:
        return
    _check(f"{prefix}{key}", listed, list)
    yield from ((f"{prefix}{key}[{i}]", entry) for i, entry in enumerate(listed) if entry is not None)


_WORDS = {dict: "an object", list: "a list", str: "text", int: "a whole number"}


def _check(where: str, value: Any, *kinds: type) -> None:
    good = isinstance(value, kinds) and not isinstance(value, bool)
    if not good and not (int in kinds and isinstance(value, float) and value.is_integer()):
        wanted = " or ".join(_WORDS[kind] for kind in kinds)
        raise _fault(where, f"is {_name(value)}, not {wanted}")


def _name(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return str(value).lower()
    return _WORDS.get(type(value)) or "a number"


def _fault(where: str, why: str) -> WorkflowError:
    return WorkflowError(f"{where} {why}. This is no workflow as ComfyUI saves it. Save it from ComfyUI again.")
