"""People found in a picture, in pixels, in OpenPose's order of points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..pictures import Placement
from ..report import count_of

Floats: TypeAlias = NDArray[np.float64]
BODY_POINTS, HAND_POINTS, FACE_POINTS = 18, 21, 70
WRISTS = {"right": 4, "left": 7}
ELBOWS = {"right": 3, "left": 6}
SHOULDERS = {"right": 2, "left": 5}


def no_points() -> Floats:
    """A body without any point: zeros [18, 3]."""
    return np.zeros((BODY_POINTS, 3))


@dataclass(frozen=True)
class Person:
    """One person: arrays [points, 3] of x, y (pixels) and score; a point with score 0 is absent.

    body: 18 points (skeleton.JOINTS). left, right: hands, 21 points each, wrist first. face: 70,
    68 and the pupils. A part that was not looked for or not found is None.
    """

    body: Floats = field(default_factory=no_points)
    left: Floats | None = None
    right: Floats | None = None
    face: Floats | None = None

    def move(self, placement: Placement) -> Person:
        """The same person in pixels of a hint's canvas. Points outside it become absent."""

        def move_part(part: Floats) -> Floats:
            moved = np.concatenate([placement.move(part[:, :2]), part[:, 2:]], axis=1)
            return drop_outside(moved, placement.height, placement.width)

        return self.change_parts(move_part)

    def change_parts(self, change: Callable[[Floats], Floats]) -> Person:
        """The person with every part changed; a part without a point left is None."""
        changed = {name: None if part is None else change(part) for name, part in self.parts.items()}
        parts = {name: part if part is not None and part[:, 2].any() else None for name, part in changed.items()}
        body = parts.pop("body")
        return Person(no_points() if body is None else body, **parts)

    @property
    def is_there(self) -> bool:
        """Whether there is any point."""
        return any(part is not None and bool(part[:, 2].any()) for part in self.parts.values())

    @property
    def parts(self) -> dict[str, Floats | None]:
        """The arrays by name: body, left, right, face."""
        return {"body": self.body, "left": self.left, "right": self.right, "face": self.face}


def drop_outside(points: Floats, height: int, width: int) -> Floats:
    """[N, 3] with the points outside the picture, and those without a score, set to 0, 0, 0."""
    x, y, score = points.T
    seen = (score > 0) & (x >= 0) & (y >= 0) & (x < width) & (y < height)
    return np.where(seen[:, None], points, 0.0)


def place_people(people: Sequence[Person], placement: Placement) -> list[Person]:
    """The people of whom a point lies on a hint's canvas, in its pixels."""
    return [moved for person in people if (moved := person.move(placement)).is_there]


def select_drawn(people: Sequence[Person], threshold: float, *, body: bool, hands: bool, face: bool) -> list[Person]:
    """What skeleton.draw_people draws of the people.

    That is the parts that are switched on, and their points that score above `threshold`. People of whom nothing is
    left are left out.
    """

    def above(part: Floats) -> Floats:
        return np.where(part[:, 2:] > threshold, part, 0.0)

    out = []
    for person in people:
        hand = (person.left, person.right) if hands else (None, None)
        drawn = Person(person.body if body else no_points(), *hand, person.face if face else None).change_parts(above)
        if drawn.is_there:
            out.append(drawn)
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
    """What a hint shows, "2 people, 3 hands, 1 face"; or why it is black.

    found: the people in the picture. on_canvas: those of them who are on the canvas, as `place_people` gives them.
    why_none: the line if nobody was found.
    """
    people = select_drawn(on_canvas, threshold, body=body, hands=hands, face=face)
    if not found:
        return why_none
    if not people:
        return _why_black(found, on_canvas, threshold, select_drawn(on_canvas, 0.0, body=body, hands=hands, face=face))
    counts = [count_of(len(people), "person", "people")]
    if hands:
        counts.append(count_of(sum(p is not None for person in people for p in (person.left, person.right)), "hand"))
    if face:
        counts.append(count_of(sum(person.face is not None for person in people), "face"))
    return ", ".join(counts)


def _why_black(
    found: Sequence[Person], on_canvas: Sequence[Person], threshold: float, switched_on: Sequence[Person]
) -> str:
    if not on_canvas:
        whole = count_of(len(found), "person", "people")
        return f"nobody in the hint: {whole} cut off. Set fit to pad, or give the latent the picture's shape."
    whole = count_of(len(on_canvas), "person", "people")
    if not switched_on:
        return f"nothing drawn: {whole} found, but not the parts that are turned on. Turn on body."
    best = max(float(part[:, 2].max()) for person in switched_on for part in person.parts.values() if part is not None)
    return (
        f"nothing drawn: {whole} found, but the best score of a point is {best:.2f}, and score_threshold is "
        f"{threshold:g}. Lower it."
    )
