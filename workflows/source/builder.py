"""Writes ComfyUI workflow JSON (format 0.4) from a short description, as the frontend itself saves it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .notes import height_of_note
from .sizes import PREVIEW, has_control, height_of, is_folded, is_widget, kind_of_widget, least_height_of

NAMESPACE = uuid.UUID("6a0f6a52-6a39-4d0f-9a3c-2f6f0c1b7d55")
WIDTH = 280  # of a node that is given no size
NOTE = 268  # of a note in a column of its own: that of the groups above and below it
GROUP_COLOR = "#3f789e"
# Notes, prompts and negative prompts, as in the templates that come with ComfyUI.
BROWN = {"color": "#432", "bgcolor": "#653"}
GREEN = {"color": "#232", "bgcolor": "#353"}
RED = {"color": "#322", "bgcolor": "#533"}
MODEL_FILE = ".safetensors"  # that the server which lists the choices may not have
CODE = re.compile(r"`([^`]+)`")
CORE = {"cnr_id": "comfy-core", "ver": "0.3.75"}


@dataclass(frozen=True)
class Output:
    """One output of a node in the graph: the input of another node.

    value: where it is an input of a subgraph, what its widget shows.
    """

    node: Node
    slot: int
    value: Any = None

    @property
    def kind(self) -> str:
        """The type of what it gives."""
        return self.node.data["outputs"][self.slot]["type"]


@dataclass
class Node:
    """A node in the graph, as the workflow file holds it, and the names of its outputs.

    least: the height that the classic renderer needs, of a node without a picture. Its size is what Nodes 2.0 needs.
    """

    data: dict[str, Any]
    names: list[str] = field(default_factory=list)
    least: int | None = None

    def __getitem__(self, key: int | str) -> Output:
        """An output by its number or its name."""
        return Output(self, key if isinstance(key, int) else self.names.index(key))

    def with_model(self, name: str, url: str, directory: str) -> Node:
        """Mark the model file `name` as needed, so that the frontend offers it where the folder lacks it."""
        self.data["properties"].setdefault("models", []).append({"name": name, "url": url, "directory": directory})
        return self


class Part(Protocol):
    """A subgraph that nodes of a workflow stand for: see subgraph.SubgraphBuilder."""

    called: str
    first: int
    nodes: list[dict[str, Any]]
    entries: list[dict[str, Any]]
    exits: list[dict[str, Any]]
    values: list[Any]

    @property
    def id(self) -> str:
        """The type of its nodes."""
        ...

    def height(self, *, least: bool = False) -> int:
        """Of its nodes below the title, in pixels. least: in the classic renderer."""
        ...

    def properties(self) -> dict[str, Any]:
        """Of its nodes."""
        ...

    def slots(self) -> list[dict[str, Any]]:
        """The inputs of a node of it, not linked."""
        ...

    def definition(self) -> dict[str, Any]:
        """What is inside, as the workflow file holds it."""
        ...


@dataclass
class GraphBuilder:
    """A workflow under construction.

    object_info: a server's /object_info. steer: the version that Steer's nodes are marked with.
    """

    name: str
    object_info: dict[str, Any]
    steer: str
    nodes: list[dict[str, Any]] = field(default_factory=list)
    links: list[list[Any]] = field(default_factory=list)
    groups: list[dict[str, Any]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    subgraphs: list[Part] = field(default_factory=list)
    first: int = 1  # the id of its first node

    def node(
        self,
        kind: str,
        /,
        at: tuple[int, int] = (0, 0),
        size: tuple[int, int] | None = None,
        *,
        called: str | None = None,
        more: int = 0,
        colors: dict[str, str] | None = None,
        **values: Any,
    ) -> Node:
        """Add a node; layout.lay_out gives it a place.

        kind: the node's id. called: its title. more: pixels of height above what its widgets need: for a picture, or a
        longer text. colors: GREEN or RED. values: widget values by input id, or Outputs of earlier nodes to link.

        Raises:
            KeyError: there is no node of that kind.
            ValueError: the node has no input for a value, or the value is not one of its choices.
        """
        info = self.object_info[kind]
        data = self._base(kind, at, size or (WIDTH, _height(info) + more), called)
        data.update(colors or {})
        self.nodes.append(data)
        data["properties"] |= self._origin(info)
        widgets: list[Any] = []
        left = dict(values)
        for name, spec in _inputs(info):
            value = left.pop(name, None)
            data["inputs"].append(self._slot(data, name, spec, value))
            if is_widget(spec):
                widgets += _widget_values(name, spec, _shown_value(spec, value))
        if left:
            raise ValueError(f"{self.name}: the node {kind} has no input named {', '.join(left)}")
        data["widgets_values"] = widgets
        names = info["output_name"]
        data["outputs"] = [
            {"name": name, "type": kind_, "links": None} for name, kind_ in zip(names, info["output"], strict=True)
        ]
        return Node(data, names, _height(info, least=True) + more if more < PREVIEW and size is None else None)

    def note(self, text: str, title: str = "Note", width: int = NOTE) -> Node:
        """Add a MarkdownNote. width: that it will have, for its height.

        Names and values in backticks become italic: the frontends 1.32 and 1.45 write code dark on dark.
        """
        data = self._base("MarkdownNote", (0, 0), (width, height_of_note(text, width)), title)
        del data["properties"]["Node name for S&R"]
        data |= {"widgets_values": [CODE.sub(r"*\1*", text.strip()) + "\n"]} | BROWN
        self.nodes.append(data)
        return Node(data)

    def subgraph(
        self,
        part: Part,
        links: Mapping[str, Output],
        *,
        called: str = "",
        more: int = 0,
        colors: dict[str, str] | None = None,
    ) -> Node:
        """Add a node that stands for a subgraph; a second one of the same subgraph is another instance.

        called: its title; the subgraph's name if empty. links: its inputs; those that are widgets may be left out.

        Raises:
            ValueError: the subgraph has no input for a link.
        """
        if unknown := set(links) - {entry["name"] for entry in part.entries}:
            raise ValueError(f"{self.name}: the subgraph {part.called} has no input named {', '.join(unknown)}")
        if part not in self.subgraphs:
            self.subgraphs.append(part)
        data = self._base(part.id, (0, 0), (WIDTH, part.height() + more), called or part.called)
        data.update(colors or {})
        self.nodes.append(data)
        data["properties"] = part.properties()
        data["inputs"] = part.slots()
        for number, slot in enumerate(data["inputs"]):
            if slot["name"] in links:
                self._link(data, number, slot, links[slot["name"]])
        data["outputs"] = [{"name": each["name"], "type": each["type"], "links": None} for each in part.exits]
        data["widgets_values"] = list(part.values)
        least = part.height(least=True) + more if more < PREVIEW else None
        return Node(data, [each["name"] for each in part.exits], least)

    def group(self, title: str, at: tuple[int, int], size: tuple[int, int]) -> None:
        """Add a group: a box with a title behind the nodes."""
        self.groups.append(
            {
                "id": len(self.groups) + 1,
                "title": title,
                "bounding": [*at, *size],
                "color": GROUP_COLOR,
                "font_size": 20,  # what the frontend 1.45 takes in any case
                "flags": {},
            }
        )

    def app(self, widgets: Sequence[tuple[Node, str]], pictures: Sequence[Node]) -> None:
        """What the graph shows in ComfyUI's app mode: widgets by their nodes and names, and the nodes with pictures.

        Frontends from about 1.40 know it. The graph opens as a graph; "App mode" in its menu shows the app. A widget
        that is only called "value" gets the title of its node as its label.
        """
        for node, name in widgets:
            slot = next(slot for slot in node.data["inputs"] if slot["name"] == name)
            if name == "value":
                slot["label"] = node.data["title"]
        self.extra["linearData"] = {
            "inputs": [[str(node.data["id"]), name] for node, name in widgets],
            "outputs": [str(node.data["id"]) for node in pictures],
        }

    def to_json(self) -> dict[str, Any]:
        """The workflow as the frontend saves it."""
        parts = [part.definition() for part in self.subgraphs]
        return {
            "id": str(uuid.uuid5(NAMESPACE, self.name)),
            "revision": 0,
            "last_node_id": max([len(self.nodes), *(part.first + len(part.nodes) - 1 for part in self.subgraphs)]),
            "last_link_id": len(self.links),
            "nodes": self.nodes,
            "links": self.links,
            "groups": self.groups,
            **({"definitions": {"subgraphs": parts}} if parts else {}),
            "config": {},
            "extra": self.extra,
            "version": 0.4,
        }

    def _base(self, kind: str, at: tuple[int, int], size: tuple[int, int], title: str | None) -> dict[str, Any]:
        number = self.first + len(self.nodes)
        data: dict[str, Any] = {
            "id": number,
            "type": kind,
            "pos": list(at),
            "size": list(size),
            "flags": {},
            "order": number - self.first,
            "mode": 0,
            "inputs": [],
            "outputs": [],
            "properties": {"Node name for S&R": kind},
        }
        if title:
            data["title"] = title
        return data

    def _origin(self, info: dict[str, Any]) -> dict[str, str]:
        if info["python_module"].startswith("custom_nodes."):
            return {"cnr_id": "steer", "ver": self.steer}
        return CORE

    def _slot(self, data: dict[str, Any], name: str, spec: list[Any], value: Any) -> dict[str, Any]:
        kind = "COMBO" if isinstance(spec[0], list) else spec[0]
        slot: dict[str, Any] = {"name": name, "type": kind, "link": None}
        if is_widget(spec):
            slot["widget"] = {"name": name}
        if isinstance(value, Output):
            self._link(data, len(data["inputs"]), slot, value)
        elif value is not None and not is_widget(spec):
            raise ValueError(f"{self.name}: {data['type']}.{name} takes a link, not the value {value!r}")
        return slot

    def _link(self, data: dict[str, Any], number: int, slot: dict[str, Any], source: Output) -> None:
        """Join an output to the input `slot` of the node `data`, which is its input `number`."""
        link = slot["link"] = len(self.links) + 1
        output = source.node.data["outputs"][source.slot]
        output["links"] = [*(output["links"] or []), link]
        self.links.append([link, source.node.data["id"], source.slot, data["id"], number, output["type"]])


def _inputs(info: dict[str, Any]) -> list[tuple[str, list[Any]]]:
    """All inputs in the frontend's order of slots: sockets first, then widgets."""
    found = [(name, spec) for part in ("required", "optional") for name, spec in info["input"].get(part, {}).items()]
    return sorted(found, key=lambda entry: is_widget(entry[1]))


