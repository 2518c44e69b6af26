"""A subgraph from a short description: a part of a workflow, or alone in a file what ComfyUI offers as a blueprint."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from .builder import NAMESPACE, GraphBuilder, Node, Output
from .sizes import NUMBER, TEXT, WIDGET_TYPES, WORDS, height_of, least_height_of

INPUT_NODE, OUTPUT_NODE = -10, -20  # the ids that ComfyUI gives to both ends of every subgraph
SLOT = 20  # pixels from one slot of an end to the next
FOOTER = 28  # pixels of the button in Nodes 2.0 that opens the subgraph


@dataclass
class SubgraphBuilder(GraphBuilder):
    """A subgraph under construction: nodes as in a workflow, and slots that lead in and out.

    about: what it is for. category: its folder in the node library. called: its name.
    """

    called: str = ""
    about: str = ""
    category: str = "Steer"
    entries: list[dict[str, Any]] = field(default_factory=list)
    exits: list[dict[str, Any]] = field(default_factory=list)
    widgets: list[str] = field(default_factory=list)  # the names of those entries that are widgets
    values: list[Any] = field(default_factory=list)  # of the widgets among the entries
    kinds: list[str] = field(default_factory=list)  # of the same widgets, as in sizes.py

    def entry(self, name: str, kind: str, value: Any = None, *, long: bool = False, socket: bool = False) -> Output:
        """An input of the subgraph. With a type of a widget it is a widget on its node, and shows `value`.

        long: the widget inside takes several lines of text. socket: it is no widget, whatever its type.
        """
        self.entries.append({"name": name, "type": kind, "links": None})
        if kind in WIDGET_TYPES and not socket:
            self.widgets.append(name)
            self.values.append(value)
            long = isinstance(value, str) and (long or "\n" in value)
            self.kinds.append(TEXT if long else WORDS if kind == "STRING" else NUMBER)
        return Output(Node({"id": INPUT_NODE, "outputs": self.entries}), len(self.entries) - 1, value)

    def exit(self, name: str, source: Output) -> None:
        """An output of the subgraph."""
        number, data = len(self.links) + 1, source.node.data
        output = data["outputs"][source.slot]
        output["links"] = [*(output["links"] or []), number]
        self.links.append([number, data["id"], source.slot, OUTPUT_NODE, len(self.exits), output["type"]])
        self.exits.append({"name": name, "type": output["type"], "links": [number]})

    @property
    def id(self) -> str:
        """The type of its nodes."""
        return str(uuid.uuid5(NAMESPACE, f"subgraph {self.name}"))

    def height(self, *, least: bool = False) -> int:
        """Of its nodes below the title, in pixels. least: in the classic renderer."""
        sockets = max(len(self.entries) - len(self.values), len(self.exits))
        return least_height_of(sockets, self.kinds) if least else height_of(sockets, self.kinds, pack=False) + FOOTER

    def properties(self) -> dict[str, Any]:
        """Of its nodes. Newer frontends show no widget that is not in the list; -1 stands for a linked one."""
        widgets = [["-1", name] for name in self.widgets]
        return {"proxyWidgets": widgets, "cnr_id": "steer", "ver": self.steer}

    def slots(self) -> list[dict[str, Any]]:
        """The inputs of a node of it, not linked."""
        return [self._slot_of(each) for each in self.entries]

    def to_json(self) -> dict[str, Any]:
        """A workflow that holds the subgraph as its only node."""
        instance = {
            "id": 1,
            "type": self.id,
            "pos": [0, 0],
            "size": [400, self.height()],
            "flags": {},
            "order": 0,
            "mode": 0,
            "title": self.called,
            "inputs": self.slots(),
            "outputs": [{"name": each["name"], "type": each["type"], "links": None} for each in self.exits],
            "properties": {"cnr_id": "steer", "ver": self.steer},
            "widgets_values": self.values,
        }
        return {
            "id": str(uuid.uuid5(NAMESPACE, f"blueprint {self.name}")),
            "revision": 0,
            "last_node_id": len(self.nodes) + 1,
            "last_link_id": len(self.links),
            "nodes": [instance],
            "links": [],
            "groups": [],
            "definitions": {"subgraphs": [self.definition()]},
            "config": {},
            "extra": {},
            "version": 0.4,
        }

    def _slot_of(self, entry: dict[str, Any]) -> dict[str, Any]:
        slot = {"name": entry["name"], "type": entry["type"], "link": None}
        return slot | {"widget": {"name": entry["name"]}} if entry["name"] in self.widgets else slot

    def definition(self) -> dict[str, Any]:
        """What is inside, as the workflow file holds it."""
        left = min(node["pos"][0] for node in self.nodes)
        right = max(node["pos"][0] + node["size"][0] for node in self.nodes)
        top = min(node["pos"][1] for node in self.nodes)
        links = [
            {"id": i, "origin_id": a, "origin_slot": b, "target_id": c, "target_slot": d, "type": kind}
            for i, a, b, c, d, kind in self.links
        ]
        return {
            "id": self.id,
            "version": 1,
            "state": {
                "lastGroupId": len(self.groups),
                "lastNodeId": self.first + len(self.nodes) - 1,
                "lastLinkId": len(self.links),
                "lastRerouteId": 0,
            },
            "revision": 0,
            "config": {},
            "name": self.called,
            "category": self.category,
            "description": self.about,
            "inputNode": {"id": INPUT_NODE, "bounding": [left - 260, top, 140, 40 + SLOT * len(self.entries)]},
            "outputNode": {"id": OUTPUT_NODE, "bounding": [right + 120, top, 140, 40 + SLOT * len(self.exits)]},
            "inputs": self._ends(self.entries, "in", (left - 140, top + SLOT)),
            "outputs": self._ends(self.exits, "out", (right + 140, top + SLOT)),
            "widgets": [],
            "nodes": self.nodes,
            "groups": self.groups,
            "links": links,
            "extra": {},
        }

    def _ends(self, slots: list[dict[str, Any]], side: str, at: tuple[int, int]) -> list[dict[str, Any]]:
        return [
            {
                "id": str(uuid.uuid5(NAMESPACE, f"{self.name} {side} {each['name']}")),
                "name": each["name"],
                "type": each["type"],
                "linkIds": each["links"] or [],
                "pos": [at[0], at[1] + SLOT * number],
            }
            for number, each in enumerate(slots)
        ]
