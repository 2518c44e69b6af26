"""Light strokes on black that were resized and saved with losses: what are they still known by?

All strokes are brought to about two pixels first, so that it does not matter how far a drawing was enlarged. Then two
scores, each a sum of measures:

- soft or thin: soft edges have a wide seam of what is faint, and thin lines next to none;
- straight or edges: from places on the strokes, in which directions does a stroke go on? Straight lines go on in two
  opposite ones, cross and end. Edges turn, and seldom cross.

What was made much smaller than it was drawn loses this difference: then the score is low, and the answer is that it is
not known. `python run.py report recogniser --fit 9000` finds the weights, on the tuning half of its pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from .pictures import Bytes

_DRAWN = 30  # levels of 0..255 above this are no noise of a lossy file on black
_WIDEST = 16.0  # pixels; thicker things are no strokes: 30 and more in depth maps and photographs
_WIDTH, _WIDE = 2.2, 2.6  # pixels that strokes are brought to, if they are wider than the second
_FEWEST = 10  # ridge pixels
_REACH = 3  # pixels beside a ridge at which it must have fallen
_FALLS = 0.6  # to this share of its level
_PLACES = 1500  # ridge pixels from which strokes are followed
_DIRECTIONS, _LONGEST = 48, 24  # in which strokes are followed, and how many pixels far
_TURN = 3  # directions; two arms are opposite but for so much less
_NEAR, _FAR = 4, 7  # pixels that a stroke must go on in a direction to have an arm there
_ON = 100  # the least level of a stroke
_LEAST = 0.02  # a share of nothing has a logarithm so

# The logarithm of each measure times its weight; the offset is "". Above 0: soft edges, and straight lines.
SOFT_WEIGHTS = {
    "": -4.545,
    "seam": 2.42,
    "grey": 3.594,
    "white": 3.058,
    "low": -10.262,
    "level": 7.205,
}
STRAIGHT_WEIGHTS = {
    "": 12.55,
    "run": -15.604,
    "long run": 7.135,
    "around": 3.659,
    "lone": -1.199,
    "ends": 1.315,
    "forks": 2.297,
    "through": -2.73,
    "far forks": 2.981,
    "turns": -8.516,
    "far turns": -6.013,
    "corners": -2.927,
    "ends as it is": -1.176,
    "greys": 0.313,
    "level": -4.946,
}
# Scores nearer to 0 leave it open whether lines are edges or straight: one drawing of 40. Half of them would be right.
_DOUBT = 0.5


class Kind(Enum):
    """What strokes are."""

    SOFT = "soft edges"
    EDGES = "edges"
    STRAIGHT = "straight lines"
    UNSURE = "edges or straight lines"


@dataclass(frozen=True)
class Strokes:
    """A drawing with strokes of about two pixels and full brightness, light on dark.

    grey: uint8 [H, W], with _LONGEST black pixels around. ridges: the middles of strokes, as indices into it, flat.
    level: of the strokes before, in 0..255.
    """

    grey: Bytes
    ridges: np.ndarray
    level: float


def tell_strokes(grey: Bytes) -> Kind | None:
    """What the strokes of [H, W] uint8, light on dark, are; None if there are none, but areas or next to nothing."""
    strokes = find_strokes(grey)
    if strokes is None:
        return None
    if _score(measure_softness(strokes), SOFT_WEIGHTS) > 0:
        return Kind.SOFT
    score = _score(measure_arms(strokes) | measure_pixels(grey, strokes.level), STRAIGHT_WEIGHTS)
    if abs(score) < _DOUBT:
        return Kind.UNSURE
    return Kind.STRAIGHT if score > 0 else Kind.EDGES


def _score(measures: dict[str, float], weights: dict[str, float]) -> float:
    """The logarithm of the odds."""
    return weights[""] + sum(weights[name] * measure for name, measure in measures.items())


def find_strokes(grey: Bytes) -> Strokes | None:
    """The strokes of [H, W]; None if it has none, but areas, or next to nothing."""
    import cv2

    drawn = grey[grey > 40]
    if not len(drawn):
        return None
    level = float(np.percentile(drawn, 90))
    inside = (grey >= 0.5 * level).astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    width = float(2 * depth[inside > 0].mean())
    if width > _WIDEST:
        return None
    if width > _WIDE:
        scale = _WIDTH / width
        grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    drawn = grey[grey > _DRAWN]
    if not len(drawn):
        return None
    grey = np.pad(np.minimum(grey * np.float32(255.0 / np.percentile(drawn, 95)), 255.0).astype(np.uint8), _LONGEST)
    ridges = _find_ridges(grey)
    return Strokes(grey, ridges, level) if len(ridges) >= _FEWEST else None


def _find_ridges(grey: Bytes) -> np.ndarray:
    """Which pixels of [H, W] are the middle of a stroke: the highest across it, and both sides fall. Flat indices.

    At least _REACH pixels around are black.
    """
    flat, row = grey.ravel(), grey.shape[1]
    drawn = np.flatnonzero(flat > _DRAWN)
    middle, found = flat[drawn], np.zeros(len(drawn), bool)
    for step, far in ((1, _REACH), (row, _REACH), (row + 1, round(0.7 * _REACH)), (row - 1, round(0.7 * _REACH))):
        beside = np.maximum(flat[drawn + far * step], flat[drawn - far * step])
        is_highest = (middle >= flat[drawn + step]) & (middle >= flat[drawn - step])
        found |= is_highest & (beside < _FALLS * middle)
    return drawn[found]


def measure_softness(strokes: Strokes) -> dict[str, float]:
    """How much of the drawing is faint, and how much fainter than others some strokes are. All as logarithms."""
    levels = strokes.grey.ravel()[strokes.ridges]
    low, top = (float(level) for level in np.percentile(levels, [20, 90]))
    counts = np.bincount(strokes.grey.ravel(), minlength=256).astype(float)
    return _logarithms(
        {
            "seam": counts[16:40].sum() / len(levels),
            "grey": counts[80:128].sum() / len(levels),
            "white": counts[192:].sum() / len(levels),
            "low": low / top,
            "level": strokes.level / 255,
        }
    )


def measure_arms(strokes: Strokes) -> dict[str, float]:
    """In how many directions strokes go on from places on them, how far, and how they turn. All as logarithms.

    run, long run: the pixels that a stroke goes straight on through a place, the mean and the longest tenth.
    around: how much of a line through a place lies on strokes, in the middle of all directions.
    lone, ends, forks: the share of places with no arm, with one, with three. through, far forks: with two long ones,
    with three. turns, far turns: of places with two arms, two long ones, the share where these are not opposite.
    """
    import cv2

    wide = cv2.dilate(strokes.grey, np.ones((3, 3), np.uint8))  # strokes may lie a pixel beside the direction
    is_stroke = wide.ravel() >= _ON
    angles = np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
    count = min(_PLACES, len(strokes.ridges))
    places = strokes.ridges[np.arange(count) * len(strokes.ridges) // count]
    goes_on, (runs, hits) = np.ones((count, _DIRECTIONS), bool), np.zeros((2, count, _DIRECTIONS), np.int64)
    for step in range(1, _LONGEST + 1):
        right, down = (np.rint(step * part).astype(np.int64) for part in (np.cos(angles), np.sin(angles)))
        is_on = is_stroke[places[:, None] + (down * wide.shape[1] + right)]
        goes_on &= is_on
        runs += goes_on
        hits += is_on
    half = _DIRECTIONS // 2
    both_ways = (runs[:, :half] + runs[:, half:]).max(axis=1)
    middle = np.sort(hits[:, :half] + hits[:, half:], axis=1)[:, half // 2]
    near, far = (_count_arms(runs >= reach) for reach in (_NEAR, _FAR))
    return _logarithms(
        {
            "run": float(both_ways.mean()),
            "long run": float(np.percentile(both_ways, 90)),
            "around": float(middle.mean()) / (2 * _LONGEST),
            "lone": float((near == 0).mean()),
            "ends": float((near == 1).mean()),
            "forks": float((near == 3).mean()),
            "through": float((far == 2).mean()),
            "far forks": float((far == 3).mean()),
            "turns": _share_of_turns(runs, _NEAR),
            "far turns": _share_of_turns(runs, _FAR),
        }
    )


def _count_arms(is_arm: np.ndarray) -> np.ndarray:
    """How many groups of neighbouring directions [N, directions] are on, for each place."""
    return np.where(is_arm.all(axis=1), 1, (is_arm & ~np.roll(is_arm, 1, axis=1)).sum(axis=1))


def _share_of_turns(runs: np.ndarray, reach: int) -> float:
    """Of the places with two arms of that reach, how many have their two longest ones not opposite to each other.

    runs: how far strokes go on, [N, directions].
    """
    half, quarter = _DIRECTIONS // 2, _DIRECTIONS // 4
    ahead = np.arange(quarter, half + quarter + 1)
    first = runs.argmax(axis=1)
    others = np.take_along_axis(runs, (first[:, None] + ahead) % _DIRECTIONS, axis=1)
    turns = np.abs(ahead - half)
    longest = (others - 0.001 * turns).argmax(axis=1)  # of equally long ones the straightest
    has_two = (runs.max(axis=1) >= reach) & (others.max(axis=1) >= reach)
    return float((turns[longest][has_two] >= _TURN).mean()) if has_two.any() else 0.0


def measure_pixels(grey: Bytes, level: float) -> dict[str, float]:
    """What the pixels of a drawing [H, W] with strokes of `level` are, as it is. All as logarithms.

    corners: blocks of 2 x 2 pixels with three white ones, once lines are one pixel wide. greys: pixels that
    are neither black nor white.
    """
    import cv2

    grey = np.minimum(grey * np.float32(255.0 / level), 255.0).astype(np.uint8)
    white = (grey >= 128).astype(np.uint8)
    depth = cv2.distanceTransform(white, cv2.DIST_L2, 3)
    ridges = int(((depth >= cv2.dilate(depth, np.ones((3, 3), np.uint8))) & (white > 0)).sum())
    count = max(1, int(white.sum()))
    thickness = count / max(1, ridges)
    thin = white
    if thickness > 1.02:
        small = cv2.resize(grey, None, fx=1 / thickness, fy=1 / thickness, interpolation=cv2.INTER_AREA)
        thin = (np.asarray(small) >= 110).astype(np.uint8)
    return _logarithms(
        {
            "corners": count_blocks(thin, 3),
            "ends as it is": share_of_ends(grey),
            "greys": int(((grey > 12) & (grey < 243)).sum()) / count,
            "level": level / 255,
        }
    )


def _logarithms(measures: dict[str, float]) -> dict[str, float]:
    return {name: float(np.log(_LEAST + measure)) for name, measure in measures.items()}


def count_blocks(white: Bytes, holding: int) -> float:
    """How many blocks of 2 x 2 pixels hold exactly so many white ones, for each white pixel."""
    blocks = white[:-1, :-1] + white[1:, :-1] + white[:-1, 1:] + white[1:, 1:]
    return float((blocks == holding).sum()) / max(1, int(white.sum()))


def share_of_ends(grey: Bytes) -> float:
    """How many of the white pixels of [H, W] have exactly one white neighbour."""
    import cv2

    white = (grey >= 128).astype(np.uint8)
    near = cv2.filter2D(white, -1, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT)
    return float(((near == 2) & (white > 0)).sum()) / max(1, int(white.sum()))
