"""The units of a file's keypoints: pixels, shares of the picture (0 to 1), or -1 to 1 from edge to edge.

No file says which. So all points of a file are looked at together, and it is decided by what they can be: nobody is
two pixels tall, and most of a person lies in the picture. A single point outside of it changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..people import Floats

PIXELS, SHARES, SIGNED = "pixels", "shares of the picture, 0 to 1", "-1 to 1 from edge to edge"

_SMALL = 2.0  # the median point of a file in shares lies nearer to the corner than this, and no person in pixels does
_FEWEST = 2  # points that can speak for themselves against the rest of the file
_SURELY_PIXELS = 10.0
# Of the points of a file from -1 to 1: so many have a negative coordinate, or at least so many one that is far from 0.
_NEGATIVE, _DEEP, _FEWEST_DEEP = 0.3, -0.25, 2


def choose_units(parts: Sequence[Floats]) -> list[str]:
    """The units of each part [N, 3] of one file, all people and frames together.

    A part that cannot be in the units of the rest has its own: some editors write bodies in shares and hands in pixels.
    """
    seen = [_seen(part) for part in parts]
    every = np.concatenate([np.zeros((0, 2)), *seen])
    far = np.abs(every).max(axis=1)
    file_is_small = bool(len(far)) and float(np.median(far)) <= _SMALL
    small = [_is_small(points, file_is_small) for points in seen]
    among = np.concatenate(
        [np.zeros((0, 2)), *[points for points, is_small in zip(seen, small, strict=True) if is_small]]
    )
    unit = SIGNED if _is_signed(among) else SHARES
    return [unit if is_small else PIXELS for is_small in small]


def _seen(part: Floats) -> Floats:
    """x and y of the points that are there; (0, 0) is what writers put for absent ones."""
    return part[(part[:, 2] > 0) & part[:, :2].any(axis=1), :2]


def _is_small(points: Floats, file_is_small: bool) -> bool:
    if len(np.unique(points, axis=0)) < _FEWEST:
        return file_is_small
    far = np.abs(points).max(axis=1)
    if float(far.max()) <= 1:
        return True
    return file_is_small and float(np.median(far)) <= _SURELY_PIXELS


def _is_signed(points: Floats) -> bool:
    """Whether points from about -1 to 1 go from edge to edge, or are shares of which a few lie outside the picture."""
    if not len(points):
        return False
    lowest = points.min(axis=1)
    return float((lowest < 0).mean()) >= _NEGATIVE or int((lowest < _DEEP).sum()) >= _FEWEST_DEEP


def to_pixels(part: Floats, units: str, width: float, height: float) -> Floats:
    """A part [N, 3] in pixels of a canvas; points without a score, and those left of it or above it, become zeros."""
    points = part.copy()
    if units == SIGNED:
        points[:, :2] = (points[:, :2] + 1) / 2
    if units != PIXELS:
        points[:, :2] *= (width, height)
    points[~((part[:, 2] > 0) & (points[:, :2] >= 0).all(axis=1))] = 0
    return points
