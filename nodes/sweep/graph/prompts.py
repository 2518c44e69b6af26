"""The API prompt of a run, read and cut: Sweep Values, what feeds what, the prompt of one cell."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...prompt_graph import is_link
from ..plan.cell_widget import CELL

Json = dict[str, Any]
Prompt = Mapping[str, Mapping[str, Any]]

VALUE_KIND, GRAPH_KIND, JOIN_KIND, FILES_KIND = "SteerSweepValue", "SteerSweepGraph", "SteerJoinAxes", "SteerImageAxis"
VALUE, LABEL, IMAGE = range(3)  # the outputs of a Sweep Value
KEPT = ("images", "images_2", "images_3", "images_4", "latent")  # the lazy inputs of a Sweep Graph
AXES, AXIS, TEXT, PART, INDEX = "axes", "axis", "text", "part", "index"
JOINED = tuple(f"axis_{number}" for number in range(1, 9))
Link = tuple[str, int]
# Nodes that only hold a text: what they give is known before they run.
_TEXT_NODES = {"PrimitiveString": "value", "PrimitiveStringMultiline": "value"}


@dataclass(frozen=True)
class ValueNode:
    """A Sweep Value of a prompt. axis: the output that its axis comes from. part: from 1. text: its text or a link."""

    node_id: str
    axis: Link
    part: int
    text: Any


def links_of(node: Mapping[str, Any]) -> Iterator[tuple[str, Link]]:
    """The linked inputs of a node: each with where it comes from."""
    for name, value in node["inputs"].items():
        if is_link(value):
            yield name, (str(value[0]), int(value[1]))


def find_ancestors(prompt: Prompt, starts: Collection[str]) -> set[str]:
    """The nodes that feed `starts`, and they themselves."""
    found: set[str] = set()
    todo = list(starts)
    while todo:
        node_id = todo.pop()
        if node_id not in found and node_id in prompt:
            found.add(node_id)
            todo += [source for _, (source, _) in links_of(prompt[node_id])]
    return found


def find_descendants(prompt: Prompt, starts: Collection[str]) -> set[str]:
    """The nodes that `starts` feed, and they themselves."""
    users: dict[str, list[str]] = {}
    for node_id, node in prompt.items():
        for _, (source, _) in links_of(node):
            users.setdefault(source, []).append(node_id)
    found: set[str] = set()
    todo = list(starts)
    while todo:
        node_id = todo.pop()
        if node_id not in found:
            found.add(node_id)
            todo += users.get(node_id, [])
    return found


def kept_links(node: Mapping[str, Any]) -> dict[str, Link]:
    """Where the pictures that a Sweep Graph keeps come from, by its inputs."""
    return {name: link for name, link in links_of(node) if name in KEPT}


def find_makers(prompt: Prompt, graph_id: str) -> set[str]:
    """The nodes that make what a Sweep Graph keeps."""
    return find_ancestors(prompt, [source for source, _ in kept_links(prompt[graph_id]).values()])


def value_nodes(prompt: Prompt, nodes: Collection[str]) -> list[ValueNode]:
    """The Sweep Values among `nodes`, in the order of their numbers.

    Raises:
        ValueError: one has no axis.
    """
    found = []
    for node_id in sorted(nodes, key=in_order):
        node = prompt[node_id]
        if node["class_type"] != VALUE_KIND:
            continue
        axis = node["inputs"].get(AXIS)
        if not is_link(axis):
            raise ValueError(f"axis: the Sweep Value (node {node_id}) has none. Connect one, such as Seeds.")
        part = node["inputs"].get(PART, 1)
        found.append(ValueNode(node_id, (str(axis[0]), int(axis[1])), part, node["inputs"].get(TEXT, "")))
    return found


def in_order(node_id: str) -> tuple[Any, ...]:
    """Sorts the ids of nodes as numbers, those in subgraphs behind their subgraph."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in node_id.split(":"))


def axis_links(prompt: Prompt, graph_id: str, values: Collection[ValueNode]) -> list[Link]:
    """The outputs that axes come from, each once: those of a connected Join Axes first, in its order.

    Raises:
        ValueError: `axes` comes from another node, or holds an axis that no Sweep Value has.
    """
    used = list(dict.fromkeys(value.axis for value in values))
    first = _joined(prompt, prompt[graph_id]["inputs"].get(AXES))
    for link in first:
        if link not in used:
            raise ValueError(
                f"axes: the axis of node {link[0]} goes to no Sweep Value that feeds the images. Wire one to it, or "
                "take it out of Join Axes."
            )
    return [*first, *(link for link in used if link not in first)]


