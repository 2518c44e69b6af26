"""The hint check: is what a hint looks like what the ControlNet was made for? Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ...preprocessors.pictures import Bytes
from ...preprocessors.recognise import EDGES, EMPTY, LINES, LOOKS, OTHER, POSE, THIN, Look, recognise
from ...preprocessors.report import group_lines
from .choices import ANY, AUTO, CANNY, KINDS, MLSD, OPENPOSE

_NEEDS = {CANNY: EDGES, MLSD: LINES, OPENPOSE: POSE}
_FITS = {CANNY: (EDGES, THIN, OTHER), MLSD: (LINES, THIN, OTHER), OPENPOSE: (POSE, OTHER)}
_PREPROCESSORS = {CANNY: "Canny", MLSD: "M-LSD", OPENPOSE: "OpenPose"}
# Words of file names. Nets for scribbles, soft edges and line art take other drawings, which this check does not know.
_NAMED = {CANNY: ("canny",), MLSD: ("mlsd", "m-lsd"), OPENPOSE: ("openpose", "dwpose", "_pose")}
_SEVERAL = ("union", "promax", "pro-max")


def choose_kind(name: str, kind: str = AUTO) -> str:
    """What a net is made for: one of NETS, or "any". `kind`, or if that is "auto", what the net's file name says.

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
    if look.inverted:
        return (
            "" if any_tone else f"this looks like {look}; ControlNets expect light on black. Put Invert Image before it"
        )
    if kind == ANY or look.what in _FITS[kind]:
        return ""
    needed, advice = LOOKS[_NEEDS[kind]], _PREPROCESSORS[kind]
    return f"this looks like {look}; the net is for {needed}. Put {advice} before it, or change the net"


def describe_doubt(look: Look) -> str:
    """One sentence on a look that leaves open what a hint is, else ""."""
    if look.what == THIN:
        return "thin lines that were resized: they may be Canny edges or straight lines. This check cannot see which"
    return "another kind of hint may be soft edges or a depth map: this check cannot tell" if look.what == OTHER else ""


def check_hints(pictures: Mapping[int, Bytes], kind: str, any_tone: bool = False) -> tuple[list[Look], list[str]]:
    """The look of each picture, and the complaints, each once. pictures: by their number in the batch, from 0."""
    looks = {number: recognise(picture) for number, picture in pictures.items()}
    complaints = {number: complain(look, kind, any_tone) for number, look in looks.items()}
    return list(looks.values()), group_lines(complaints, len(looks))
