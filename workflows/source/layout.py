"""Gives the nodes of a slide their places: columns of steps, from left to right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .sizes import PREVIEW, TITLE

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node

HEAD, PAD = 40, 10  # pixels of a group around its nodes: above with its title, and at the other sides
NARROW, WIDE = 248, 796  # the columns of a slide: three, and the last. At 1920 x 1080 its picture is 600 pixels wide
BESIDE = 504  # pixels of width of a node in the last column, beside another of 280
BESIDE_PICTURE = 15  # pixels of a node's width that its picture leaves free
CAPTION = 14  # pixels of height below a picture, with its size
REPORT = 64  # of a node for the words that it shows after Run
SHEET = 256  # pixels of the sheet that grows on a Sweep
GAP = 12  # from one group to the next, and from node to node
AIR = 36  # more at most between the nodes of a step that has height to spare


@dataclass(frozen=True)
class Row:
    """Nodes beside one another, all as high as the highest. The last one takes what is left of the width."""

    nodes: Sequence[Node]


@dataclass(frozen=True)
class Blank:
    """Room below a node that grows when it has run: Nodes 2.0 gives height ahead of that to its texts."""

    height: int


@dataclass(frozen=True)
class Step:
    """A group with a title around nodes and rows."""

    title: str
    items: Sequence[Node | Row | Blank]


@dataclass(frozen=True)
class Column:
    """Steps, and single nodes and rows of them, below one another.

    width: of the nodes in its steps. The steps share the height that is left.
    """

    width: int
    items: Sequence[Node | Row | Step]


def room_for(shape: float, width: int = WIDE) -> int:
    """Pixels of height of a node for its picture, above what its widgets need.

    The first Nodes 2.0 (frontend 1.32) give a picture the width of its node, and let it push down what is below.

    shape: height over width of the picture. width: of the node.
    """
    return max(PREVIEW, math.ceil((width - BESIDE_PICTURE) * shape) + CAPTION)


def lay_out(graph: GraphBuilder, *columns: Column) -> None:
    """Place all nodes that the columns hold, and draw their groups. All columns become as high as the highest."""
    height = max(map(_height_of_column, columns))
    left = 0
    for each in columns:
        spare = height - _height_of_column(each)
        steps = sum(isinstance(item, Step) for item in each.items)
        share = spare // steps if steps else 0
        apart = 0 if steps or len(each.items) == 1 else spare // (len(each.items) - 1)
        top = 0
        for item in each.items:
            if isinstance(item, Step):
                tall = _height_of_step(item) + share  # also room for what grows after Run
                graph.group(item.title, at=(left, top), size=(each.width + 2 * PAD, tall))
                _place_step(item, left + PAD, top + HEAD, each.width, min(AIR, share // len(item.items)))
            else:
                tall = _height_of_item(item)
                _place_item(item, left, top, each.width + 2 * PAD)
            top += tall + GAP + apart
        left += each.width + 2 * PAD + GAP


def _place_step(step: Step, left: int, top: int, width: int, air: int) -> None:
    for item in step.items:
        tall = _height_of_item(item)
        if not isinstance(item, Blank):
            _place_item(item, left, top, width)
        top += tall + GAP + air


def _place_item(item: Node | Row, left: int, top: int, width: int) -> None:
    if isinstance(item, Row):
        _place_row(item, left, top, width, _height_of_item(item))
    else:
        _place(item, left, top, width)


def _place_row(row: Row, left: int, top: int, width: int, tall: int) -> None:
    for i, node in enumerate(row.nodes):
        own = node.data["size"][0] if i < len(row.nodes) - 1 else width
        node.data["size"][1], node.least = tall - TITLE, None
        _place(node, left, top, own)
        left, width = left + own + GAP, width - own - GAP


def _place(node: Node, left: int, top: int, width: int) -> None:
    """Nodes 2.0 enlarges a node to what it needs: the room for that is left below, but for pictures."""
    data: dict[str, Any] = node.data
    tall = data["size"][1] if node.least is None else min(node.least, data["size"][1])
    data["pos"], data["size"] = [left, top + TITLE], [width, tall]


def _height_of_column(column: Column) -> int:
    heights = [_height_of_step(each) if isinstance(each, Step) else _height_of_item(each) for each in column.items]
    return sum(heights) + GAP * (len(heights) - 1)


def _height_of_step(step: Step) -> int:
    return HEAD + sum(map(_height_of_item, step.items)) + GAP * (len(step.items) - 1) + PAD


def _height_of_item(item: Node | Row | Blank) -> int:
    if isinstance(item, Blank):
        return item.height
    nodes = item.nodes if isinstance(item, Row) else (item,)
    return TITLE + max(node.data["size"][1] for node in nodes)
