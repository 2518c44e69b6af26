"""Recognise ready-made hints: Canny edges, straight lines, skeletons, soft hints, and their inverses.

One vocabulary, `Look`, and two questions:

- `recognise_exact`: is a picture a hint pixel by pixel, as it was drawn? Preprocessors pass such a picture on.
- `recognise`: what does any picture look like? ControlNet Guide and the reports of preprocessors say it.

Both read a drawing in the same steps. Coloured pixels must have OpenPose's colours, white ones are the dots of a face,
edges or straight lines. Canny and straight lines differ in their pixels: lines are drawn with Bresenham's steps, edges
turn corners.

The margins beside the thresholds were measured on 220 hints of Steer and controlnet_aux and on 235 photographs and
stills, those of tests/support/hint_pictures.py; `python run.py report hints` counts how many are right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .pictures import Bytes
from .pose.skeleton import COLORS, HAND_COLORS

EDGES, LINES, POSE, PHOTOGRAPH, EMPTY = "edges", "lines", "pose", "photograph", "empty"
THIN, OTHER = "thin", "other"  # lines that were made smaller, edges or straight; soft edges, depth
READY = (EDGES, LINES, POSE)  # what preprocessors draw
LOOKS = {
    EDGES: "Canny edges",
    LINES: "the straight lines of M-LSD",
    THIN: "thin lines",
    POSE: "a pose skeleton",
    PHOTOGRAPH: "an ordinary picture",
    EMPTY: "one colour only",
    OTHER: "another kind of hint",
}

# A drawing on black. Levels are of 0..255.
_FLAT = 8  # a picture of one colour varies by at most this
_BLACK, _PURE_BLACK, _WHITE = 40, 12, 200
_LEAST_BLACK = 0.45  # of the picture: 0.69 and more in hints; grass in edges that were drawn thick has 0.5
_LEAST_PURE = 0.85  # of the black pixels: 0.98 and more in hints, under 0.78 in 98 of 100 photographs
_COLOURED = 60  # between a pixel's strongest and weakest channel
_FEW_COLOURED = 0.1  # of the drawn pixels: 0.87 and more in skeletons, 0 in lines

# A skeleton's colours: in full for joints and hands, at 0.6 for limbs, white for faces.
_HUES = np.array([*COLORS, *HAND_COLORS], np.int16)
_PALETTE = np.concatenate([_HUES, (_HUES * 0.6).astype(np.int16), [[255, 255, 255]]]).astype(np.int16)
_HUE_OF = np.array([*range(len(_HUES))] * 2 + [-1])  # of each colour of the palette; white is none
_NEAR_COLOUR = 24
_LEAST_NEAR = 0.6  # of the drawn pixels: 0.74 and more in skeletons, under 0.32 in 98 of 100 photographs
_LEAST_EXACT = 0.8  # 1 as Steer draws them; the rest is left to what other packs add
_LEAST_OF_A_COLOUR = 0.01  # of the pixels that are near one
_SAMPLED = 4000  # pixels are looked at, or up to twice as many
_MOST_AT_A_GLANCE = 0.9  # not black, of every seventh pixel: under 0.09 in skeletons, 1 in nearly every photograph

# The dots of a face.
_DOT = 7  # pixels across, as they are drawn
_FEWEST_CENTRES = 6  # pixels where a whole dot fits: 70 and more in whole faces
_MOST_CENTRES = 0.135  # of them for each white pixel: 1/29 in a dot alone, 1/7 and more in the stroke of a round brush
_LEAST_STAMPED = 0.95  # of the white pixels that dots cover: 1 as they are drawn, less at the border of the picture
_LEAST_DOT, _FEWEST_DOTS = 5, 12  # pixels across once resized; of a face's 68, lips and eyes often run together
_LEAST_STAMPED_RESIZED = 0.8

# Lines. Shares are of the white pixels.
_MOST_CORE = 0.2  # left by an erosion: up to 0.18 where M-LSD draws many lines side by side, 0.21 in thick strokes
_FAINTEST = 90  # the level of the brightest tenth: 191 and more in hints
_FULL = 230  # lines that were made smaller are fainter
_MOST_THICK = 9.0  # pixels: up to 3.4 in hints, 14 and more in 98 of 100 dark photographs; enlarged hints lie between
_LEAST_BRIGHT = 0.3  # 0.35 and more in hints
_TWO_WIDE = 0.3  # full blocks of 2 x 2: up to 0.29 in lines of one pixel, about 0.5 in lines of two
_ENLARGED = 1.08  # pixels across on average: up to 1.06 in lines of one pixel
_CORNERS = 0.12  # up to 0.10 in lines, 0.13 and more in edges
_CORNERS_ENLARGED = 0.08  # up to 0.06 in lines
_CORNERS_DOUBLED = 0.125  # up to 0.10 in lines, 0.21 and more in edges
_CORNERS_SHRUNK, _ENDS_SHRUNK = 0.04, 0.06  # chosen by eye: edges break into pieces with corners, lines do not
_LEAST_GREY = 0.1  # pixels that are neither black nor white; 0 in hints that were not resized

# Soft edges and depth maps.
_GREY, _FEW_NOT_GREY = 16, 0.01  # between channels; of the picture
_SOFT_BLACK = 0.6  # of the picture
_SMOOTH = 1.5  # mean of the Laplacian: more in 98 of 100 photographs


@dataclass(frozen=True)
class Look:
    """What a picture looks like: one of LOOKS, and whether black and white are exchanged."""

    what: str
    inverted: bool = False

    def __str__(self) -> str:
        return LOOKS[self.what] + (", inverted (dark on white)" if self.inverted else "")


def recognise(picture: Bytes) -> Look:
    """The look of uint8 [H, W, 3] RGB, which may be a hint that was resized or saved with losses."""
    exact = recognise_exact(picture)
    if exact is not None:
        return exact
    channels = [np.ascontiguousarray(picture[..., channel]) for channel in range(3)]
    if max(int(np.ptp(channel)) for channel in channels) <= _FLAT:
        return Look(EMPTY)
    top, low = np.maximum.reduce(channels), np.minimum.reduce(channels)
    what = _read_drawing(picture, top, low)
    if what is not None:
        return Look(what)
    what = _read_drawing(255 - picture, 255 - low, 255 - top)
    if what is not None:
        return Look(what, inverted=True)
    return Look(OTHER if _is_soft(top, low) else PHOTOGRAPH)


def recognise_exact(picture: Bytes) -> Look | None:
    """The look of a hint uint8 [H, W, 3] that is as it was drawn, pixel by pixel: EDGES, LINES or POSE. Else None.

    Quick for photographs: a glance at every seventh pixel settles nearly all of them.
    """
    if _are_exact_lines(picture):
        what = _tell_lines_from_edges(picture[..., 0])
        return None if what is None else Look(what)
    return Look(POSE) if _is_exact_pose(picture) else None


def warn_ready_made(picture: Bytes, kinds: Sequence[str] = READY) -> str:
    """One sentence if a preprocessor's picture, uint8 [H, W, 3], looks like a hint of one of `kinds`; else ""."""
    look = recognise(picture)
    if look.inverted or look.what not in kinds:
        return ""
    return f"this picture looks like {look} already: connect it to ControlNet Guide as it is"


