"""Recognises ready-made hints: Canny edges, straight lines, skeletons, soft hints, and drawings on white."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .pictures import Bytes
from .pose.skeleton import COLORS, HAND_COLORS

EDGES, LINES, POSE, PHOTOGRAPH, EMPTY = "edges", "lines", "pose", "photograph", "empty"


THIN, OTHER = "thin", "other"  # lines that were made smaller, edges or straight; soft edges, depth


LOOKS = {
    EDGES: "Canny edges",
    LINES: "the straight lines of M-LSD",
    THIN: "thin lines",
    POSE: "a pose skeleton",
    PHOTOGRAPH: "an ordinary picture",
    EMPTY: "one colour only",
    OTHER: "another kind of hint",
}


_BLACK, _WHITE = 40, 200


_MOSTLY_BLACK = 0.45  # dense edges of grass, drawn thick, cover half of a picture


_PURE = 0.85  # of the black pixels are really black; a photograph at night is not


_FAINTEST = 90


_COLOURED = 60  # between the strongest and the weakest channel


_TWO_WIDE = 0.3  # full blocks of 2 x 2 for each white pixel; a line of two pixels has about 0.5


_MOST_THICK = 9.0  # pixels; hints that were enlarged


_MOST_CENTRES = 0.135  # of dots for each white pixel; 1/29 in a dot alone, 1/7 and more in the stroke of a round brush


_LEAST_DOT, _FEWEST_DOTS = 5, 12  # pixels across, drawn at 7; of a face's 68, lips and eyes often run together


@dataclass(frozen=True)
class Look:
    """What a picture looks like: one of LOOKS, and whether black and white are exchanged."""

    what: str
    inverted: bool = False

    def __str__(self) -> str:
        return LOOKS[self.what] + (", inverted (dark on white)" if self.inverted else "")


def recognise(picture: Bytes) -> Look:
    """The look of uint8 [H, W, 3] RGB."""
    if int(np.ptp(picture.reshape(-1, 3), axis=0).max()) <= 8:
        return Look(EMPTY)
    for inverted, pixels in ((False, picture), (True, 255 - picture)):
        found = _drawing(pixels)
        if found is not None:
            return Look(found, inverted)
    return Look(OTHER if _is_soft(picture) else PHOTOGRAPH)


def warn_ready_made(look: Look) -> str:
    """One sentence if a picture that a preprocessor was given is such a hint itself, else ""."""
    if look.inverted or look.what not in (EDGES, LINES, POSE):
        return ""
    return f"this picture looks like {look} already: connect it to ControlNet Guide as it is"


def sample_indices(count: int, most: int = 16) -> list[int]:
    """Up to `most` of `count` picture numbers, from 0, spread evenly: frames of a video look alike."""
    return sorted({round(index * (count - 1) / (most - 1)) for index in range(most)})


def _drawing(picture: Bytes) -> str | None:
    """EDGES, LINES or POSE for a drawing on black, else None."""
    top, low = picture.max(axis=2), picture.min(axis=2)
    black = top <= _BLACK
    if float(black.mean()) < _MOSTLY_BLACK or float((top[black] <= 12).mean()) < _PURE:
        return None
    drawn = ~black
    count = int(drawn.sum())
    if count == 0:
        return None
    if int((drawn & (top - low > _COLOURED)).sum()) > 0.1 * count:
        return POSE if _has_pose_colours(picture[drawn]) else None
    return POSE if _are_dots(top) else _lines_or_edges(top)


def _has_pose_colours(pixels: Bytes) -> bool:
    """Whether most of [N, 3] are near OpenPose's colours, in full or at 0.6, and several of them are there."""
    palette = np.array([*COLORS, *HAND_COLORS], np.float32)
    palette = np.concatenate([palette, palette * 0.6, [[255.0, 255.0, 255.0]]])
    step = max(1, len(pixels) // 4000)
    away = np.abs(pixels[::step, None].astype(np.float32) - palette).max(axis=2)
    nearest = away.argmin(axis=1)
    near = away.min(axis=1) <= 24
    names, counts = np.unique(nearest[near] % len(COLORS), return_counts=True)
    return bool(near.mean() >= 0.6 and (counts >= 0.01 * len(near)).sum() >= 2 and len(names) >= 2)


def _are_dots(grey: Bytes) -> bool:
    """Whether [H, W] is white discs of one size: the points of faces, drawn without a body."""
    import cv2

    white = (grey >= _WHITE).astype(np.uint8)
    count = int(white.sum())
    if count == 0 or count < _PURE * int((grey > _BLACK).sum()):
        return False
    dot = np.zeros((7, 7), np.uint8)
    cv2.circle(dot, (3, 3), 3, 1, -1)  # as they are drawn
    centres = int(cv2.erode(white, dot).sum())
    if _FEWEST_DOTS / 2 < centres < _MOST_CENTRES * count and _count_stamped(white, dot) == count:
        return True
    _, _, stats, _ = cv2.connectedComponentsWithStats(white, connectivity=8)  # of another size now
    width, height, area = stats[1:, cv2.CC_STAT_WIDTH], stats[1:, cv2.CC_STAT_HEIGHT], stats[1:, cv2.CC_STAT_AREA]
    side, filled = np.maximum(width, height), area / (width * height)
    discs = (np.abs(width - height) <= 2) & (side >= _LEAST_DOT) & (filled > 0.5) & (filled < 0.95)
    usual = int(np.median(side[discs])) if discs.any() else 0
    alike = int((discs & (np.abs(side - usual) <= 1)).sum())
    if alike < _FEWEST_DOTS or alike < 0.5 * len(side):
        return False
    brush = max(3, round(0.5 * usual))
    stamp = np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (brush, brush)), np.uint8)
    return _count_stamped(white, stamp) > 0.8 * count


