"""The UI workflow set to one cell, as each picture of a Sweep Graph carries it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..plan.freeze import freeze_workflow, idle_sweeps
from .prompts import Json
from .seeds import MovingSeed, drawn_node, set_drawn_seed


def frozen_workflow(
    info: Mapping[str, Any],
    graph_id: str,
    cell: str,
    indices: Mapping[str, int],
    seeds: Sequence[tuple[MovingSeed, int]],
    prompt: Json,
) -> Json:
    """The texts for the head of a picture without its prompt: the workflow opens as this cell.

    info: what the frontend sends. indices: of each Sweep Value the place on its axis. seeds: those that were replaced,
    each with the one that made the picture. A workflow in which the Sweep Graph is not found is left out.
    """
    texts = {name: value for name, value in info.items() if name not in ("workflow", "prompt")}
    workflow = info.get("workflow")
    if not isinstance(workflow, dict):
        return texts
    frozen = freeze_workflow(workflow, graph_id, cell, idle_sweeps(prompt, graph_id))
    if frozen is None:
        return texts
    for node_id, place in indices.items():
        node = drawn_node(frozen, node_id)
        if node is not None:
            _set_index(node, place)
    for seed, value in seeds:
        set_drawn_seed(frozen, seed, value)
    return {**texts, "workflow": frozen}


def _set_index(node: Json, place: int) -> None:
    """Set the widget `index` of a Sweep Value, the first number among its widgets."""
    values, named = node.get("widgets_values"), node.get("widgets_values_named")
    if isinstance(named, dict) and "index" in named:
        named["index"] = place
    if isinstance(values, dict):
        values["index"] = place
    elif isinstance(values, list):
        for number, value in enumerate(values):
            if isinstance(value, int) and not isinstance(value, bool):
                values[number] = place
                return