def sample_indices(count: int, most: int = 16) -> list[int]:
    """Up to `most` of `count` picture numbers, from 0, spread evenly: frames of a video look alike."""
    return sorted({round(index * (count - 1) / (most - 1)) for index in range(most)})


def _are_exact_lines(picture: Bytes) -> bool:
    """Whether uint8 [H, W, 3] is thin white lines on black, as Canny and M-LSD draw them."""
    import cv2

    for part in (picture[::7, ::7], picture):
        grey = part[..., 0]
        if not ((grey == 0) | (grey == 255)).all() or not (part == grey[..., None]).all():
            return False
    grey = picture[..., 0]
    white = int(np.count_nonzero(grey))
    if not 0 < white <= (1 - _LEAST_BLACK) * grey.size:
        return False
    core = np.asarray(cv2.erode(grey, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0))
    return int(np.count_nonzero(core)) <= _MOST_CORE * white


def _is_exact_pose(picture: Bytes) -> bool:
    """Whether uint8 [H, W, 3] is black but for OpenPose's colours, or for the white dots of faces."""
    if picture[::7, ::7].any(axis=2).mean() > _MOST_AT_A_GLANCE:
        return False
    drawn = picture[picture.any(axis=2)]
    if not 0 < len(drawn) <= (1 - _LEAST_BLACK) * picture.shape[0] * picture.shape[1]:
        return False
    if (drawn == 255).all():
        return _are_exact_dots(np.minimum(picture[..., 0], 1))
    return _has_pose_colours(drawn, 0, _LEAST_EXACT)


