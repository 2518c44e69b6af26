"""People found in a picture, in pixels, in OpenPose's order of points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .pictures import Placement

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
        """The same person in pixels of a hint's canvas. Absent points stay 0, 0, 0; points outside become absent."""

        def move(part: Floats | None) -> Floats | None:
            if part is None:
                return None
            moved = np.concatenate([placement.points(part[:, :2]), part[:, 2:]], axis=1)
            return inside(moved, placement.height, placement.width)

        body = move(self.body)
        assert body is not None
        return replace(self, body=body, left=move(self.left), right=move(self.right), face=move(self.face))

    @property
    def parts(self) -> dict[str, Floats | None]:
        return {"body": self.body, "left": self.left, "right": self.right, "face": self.face}


def inside(points: Floats, height: int, width: int) -> Floats:
    """[N, 3] with the points outside the picture, and those without a score, set to 0, 0, 0."""
    x, y, score = points.T
    seen = (score > 0) & (x >= 0) & (y >= 0) & (x < width) & (y < height)
    return np.where(seen[:, None], points, 0.0)


def describe(people: Sequence[Person], hands: bool, face: bool, why_none: str) -> str:
    """ "2 people, 3 hands, 1 face", or why there is nobody."""
    if not people:
        return why_none
    counts = [_count(len(people), "person", "people")]
    if hands:
        counts.append(
            _count(sum(p is not None for person in people for p in (person.left, person.right)), "hand", "hands")
        )
    if face:
        counts.append(_count(sum(person.face is not None for person in people), "face", "faces"))
    return ", ".join(counts)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
