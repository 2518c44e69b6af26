"""Seeds that the frontend changes after each Run: they are no part of a resume.

KSampler's seed stands on `randomize` by default. The next Run then has another seed, and a sweep that goes on would
make all cells again. So the seeds of the first Run are written into the manifest and used again.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .prompts import Json, Prompt, in_order

PRIMITIVE, ENTRY = "PrimitiveNode", "-10"  # the frontend's own node, and the inputs of a subgraph as links name them
_MOVING = {"randomize", "increment", "decrement", "increment-wrap"}


@dataclass(frozen=True)
class MovingSeed:
    """A seed of a prompt that the frontend changes after each Run."""

    node_id: str
    name: str
    value: int


def find_moving_seeds(prompt: Prompt, nodes: Collection[str], workflow: Mapping[str, Any]) -> list[MovingSeed]:
    """The seeds among `nodes` behind which the UI workflow says so. Without a workflow nothing changes them."""
    found = []
    for node_id in sorted(nodes, key=in_order):
        for name, value in prompt[node_id]["inputs"].items():
            if not isinstance(value, int) or isinstance(value, bool):
                continue
            if any(value in _moving_values(drawn) for drawn in _holders(workflow, node_id, name)):
                found.append(MovingSeed(node_id, name, value))
    return found


def with_seeds(prompt: Prompt, seeds: Sequence[MovingSeed], values: Sequence[Any]) -> Json:
    """The prompt with other values for these seeds."""
    result = dict(prompt)
    for seed, value in zip(seeds, values, strict=True):
        node = result[seed.node_id]
        result[seed.node_id] = {**node, "inputs": {**node["inputs"], seed.name: value}}
    return result


def set_drawn_seed(workflow: Mapping[str, Any], seed: MovingSeed, value: int) -> None:
    """Write another value for a seed into the UI workflow, in place, where it is found."""
    for node in _holders(workflow, seed.node_id, seed.name):
        values = node.get("widgets_values")
        if not isinstance(values, list):
            continue
        for place, old in list(_moving_places(values)):
            if old == seed.value:
                values[place] = value


def _moving_values(node: Mapping[str, Any]) -> Iterator[int]:
    values = node.get("widgets_values")
    if isinstance(values, list):
        yield from (value for _, value in _moving_places(values))


def _moving_places(values: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Place and value of each number with a word behind it that moves it on."""
    for place, (value, control) in enumerate(itertools.pairwise(values)):
        whole = isinstance(value, int) and not isinstance(value, bool)
        if whole and isinstance(control, str) and control in _MOVING:
            yield place, value


def drawn_node(workflow: Mapping[str, Any], node_id: str) -> Json | None:
    """The node of the UI workflow: "12:7" is node 7 in the subgraph that node 12 is."""
    found = _path(workflow, node_id)
    return found[-1][1] if found else None


def _path(workflow: Mapping[str, Any], node_id: str) -> list[tuple[Mapping[str, Any], Json]]:
    """The node and the subgraphs that it is in, the outermost first, each with the graph that it stands in."""
    graphs = {graph.get("id"): graph for graph in workflow.get("definitions", {}).get("subgraphs", ())}
    graph: Mapping[str, Any] | None = workflow
    found: list[tuple[Mapping[str, Any], Json]] = []
    for part in node_id.split(":"):
        node = _node(graph, part) if graph is not None else None
        if graph is None or node is None:
            return []
        found.append((graph, node))
        graph = graphs.get(node.get("type"))
    return found


def _holders(workflow: Mapping[str, Any], node_id: str, name: str) -> list[Json]:
    """The drawn nodes that may hold a widget's value: its own and the subgraphs that show it, or a Primitive.

    The frontend writes the value of a Primitive, which is none of the prompt's nodes, into the prompt.
    """
    found: list[Json] = []
    path = _path(workflow, node_id)
    while path:
        graph, node = path.pop()
        found.append(node)
        origin, slot = _origin(graph, node, name)
        primitive = _node(graph, origin)
        if primitive is not None and primitive.get("type") == PRIMITIVE:
            return [primitive]
        inputs = graph.get("inputs", ())
        if origin != ENTRY or not slot < len(inputs):
            break
        name = inputs[slot].get("name", "")
    return found


def _origin(graph: Mapping[str, Any], node: Mapping[str, Any], name: str) -> tuple[str, int]:
    """Node and output that an input of a drawn node is linked to; empty without a link."""
    link = next((each.get("link") for each in node.get("inputs") or () if each.get("name") == name), None)
    for each in graph.get("links", ()) if link is not None else ():
        if isinstance(each, list) and len(each) > 2 and each[0] == link:
            return str(each[1]), int(each[2])
        if isinstance(each, dict) and each.get("id") == link:
            return str(each.get("origin_id")), int(each.get("origin_slot", 0))
    return "", 0


def _node(graph: Mapping[str, Any], node_id: str) -> Json | None:
    return next((each for each in graph.get("nodes", ()) if str(each.get("id")) == node_id), None)