def _read_drawing(picture: Bytes, top: Bytes, low: Bytes) -> str | None:
    """EDGES, LINES, THIN or POSE for a drawing on black, uint8 [H, W, 3]; else None.

    top, low: the strongest and the weakest channel of each pixel, [H, W].
    """
    black = top <= _BLACK
    if float(black.mean()) < _LEAST_BLACK or float((top[black] <= _PURE_BLACK).mean()) < _LEAST_PURE:
        return None
    drawn = ~black
    count = int(drawn.sum())
    if count == 0:
        return None
    if int((drawn & (top - low > _COLOURED)).sum()) > _FEW_COLOURED * count:
        return POSE if _has_pose_colours(picture[drawn], _NEAR_COLOUR, _LEAST_NEAR) else None
    return POSE if _are_dots(top) else _tell_lines_from_edges(top)


def _has_pose_colours(pixels: Bytes, tolerance: int, least: float) -> bool:
    """Whether the share `least` of [N, 3] lies within `tolerance` of OpenPose's colours, and several are there."""
    pixels = pixels[:: max(1, len(pixels) // _SAMPLED)]
    away = np.abs(pixels[:, None].astype(np.int16) - _PALETTE).max(axis=2)
    near = away.min(axis=1) <= tolerance
    hues, counts = np.unique(_HUE_OF[away.argmin(axis=1)[near]], return_counts=True)
    several = ((hues >= 0) & (counts >= _LEAST_OF_A_COLOUR * near.sum())).sum() >= 2
    return bool(near.mean() >= least and several)


def _are_dots(grey: Bytes) -> bool:
    """Whether [H, W] is white discs of one size: the points of faces, drawn without a body."""
    white = (grey >= _WHITE).astype(np.uint8)
    count = int(white.sum())
    if count == 0 or count < _LEAST_PURE * int((grey > _BLACK).sum()):
        return False
    return _are_exact_dots(white) or _are_resized_dots(white)


def _are_exact_dots(white: Bytes) -> bool:
    """Whether the ones of [H, W] are several dots of the size of a face's points, few of them run together."""
    import cv2

    dot = cv2.circle(np.zeros((_DOT, _DOT), np.uint8), (_DOT // 2,) * 2, _DOT // 2, 1, thickness=-1)
    count, centres = int(white.sum()), int(cv2.erode(white, dot).sum())
    apart = _FEWEST_CENTRES <= centres < _MOST_CENTRES * count
    return apart and _count_stamped(white, np.asarray(dot, np.uint8)) >= _LEAST_STAMPED * count


def _are_resized_dots(white: Bytes) -> bool:
    """Whether the ones of [H, W] are discs of one size, whatever that is."""
    import cv2

    _, _, stats, _ = cv2.connectedComponentsWithStats(white, connectivity=8)
    width, height, area = stats[1:, cv2.CC_STAT_WIDTH], stats[1:, cv2.CC_STAT_HEIGHT], stats[1:, cv2.CC_STAT_AREA]
    side, filled = np.maximum(width, height), area / (width * height)
    discs = (np.abs(width - height) <= 2) & (side >= _LEAST_DOT) & (filled > 0.5) & (filled < 0.95)
    usual = int(np.median(side[discs])) if discs.any() else 0
    alike = int((discs & (np.abs(side - usual) <= 1)).sum())
    if alike < _FEWEST_DOTS or alike < 0.5 * len(side):
        return False
    brush = max(3, round(0.5 * usual))
    stamp = np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (brush, brush)), np.uint8)
    return _count_stamped(white, stamp) > _LEAST_STAMPED_RESIZED * int(white.sum())


def _count_stamped(white: Bytes, stamp: Bytes) -> int:
    """How many white pixels of [H, W] a stamp covers that is put only where all of it is white."""
    import cv2

    return int(cv2.morphologyEx(white, cv2.MORPH_OPEN, stamp).sum())


def _tell_lines_from_edges(grey: Bytes) -> str | None:
    """LINES or EDGES for white lines on black, [H, W]; THIN for those that are too small to tell. Else None."""
    import cv2

    level = float(np.percentile(grey[grey > _BLACK], 90))
    if level < _FAINTEST:
        return None
    grey = np.minimum(grey * (255.0 / level), 255.0).astype(np.uint8)
    white = (grey >= 128).astype(np.uint8)
    count = int(white.sum())
    depth = cv2.distanceTransform(white, cv2.DIST_L2, 3)
    if 2 * float(depth[white > 0].mean()) > _MOST_THICK or float((grey >= _WHITE).sum()) < _LEAST_BRIGHT * count:
        return None
    if _count_blocks(white, 4) > _TWO_WIDE:  # enlarged to twice its size, which also makes it fainter
        half = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        return EDGES if _count_corners((half >= 128).astype(np.uint8)) > _CORNERS_DOUBLED else LINES
    if level <= _FULL:
        return THIN
    ridge = (depth >= cv2.dilate(depth, np.ones((3, 3), np.uint8))) & (white > 0)
    thickness = count / max(1, int(ridge.sum()))
    if thickness > _ENLARGED:  # back to lines of one pixel
        thin = cv2.resize(grey, None, fx=1 / thickness, fy=1 / thickness, interpolation=cv2.INTER_AREA)
        return EDGES if _count_corners((thin >= 110).astype(np.uint8)) > _CORNERS_ENLARGED else LINES
    corners = _count_corners(white)
    is_sharp = float(((grey > 12) & (grey < 243)).mean()) <= _LEAST_GREY * float(white.mean())
    if is_sharp:
        return EDGES if corners > _CORNERS else LINES
    near = cv2.filter2D(white, -1, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT)
    ends = float(((near == 2) & (white > 0)).sum()) / count
    return EDGES if corners > _CORNERS_SHRUNK and ends > _ENDS_SHRUNK else LINES  # broken lines: it was made smaller


def _count_corners(white: Bytes) -> float:
    """How many blocks of 2 x 2 pixels hold exactly three white ones, for each white pixel."""
    return _count_blocks(white, 3)


def _count_blocks(white: Bytes, holding: int) -> float:
    """How many blocks of 2 x 2 pixels hold exactly so many white ones, for each white pixel."""
    blocks = white[:-1, :-1] + white[1:, :-1] + white[:-1, 1:] + white[1:, 1:]
    return float((blocks == holding).sum()) / max(1, int(white.sum()))


def _is_soft(top: Bytes, low: Bytes) -> bool:
    """Grey only, and mostly black or smooth: soft edges and depth maps. As `_read_drawing` takes them."""
    import cv2

    if int((top - low > _GREY).sum()) > _FEW_NOT_GREY * top.size:
        return False
    if float((top <= _BLACK).mean()) > _SOFT_BLACK:
        return True
    return float(np.abs(cv2.Laplacian(top, cv2.CV_32F)).mean()) < _SMOOTH
