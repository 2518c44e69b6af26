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
        drawn = drawn_node(workflow, node_id)
        moving = set(_moving_values(drawn)) if drawn is not None else set()
        for name, value in prompt[node_id]["inputs"].items():
            if isinstance(value, int) and not isinstance(value, bool) and value in moving:
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
    node = drawn_node(workflow, seed.node_id)
    values = node.get("widgets_values") if node is not None else None
    if isinstance(values, list):
        for place, old in _moving_places(values):
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
    graphs = {graph.get("id"): graph for graph in workflow.get("definitions", {}).get("subgraphs", ())}
    graph: Mapping[str, Any] | None = workflow
    node = None
    for part in node_id.split(":"):
        if graph is None:
            return None
        node = next((each for each in graph.get("nodes", ()) if str(each.get("id")) == part), None)
        graph = graphs.get(node.get("type")) if node is not None else None
    return node
