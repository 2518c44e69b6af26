"""The hint check: what a picture looks like to a ControlNet, and whether that is what the net was made for. Pure.

Told from the picture alone. White or coloured drawings on black are hints; the same on white are inverted ones. Canny
and straight lines differ in their pixels: lines are drawn with Bresenham's steps, edges turn corners.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ...preprocessors.recognise import EDGES, EMPTY, LINES, LOOKS, OTHER, POSE, THIN, Look, recognise
from .choices import ANY, AUTO, CANNY, KINDS, MLSD, OPENPOSE

Bytes = NDArray[np.uint8]

WANTED = {CANNY: EDGES, MLSD: LINES, OPENPOSE: POSE}
_FITS = {CANNY: (EDGES, THIN), MLSD: (LINES, THIN), OPENPOSE: (POSE,)}
# Words of file names. Nets for scribbles, soft edges and line art take other drawings, which are not told apart here.
_NAMED = {CANNY: ("canny",), MLSD: ("mlsd", "m-lsd"), OPENPOSE: ("openpose", "dwpose", "_pose")}
_SEVERAL = ("union", "promax", "pro-max")


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
