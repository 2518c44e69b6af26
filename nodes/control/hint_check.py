"""The hint check: is what a hint looks like what the ControlNet was made for? Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ...preprocessors.pictures import Bytes
from ...preprocessors.recognise import EDGES, EMPTY, LINES, LOOKS, OTHER, PHOTOGRAPH, POSE, THIN, Look, recognise
from ...preprocessors.report import group_lines
from .choices import (
    ANY,
    AUTO,
    BLUR,
    CANNY,
    DEPTH,
    GRAY,
    KINDS,
    LOW_QUALITY,
    MLSD,
    NORMAL,
    OPENPOSE,
    REPAINT,
    SEGMENT,
    SOFT,
    TILE,
)

_PICTURES = (TILE, REPAINT, BLUR, GRAY, LOW_QUALITY)  # take an ordinary picture, in any tone
_MAPS = (DEPTH, NORMAL, SEGMENT)  # take a map, which this check may take for a picture
_NEEDS = {CANNY: LOOKS[EDGES], MLSD: LOOKS[LINES], OPENPOSE: LOOKS[POSE], SOFT: "scribbles or soft edges"}
_NEEDS |= {DEPTH: "a depth map", NORMAL: "a normal map", SEGMENT: "a map of segments"}
_NEEDS |= dict.fromkeys(_PICTURES, LOOKS[PHOTOGRAPH])
_FITS = {CANNY: (EDGES, THIN, OTHER), MLSD: (LINES, THIN, OTHER), OPENPOSE: (POSE, OTHER)}
_FITS |= {SOFT: (EDGES, LINES, THIN, OTHER, PHOTOGRAPH)} | dict.fromkeys((*_MAPS, *_PICTURES), (OTHER, PHOTOGRAPH))
_PREPROCESSORS = {CANNY: "Canny", MLSD: "M-LSD", OPENPOSE: "OpenPose"}
# Words of file names. Nets for line art take other drawings, which this check does not know.
_NAMED = {CANNY: ("canny",), MLSD: ("mlsd", "m-lsd"), OPENPOSE: ("openpose", "dwpose", "_pose")}
_NAMED |= {DEPTH: ("depth",), NORMAL: ("normal",), SEGMENT: ("_seg",), TILE: ("tile",), BLUR: ("blur",)}
_NAMED |= {SOFT: ("scribble", "softedge", "_hed", "pidi")}
_SEVERAL = ("union", "promax", "pro-max")


# Canny edges at DRAWN_SIDE: none of 400 drawings of demo/scenes passes a limit, and 32 of 61 photographs and paintings.
DRAWN_SIDE, MOST_EDGES, MOST_PIECES = 256, 0.11, 170


def choose_kind(name: str, kind: str = AUTO) -> str:
    """What a net is made for: one of NETS or OTHER_NETS, or "any".

    It is `kind`, or if that is "auto", what the net's file name says.

    Raises:
        ValueError: the kind is unknown.
    """
    if kind not in KINDS:
        raise ValueError(f"kind: '{kind}' is unknown. Choose one of {', '.join(KINDS)}.")
    if kind != AUTO:
        return kind
    low = name.lower()
    found = [made_for for made_for, words in _NAMED.items() if any(word in low for word in words)]
    return found[0] if len(found) == 1 and not any(word in low for word in _SEVERAL) else ANY


def complain(look: Look, kind: str, any_tone: bool = False) -> str:
    """One sentence if `look` is not what a net made for `kind` expects, else "". Never about what cannot be known.

    any_tone: the net may be for drawings on white, as nets for tiles and inpainting are.
    """
    if look.what == EMPTY:
        return "the hint is one colour only, so it says nothing. Check the preprocessor before it"
    if look.inverted and (any_tone or kind in _PICTURES):
        return ""
    if look.inverted:
        return f"this looks like {look}; ControlNets expect light on black. Put Invert Image before it"
    if kind == ANY or look.what in _FITS[kind]:
        return ""
    advice = f"Put {_PREPROCESSORS[kind]} before it" if kind in _PREPROCESSORS else "Connect such a hint"
    return f"this looks like {look}; the net is for {_NEEDS[kind]}. {advice}, or change the net"


def describe_doubt(look: Look) -> str:
    """One sentence on a look that leaves open what a hint is, else ""."""
    if look.what == THIN:
        return "thin lines that were resized: they may be Canny edges or straight lines. This check cannot see which"
    return "another kind of hint may be soft edges or a depth map: this check cannot tell" if look.what == OTHER else ""


def describe_photograph(hint: Bytes) -> str:
    """One sentence if a Canny hint has more edges than the drawings have that the embedded model knows, else "".

    A hint of another size than the model's is not judged.
    """
    import cv2

    marks = (hint.max(axis=-1) > 127).astype("uint8")
    if marks.shape != (DRAWN_SIDE, DRAWN_SIDE):
        return ""
    pieces = cv2.connectedComponents(marks)[0] - 1
    if marks.mean() <= MOST_EDGES and pieces <= MOST_PIECES:
        return ""
    return (
        "this hint is as rich in edges as that of a photograph, and the embedded model knows drawings alone: figures "
        "may melt. For a photograph use a checkpoint and its ControlNet"
    )


def check_hints(pictures: Mapping[int, Bytes], kind: str, any_tone: bool = False) -> tuple[list[Look], list[str]]:
    """The look of each picture, and the complaints, each once. pictures: by their number in the batch, from 0."""
    looks = {number: recognise(picture) for number, picture in pictures.items()}
    complaints = {number: complain(look, kind, any_tone) for number, look in looks.items()}
    return list(looks.values()), group_lines(complaints, len(looks))
