"""How many wires of a graph cross: each is drawn as a curve, and two that leave one output are one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Any

PIECES = 25  # straight ones that stand for a curve
BEND = 0.25  # how far a curve leaves its end level, in shares of the distance of both: as the frontend draws it
# The output that each wire begins at, and both ends, in units of the graph.
WIRES = """() => app.graph._nodes.flatMap(node => (node.inputs || []).flatMap((input, i) => {
    const links = app.graph.links, link = links.get ? links.get(input.link) : links[input.link];
    const origin = link && app.graph.getNodeById(link.origin_id);
    if (!origin) return [];
    const [x0, y0] = origin.getConnectionPos(false, link.origin_slot), [x1, y1] = node.getConnectionPos(true, i);
    return [{from: `${link.origin_id} ${link.origin_slot}`, ends: [x0, y0, x1, y1]}];
}))"""
Point = tuple[float, float]


def count_crossings(wires: Sequence[dict[str, Any]]) -> int:
    """How many pairs of wires cross. wires: what WIRES gives."""
    curves = [(wire["from"], _curve(*wire["ends"])) for wire in wires]
    return sum(one != other and _meet(first, second) for (one, first), (other, second) in combinations(curves, 2))


def _curve(x0: float, y0: float, x1: float, y1: float) -> list[Point]:
    """A Bezier curve that leaves to the right and arrives from the left."""
    bend = BEND * ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    points = []
    for i in range(PIECES + 1):
        t = i / PIECES
        a, b, c, d = (1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3
        points.append((a * x0 + b * (x0 + bend) + c * (x1 - bend) + d * x1, (a + b) * y0 + (c + d) * y1))
    return points


def _meet(one: list[Point], other: list[Point]) -> bool:
    return any(_cut(*piece, *another) for piece in pairwise(one) for another in pairwise(other))


def _cut(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether two straight pieces cross; those that only touch do not."""
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
