"""A subgraph from a short description, as one node of a workflow file: what ComfyUI offers as a blueprint."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from .builder import NAMESPACE, WIDGET_TYPES, GraphBuilder, Node, Output

INPUT_NODE, OUTPUT_NODE = -10, -20  # the ids that ComfyUI gives to both ends of every subgraph
SLOT = 20  # pixels from one slot of an end to the next
ROW = 26  # pixels of a widget or a slot on the node


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
    values: list[Any] = field(default_factory=list)  # of the widgets among the entries

    def entry(self, name: str, kind: str, value: Any = None) -> Output:
        """An input of the subgraph. With a type of a widget it is a widget on its node, and shows `value`."""
        self.entries.append({"name": name, "type": kind, "links": None})
        if kind in WIDGET_TYPES:
            self.values.append(value)
        return Output(Node({"id": INPUT_NODE, "outputs": self.entries}, []), len(self.entries) - 1)

    def exit(self, name: str, source: Output) -> None:
        """An output of the subgraph."""
        number, data = len(self.links) + 1, source.node.data
        output = data["outputs"][source.slot]
        output["links"] = [*(output["links"] or []), number]
        self.links.append([number, data["id"], source.slot, OUTPUT_NODE, len(self.exits), output["type"]])
        self.exits.append({"name": name, "type": output["type"], "links": [number]})

    def to_json(self) -> dict[str, Any]:
        """A workflow that holds the subgraph as its only node."""
        instance = {
            "id": 1,
            "type": self._id(),
            "pos": [0, 0],
            "size": [400, 60 + ROW * len(self.entries)],
            "flags": {},
            "order": 0,
            "mode": 0,
            "title": self.called,
            "inputs": [self._slot_of(each) for each in self.entries],
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
            "definitions": {"subgraphs": [self._definition()]},
            "config": {},
            "extra": {},
            "version": 0.4,
        }

    def _id(self) -> str:
        return str(uuid.uuid5(NAMESPACE, f"subgraph {self.name}"))

    def _slot_of(self, entry: dict[str, Any]) -> dict[str, Any]:
        slot = {"name": entry["name"], "type": entry["type"], "link": None}
        return slot | {"widget": {"name": entry["name"]}} if entry["type"] in WIDGET_TYPES else slot

    def _definition(self) -> dict[str, Any]:
        left = min(node["pos"][0] for node in self.nodes)
        right = max(node["pos"][0] + node["size"][0] for node in self.nodes)
        top = min(node["pos"][1] for node in self.nodes)
        links = [
            {"id": i, "origin_id": a, "origin_slot": b, "target_id": c, "target_slot": d, "type": kind}
            for i, a, b, c, d, kind in self.links
        ]
        return {
            "id": self._id(),
            "version": 1,
            "state": {
                "lastGroupId": len(self.groups),
                "lastNodeId": len(self.nodes),
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
