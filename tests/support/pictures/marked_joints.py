"""Photographs whose joints were marked by hand, and how the found ones compare with the marks.

tests/preprocess/data/pose/joints.json: for each photograph of pose_photos, at a longer side of 640 pixels, the joints
of its main person as [x, y] in pixels; "hidden": in the picture, but covered, so that nobody can say where; "none": not
to be seen at all, outside the picture or on the other side of a back. torso: from neck to hips in pixels, by eye.
half: the weights of preprocessors/pose/judge.py were chosen on half 0.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from steer.preprocessors.pose.people import Person
from steer.preprocessors.pose.skeleton import JOINTS

DATA = Path(__file__).resolve().parents[2] / "preprocess" / "data" / "pose" / "joints.json"
NEAR = 0.1  # of the torso: a joint within it is right
SURE = 0.9
HIDDEN, NONE = "hidden", "none"


@dataclass(frozen=True)
class JointResult:
    """One joint that was found where there is a mark: its score, and how far off it is, in torsos (inf: not there)."""

    name: str
    joint: str
    half: int
    score: float
    off: float

    @property
    def is_right(self) -> bool:
        return self.off <= NEAR


@cache
def marks() -> dict[str, dict[str, Any]]:
    return json.loads(DATA.read_text())["marks"]


@cache
def photographs_of_nobody() -> tuple[str, ...]:
    return tuple(json.loads(DATA.read_text())["nobody"])


def match(name: str, people: Sequence[Person]) -> Person | None:
    """The one of the people who is the marked one."""
    known = {JOINTS.index(joint): place for joint, place in marks()[name]["joints"].items() if isinstance(place, list)}
    best: tuple[float, Person] | None = None
    for person in people:
        seen = [index for index in known if person.body[index, 2] > 0]
        if seen:
            away = np.hypot(*(person.body[seen, :2] - [known[index] for index in seen]).T)
            off = float(np.median(away)) / marks()[name]["torso"]
            best = min(best or (off, person), (off, person), key=lambda pair: pair[0])
    return best[1] if best and best[0] < 0.5 else None


def compare(name: str, people: Sequence[Person]) -> list[JointResult]:
    """The found joints of the marked person, but for hidden ones."""
    person, results = match(name, people), []
    for joint, place in marks()[name]["joints"].items() if person is not None else ():
        x, y, score = person.body[JOINTS.index(joint)]
        if place != HIDDEN and score > 0:
            off = float(np.hypot(x - place[0], y - place[1])) / marks()[name]["torso"] if place != NONE else np.inf
            results.append(JointResult(name, joint, marks()[name]["half"], float(score), off))
    return results


def count_marked(name: str) -> int:
    return sum(isinstance(place, list) for place in marks()[name]["joints"].values())
