"""Writes ComfyUI workflow JSON (format 0.4) from a short description, as the frontend itself saves it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

NAMESPACE = uuid.UUID("6a0f6a52-6a39-4d0f-9a3c-2f6f0c1b7d55")
WIDGET_TYPES = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
FOLDED = (200, 30)  # what a folded node is unfolded to; the frontend enlarges it to what it needs
GROUP_COLOR = "#3f789e"
NOTE_COLORS = {"color": "#222", "bgcolor": "#000"}
CORE = {"cnr_id": "comfy-core", "ver": "0.3.75"}


@dataclass(frozen=True)
class Output:
    """One output of a node in the graph: the input of another node."""

    node: Node
    slot: int


@dataclass
class Node:
    """A node in the graph, as the workflow file holds it, and the names of its outputs."""

    data: dict[str, Any]
    names: list[str]

    def __getitem__(self, key: int | str) -> Output:
        """An output by its number or its name."""
        return Output(self, key if isinstance(key, int) else self.names.index(key))

    def with_model(self, name: str, url: str, directory: str) -> Node:
        """Mark the model file `name` as needed, so that the frontend offers it where the folder lacks it."""
        self.data["properties"].setdefault("models", []).append({"name": name, "url": url, "directory": directory})
        return self


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

    def node(
        self,
        kind: str,
        /,
        at: tuple[int, int],
        size: tuple[int, int] | None = None,
        *,
        called: str | None = None,
        **values: Any,
    ) -> Node:
        """Add a node; without a `size` it is folded up (plumbing).

        kind: the node's id. called: its title. values: widget values by input id, or Outputs of earlier nodes to link.

        Raises:
            KeyError: there is no node of that kind.
            ValueError: the node has no input for a value, or the value is not one of its choices.
        """
        info = self.object_info[kind]
        data = self._base(kind, at, size or FOLDED, called)
        if size is None:
            data["flags"] = {"collapsed": True}
        data["properties"] |= self._origin(info)
        widgets: list[Any] = []
        left = dict(values)
        for name, spec in _inputs(info):
            value = left.pop(name, None)
            data["inputs"].append(self._slot(data, name, spec, value))
            if _is_widget(spec):
                widgets += _widget_values(name, spec, None if isinstance(value, Output) else value)
        if left:
            raise ValueError(f"{self.name}: the node {kind} has no input named {', '.join(left)}")
        data["widgets_values"] = widgets
        names = info["output_name"]
        data["outputs"] = [
            {"name": name, "type": kind_, "links": None} for name, kind_ in zip(names, info["output"], strict=True)
        ]
        return Node(data, names)

    def note(self, text: str, at: tuple[int, int], size: tuple[int, int], title: str = "Note") -> None:
        """Add a MarkdownNote."""
        data = self._base("MarkdownNote", at, size, title)
        del data["properties"]["Node name for S&R"]
        data |= {"widgets_values": [text.strip() + "\n"]} | NOTE_COLORS

    def group(self, title: str, at: tuple[int, int], size: tuple[int, int]) -> None:
        """Add a group: a box with a title behind the nodes."""
        self.groups.append(
            {
                "id": len(self.groups) + 1,
                "title": title,
                "bounding": [*at, *size],
                "color": GROUP_COLOR,
                "font_size": 24,
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
        return {
            "id": str(uuid.uuid5(NAMESPACE, self.name)),
            "revision": 0,
            "last_node_id": len(self.nodes),
            "last_link_id": len(self.links),
            "nodes": self.nodes,
            "links": self.links,
            "groups": self.groups,
            "config": {},
            "extra": self.extra,
            "version": 0.4,
        }

    def _base(self, kind: str, at: tuple[int, int], size: tuple[int, int], title: str | None) -> dict[str, Any]:
        number = len(self.nodes) + 1
        data: dict[str, Any] = {
            "id": number,
            "type": kind,
            "pos": list(at),
            "size": list(size),
            "flags": {},
            "order": number - 1,
            "mode": 0,
            "inputs": [],
            "outputs": [],
            "properties": {"Node name for S&R": kind},
        }
        if title:
            data["title"] = title
        self.nodes.append(data)
        return data

    def _origin(self, info: dict[str, Any]) -> dict[str, str]:
        if info["python_module"].startswith("custom_nodes."):
            return {"cnr_id": "steer", "ver": self.steer}
        return CORE

    def _slot(self, data: dict[str, Any], name: str, spec: list[Any], value: Any) -> dict[str, Any]:
        kind = "COMBO" if isinstance(spec[0], list) else spec[0]
        slot: dict[str, Any] = {"name": name, "type": kind, "link": None}
        if _is_widget(spec):
            slot["widget"] = {"name": name}
        if isinstance(value, Output):
            number = len(self.links) + 1
            source = value.node.data
            slot["link"] = number
            output = source["outputs"][value.slot]
            output["links"] = [*(output["links"] or []), number]
            self.links.append([number, source["id"], value.slot, data["id"], len(data["inputs"]), output["type"]])
        elif value is not None and not _is_widget(spec):
            raise ValueError(f"{self.name}: {data['type']}.{name} takes a link, not the value {value!r}")
        return slot


def _inputs(info: dict[str, Any]) -> list[tuple[str, list[Any]]]:
    """All inputs in the frontend's order of slots: sockets first, then widgets."""
    found = [(name, spec) for part in ("required", "optional") for name, spec in info["input"].get(part, {}).items()]
    return sorted(found, key=lambda entry: _is_widget(entry[1]))


def _is_widget(spec: list[Any]) -> bool:
    options = spec[1] if len(spec) > 1 else {}
    return (isinstance(spec[0], list) or spec[0] in WIDGET_TYPES) and not options.get("forceInput")


def _widget_values(name: str, spec: list[Any], value: Any) -> list[Any]:
    options = spec[1] if len(spec) > 1 else {}
    choices = spec[0] if isinstance(spec[0], list) else options.get("options")
    if value is None:
        value = options.get("default", choices[0] if choices else "")
    if choices and value not in choices:
        raise ValueError(f"'{value}' is not one of the choices of '{name}': {', '.join(map(str, choices))}")
    values = [value]
    controlled = options.get("control_after_generate")
    if controlled is None:  # the frontend goes by the name
        controlled = name in ("seed", "noise_seed") and spec[0] == "INT"
    if controlled:
        values.append("fixed")
    if options.get("image_upload"):
        values.append("image")
    return values