def _joined(prompt: Prompt, link: Any) -> list[Link]:
    found: list[Link] = []
    while is_link(link):
        node = prompt.get(str(link[0]))
        if node is None or node["class_type"] != JOIN_KIND:
            raise ValueError("axes: connect the output of Join Axes itself.")
        own = [tuple(node["inputs"][name]) for name in JOINED if is_link(node["inputs"].get(name))]
        found = [*((str(source), int(output)) for source, output in own), *found]
        link = node["inputs"].get(AXES)
    return list(dict.fromkeys(found))


def users_of(prompt: Prompt, nodes: Collection[str], source: Link) -> list[tuple[str, str]]:
    """The inputs of `nodes` that a link from `source` goes into."""
    return [
        (node_id, name)
        for node_id in sorted(nodes, key=in_order)
        for name, link in links_of(prompt[node_id])
        if link == source
    ]


def read_text(prompt: Prompt, value: Any) -> str | Link:
    """What is known of a text input: the text, or the Sweep Value that gives it.

    Raises:
        ValueError: it comes from a node whose text is not known before it runs.
    """
    if not is_link(value):
        return str(value or "")
    source = prompt.get(str(value[0]))
    if source is not None and source["class_type"] == VALUE_KIND and value[1] == VALUE:
        return str(value[0]), int(value[1])
    name = _TEXT_NODES.get(source["class_type"], "") if source is not None else ""
    if source is not None and isinstance(source["inputs"].get(name), str):
        return str(source["inputs"][name])
    raise ValueError(
        f"text: it comes from node {value[0]}, whose text is known only when it runs. Write the text into the Sweep "
        "Value itself."
    )


def plain_nodes(prompt: Prompt, nodes: Collection[str]) -> Json:
    """A copy of these nodes without what ComfyUI's cache noted on them: it would believe it in another run."""
    return {
        node_id: {key: dict(part) if key == "inputs" else part for key, part in node.items() if key != "is_changed"}
        for node_id, node in prompt.items()
        if node_id in nodes
    }


def cell_prompt(
    prompt: Prompt, graph_id: str, given: Mapping[Link, Mapping[tuple[str, str], Any]], own: Mapping[str, Any]
) -> Json:
    """The prompt of one cell: the Sweep Graph and what makes its pictures, with values in the place of Sweep Values.

    given: for each output of a Sweep Value, by node and input that it goes into: the literal, or the API nodes that
    give it (NodeGiver). own: the widgets of the Sweep Graph.
    """
    node = prompt[graph_id]
    kept = {name: [source, output] for name, (source, output) in kept_links(node).items()}
    top = {**{key: part for key, part in node.items() if key != "is_changed"}, "inputs": {**kept, **own}}
    result: Json = {graph_id: top}
    todo = [graph_id]
    while todo:
        node_id = todo.pop()
        inputs = result[node_id]["inputs"]
        for name, value in inputs.items():
            if not is_link(value):
                continue
            link = (str(value[0]), int(value[1]))
            if link in given:
                replacement = given[link][node_id, name]
                if isinstance(replacement, NodeGiver):
                    result.update(replacement.nodes)
                    replacement = list(replacement.link)
                inputs[name] = replacement
            elif link[0] not in result and link[0] in prompt:
                result.update(plain_nodes(prompt, [link[0]]))
                todo.append(link[0])
    return result


@dataclass(frozen=True)
class NodeGiver:
    """Nodes that give a value no widget can hold, such as a picture, and the output that has it."""

    nodes: Mapping[str, Any]
    link: Link


def closing_prompt(prompt: Prompt, graph_id: str, own: Mapping[str, Any], output_kinds: Collection[str]) -> Json:
    """The prompt of the last job of a sweep: the Sweep Graph and the outputs behind it, such as Save Image."""
    behind = find_descendants(prompt, [graph_id])
    ends = {i for i in behind if i == graph_id or prompt[i]["class_type"] in output_kinds}
    result = plain_nodes(prompt, find_ancestors(prompt, ends))
    result[graph_id]["inputs"] |= own
    return result


def set_cell(prompt: Prompt, graph_id: str, cell: str) -> Json:
    """The prompt with the widget `cell` of its Sweep Graph set."""
    result = dict(plain_nodes(prompt, prompt))
    result[graph_id]["inputs"][CELL] = cell
    return result
