"""From a picture to its M-LSD hint; a picture that is such a hint already is passed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..pictures import Bytes, Placement
from ..recognise import LINES, Look, recognise_exact, warn_ready_made
from ..report import describe_pass_on
from .draw import draw_lines, redraw
from .mlsd import Lines, trace_lines


@dataclass(frozen=True)
class LineHint:
    """picture: white lines on black, uint8 [H, W, 3]. lines: those that are in it. report: how many, or why none."""

    picture: Bytes
    lines: Lines
    report: str


def make_hint(
    picture: Bytes, placement: Placement, find_lines: Callable[[Bytes], Lines], look_closely: bool
) -> LineHint:
    """The hint of uint8 [H, W, 3] RGB on the canvas of `placement`.

    look_closely: whether the report also says that the picture looks like a hint that was resized or saved with losses.
    """
    if recognise_exact(picture) == Look(LINES):
        note = describe_pass_on("a line hint", picture, placement, "its lines redrawn")
        lines = trace_lines(picture, note).move(placement)
        return LineHint(redraw(picture, placement), lines, lines.describe())
    lines = find_lines(picture).move(placement)
    warning = warn_ready_made(picture, [LINES]) if look_closely else ""
    hint = draw_lines(lines.segments, placement.height, placement.width)
    return LineHint(hint, lines, "; ".join(filter(None, [lines.describe(), warning])))
