"""Light strokes on black that were resized and saved with losses: what are they still known by?

All strokes are brought to about two pixels first, so that it does not matter how far a drawing was enlarged. Then:

- soft edges have faint strokes beside bright ones, and much that is faint; thin lines are all alike, and sharp;
- edges turn corners and are short pieces; straight lines do not, and are long.

What was made smaller than it was drawn loses its pixels, and with them the difference between edges and straight lines.
The numbers beside the thresholds were measured on the tuning half of tests/support/pictures/recogniser_pictures.py.
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
# Soft edges: the twentieth, and the fifth, of the ridge pixels from below, in shares of the brightest tenth; and the
# pixels that are faint for each bright one.
_SOFT_LOWEST, _SOFT_LOW, _SOFT_FAINT = 0.23, 0.43, 0.62
# Edges or straight lines. Of 1,868 resized hints of both kinds, a third is left in doubt and one of 75 is wrong.
_FAINTEST = 150  # the level of the brightest tenth; fainter ones were made much smaller and are left in doubt
# Lines that controlnet_aux drew at half the size and enlarged by Lanczos: the level, the blocks of 2 x 2 that are full,
# and the corners at half the size, up to 0.10 in straight lines and 0.21 and more in edges.
_DOUBLED, _TWO_WIDE, _CORNERS_DOUBLED = (185, 212), 0.4, 0.125
_SHORT, _LONG, _LONGER = 10, 20, 30  # pixels, of the straight segments of a drawing
_ALL_STRAIGHT, _SURELY_STRAIGHT, _MOSTLY_LONG, _SELDOM_LONGER = 0.95, 0.98, 0.88, 0.56  # of the segments' length
# Corners are blocks of 2 x 2 with three white pixels, for each white pixel: with strokes of two pixels, of one pixel,
# and as they are.
_FEW_CORNERS, _FEW_THIN, _MANY_THIN, _STEEP_THIN, _FEWEST_AS_IT_IS, _FEWEST_CORNERS = 0.12, 0.12, 0.14, 0.2, 0.05, 0.05
_FEWEST_BLOCKS = 0.01  # blocks of 2 x 2 that are full
_FEW_ENDS = 0.17  # of the white pixels have one neighbour: what was made smaller breaks into pieces
_SPARSE = 0.01  # ridge pixels of the picture: straight lines leave more of it black
_MOST_GREY = 1.82  # pixels that are neither black nor white, for each white one


class Kind(Enum):
    """What strokes are."""

    SOFT = "soft edges"
    EDGES = "edges"
    STRAIGHT = "straight lines"
    UNSURE = "edges or straight lines"


@dataclass(frozen=True)
class Strokes:
    """Measures of a drawing, [H, W] uint8, light on dark.

    grey: it, with strokes of about two pixels and full brightness.
    lowest, low: the level under which a twentieth and a fifth of the ridge pixels lie, in shares of the brightest.
    faint: faint pixels for each bright one. dense: the share of the picture that is ridges.
    """

    grey: Bytes
    lowest: float
    low: float
    faint: float
    dense: float


def tell_strokes(grey: Bytes) -> Kind | None:
    """What the strokes of [H, W] uint8, light on dark, are; None if there are none, but areas or next to nothing."""
    strokes = measure_strokes(grey)
    if strokes is None:
        return None
    if strokes.lowest <= _SOFT_LOWEST and strokes.low <= _SOFT_LOW and strokes.faint >= _SOFT_FAINT:
        return Kind.SOFT
    return _tell_edges(grey, strokes)


def _tell_edges(grey: Bytes, strokes: Strokes) -> Kind:
    """EDGES or STRAIGHT where the drawing is clearly one of them."""
    import cv2

    level = float(np.percentile(grey[grey > 40], 90))
    if level < _FAINTEST:
        return Kind.UNSURE
    if _DOUBLED[0] < level < _DOUBLED[1] and count_blocks(_whiten(grey, level), 4) > _TWO_WIDE:
        half = np.asarray(cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
        return Kind.EDGES if count_blocks(_whiten(half, level), 3) > _CORNERS_DOUBLED else Kind.STRAIGHT
    lengths = _segment_lengths(strokes.grey)
    whole = max(1.0, float(lengths.sum()))
    short, long, longer = (float(lengths[lengths > least].sum()) / whole for least in (_SHORT, _LONG, _LONGER))
    corners = count_blocks((strokes.grey >= 128).astype(np.uint8), 3)
    thin_corners, as_it_is, blocks, greys = _count_thin_corners(
        np.minimum(grey * (255.0 / level), 255.0).astype(np.uint8)
    )
    if short > _ALL_STRAIGHT:
        if corners <= _FEW_CORNERS:
            is_straight = short > _SURELY_STRAIGHT or as_it_is <= _FEWEST_AS_IT_IS
        else:
            is_straight = long > _MOSTLY_LONG and thin_corners > _STEEP_THIN
        return Kind.STRAIGHT if is_straight else Kind.UNSURE
    if thin_corners <= _MANY_THIN:
        is_straight = thin_corners <= _FEW_THIN and blocks > _FEWEST_BLOCKS and share_of_ends(strokes.grey) <= _FEW_ENDS
        return Kind.STRAIGHT if is_straight else Kind.UNSURE
    is_broken = corners > _FEWEST_CORNERS and greys <= _MOST_GREY and longer <= _SELDOM_LONGER
    return Kind.EDGES if is_broken and strokes.dense > _SPARSE else Kind.UNSURE


def _whiten(grey: Bytes, level: float) -> Bytes:
    return (np.minimum(grey * (255.0 / level), 255.0) >= 128).astype(np.uint8)


def _segment_lengths(grey: Bytes) -> np.ndarray:
    """The lengths in pixels of the straight segments of [H, W]; none where OpenCV has no such detector."""
    import cv2

    try:
        found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(grey)[0]
    except cv2.error:  # OpenCV 4.1 to 4.5.0 came without it
        return np.zeros(0)
    if found is None:
        return np.zeros(0)
    x0, y0, x1, y1 = np.asarray(found, np.float64).reshape(-1, 4).T
    return np.hypot(x1 - x0, y1 - y0)


def _count_thin_corners(grey: Bytes) -> tuple[float, float, float, float]:
    """The corners of [H, W] once its lines are one pixel wide; its corners, full blocks and greys as it is."""
    import cv2

    white = (grey >= 128).astype(np.uint8)
    depth = cv2.distanceTransform(white, cv2.DIST_L2, 3)
    ridges = int(((depth >= cv2.dilate(depth, np.ones((3, 3), np.uint8))) & (white > 0)).sum())
    thickness = int(white.sum()) / max(1, ridges)
    greys = float(((grey > 12) & (grey < 243)).mean()) / max(1e-6, float(white.mean()))
    as_it_is, blocks = count_blocks(white, 3), count_blocks(white, 4)
    if thickness <= 1.02:
        return as_it_is, as_it_is, blocks, greys
    thin = cv2.resize(grey, None, fx=1 / thickness, fy=1 / thickness, interpolation=cv2.INTER_AREA)
    return count_blocks((np.asarray(thin) >= 110).astype(np.uint8), 3), as_it_is, blocks, greys


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


def measure_strokes(grey: Bytes) -> Strokes | None:
    """The measures of [H, W]; None if it has no strokes but areas, or next to nothing."""
    import cv2

    width = _stroke_width(grey)
    if not 0 < width <= _WIDEST:
        return None
    if width > _WIDE:
        scale = _WIDTH / width
        grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    drawn = grey[grey > _DRAWN]
    if not len(drawn):
        return None
    grey = np.minimum(grey * (255.0 / float(np.percentile(drawn, 95))), 255.0).astype(np.uint8)
    ridges = _find_ridges(grey)
    levels = grey[ridges]
    if len(levels) < _FEWEST:
        return None
    lowest, low, top = (float(level) for level in np.percentile(levels, [5, 20, 90]))
    bright = max(1, int((grey >= 128).sum()))
    faint = float(((grey > 24) & (grey < 90)).sum()) / bright
    return Strokes(grey, lowest / top, low / top, faint, float(ridges.mean()))


def _stroke_width(grey: Bytes) -> float:
    """Mean width in pixels of what is at least half as bright as the brightest tenth; 0 if there is nothing."""
    import cv2

    drawn = grey[grey > 40]
    if not len(drawn):
        return 0.0
    inside = (grey >= 0.5 * float(np.percentile(drawn, 90))).astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    return float(2 * depth[inside > 0].mean())


def _find_ridges(grey: Bytes) -> np.ndarray:
    """Which pixels of [H, W] are the middle of a stroke: the highest across it, and both sides fall."""
    height, width = grey.shape
    around = np.pad(grey.astype(np.float32), _REACH)

    def shifted(x: int, y: int) -> np.ndarray:
        return around[_REACH + y : _REACH + y + height, _REACH + x : _REACH + x + width]

    middle, found = shifted(0, 0), np.zeros((height, width), bool)
    for x, y in ((1, 0), (0, 1), (1, 1), (1, -1)):
        far = _REACH if 0 in (x, y) else round(0.7 * _REACH)
        is_highest = (middle >= shifted(x, y)) & (middle >= shifted(-x, -y))
        beside = np.maximum(shifted(x * far, y * far), shifted(-x * far, -y * far))
        found |= is_highest & (beside < _FALLS * middle)
    return found & (grey > _DRAWN)
