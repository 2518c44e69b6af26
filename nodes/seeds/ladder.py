"""The strengths of a ladder of variations, in the language of a Value Axis: `0-1[5]`, or `0, 0.25, 1`."""

from __future__ import annotations

from ..text.ranges import Numbers, read_numbers
from .choices import LADDER_EXAMPLES

_STRENGTHS = Numbers(0.0, 1.0, examples=LADDER_EXAMPLES, name="ladder")


def parse_ladder(text: str) -> tuple[float, ...]:
    """The different strengths from 0 to 1 that `text` names, in its order.

    Raises:
        TextError: the text is no list of such numbers. It says where the fault is.
    """
    return tuple(float(number) for number in read_numbers(text, _STRENGTHS))
