"""The plan of a graph's sweep: its axes, its cells with their keys, and the order in which they are made."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ...axis import Axis
from ...choices import NUMBER, TEXT
from ...text.printable import printable
from ..folder.manifest import AxisRecord, CellPlan, Grid
from ..plan.cell_key import FileIdentity, NodeState, Upstream, hash_json
from ..plan.cells import check_count, name_axis, number_labels
from .order import order_axes
from .prompts import (
    GRAPH_KIND,
    KEPT,
    VALUE_KIND,
    Json,
    Link,
    Prompt,
    ValueNode,
    axis_links,
    cell_prompt,
    find_descendants,
    find_makers,
    kept_links,
    users_of,
    value_nodes,
)
from .targets import Target
from .values import CellValues

VERSION = 1  # of the keys: raise it when the same graph begins to make other pictures


@dataclass(frozen=True)
class GraphCell:
    """A picture of a sweep. at: its place on each axis. labels: one an axis. name: those that vary. key: see key_of."""

    at: tuple[int, ...]
    labels: tuple[str, ...]
    key: str
    name: tuple[str, ...]

    @property
    def title(self) -> str:
        """The name as messages write it: "angry x seed 3"."""
        return " x ".join(self.name) or "the only one"


@dataclass(frozen=True)
class GraphAxes:
    """What varies in a graph. links: where the axes come from, in their order. nodes: the Sweep Values.

    targets: of each used output of a Sweep Value the inputs that it goes into. behind: the nodes that each axis
    changes.
    """

    graph_id: str
    makers: frozenset[str]
    nodes: tuple[ValueNode, ...]
    links: tuple[Link, ...]
    targets: Mapping[Link, tuple[Target, ...]]
    behind: tuple[frozenset[str], ...]


def read_axes(prompt: Prompt, graph_id: str, read_target: Callable[[Prompt, str, str], Target]) -> GraphAxes:
    """What varies in what feeds a Sweep Graph.

    Raises:
        ValueError: nothing varies, or a Sweep Value is wired so that it cannot count.
    """
    if not kept_links(prompt[graph_id]):
        raise ValueError("images: nothing is connected. Connect the pictures that each cell shall keep.")
    makers = find_makers(prompt, graph_id)
    if graph_id in makers:
        raise ValueError("images: they come from this Sweep Graph itself. Take the loop apart.")
    _check_place(prompt, graph_id, makers)
    nodes = value_nodes(prompt, makers)
    if not nodes:
        raise ValueError(
            "images: no Sweep Value feeds them, so nothing varies. Add one, connect an axis to it, such as Seeds, and "
            "wire it to the widget that shall vary."
        )
    links = axis_links(prompt, graph_id, nodes)
    inside = {*makers, graph_id}
    targets: dict[Link, tuple[Target, ...]] = {}
    for node in nodes:
        for output in range(3):
            users = users_of(prompt, inside, (node.node_id, output))
            users = [
                (i, name)
                for i, name in users
                if prompt[i]["class_type"] != VALUE_KIND and (i != graph_id or name in KEPT)
            ]
            if users:
                targets[node.node_id, output] = tuple(read_target(prompt, i, name) for i, name in users)
    behind = [
        frozenset(find_descendants(prompt, [node.node_id for node in nodes if node.axis == link]) & makers)
        for link in links
    ]
    return GraphAxes(graph_id, frozenset(makers), tuple(nodes), tuple(links), targets, tuple(behind))


def _check_place(prompt: Prompt, graph_id: str, makers: Collection[str]) -> None:
    """Raises ValueError for a Sweep Value that no Sweep Graph can count."""
    graphs = [i for i, node in prompt.items() if node["class_type"] == GRAPH_KIND]
    counted = {i for graph in graphs for i in find_makers(prompt, graph)}
    behind = find_descendants(prompt, graphs) - set(graphs)
    used = {source for node in prompt.values() for source in _sources(node)}
    for node_id, node in prompt.items():
        if node["class_type"] != VALUE_KIND or node_id in counted:
            continue
        users = {user for user, user_node in prompt.items() if node_id in _sources(user_node)}
        if users & set(graphs):
            raise ValueError(
                f"value: the Sweep Value (node {node_id}) goes into a widget of a Sweep Graph, which is the same for "
                "all cells. Write it there, and wire the value to what makes the pictures."
            )
        if find_descendants(prompt, [node_id]) & behind:
            raise ValueError(
                f"images: the Sweep Value (node {node_id}) lies behind a Sweep Graph, so it changes nothing that is "
                "kept. Take its axis from before the Sweep Graph, or give it a Sweep Graph of its own."
            )
        if node_id not in used:
            raise ValueError(
                f"value: the Sweep Value (node {node_id}) is wired to nothing. Wire its value to a widget, or remove "
                "it."
            )
    inner = [i for i in makers if prompt[i]["class_type"] == GRAPH_KIND]
    if inner:
        raise ValueError(
            f"images: another Sweep Graph (node {inner[0]}) feeds them, and a sweep within a sweep has no cells of its "
            "own. Connect its pictures by Load Cells."
        )


def _sources(node: Mapping[str, Any]) -> list[str]:
    return [str(value[0]) for value in node["inputs"].values() if isinstance(value, list) and len(value) == 2]


@dataclass(frozen=True)
class GraphPlan:
    """A sweep of a graph that can be made.

    prompt: the API prompt of the run. axes: with their names and labels as shown. order: the axes, the outermost
    first. cells: as they are made. grid: as the manifest records them.
    """

    prompt: Prompt
    graph: GraphAxes
    values: CellValues
    axes: tuple[Axis, ...]
    order: tuple[int, ...]
    cells: tuple[GraphCell, ...]
    grid: Grid

    def prompt_of(self, cell: GraphCell, own: Mapping[str, Any]) -> Json:
        """The prompt of one cell, with literals in the place of the Sweep Values. own: the Sweep Graph's widgets."""
        return cell_prompt(self.prompt, self.graph.graph_id, self.values.given(cell.at), own)

    def find(self, at: Sequence[int]) -> GraphCell:
        """The cell at a place on the axes."""
        return self._by_place[tuple(at)]

    @cached_property
    def _by_place(self) -> dict[tuple[int, ...], GraphCell]:
        return {cell.at: cell for cell in self.cells}

    def indices(self, cell: GraphCell) -> dict[str, int]:
        """The place of each Sweep Value on its axis, for its widget `index`."""
        return {node.node_id: cell.at[self.graph.links.index(node.axis)] for node in self.graph.nodes}


