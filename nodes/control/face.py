"""Masks of faces: the whole face, or what an expression needs. Pure: points in, masks out.

Where the 68 points of a face are known, its parts are their hulls. A face of which only eyes and mouth are known (drawn
ones, mostly) gets ovals around them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...preprocessors.pictures import Size
from ...preprocessors.pose.faces import Face
from .choices import ALL, EXPRESSION, EYES, MOUTH, REGIONS, WHOLE
from .masks import Mask, feather_mask, grow_mask

Points = NDArray[np.float64]
MAX_DIGITS = 9  # of the number of a face: Python refuses to read thousands of them

_JAW68, _CHIN68, _BROWS68, _LIPS68 = range(17), 8, range(17, 27), range(48, 60)
_BROW_AND_EYE68 = ((range(17, 22), range(36, 42)), (range(22, 27), range(42, 48)))
# In units of a face: the larger one of the distances between the eyes, and from the eyes to the mouth.
_BROW_MARGIN, _LIP_MARGIN, _CHIN_ROOM = 0.2, 0.2, 0.3
_FOREHEAD, _NARROWER = 0.38, 0.75  # of the distance from brows to chin, above the brows; of the brows' width there


def choose_faces(text: str, count: int) -> tuple[list[int], list[int]]:
    """The chosen ones of `count` faces (numbers from 0), and the numbers in `text` (from 1) that are too high.

    text: "all", or numbers from 1 such as "1, 3".

    Raises:
        ValueError: it is anything else.
    """
    if text.strip().lower() in ("", ALL):
        return list(range(count)), []
    parts = [part for part in re.split(r"[\s,;]+", text) if part]
    wrong = [part for part in parts if not part.isdecimal() or len(part) > MAX_DIGITS or int(part) == 0]
    if wrong or not parts:
        raise ValueError(
            f"faces: '{(wrong or [text])[0]}' is not the number of a face. Write all, or numbers from 1 such as 1, 3; "
            "faces are counted from the left."
        )
    numbers = list(dict.fromkeys(int(part) for part in parts))
    return [n - 1 for n in numbers if n <= count], [n for n in numbers if n > count]


def draw_face_mask(faces: Sequence[Face], size: Size, region: str, grow: int = 0, feather: int = 0) -> Mask:
    """[H, W] in 0..1 of `size` (height, width): the region of all given faces together; 0 everywhere without faces.

    grow: pixels by which it is spread. feather: pixels inside its edge over which it fades.

    Raises:
        ValueError: the region is unknown.
    """
    import cv2

    if region not in REGIONS:
        raise ValueError(f"region: '{region}' is unknown. Choose one of {', '.join(REGIONS)}.")
    mask = np.zeros(size, np.uint8)
    for face in faces:
        for polygon, margin in _parts(face, region):
            part = np.zeros(size, np.uint8)
            hull = cv2.convexHull(np.round(polygon).astype(np.int32))
            cv2.fillConvexPoly(part, hull, 1)
            mask |= grow_mask(part.astype(np.float32), round(margin)).astype(np.uint8)
    return feather_mask(grow_mask(mask.astype(np.float32), grow), feather)


def _parts(face: Face, region: str) -> list[tuple[Points, float]]:
    """Polygons of the region, and by how many pixels each is to be grown."""
    frame = _Frame(face)
    known = {EYES: frame.eyes, MOUTH: frame.mouth, WHOLE: frame.whole}
    names = (EYES, MOUTH) if region == EXPRESSION else (region,)
    return [part for name in names for part in known[name]()]


class _Frame:
    """A face's own directions and measures.

    across, down: unit vectors. wide: pixels between the eyes. tall: from the eyes to the mouth. unit: the larger one,
    as a turned head shortens one and a nodding one the other.
    """

    def __init__(self, face: Face) -> None:
        self.face, self.points = face, face.points
        self.middle = face.eyes.mean(0)
        across = face.eyes[1] - face.eyes[0]
        self.wide = float(np.hypot(*across))
        down = face.mouth - self.middle
        if self.wide > 0.2 * float(np.hypot(*down)):
            self.across = across / self.wide
            self.down = np.array([-self.across[1], self.across[0]])
            self.down = self.down if float(down @ self.down) >= 0 else -self.down
        else:  # in profile
            self.down = down / max(float(np.hypot(*down)), 1e-6)
            self.across = np.array([self.down[1], -self.down[0]])
        self.tall = max(float(down @ self.down), 1.0)
        self.unit = max(self.tall, self.wide)

    def oval(self, centre: Points, left: float, right: float, up: float, down: float) -> Points:
        """[48, 2] around `centre`, reaching so many pixels each way."""
        angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        x, y = np.cos(angle), np.sin(angle)
        x, y = np.where(x < 0, x * left, x * right), np.where(y < 0, y * up, y * down)
        return centre + x[:, None] * self.across + y[:, None] * self.down

    def eyes(self) -> list[tuple[Points, float]]:
        """Each eye with its brow, as a polygon and the pixels to grow it by; so are the others."""
        if self.points is not None:
            return [(self.points[[*brow, *eye], :2], _BROW_MARGIN * self.unit) for brow, eye in _BROW_AND_EYE68]
        half = 0.45 * self.unit
        return [(self.oval(eye, half, half, 0.85 * self.unit, 0.42 * self.unit), 0.0) for eye in self.face.eyes]

    def mouth(self) -> list[tuple[Points, float]]:
        """With room below: a mouth that opens moves the lower lip and the chin."""
        if self.points is not None:
            lips = self.points[list(_LIPS68), :2]
            return [(np.concatenate([lips, lips + _CHIN_ROOM * self.unit * self.down]), _LIP_MARGIN * self.unit)]
        half = 0.6 * self.unit
        return [(self.oval(self.face.mouth, half, half, 0.45 * self.tall, 0.75 * self.tall), 0.0)]

    def whole(self) -> list[tuple[Points, float]]:
        """From the chin to the forehead."""
        if self.points is not None:
            brows = self.points[list(_BROWS68), :2]
            jaw, middle = self.points[list(_JAW68), :2], brows.mean(0)
            reach = _FOREHEAD * float((self.points[_CHIN68, :2] - middle) @ self.down)
            top = middle + _NARROWER * (brows - middle) - reach * self.down
            return [(np.concatenate([jaw, brows - 0.6 * reach * self.down, top]), 0.05 * self.unit)]
        half = max(1.05 * self.tall, 1.15 * self.wide)
        return [(self.oval(self.middle, half, half, 1.15 * self.unit, 1.72 * self.tall), 0.0)]
