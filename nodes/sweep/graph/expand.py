"""Nodes that a Sweep Graph adds to the run it is in: those that bring its axes, and those that make one cell."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ...prompt_graph import is_link
from ..plan.cell_widget import CELL
from .prompts import AXES, GRAPH_KIND, JOIN_KIND, JOINED, KEPT, Json, Link, Prompt, kept_links


def axes_graph(prefix: str, prompt: Prompt, graph_id: str, links: Sequence[Link], own: Mapping[str, Any]) -> Json:
    """The nodes that bring the axes of `links` to a second Sweep Graph, which plans. Its id is `prefix` + "plan"."""
    nodes: Json = {}
    last: list[Any] | None = None
    for start in range(0, len(links), len(JOINED)):
        part = links[start : start + len(JOINED)]
        inputs: Json = {name: list(link) for name, link in zip(JOINED, part, strict=False)}
        if last is not None:
            inputs[AXES] = last
        node_id = f"{prefix}axes{start // len(JOINED)}"
        nodes[node_id] = {"class_type": JOIN_KIND, "inputs": inputs}
        last = [node_id, 0]
    kept = {name: list(link) for name, link in kept_links(prompt[graph_id]).items()}
    inputs = {**kept, **own, **({AXES: last} if last is not None else {})}
    nodes[f"{prefix}plan"] = {"class_type": GRAPH_KIND, "inputs": inputs, "override_display_id": graph_id}
    return nodes


def cell_graph(prefix: str, cell: Json, prompt: Prompt, graph_id: str, changed: Collection[str]) -> Json:
    """The nodes that make one cell in this run: copies of those that its values change, linked to all others.

    cell: the prompt of the cell. changed: the nodes behind its values. The copies show their progress on the originals.
    """
    copied = {i for i in cell if i == graph_id or i in changed or i not in prompt or _differs(cell[i], prompt[i])}

    def moved(value: Any) -> Any:
        return [f"{prefix}{value[0]}", value[1]] if is_link(value) and str(value[0]) in copied else value

    return {
        f"{prefix}{i}": {
            "class_type": cell[i]["class_type"],
            "inputs": {name: moved(value) for name, value in cell[i]["inputs"].items()},
            "override_display_id": i if i in prompt else graph_id,
        }
        for i in copied
    }


def _differs(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one["class_type"] != other["class_type"] or one["inputs"] != other["inputs"]


def gather(get_node: Callable[[str], Mapping[str, Any]], name: Callable[[str], str], node_id: str) -> Json:
    """The prompt of a node as it runs, with added nodes under the names of those that they stand for."""
    result: Json = {}
    todo, seen = [node_id], {node_id}
    while todo:
        current = todo.pop()
        node = get_node(current)
        inputs: Json = {}
        for key, value in node["inputs"].items():
            if is_link(value) and current == node_id and key not in KEPT:
                continue
            inputs[key] = [name(str(value[0])), value[1]] if is_link(value) else value
            if is_link(value) and str(value[0]) not in seen:
                seen.add(str(value[0]))
                todo.append(str(value[0]))
        result[name(current)] = {"class_type": node["class_type"], "inputs": inputs}
        if "_meta" in node:
            result[name(current)]["_meta"] = node["_meta"]
    return result


def set_widget(prompt: Json, node_id: str, text: str) -> Json:
    """The prompt with the widget `cell` of its Sweep Graph set."""
    node = prompt[node_id]
    return {**prompt, node_id: {**node, "inputs": {**node["inputs"], CELL: text}}}
