"""A room in one-point perspective: boxes, panels and the structural edges they leave in view.

Room space: x to the right and y down, in pixels at the back wall, relative to the vanishing point; z = 1 at the
back wall, smaller towards the viewer. A point is seen at (vx + x / z, vy + y / z).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import skia

from .draw import SIZE, Color, Point, fill, linear, polygon, shade

Segment = tuple[float, float, float, float]
SHORTEST = 5.0  # pixels; what a box leaves of an edge is no line to a detector when it is shorter


def clip_segment(segment: Segment, hull: Sequence[Point]) -> tuple[float, float] | None:
    """The part t0..t1 of a segment inside a convex polygon (Cyrus-Beck), or None. Either winding."""
    x0, y0, x1, y1 = segment
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(hull, [*hull[1:], hull[0]], strict=True))
    sign = 1.0 if area > 0 else -1.0
    t0, t1 = 0.0, 1.0
    for (ax, ay), (bx, by) in zip(hull, [*hull[1:], hull[0]], strict=True):
        nx, ny = -(by - ay) * sign, (bx - ax) * sign  # inward normal
        start = (x0 - ax) * nx + (y0 - ay) * ny
        rate = (x1 - x0) * nx + (y1 - y0) * ny
        if abs(rate) < 1e-9:
            if start < 0:
                return None
            continue
        t = -start / rate
        if rate > 0:
            t0 = max(t0, t)
        else:
            t1 = min(t1, t)
    return (t0, t1) if t0 < t1 else None


def cut_segment(segment: Segment, t0: float, t1: float) -> Segment:
    """The part t0..t1 of a segment, 0..1 from its start to its end."""
    x0, y0, x1, y1 = segment
    return (x0 + (x1 - x0) * t0, y0 + (y1 - y0) * t0, x0 + (x1 - x0) * t1, y0 + (y1 - y0) * t1)


def _is_long_enough(segment: Segment) -> bool:
    return max(abs(segment[2] - segment[0]), abs(segment[3] - segment[1])) >= SHORTEST


def convex_hull(points: Sequence[Point]) -> list[Point]:
    """Andrew's monotone chain."""
    ordered = sorted(set(points))

    def half(sequence: Sequence[Point]) -> list[Point]:
        chain: list[Point] = []
        for p in sequence:
            while len(chain) > 1:
                (ax, ay), (bx, by) = chain[-2], chain[-1]
                if (bx - ax) * (p[1] - ay) - (by - ay) * (p[0] - ax) > 0:
                    break
                chain.pop()
            chain.append(p)
        return chain[:-1]

    return half(ordered) + half(ordered[::-1])


@dataclass
class Stage:
    """The canvas seen through a vanishing point, collecting the visible structural edges."""

    canvas: skia.Canvas
    vx: float
    vy: float
    segments: list[Segment] = field(default_factory=list)

    def at(self, x: float, y: float, z: float) -> Point:
        """Where a point of the room is seen, in pixels."""
        return self.vx + x / z, self.vy + y / z

    def face(self, corners: Sequence[tuple[float, float, float]], near: Color, far: Color | None = None) -> list[Point]:
        """Fill a flat quadrilateral, from `near` at its lowest edge to `far` at its highest."""
        seen = [self.at(*c) for c in corners]
        ys = [p[1] for p in seen]
        paint = fill(near) if far is None else linear((0, max(ys)), (0, min(ys) - 0.1), [near, far])
        self.canvas.drawPath(polygon(seen), paint)
        return seen

    def hide(self, outline: Sequence[Point]) -> None:
        """Remove what a convex shape covers from the edges so far."""
        left: list[Segment] = []
        for segment in self.segments:
            inside = clip_segment(segment, outline)
            if inside is None:
                left.append(segment)
            else:
                parts = cut_segment(segment, 0, inside[0]), cut_segment(segment, inside[1], 1)
                left += filter(_is_long_enough, parts)
        self.segments = left

    def outline(self, seen: Sequence[Point], closed: bool = True) -> None:
        """Add the edges along these points of the picture."""
        ring = [*seen, seen[0]] if closed else list(seen)
        self.segments += [(*a, *b) for a, b in itertools.pairwise(ring)]

    def panel(
        self, corners: Sequence[tuple[float, float, float]], color: Color, far: Color | None = None, edges: bool = True
    ) -> list[Point]:
        """Fill a flat quadrilateral and, with `edges`, hide what it covers and add its own; returns its corners."""
        seen = self.face(corners, color, far)
        if edges:
            self.hide(convex_hull(seen))
            self.outline(seen)
        return seen

    def box(
        self,
        x0: float,
        x1: float,
        y0: float,
        y1: float,
        z0: float,
        z1: float,
        front: Color,
        top: Color | None = None,
        edges: bool = True,
    ) -> None:
        """Draw a box from x0..x1, y0 (top)..y1 (bottom), z0 (near)..z1 (far): the faces turned to the viewer."""
        top = top or shade(front, 1.25)
        if edges:
            self.hide(convex_hull([self.at(x, y, z) for x in (x0, x1) for y in (y0, y1) for z in (z0, z1)]))
        faces: list[tuple[list[tuple[float, float, float]], Color]] = []
        if x0 > 0:
            faces.append(([(x0, y0, z0), (x0, y0, z1), (x0, y1, z1), (x0, y1, z0)], shade(front, 0.76)))
        if x1 < 0:
            faces.append(([(x1, y0, z0), (x1, y0, z1), (x1, y1, z1), (x1, y1, z0)], shade(front, 0.76)))
        if y0 > 0:
            faces.append(([(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)], top))
        if y1 < 0:
            faces.append(([(x0, y1, z0), (x1, y1, z0), (x1, y1, z1), (x0, y1, z1)], shade(front, 0.62)))
        faces.append(([(x0, y0, z0), (x1, y0, z0), (x1, y1, z0), (x0, y1, z0)], front))
        drawn: set[tuple[tuple[float, float, float], tuple[float, float, float]]] = set()
        for corners, color in faces:
            self.face(corners, shade(color, 0.94), shade(color, 1.04))
            for a, b in zip(corners, [*corners[1:], corners[0]], strict=True):
                key = (min(a, b), max(a, b))
                if edges and key not in drawn:
                    drawn.add(key)
                    self.segments.append((*self.at(*a), *self.at(*b)))

    def visible(self) -> list[Segment]:
        """The edges clipped to the picture."""
        last = SIZE - 1.0
        frame = [(0.0, 0.0), (last, 0.0), (last, last), (0.0, last)]
        found: list[Segment] = []
        for segment in self.segments:
            inside = clip_segment(segment, frame)
            if inside is not None:
                x0, y0, x1, y1 = (min(last, max(0.0, v)) for v in cut_segment(segment, *inside))
                if _is_long_enough((x0, y0, x1, y1)):
                    found.append((x0, y0, x1, y1))
        return found