def _count_stamped(white: Bytes, stamp: Bytes) -> int:
    """How many white pixels of [H, W] a stamp covers that is put only where all of it is white."""
    import cv2

    return int(cv2.morphologyEx(white, cv2.MORPH_OPEN, stamp).sum())


def _lines_or_edges(grey: Bytes) -> str | None:
    import cv2

    level = float(np.percentile(grey[grey > _BLACK], 90))
    if level < _FAINTEST:
        return None
    shrunk = level <= 230
    grey = np.minimum(grey * (255.0 / level), 255.0).astype(np.uint8)
    white = (grey >= 128).astype(np.uint8)
    count = int(white.sum())
    depth = cv2.distanceTransform(white, cv2.DIST_L2, 3)
    if 2 * float(depth[white > 0].mean()) > _MOST_THICK or float((grey >= _WHITE).sum()) < 0.3 * count:
        return None
    if _blocks(white, 4) > _TWO_WIDE:  # enlarged to twice its size, which also makes it fainter
        half = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        return EDGES if _corners((half >= 128).astype(np.uint8)) > 0.125 else LINES
    if shrunk:
        return THIN
    ridge = (depth >= cv2.dilate(depth, np.ones((3, 3), np.uint8))) & (white > 0)
    thickness = count / max(1, int(ridge.sum()))
    if thickness > 1.08:  # enlarged: back to lines of one pixel
        thin = cv2.resize(grey, None, fx=1 / thickness, fy=1 / thickness, interpolation=cv2.INTER_AREA)
        return EDGES if _corners((thin >= 110).astype(np.uint8)) > 0.08 else LINES
    corners = _corners(white)
    greys = float(((grey > 12) & (grey < 243)).mean()) > 0.1 * float(white.mean())
    if not greys:
        return EDGES if corners > 0.12 else LINES
    near = cv2.filter2D(white, -1, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT)
    ends = float(((near == 2) & (white > 0)).sum()) / count
    return EDGES if corners > 0.04 and ends > 0.06 else LINES  # broken lines: it was made smaller


def _corners(white: Bytes) -> float:
    """How many blocks of 2 x 2 pixels hold exactly three white ones, for each white pixel."""
    return _blocks(white, 3)


