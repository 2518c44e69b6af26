"""The prompt and the workflow of a sweep with its `cell` widget set to one cell, as every picture carries them."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Sequence
from typing import Any

from ...prompt_graph import is_link
from ..choices import ON_ERROR
from .cell_widget import ASIDE, CELL, is_whole_sweep

Json = dict[str, Any]


def freeze_texts(prompt: Json, info: Json, node_id: str, cell: str) -> Json:
    """The texts for the head of a cell's picture: a prompt and a workflow that make this cell.

    prompt: the API prompt of the run. info: other texts, which stay as they are, and "workflow". cell: what the widget
    says. A workflow in which the node is not found is left out.
    """
    texts = {name: value for name, value in info.items() if name != "workflow"}
    if prompt:
        texts["prompt"] = freeze_prompt(prompt, node_id, cell)
    workflow, idle = info.get("workflow"), idle_sweeps(prompt, node_id)
    if isinstance(workflow, dict) and (frozen := freeze_workflow(workflow, node_id, cell, idle)):
        texts["workflow"] = frozen
    return texts


def list_other_sweeps(prompt: Json, node_id: str) -> list[str]:
    """The other nodes of its kind in an API prompt that are a whole sweep: their `cell` is blank."""
    kind = prompt.get(node_id, {}).get("class_type")
    alike = [name for name, node in prompt.items() if name != node_id and node["class_type"] == kind]
    return [name for name in alike if is_whole_sweep(prompt[name])]


def idle_sweeps(prompt: Json, node_id: str) -> list[str]:
    """The other whole sweeps of an API prompt that a picture of the node does not need."""
    needed, todo = set[str](), [node_id]
    while todo:
        name = todo.pop()
        if name not in needed and name in prompt:
            needed.add(name)
            todo += [value[0] for value in prompt[name]["inputs"].values() if is_link(value)]
    return [name for name in list_other_sweeps(prompt, node_id) if name not in needed]


def freeze_prompt(prompt: Json, node_id: str, cell: str) -> Json:
    """The API prompt with the node's `cell` set, and the sweeps that it does not need set aside.

    What ComfyUI's cache noted in it (is_changed) is left out: ComfyUI would believe it when the prompt is queued again.
    A prompt without such a node keeps its values.
    """
    result = {name: {key: part for key, part in node.items() if key != "is_changed"} for name, node in prompt.items()}
    cells = dict.fromkeys(idle_sweeps(prompt, node_id), ASIDE) | ({node_id: cell} if node_id in result else {})
    for name, text in cells.items():
        result[name] = result[name] | {"inputs": result[name]["inputs"] | {CELL: text}}
    return result


def freeze_workflow(workflow: Json, node_id: str, cell: str, idle: Sequence[str] = ()) -> Json | None:
    """The UI workflow with the widget of the node set; None where the node or its widget is not found in it.

    node_id: as in the API prompt, such as "12:7" for node 7 in the subgraph that node 12 is. A subgraph that is used in
    several places is copied for this one, so that the others stay as they are. idle: the sweeps to set
    aside, from `idle_sweeps`.
    """
    result = _with_cell(workflow, node_id, cell)
    return None if result is None else put_aside(result, idle)


def put_aside(workflow: Json, idle: Sequence[str]) -> Json:
    """The UI workflow with the sweeps of these nodes set aside, where they are found in it."""
    for name in idle:
        workflow = _with_cell(workflow, name, ASIDE) or workflow
    return workflow


def _with_cell(workflow: Json, node_id: str, cell: str) -> Json | None:
    result = copy.deepcopy(workflow)
    graph = result
    *path, last = node_id.split(":")
    for part in path:
        graph = _inside(result, _node(graph, part))
        if graph is None:
            return None
    node = _node(graph, last)
    return result if node is not None and _set(node, cell) else None


def _node(graph: Json, node_id: str) -> Json | None:
    return next((node for node in graph.get("nodes", ()) if str(node.get("id")) == node_id), None)


def _inside(workflow: Json, node: Json | None) -> Json | None:
    """The graph of the subgraph that `node` is, a copy of its own where others are the same."""
    graphs = workflow.get("definitions", {}).get("subgraphs", [])
    graph = next((graph for graph in graphs if node is not None and graph.get("id") == node.get("type")), None)
    if graph is None or node is None:
        return None
    everywhere = [other for each in (workflow, *graphs) for other in each.get("nodes", ())]
    if sum(other.get("type") == graph["id"] for other in everywhere) > 1:
        graph = copy.deepcopy(graph) | {"id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{graph['id']} {node['id']}"))}
        node["type"] = graph["id"]
        graphs.append(graph)
    return graph


def _set(node: Json, cell: str) -> bool:
    """Set the widget `cell`, which is blank and the last one of the node's own; False where it is not found.

    Before it stand as many as the frontend likes. Behind it, after a Run, stands the text that the frontend shows below
    the node. The search ends at `on_error`, the widget before it: a blank `negative` is never taken for it.
    """
    values, named = node.get("widgets_values"), node.get("widgets_values_named")
    if isinstance(named, dict) and CELL in named:  # what newer frontends read first
        named[CELL] = cell
    if isinstance(values, dict) and CELL in values:
        values[CELL] = cell
        return True
    if not isinstance(values, list):
        return False
    for place in reversed(range(len(values))):
        if isinstance(values[place], str) and not values[place].strip():
            values[place] = cell
            return True
        if values[place] in ON_ERROR:
            break
    return False
