"""Where the frontend draws the nodes of a graph, and what of it lies in the way of something else.

The boxes come from the page itself: the classic renderer's from its canvas, Nodes 2.0's from the elements of its nodes.
All are in units of the graph: a node is as large at every zoom.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

SETTING = "Comfy.VueNodes.Enabled"
CLASSIC, NODES_2 = "classic", "Nodes 2.0"
RENDERERS = (CLASSIC, NODES_2)
SLACK = 3.0  # pixels that nobody sees
# A loader whose model is not there is rightly red, and in newer frontends the subgraph around it.
LACKS_MODEL = "const lacksModel = n => n.properties.models || (n.subgraph?.nodes || []).some(lacksModel);"
# A node's box with its title. One that is drawn as an element may be larger than the graph knows.
MEASURE = (
    f"() => {{ {LACKS_MODEL}"
    + """
    const canvas = app.canvas.canvas.getBoundingClientRect(), {scale, offset} = app.canvas.ds;
    const elements = new Map([...document.querySelectorAll('[data-node-id]')].map(e => [e.dataset.nodeId, e]));
    const box = node => {
        const element = elements.get(String(node.id));
        if (element) {
            const {left, top, width, height} = element.getBoundingClientRect();
            return [(left - canvas.left) / scale - offset[0], (top - canvas.top) / scale - offset[1],
                    width / scale, height / scale];
        }
        const title = LiteGraph.NODE_TITLE_HEIGHT, folded = node.flags.collapsed;
        return [node.pos[0], node.pos[1] - title, folded ? node._collapsed_width || 80 : node.size[0],
                title + (folded ? 0 : node.size[1])];
    };
    return {
        nodes: app.graph._nodes.map(node => ({
            name: node.title, box: box(node), element: elements.has(String(node.id)),
            deprecated: Boolean(node.constructor.nodeData?.deprecated),
            red: Boolean(node.has_errors && !lacksModel(node)),
        })),
        groups: app.graph._groups.map(group => ({
            name: group.title, box: [...group.pos, ...group.size], title: group.titleHeight ?? 34,
        })),
    }; }"""
)


@dataclass(frozen=True)
class Box:
    """A rectangle in the graph."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height

    def common(self, other: Box) -> tuple[float, float]:
        """Width and height of what both cover; 0 or less where they are apart."""
        width = min(self.right, other.right) - max(self.left, other.left)
        return width, min(self.bottom, other.bottom) - max(self.top, other.top)


def find_faults(measured: dict[str, Any]) -> list[str]:
    """What MEASURE shows to be wrong, in words."""
    nodes = [(node["name"], Box(*node["box"])) for node in measured["nodes"]]
    groups = [(group["name"], Box(*group["box"]), group["title"]) for group in measured["groups"]]
    faults = [f"{node['name']} is deprecated" for node in measured["nodes"] if node["deprecated"]]
    faults += [f"{node['name']} is red" for node in measured["nodes"] if node["red"]]
    for (one, first), (other, second) in combinations(nodes, 2):
        width, height = first.common(second)
        if width > SLACK and height > SLACK:
            faults.append(f"{one} and {other} overlap, {width:.0f} x {height:.0f}")
    for name, box in nodes:
        for group, around, title in groups:
            faults += _faults_in_group(name, box, group, around, title)
    for (one, first, _), (other, second, _) in combinations(groups, 2):
        width, height = first.common(second)
        if width > SLACK and height > SLACK:
            faults.append(f"the groups {one} and {other} overlap, {width:.0f} x {height:.0f}")
    return faults


def _faults_in_group(name: str, box: Box, group: str, around: Box, title: float) -> list[str]:
    width, height = box.common(around)
    if width <= SLACK or height <= SLACK:
        return []
    past = {
        "the left edge": around.left - box.left,
        "the right edge": box.right - around.right,
        "the title": around.top + title - box.top,
        "the lower edge": box.bottom - around.bottom,
    }
    return [f"{name} is {by:.0f} past {edge} of the group {group}" for edge, by in past.items() if by > SLACK]