def _blocks(white: Bytes, holding: int) -> float:
    """How many blocks of 2 x 2 pixels hold exactly so many white ones, for each white pixel."""
    blocks = white[:-1, :-1] + white[1:, :-1] + white[:-1, 1:] + white[1:, 1:]
    return float((blocks == holding).sum()) / max(1, int(white.sum()))


def _is_soft(picture: Bytes) -> bool:
    """Grey only, and mostly black or smooth: soft edges and depth maps."""
    import cv2

    top, low = picture.max(axis=2), picture.min(axis=2)
    if int((top - low > 16).sum()) > 0.01 * top.size:
        return False
    if float((top <= _BLACK).mean()) > 0.6:
        return True
    return float(np.abs(cv2.Laplacian(top, cv2.CV_32F)).mean()) < 1.5


# At most this share of a line hint's white pixels may survive an erosion: 0.18 where M-LSD draws many lines side by
# side, 0.21 and more in strokes that are thick throughout.
_THIN = 0.2


_MAX_WHITE = 0.3


_MAX_DRAWN = 0.6  # of a pose hint


_FACE_RADIUS = 3  # as pose.draw_people draws the points of a face


_FEWEST_DRAWN_DOTS = 5


_APART = 0.1  # centres of dots for each white pixel: a single dot has 1 / 29, a stroke as thick 1 / 7


def is_line_hint(picture: Bytes) -> bool:
    """Whether uint8 [H, W, 3] is thin white lines on black, as Canny and M-LSD draw them."""
    import cv2

    grey = picture[..., 0]
    if not ((grey == 0) | (grey == 255)).all() or not (picture == grey[..., None]).all():
        return False
    white = int(np.count_nonzero(grey))
    if not 0 < white <= _MAX_WHITE * grey.size:
        return False
    core = np.asarray(cv2.erode(grey, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0))
    return int(np.count_nonzero(core)) <= _THIN * white


def is_pose_hint(picture: Bytes) -> bool:
    """Whether uint8 [H, W, 3] is black but for a little in the colours of OpenPose's bodies and hands, or for the white
    dots of faces."""
    from .pose.skeleton import COLORS, HAND_COLORS

    if picture[::7, ::7].any(axis=2).mean() > 0.9:  # nearly every photograph ends here, which takes no time
        return False
    code = np.array([65536, 256, 1])
    body = np.array(COLORS, np.int64)
    full = np.concatenate([body, np.array(HAND_COLORS, np.int64)]) @ code
    white = np.array([255, 255, 255]) @ code
    drawn = picture.reshape(-1, 3)[picture.reshape(-1, 3).any(axis=1)].astype(np.int64) @ code
    if not 0 < len(drawn) <= _MAX_DRAWN * picture.shape[0] * picture.shape[1]:
        return False
    if (drawn == white).all():
        return _is_dots(picture[..., 0])
    known = np.isin(drawn, [*full, *((body * 0.6).astype(np.int64) @ code), white])
    return bool(known.mean() > 0.8 and len(np.unique(drawn[np.isin(drawn, full)])) >= 2)


def _is_dots(grey: Bytes) -> bool:
    """Whether the white of [H, W] is nothing but several dots as large as the points of a face, few of them run
    together."""
    import cv2

    side = 2 * _FACE_RADIUS + 1
    dot = cv2.circle(np.zeros((side, side), np.uint8), (_FACE_RADIUS,) * 2, _FACE_RADIUS, 1, thickness=-1)
    roomy = np.pad(grey, side)  # dots at the border are cut off there
    centres = np.asarray(cv2.erode(roomy, dot))
    covered = np.asarray(cv2.dilate(centres, dot), np.uint8)
    white = int(np.count_nonzero(grey))
    whole = int(np.count_nonzero(covered)) >= 0.95 * white
    return whole and _FEWEST_DRAWN_DOTS <= int(np.count_nonzero(centres)) <= _APART * white
