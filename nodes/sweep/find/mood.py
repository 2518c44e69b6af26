"""How much of a mood a picture has, between one without it and one with all of it; and how much of the rest stays.

Two measures: the pixels of mouth, brows and eyes, or the shape of mouth and brows. A shape needs the 68 points of the
face in all pictures; drawn faces often have eyes and mouth only, and their pixels are compared then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ....preprocessors.pose.faces import Face
from ...control.choices import EXPRESSION, WHOLE
from ...control.face import draw_face_mask
from ..sheet.difference import map_changes, measure

Floats = NDArray[np.float64]

SHAPE, PIXELS = "the shape of mouth and brows", "the pixels of mouth, brows and eyes"  # as the report says
_POINTS = (*range(17, 27), *range(48, 68))  # brows and lips, of the 68 points of a face
_LEAST_SHAPE = 0.06  # units of a face: a smaller change of all points together is noise of the network
_LEAST_CHANGE = 0.02  # root mean square of the pixels' change, in 0..1
_BLUR = 0.06  # of the pixels, in units of a face: what moves by less than this counts as the same
_WINDOW = 1.5  # of the structural similarity (Wang et al. 2004): sigma in pixels
_C1, _C2 = 0.01**2, 0.03**2


@dataclass(frozen=True)
class FaceView:
    """A picture [H, W, C] in 0..1 and the largest face in it; None where none was found."""

    picture: torch.Tensor
    face: Face | None


class Moods:
    """The ends of a search. first: without the mood. last: with all of it.

    mask: [H, W] in 0..1, where the expression is; None: it is taken from the faces. by_shape: compare shapes, as long
    as all faces have their points.

    Raises:
        ValueError: there is no face in the ends and no mask, or the ends are alike there.
    """

    def __init__(
        self, first: FaceView, last: FaceView, mask: torch.Tensor | None = None, by_shape: bool = False
    ) -> None:
        self.first, self.last = first, last
        faces = [look.face for look in (first, last) if look.face is not None]
        size = int(first.picture.shape[0]), int(first.picture.shape[1])
        if mask is None and not faces:
            raise ValueError(
                "axis: no face was found at its first and its last value. Take another seed, or connect `mask`: the "
                "place of mouth, brows and eyes, such as from Face Mask."
            )
        drawn = None if not faces else torch.from_numpy(draw_face_mask(faces, size, EXPRESSION))
        self.region = mask if mask is not None else drawn if drawn is not None else torch.zeros(size)
        whole = torch.from_numpy(draw_face_mask(faces, size, WHOLE)) if faces else self.region
        self.face = torch.maximum(whole, self.region)
        self.unit = max((_unit(face) for face in faces), default=min(size) / 4)
        shapes = [_shape(look.face, self.unit) for look in (first, last)]
        self.by_shape = by_shape and _far(*shapes)
        if not self.by_shape and _rms(self._blurred(last) - self._blurred(first), self._weights()) < _LEAST_CHANGE:
            raise ValueError(
                "axis: its last value changes nothing of the face, so there is no mood to find. Take a stronger word, "
                "a higher last value or another seed."
            )

    @property
    def method(self) -> str:
        """What is compared: SHAPE or PIXELS."""
        return SHAPE if self.by_shape else PIXELS

    def measure_all(self, looks: Mapping[int, FaceView]) -> dict[int, float]:
        """How much of the mood each picture has: 0 at the first end, 1 at the last one.

        Where a face lost its points on the way, all are measured by their pixels from now on.
        """
        if self.by_shape and any(_shape(look.face, self.unit) is None for look in looks.values()):
            self.by_shape = False
        return {place: self._measure(look) for place, look in looks.items()}

    def _measure(self, look: FaceView) -> float:
        start, end, here = (_shape(each.face, self.unit) for each in (self.first, self.last, look))
        if self.by_shape and start is not None and end is not None and here is not None:
            return _progress(start, end, here, np.ones(1))
        start, end, here = self._blurred(self.first), self._blurred(self.last), self._blurred(look)
        return _progress(start, end, here, self._weights())

    def _weights(self) -> Floats:
        return self.region.numpy().astype(np.float64)[..., None]

    def _blurred(self, look: FaceView) -> Floats:
        import cv2

        colours = look.picture[..., :3].to(torch.float32).clamp(0, 1).numpy()
        return np.atleast_3d(cv2.GaussianBlur(colours, (0, 0), max(0.5, _BLUR * self.unit))).astype(np.float64)

    def stays(self, look: FaceView) -> float:
        """The structural similarity of the face but for its expression, to that of the first end; 1: the same."""
        rest = (self.face - self.region).clamp(0, 1).numpy().astype(np.float64)
        if rest.sum() < 1:
            rest = self.face.numpy().astype(np.float64)
        one, other = (
            each.picture[..., :3].float().clamp(0, 1).mean(-1).numpy().astype(np.float64) for each in (self.first, look)
        )
        return float((_similarity(one, other) * rest).sum() / max(rest.sum(), 1e-9))

    def outside(self, look: FaceView) -> float:
        """The mean change outside the face, in 0..1, against the first end."""
        found = measure(map_changes(look.picture, self.first.picture, "a picture"), self.face).outside
        return 0.0 if found is None else found


def choose_face(faces: list[Face]) -> Face | None:
    """The largest of the faces of a picture."""
    return max(faces, key=_unit, default=None)


def _unit(face: Face) -> float:
    """Pixels between the eyes, or from the eyes to the mouth where that is more."""
    return float(max(np.hypot(*(face.eyes[1] - face.eyes[0])), np.hypot(*(face.mouth - face.eyes.mean(0)))))


def _shape(face: Face | None, unit: float) -> Floats | None:
    """[30, 2]: brows and lips from the middle of the eyes, along their line, in units of the face."""
    if face is None or face.points is None:
        return None
    across = face.eyes[1] - face.eyes[0]
    x, y = across / max(float(np.hypot(*across)), 1e-6)
    points = (face.points[list(_POINTS), :2] - face.eyes.mean(0)) @ np.array([[x, -y], [y, x]])
    return np.asarray(points / max(unit, 1e-6), np.float64)


def _progress(start: Floats, end: Floats, here: Floats, weights: Floats) -> float:
    """How far `here` lies on the way from `start` to `end`: 0 at the start, 1 at the end."""
    way = end - start
    return float(((here - start) * way * weights).sum() / max(float((way * way * weights).sum()), 1e-12))


def _far(one: Floats | None, other: Floats | None) -> bool:
    """Whether two shapes differ by more than the network's noise."""
    return one is not None and other is not None and float(np.sqrt(((one - other) ** 2).sum())) > _LEAST_SHAPE


def _rms(change: Floats, weights: Floats) -> float:
    total = max(float(weights.sum()) * change.shape[-1], 1e-9)
    return float(np.sqrt((change * change * weights).sum() / total))


def _similarity(one: Floats, other: Floats) -> Floats:
    """The map of structural similarity of two grey pictures [H, W] in 0..1 (Wang et al. 2004)."""
    import cv2

    def mean(values: Floats) -> Floats:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), _WINDOW), np.float64)

    a, b = mean(one), mean(other)
    va, vb, both = mean(one * one) - a * a, mean(other * other) - b * b, mean(one * other) - a * b
    return ((2 * a * b + _C1) * (2 * both + _C2)) / ((a * a + b * b + _C1) * (va + vb + _C2))
