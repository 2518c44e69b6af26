"""The hint check: what a picture looks like to a ControlNet, and whether that is what the net was made for. Pure.

Told from the picture alone. White or coloured drawings on black are hints; the same on white are inverted ones. Canny
and straight lines differ in their pixels: lines are drawn with Bresenham's steps, edges turn corners.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...preprocessors.pose import COLORS, HAND_COLORS
from .choices import ANY, AUTO, CANNY, KINDS, MLSD, OPENPOSE

Bytes = NDArray[np.uint8]

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
WANTED = {CANNY: EDGES, MLSD: LINES, OPENPOSE: POSE}
_FITS = {CANNY: (EDGES, THIN), MLSD: (LINES, THIN), OPENPOSE: (POSE,)}
# Words of file names. Nets for scribbles, soft edges and line art take other drawings, which are not told apart here.
_NAMED = {CANNY: ("canny",), MLSD: ("mlsd", "m-lsd"), OPENPOSE: ("openpose", "dwpose", "_pose")}
_SEVERAL = ("union", "promax", "pro-max")

_BLACK, _WHITE = 40, 200
_MOSTLY_BLACK = 0.45  # dense edges of grass, drawn thick, cover half of a picture
_PURE = 0.85  # of the black pixels are really black; a photograph at night is not
_FAINTEST = 90
_COLOURED = 60  # between the strongest and the weakest channel
_TWO_WIDE = 0.3  # full blocks of 2 x 2 for each white pixel; a line of two pixels has about 0.5
_MOST_THICK = 9.0  # pixels; hints that were enlarged
_MOST_CENTRES = 0.135  # of dots for each white pixel; 1/29 in a dot alone, 1/7 and more in the stroke of a round brush
_LEAST_DOT, _FEWEST_DOTS = 5, 12  # pixels across, drawn at 7; of the 68 of a face, lips and eyes often run together


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


def wanted_by(name: str, kind: str = AUTO) -> str:
    """What the net is made for: one of WANTED, or "any". From `kind`, or from the net's file name if that is "auto".

    ValueError for an unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"kind: '{kind}' is unknown. Choose one of {', '.join(KINDS)}.")
    if kind != AUTO:
        return kind
    low = name.lower()
    found = [made_for for made_for, words in _NAMED.items() if any(word in low for word in words)]
    return found[0] if len(found) == 1 and not any(word in low for word in _SEVERAL) else ANY


def complaint(look: Look, wanted: str, any_tone: bool = False) -> str:
    """One sentence if `look` is not what a net made for `wanted` expects, else "". Never about what cannot be told.

    any_tone: the net may be for drawings on white, as nets for tiles and inpainting are.
    """
    if look.what == EMPTY:
        return "the hint is one colour only, so it says nothing. Check the preprocessor before it"
    if look.inverted and any_tone:
        return ""
    if look.inverted:
        return f"this looks like {look}; ControlNets expect light on black. Put Invert Image before it"
    if wanted == ANY or look.what in (OTHER, *_FITS[wanted]):
        return ""
    advice = {CANNY: "Canny", MLSD: "M-LSD", OPENPOSE: "OpenPose"}[wanted]
    return f"this looks like {look}; the net is for {LOOKS[WANTED[wanted]]}. Put {advice} before it, or change the net"


def already(look: Look) -> str:
    """One sentence if a picture that a preprocessor was given is such a hint itself, else ""."""
    if look.inverted or look.what not in (EDGES, LINES, POSE):
        return ""
    return f"this picture looks like {look} already: connect it to ControlNet Guide as it is"


def sampled(count: int, most: int = 16) -> list[int]:
    """Up to `most` of `count` picture numbers, from 0, spread evenly: frames of a video look alike."""
    return sorted({round(index * (count - 1) / (most - 1)) for index in range(most)})


def check(pictures: Mapping[int, Bytes], wanted: str, any_tone: bool = False) -> tuple[list[Look], list[str]]:
    """The look of each picture, and the complaints, each once. pictures: by their number in the batch, from 0."""
    looks, where = [], dict[str, list[int]]()
    for number, picture in pictures.items():
        looks.append(recognise(picture))
        where.setdefault(complaint(looks[-1], wanted, any_tone), []).append(number + 1)
    where.pop("", None)
    return looks, [
        text if len(numbers) == len(looks) else f"picture {', '.join(map(str, numbers))}: {text}"
        for text, numbers in where.items()
    ]


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
    if _FEWEST_DOTS / 2 < centres < _MOST_CENTRES * count and _made_of(white, dot) == count:
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
    return _made_of(white, stamp) > 0.8 * count


def _made_of(white: Bytes, stamp: Bytes) -> int:
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
