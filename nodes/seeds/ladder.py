"""The strengths of a ladder of variations, in the language of a Value Axis: `0-1[5]`, or `0, 0.25, 1`."""

from __future__ import annotations

from ..choices import DENOISE
from ..sweep.plan.values import EXAMPLES, read_values
from ..text.error import TextError
from .choices import LADDER_EXAMPLES


def parse_ladder(text: str) -> tuple[float, ...]:
    """The different strengths from 0 to 1 that `text` names, in its order. ValueError says where the fault is."""
    try:
        return read_values(DENOISE, text, lambda _: ()).values  # denoise, too, runs from 0 to 1
    except TextError as error:
        fault = str(error).removeprefix("text, ").replace(EXAMPLES, LADDER_EXAMPLES).replace(f" {DENOISE} ", " ")
        raise ValueError(f"ladder, {fault}") from None