def _height(info: dict[str, Any], *, least: bool = False) -> int:
    inputs = _inputs(info)
    widgets = [(name, spec) for name, spec in inputs if is_widget(spec)]
    in_sight = [(name, spec) for name, spec in widgets if least or not is_folded(spec)]  # classic folds nothing away
    sockets = max(len(inputs) - len(widgets), len(info["output"]))
    kinds = [kind_of_widget(spec) for _, spec in in_sight]
    controls = sum(has_control(name, spec) for name, spec in in_sight)
    if least:
        return least_height_of(sockets, kinds, controls)
    folded = [kind_of_widget(spec) for _, spec in widgets if is_folded(spec)]
    return height_of(sockets, kinds, controls, folded=folded, pack=info["python_module"].startswith("custom_nodes."))


def _shown_value(spec: list[Any], value: Any) -> Any:
    """What a widget shows. A text that comes by a link shows nothing: its default would look as if it was in use."""
    if not isinstance(value, Output):
        return value
    return "" if value.value is None and spec[0] == "STRING" else value.value


def _widget_values(name: str, spec: list[Any], value: Any) -> list[Any]:
    options = spec[1] if len(spec) > 1 else {}
    choices = spec[0] if isinstance(spec[0], list) else options.get("options")
    if value is None:
        value = options.get("default", choices[0] if choices else "")
    if choices and value not in choices and not str(value).endswith(MODEL_FILE):
        raise ValueError(f"'{value}' is not one of the choices of '{name}': {', '.join(map(str, choices))}")
    values = [value]
    if has_control(name, spec):
        values.append("fixed")
    if options.get("image_upload"):
        values.append("image")
    return values
