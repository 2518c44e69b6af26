"""Converts a UI workflow to the prompt that ComfyUI runs, and finds where the file holds each value of the prompt.

The converter is comfy-cli's. It alone knows the order of `widgets_values`. Each value goes in as one that remembers
its place in the file and equals the plain value in every comparison. So one conversion gives prompt and places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from .prompt import Prompt, WorkflowError
from .reading import Graph
from .ui_graph import server_nodes, subgraphs

# The keys from the top of a file down to one value, such as ("nodes", 3, "widgets_values", 0).
Place: TypeAlias = "tuple[str | int, ...]"
SEARCH_NAME = "Node name for S&R"  # the property by which the converter, unlike the frontend, looks up a node first


@dataclass(frozen=True)
class Conversion:
    """A prompt and the places of its values in the file, by node id and name of the input.

    choices: those inputs that are texts in which the frontend makes the choices of `{a|b}`. In the prompt they are as
    in the file.
    """

    prompt: Prompt
    places: Mapping[tuple[str, str], Place]
    choices: frozenset[tuple[str, str]] = frozenset()


class _Marked:
    """A value that remembers its place. value: as in the file."""

    place: Place
    value: Any

    def __deepcopy__(self, memo: object) -> _Marked:
        return self  # the converter copies the workflow first


class _Text(_Marked, str): ...


class _Whole(_Marked, int): ...


class _Real(_Marked, float): ...


class _List(_Marked, list[Any]): ...


_CARRIERS: dict[type, type[Any]] = {str: _Text, int: _Whole, bool: _Whole, float: _Real, list: _List}


def convert(graph: Graph, object_info: dict[str, Any]) -> Conversion:
    """The prompt of a UI workflow and where its values are.

    Raises:
        WorkflowError: this ComfyUI lacks a node that runs, or the graph is broken.
    """
    from comfy_cli.workflow_to_api import (  # pyright: ignore[reportMissingTypeStubs]
        WorkflowConversionError,
        convert_ui_to_api,
    )

    missing = sorted({str(node.get("type")) for node in server_nodes(graph, idle=False)} - set(object_info))
    if missing:
        raise WorkflowError(
            f"This ComfyUI has no node named {', '.join(missing)}. Is the pack it belongs to installed?"
        )
    definitions = {kind: _without_value_rules(object_info[kind]) for kind in _kinds(graph) if kind in object_info}
    try:
        converted = convert_ui_to_api(_mark(graph), definitions)
    except WorkflowConversionError as error:
        raise WorkflowError(f"The workflow cannot be read: {error}. Save it from ComfyUI again.") from error
    sent = set(object_info) | {str(each.get("id")) for each in subgraphs(graph)}
    nodes = {i: node for i, node in converted.items() if node["class_type"] in sent}  # the rest are labels and switches
    return _unmark(nodes, object_info)


def _kinds(graph: Graph) -> set[str]:
    """Every name by which the converter may look up a node."""
    nodes = [node for each in (graph, *subgraphs(graph)) for node in each.get("nodes") or [] if isinstance(node, dict)]
    names = [name for node in nodes for name in (node.get("type"), (node.get("properties") or {}).get(SEARCH_NAME))]
    return {name for name in names if isinstance(name, str)}


def _without_value_rules(definition: dict[str, Any]) -> dict[str, Any]:
    """The definition of a node, in equal words by which the converter only orders values and does not change them."""
    declared = definition.get("input") or {}
    parts = {
        part: {name: _without_value_rule(spec) for name, spec in inputs.items()} if isinstance(inputs, dict) else inputs
        for part, inputs in declared.items()
    }
    return {**definition, "input": parts}


def _without_value_rule(spec: Any) -> Any:
    if not isinstance(spec, (list, tuple)) or not spec:
        return spec
    options = {key: value for key, value in options_of(spec).items() if key != "dynamicPrompts"}
    if isinstance(spec[0], list):  # the older form of a COMBO, in which the converter replaces what differs in case
        return ["COMBO", options | {"options": spec[0]}]
    return [spec[0], options]


def options_of(spec: Any) -> dict[str, Any]:
    """The options of an input as /object_info declares it: [type, options]."""
    return spec[1] if len(spec) > 1 and isinstance(spec[1], dict) else {}


def inputs_of(definition: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Name and declaration of each input of a node of /object_info."""
    for part in ("required", "optional"):
        inputs = (definition.get("input") or {}).get(part)
        if isinstance(inputs, dict):
            yield from ((name, spec) for name, spec in inputs.items() if isinstance(spec, (list, tuple)) and spec)


def _mark(graph: Graph) -> Graph:
    """The graph with values that remember their places."""
    marked = {**graph, "nodes": _mark_nodes(graph.get("nodes"), ("nodes",))}
    definitions = graph.get("definitions")
    listed = definitions.get("subgraphs") if isinstance(definitions, dict) else None
    if isinstance(listed, list):
        inner = [
            {**each, "nodes": _mark_nodes(each.get("nodes"), ("definitions", "subgraphs", i, "nodes"))}
            if isinstance(each, dict)
            else each
            for i, each in enumerate(listed)
        ]
        marked["definitions"] = {**definitions, "subgraphs": inner}  # pyright: ignore[reportGeneralTypeIssues]
    return marked


def _mark_nodes(nodes: Any, place: Place) -> Any:
    if not isinstance(nodes, list):
        return nodes
    return [_mark_node(node, (*place, i)) if isinstance(node, dict) else node for i, node in enumerate(nodes)]


def _mark_node(node: dict[str, Any], place: Place) -> dict[str, Any]:
    place = (*place, "widgets_values")
    values = node.get("widgets_values")
    if isinstance(values, list):
        return {**node, "widgets_values": [_mark_value(value, (*place, i)) for i, value in enumerate(values)]}
    if isinstance(values, dict):
        return {**node, "widgets_values": {key: _mark_value(value, (*place, key)) for key, value in values.items()}}
    return node


def _mark_value(value: Any, place: Place) -> Any:
    if value is None:
        marked = _Text()
    elif type(value) in _CARRIERS:
        marked = _CARRIERS[type(value)](value)
    else:
        return value
    marked.value, marked.place = value, place
    return marked


def _unmark(nodes: dict[str, dict[str, Any]], object_info: dict[str, Any]) -> Conversion:
    """The prompt with plain values, their places, and which of them are texts with choices."""
    places: dict[tuple[str, str], Place] = {}
    choices: set[tuple[str, str]] = set()
    prompt: Prompt = {}
    for node_id, node in nodes.items():
        declared = dict(inputs_of(object_info.get(node["class_type"], {})))
        inputs: dict[str, Any] = {}
        for name, value in node["inputs"].items():
            content = value.get("__value__") if isinstance(value, dict) else value  # so it holds a list that is no link
            if isinstance(content, _Marked):
                places[node_id, name] = content.place
                value = value | {"__value__": content.value} if isinstance(value, dict) else content.value
            spec = declared.get(name)
            if isinstance(value, str) and spec is not None:
                if options_of(spec).get("dynamicPrompts"):
                    choices.add((node_id, name))
                value = _as_offered(value, spec)
            inputs[name] = value
        prompt[node_id] = {**node, "inputs": inputs}
    return Conversion(prompt, places, frozenset(choices))


def _as_offered(value: str, spec: Any) -> str:
    """A choice in the letters in which this ComfyUI offers it: names of files may differ in case."""
    if not isinstance(spec[0], list) or value in spec[0]:
        return value
    folded = value.lower()
    return next((each for each in spec[0] if isinstance(each, str) and each.lower() == folded), value)
