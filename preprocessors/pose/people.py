"""People found in a picture, in pixels, in OpenPose's order of points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..pictures import Placement

Floats: TypeAlias = NDArray[np.float64]
BODY_POINTS, HAND_POINTS, FACE_POINTS = 18, 21, 70
WRISTS = {"right": 4, "left": 7}
ELBOWS = {"right": 3, "left": 6}
SHOULDERS = {"right": 2, "left": 5}


def nobody() -> Floats:
    return np.zeros((BODY_POINTS, 3))


@dataclass(frozen=True)
class Person:
    """One person: arrays [points, 3] of x, y (pixels) and score; a point with score 0 is absent.

    body: 18 points (pose.JOINTS). left, right: hands, 21 points each, wrist first. face: 70 points (68 and the pupils).
    A part that was not looked for or not found is None.
    """

    body: Floats = field(default_factory=nobody)
    left: Floats | None = None
    right: Floats | None = None
    face: Floats | None = None

    def placed(self, placement: Placement) -> Person:
        """The same person in pixels of a hint's canvas. Absent points stay 0, 0, 0; points outside become absent, and
        a part without a point None."""

        def move(part: Floats) -> Floats:
            moved = np.concatenate([placement.points(part[:, :2]), part[:, 2:]], axis=1)
            return inside(moved, placement.height, placement.width)

        return self.of_parts(move)

    def of_parts(self, change: Callable[[Floats], Floats]) -> Person:
        """The person with every part changed; a part without a point left is None."""
        parts = {name: None if part is None else change(part) for name, part in self.parts.items()}
        left = {name: part if part is not None and part[:, 2].any() else None for name, part in parts.items()}
        body = left.pop("body")
        return Person(nobody() if body is None else body, **left)

    @property
    def is_there(self) -> bool:
        """Whether there is any point."""
        return any(part is not None and bool(part[:, 2].any()) for part in self.parts.values())

    @property
    def parts(self) -> dict[str, Floats | None]:
        return {"body": self.body, "left": self.left, "right": self.right, "face": self.face}


def inside(points: Floats, height: int, width: int) -> Floats:
    """[N, 3] with the points outside the picture, and those without a score, set to 0, 0, 0."""
    x, y, score = points.T
    seen = (score > 0) & (x >= 0) & (y >= 0) & (x < width) & (y < height)
    return np.where(seen[:, None], points, 0.0)


def place_people(people: Sequence[Person], placement: Placement) -> list[Person]:
    """The people of whom a point lies on a hint's canvas, in its pixels."""
    return [moved for person in people if (moved := person.placed(placement)).is_there]


def mark_drawn(people: Sequence[Person], threshold: float, *, body: bool, hands: bool, face: bool) -> list[Person]:
    """What pose.draw_people draws of the people: parts that are switched on, points that score above `threshold`, and
    the people of whom that leaves any."""

    def above(part: Floats) -> Floats:
        return np.where(part[:, 2:] > threshold, part, 0.0)

    out = []
    for person in people:
        hand = (person.left, person.right) if hands else (None, None)
        shown = Person(person.body if body else nobody(), *hand, person.face if face else None).of_parts(above)
        if shown.is_there:
            out.append(shown)
    return out


def describe(
    found: Sequence[Person],
    on_canvas: Sequence[Person],
    threshold: float,
    *,
    body: bool,
    hands: bool,
    face: bool,
    why_none: str,
) -> str:
    """What a hint shows, "2 people, 3 hands, 1 face"; or why it is black. found: the people; on_canvas: those of them
    that were `placed`; why_none: what to say if nobody was found."""
    people = mark_drawn(on_canvas, threshold, body=body, hands=hands, face=face)
    if not found:
        return why_none
    if not people:
        return _why_black(found, on_canvas, threshold, mark_drawn(on_canvas, 0.0, body=body, hands=hands, face=face))
    counts = [_count(len(people), "person", "people")]
    if hands:
        counts.append(
            _count(sum(p is not None for person in people for p in (person.left, person.right)), "hand", "hands")
        )
    if face:
        counts.append(_count(sum(person.face is not None for person in people), "face", "faces"))
    return ", ".join(counts)


def _why_black(found: Sequence[Person], on_canvas: Sequence[Person], threshold: float, wanted: Sequence[Person]) -> str:
    if not on_canvas:
        whole = _count(len(found), "person", "people")
        return f"nobody in the hint: {whole} cut off. Set fit to pad, or give the latent the picture's shape."
    whole = _count(len(on_canvas), "person", "people")
    if not wanted:
        return f"nothing drawn: {whole} found, but not the parts that are turned on. Turn on body."
    best = max(float(part[:, 2].max()) for person in wanted for part in person.parts.values() if part is not None)
    return (
        f"nothing drawn: {whole} found, but the best score of a point is {best:.2f}, and score_threshold is "
        f"{threshold:g}. Lower it."
    )


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