def plan_graph(
    prompt: Prompt,
    graph: GraphAxes,
    axes: Sequence[Axis],
    title: str,
    max_cells: int,
    identity: FileIdentity,
    state: NodeState,
    costs: Mapping[str, float],
) -> GraphPlan:
    """Check a sweep and plan its cells.

    axes: those of graph.links. identity, state: as for cell_key.Upstream. costs: of a run of each node.

    Raises:
        ValueError: an axis cannot go where it is wired, or there are more than max_cells cells.
    """
    check_count(axes, max_cells)
    named = number_labels([_name(axis, link, graph) for axis, link in zip(axes, graph.links, strict=True)])
    values = CellValues(prompt, graph.nodes, dict(zip(graph.links, axes, strict=True)), graph.links, graph.targets)
    order = order_axes([len(axis) for axis in axes], graph.behind, costs)
    varying = [i for i, axis in enumerate(named) if len(axis) > 1] or list(range(len(named)))
    states = _Remembered(state)
    cells = []
    for places in itertools.product(*(range(len(named[i])) for i in order)):
        at = tuple(place for _, place in sorted(zip(order, places, strict=True)))
        key = key_of(cell_prompt(prompt, graph.graph_id, values.given(at), {}), graph.graph_id, identity, states)
        labels = tuple(axis.labels[i] for axis, i in zip(named, at, strict=True))
        cells.append(GraphCell(at, labels, key, tuple(labels[i] for i in varying)))
    _check_alike(cells)
    records = tuple(
        AxisRecord(axis.name, axis.labels, name_axis(prompt.get(link[0])))
        for axis, link in zip(named, graph.links, strict=True)
    )
    grid = Grid(title, records, tuple(CellPlan(cell.key, cell.at, cell.labels) for cell in cells))
    return GraphPlan(prompt, graph, values, tuple(named), order, tuple(cells), grid)


