"""Recognise ready-made hints: Canny edges, straight lines, skeletons, soft hints, and their inverses.

One vocabulary, `Look`, and two questions:

- `recognise_exact`: is a picture a hint pixel by pixel, as it was drawn? Preprocessors pass such a picture on.
- `recognise`: what does any picture look like? ControlNet Guide and the reports of preprocessors say it.

Both read a drawing in the same steps. Coloured pixels must have OpenPose's colours, white ones are the dots of a face,
edges or straight lines. Canny and straight lines differ in their pixels: lines are drawn with Bresenham's steps, edges
turn corners.

The margins beside the thresholds were measured on the hints and photographs of tests/support/hint_pictures.py, and on
the tuning half of recogniser_pictures.py, resized and saved with losses. `python run.py report hints` and `report
recogniser` count how many are right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .pictures import Bytes
from .pose.skeleton import COLORS, HAND_COLORS
from .strokes import Kind, count_blocks, share_of_ends, tell_strokes

EDGES, LINES, POSE, PHOTOGRAPH, EMPTY = "edges", "lines", "pose", "photograph", "empty"
THIN, OTHER = "thin", "other"  # lines of which it is not known whether they are edges or straight; soft edges, depth
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
_BLACK, _PURE_BLACK, _WHITE = 40, 16, 200
_DIM = 60  # a lossy file leaves something around strokes; it is darker than this
_LEAST_BLACK = 0.45  # of the picture: 0.69 and more in hints; grass in edges that were drawn thick has 0.5
_LEAST_PURE = 0.85  # of the black pixels: 0.96 and more in skeletons, under 0.82 in photographs
_LEAST_PURE_BESIDE_SOFT = 0.45  # 0.54 and more in soft edges
_LEAST_OF_SOFT = 0.33  # black, and pure of it, in soft edges of a busy picture, which are known by their strokes
_COLOURED = 60  # between a pixel's strongest and weakest channel
_FEW_COLOURED = 0.1  # of the drawn pixels: 0.87 and more in skeletons, 0 in lines

# A skeleton's colours: in full for joints and hands, at 0.6 for limbs, white for faces.
_HUES = np.array([*COLORS, *HAND_COLORS], np.int16)
_PALETTE = np.concatenate([_HUES, (_HUES * 0.6).astype(np.int16), [[255, 255, 255]]]).astype(np.int16)
_HUE_OF = np.array([*range(len(_HUES))] * 2 + [-1])  # of each colour of the palette; white is none
_NEAR_COLOUR = 48
_LEAST_NEAR = 0.45  # of the coloured pixels: 0.69 and more in skeletons, under 0.5 in 90 of 100 dark photographs
_NEAR_HUE, _LEAST_NEAR_HUE = 40, 0.25  # once they are bright: 0.45 and more, under 0.3 in 80 of 100
_MOST_PALE = 60  # the weakest channel then, in the middle: up to 46, over 60 in most photographs
# Sticks of a pixel or two, in files that keep colour at half the size: up to 69, and 0.25 and more. Such pictures are
# black, to 0.95 and more. Photographs are to 0.83 at most, and hold less that is pure.
_BARE, _MOST_PALE_BARE, _LEAST_NEAR_BARE, _LEAST_PALETTE_BARE = 0.92, 85, 0.2, 0.4
_LEAST_EXACT = 0.8  # 1 as Steer draws them; the rest is left to what other packs add
_LEAST_OF_A_COLOUR = 0.01  # of the pixels that are near one
_SAMPLED = 4000  # pixels are looked at, or up to twice as many
# Sticks are thin: of their coloured pixels up to 0.03 hold out against an erosion by 1/20 of the longer side. More do
# once a skeleton was cut to a part of it. The middle of a stick is of a colour as it was drawn: 0.64 and more of what
# holds out, also in lossy files, and less in 83 of 85 saturated things on black.
_BROAD, _MOST_BROAD = 20, 0.08
_DRAWN_COLOUR, _LEAST_DRAWN = 12, 0.6
_LEAST_EXACT = 0.8  # 1 as Steer draws them; the rest is left to what other packs add
_LEAST_OF_A_COLOUR = 0.01  # of the pixels that are near one
_SAMPLED = 4000  # pixels are looked at, or up to twice as many
# Sticks are thin: of their coloured pixels up to 0.03 hold out against an erosion by 1/20 of the longer side. More do
# once a skeleton was cut to a part of it; these are of one colour, and nothing but dots lies beside them.
_BROAD, _MOST_BROAD = 20, 0.08
_PLAIN = 14.0  # the deviation in a quarter of what holds out: up to 9 in sticks, 19 and more in shaded things
_MOST_GREY = 0.2  # of the drawn pixels, neither coloured nor white: up to 0.06 in broad sticks, 0.4 in photographs
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
_MOST_BLOCKS, _MOST_ENDS = 0.3, 0.11  # full blocks of 2 x 2, up to 0.29; pixels with one neighbour, seldom over 0.10
_CORNERS = 0.12  # of lines of one pixel: up to 0.10 in straight ones, 0.13 and more in edges

# Grey pictures, soft edges and depth maps.
_GREY, _FEW_NOT_GREY = 24, 0.01  # between channels; of the picture
_DEPTH_SIDE = 256  # pixels, at which depth maps are looked at
_SMOOTH = 2.0  # the Laplacian of four fifths: up to 1.5 in depth maps, more in 99 of 100 grey photographs


@dataclass(frozen=True)
class Look:
    """What a picture looks like: one of LOOKS, and whether black and white are exchanged."""

    what: str
    inverted: bool = False

    def __str__(self) -> str:
        return LOOKS[self.what] + (", inverted (dark on white)" if self.inverted else "")


def recognise(picture: Bytes) -> Look:
    """The look of uint8 [H, W, 3] RGB, which may be a hint that was resized or saved with losses."""
    opposite = 255 - picture
    for drawing, inverted in ((picture, False), (opposite, True)):
        exact = recognise_exact(drawing)
        if exact is not None:
            return Look(_look_again(drawing[..., 0]) if exact.what == LINES else exact.what, inverted)
    channels = [np.ascontiguousarray(picture[..., channel]) for channel in range(3)]
    if max(int(np.ptp(channel)) for channel in channels) <= _FLAT:
        return Look(EMPTY)
    top, low = np.maximum.reduce(channels), np.minimum.reduce(channels)
    what = _read_drawing(picture, top, low)
    if what is not None:
        return Look(what)
    what = _read_drawing(opposite, 255 - low, 255 - top)
    if what is not None:
        return Look(what, inverted=True)
    return Look(OTHER if _is_grey(top, low) and _is_depth(top) else PHOTOGRAPH)


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
    """EDGES, LINES, THIN, POSE or OTHER for a drawing on black, uint8 [H, W, 3]; else None.

    top, low: the strongest and the weakest channel of each pixel, [H, W].
    """
    black = top <= _BLACK
    share = float(black.mean())
    if share < _LEAST_OF_SOFT or black.all():
        return None
    pure = float((top[black] <= _PURE_BLACK).mean())
    coloured = (top > _DIM) & (top - low > _COLOURED)
    if int(coloured.sum()) > _FEW_COLOURED * int((top > _DIM).sum()):
        if share < _LEAST_BLACK or pure < _LEAST_PURE:
            return None
        is_skeleton = _has_resized_pose_colours(picture[coloured], min(share, pure) >= _BARE)
        return POSE if is_skeleton and _are_sticks(picture, coloured) else None
    if pure < _LEAST_OF_SOFT or not _is_grey(top, low):
        return None
    if share < _LEAST_BLACK or pure < _LEAST_PURE_BESIDE_SOFT:
        return OTHER if _tell_strokes(top) == OTHER else None
    return POSE if _are_dots(top) else _tell_strokes(top)


def _is_grey(top: Bytes, low: Bytes) -> bool:
    """Whether next to no pixel has a colour. As `_read_drawing` takes them."""
    return int((top - low > _GREY).sum()) <= _FEW_NOT_GREY * top.size


def _has_resized_pose_colours(pixels: Bytes, is_bare: bool) -> bool:
    """Whether coloured pixels [N, 3] have OpenPose's colours, several of them, also where files blurred them.

    On black, mixing makes colours darker, and that is undone; lossy files add grey, and little of it is allowed.
    is_bare: next to all of the picture is black, as around a skeleton made small: a little more is allowed.
    """
    most_pale = _MOST_PALE_BARE if is_bare else _MOST_PALE
    least_hue, least_near = (_LEAST_NEAR_BARE, _LEAST_PALETTE_BARE) if is_bare else (_LEAST_NEAR_HUE, _LEAST_NEAR)
    sample = pixels[:: max(1, len(pixels) // _SAMPLED)].astype(np.int16)
    full = sample * (255.0 / sample.max(axis=1, keepdims=True))
    if float(np.median(full.min(axis=1))) > most_pale:
        return False
    away = np.abs(full[:, None] - _HUES).max(axis=2)
    near = away.min(axis=1) <= _NEAR_HUE
    _, counts = np.unique(away.argmin(axis=1)[near], return_counts=True)
    several = int((counts >= _LEAST_OF_A_COLOUR * near.sum()).sum()) >= 2
    in_palette = _away_from_palette(pixels) <= _NEAR_COLOUR
    return several and float(near.mean()) >= least_hue and float(in_palette.mean()) >= least_near


def _are_sticks(picture: Bytes, coloured: NDArray[np.bool_]) -> bool:
    """Whether the coloured pixels, [H, W], are thin, or else plainly of OpenPose's colours where they are broad."""
    import cv2

    kernel = np.ones((max(3, round(max(coloured.shape) / _BROAD)),) * 2, np.uint8)
    core = cv2.erode(coloured.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
    if int(core.sum()) <= _MOST_BROAD * int(coloured.sum()):
        return True
    pixels = picture[core]
    pixels = pixels[:: max(1, len(pixels) // _SAMPLED)]
    return float((_away_from_palette(pixels) <= _DRAWN_COLOUR).mean()) >= _LEAST_DRAWN


def _away_from_palette(pixels: Bytes) -> NDArray[np.int16]:
    """How far each of [N, 3] is from the nearest of a skeleton's colours, in its strongest channel, [N]."""
    return np.abs(pixels[:, None].astype(np.int16) - _PALETTE).max(axis=2).min(axis=1)


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
    """LINES or EDGES for lines of one pixel, white on black, [H, W], as they were drawn; else None."""
    return EDGES if count_blocks(np.minimum(grey, 1), 3) > _CORNERS else LINES


def _look_again(grey: Bytes) -> str:
    """LINES, or what else white lines on black, [H, W], may be if they were resized without mixing pixels.

    Edges lose their corners so: enlarged they are in blocks, and made smaller they are in pieces.
    """
    if count_blocks(np.minimum(grey, 1), 4) <= _MOST_BLOCKS and share_of_ends(grey) <= _MOST_ENDS:
        return LINES
    return _tell_strokes(grey) or LINES


def _tell_strokes(grey: Bytes) -> str | None:
    """EDGES, LINES, OTHER for soft edges, or THIN for light strokes on black, [H, W]. Else None."""
    kind = tell_strokes(grey)
    if kind in (None, Kind.SOFT):
        return None if kind is None else OTHER
    return {Kind.EDGES: EDGES, Kind.STRAIGHT: LINES}.get(kind, THIN)


def _is_depth(grey: Bytes) -> bool:
    """Whether a grey picture [H, W] is smooth but for the edges of things, as depth maps are."""
    import cv2

    scale = _DEPTH_SIDE / max(grey.shape)
    size = max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR).astype(np.float32)
    low, high = np.percentile(small, [1, 99])
    small = cv2.GaussianBlur(small * np.float32(255 / max(16.0, high - low)), (0, 0), 1.2)
    bends = np.abs(cv2.Laplacian(small, cv2.CV_32F, ksize=1))
    return float(np.percentile(bends, 80)) <= _SMOOTH