def key_of(prompt: Prompt, graph_id: str, identity: FileIdentity, state: NodeState) -> str:
    """The key of a cell, 64 hexadecimal digits: a hash of all nodes that make its pictures, and of nothing else.

    Nodes count by their kind, their values, the files these name, and what they say of files that they read; where
    they stand and what they are called do not count.
    """
    upstream = Upstream(prompt.get, identity, state)
    kept = sorted(kept_links(prompt[graph_id]))
    return hash_json(["graph", VERSION, {name: upstream.hash_input(graph_id, name) for name in kept}])


def hash_of_graph(prompt: Prompt, graph: GraphAxes, seeds: Collection[tuple[str, str]]) -> str:
    """A hash of the graph whatever its axes hold, with these seeds left out: by node id and input."""

    def get_node(node_id: str) -> Mapping[str, Any] | None:
        node = prompt.get(node_id)
        if node is None or node["class_type"] == VALUE_KIND:
            return {"class_type": VALUE_KIND, "inputs": {"number": sorted(values).index(node_id)}} if node else None
        left_out = {name for i, name in seeds if i == node_id}
        return {**node, "inputs": {name: value for name, value in node["inputs"].items() if name not in left_out}}

    values = {node.node_id for node in graph.nodes}
    upstream = Upstream(get_node, lambda name: None, lambda node: None)
    kept = sorted(kept_links(prompt[graph.graph_id]))
    return hash_json([{name: upstream.hash_input(graph.graph_id, name) for name in kept}, sorted(seeds)])


def describe(plan: GraphPlan, missing: int) -> str:
    """What a sweep is about to do, in a line. missing: cells to make."""
    sizes = " x ".join(f"{len(axis)} ({axis.name})" for axis in plan.axes)
    lines = [f"{sizes}: {_count(len(plan.cells))}."]
    if missing < len(plan.cells):
        lines.append(f"{len(plan.cells) - missing} are there already.")
    lines.append(f"{missing} to make, each a job of the queue.")
    names = [plan.axes[i].name for i in plan.order if len(plan.axes[i]) > 1]
    if len(names) > 1:
        lines.append(f"Order: {', then '.join(names)}, the last changing fastest.")
    return " ".join(lines)


def write_plan(plan: GraphPlan) -> str:
    """The plan as JSON, for a batch that divides it among several ComfyUIs, as plan/cells.py writes it for a Sweep."""
    cells = [
        {
            "key": cell.key,
            "at": cell.at,
            "labels": cell.labels,
            "name": cell.name,
            "values": plan.values.shown(cell.at),
        }
        for cell in plan.cells
    ]
    axes = [{"name": axis.name, "labels": axis.labels} for axis in plan.axes]
    content = {"title": plan.grid.title, "axes": axes, "batches": [[cell] for cell in cells]}
    return json.dumps(content, ensure_ascii=False)


class _Remembered:
    """What nodes say of their files, asked once for the same node with the same values."""

    def __init__(self, state: NodeState) -> None:
        self.state, self.known = state, dict[str, Any]()

    def __call__(self, node: Mapping[str, Any]) -> Any:
        key = json.dumps([node["class_type"], node["inputs"]], sort_keys=True, default=str)
        if key not in self.known:
            self.known[key] = self.state(node)
        return self.known[key]


def _name(axis: Axis, link: Link, graph: GraphAxes) -> Axis:
    """An axis of numbers or texts is named after the first widget that it goes into."""
    if axis.name not in (NUMBER, TEXT):
        return axis
    own = [node.node_id for node in graph.nodes if node.axis == link]
    names = [target.name for (node_id, _), targets in graph.targets.items() if node_id in own for target in targets]
    name = printable(names[0]) if names else axis.name
    labels = tuple(f"{name} {label}" for label in axis.labels) if axis.name == NUMBER else axis.labels
    return replace(axis, name=name, labels=labels, parts=())


def _check_alike(cells: Sequence[GraphCell]) -> None:
    """Raises ValueError where two cells are the same picture: an axis changes nothing there."""
    seen: dict[str, GraphCell] = {}
    for cell in cells:
        other = seen.setdefault(cell.key, cell)
        if other is not cell:
            raise ValueError(
                f"axis: '{cell.title}' and '{other.title}' are the same picture. A value is there twice, or its widget "
                "takes both for one. Remove one of them."
            )


def _count(number: int) -> str:
    return f"{number:,} {'cell' if number == 1 else 'cells'}"
