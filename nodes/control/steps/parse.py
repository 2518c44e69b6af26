"""The text of Control Steps.

    text     = item { ( "," | line break ) item }
    item     = strength "@" steps
    strength = [ "-" ] number
    steps    = step [ "-" ( step | "end" ) [ "(" "+" digits ")" ] ]

Steps are counted from 1, and both ends of a range belong to it. A text without any item is strength 1 at all steps.
"""

from __future__ import annotations

import re
from functools import partial

from ...text.error import TextError
from ...text.ranges import split_items

MAX_STRENGTH = 10.0
EXAMPLES = "1@1-4, 0.4@5-8"
END = "end"
_ITEM = re.compile(
    r"(?P<strength>-?(?:[0-9]{1,9}(?:\.[0-9]{1,9})?|\.[0-9]{1,9}))\s*@\s*"
    r"(?P<low>[0-9]{1,9})(?:\s*(?:-|\.\.)\s*(?P<high>[0-9]{1,9}|end)(?:\s*\(\s*\+\s*(?P<by>[0-9]{1,9})\s*\))?)?"
)


def parse_steps(text: str, steps: int) -> list[float]:
    """The strength at each of `steps` steps; 0 at those that no item names.

    Raises:
        TextError: the text is faulty, names a step that is not there, or names one twice.
    """
    strengths: dict[int, float] = {}
    for position, part in split_items(text, ",\n"):
        fail = partial(TextError, text, position)
        match = _ITEM.fullmatch(part)
        if match is None:
            raise fail(f"this is no strength with its steps. Write for example {EXAMPLES}, or 0.4@5-end.")
        strength = float(match["strength"])
        if abs(strength) > MAX_STRENGTH:
            raise fail(f"strength {strength:g} is outside {-MAX_STRENGTH:g} to {MAX_STRENGTH:g}.")
        low, by = int(match["low"]), int(match["by"] or 1)
        high = low if match["high"] is None else steps if match["high"] == END else int(match["high"])
        if low < 1 or max(low, high) > steps:
            raise fail(
                f"there is no step {low if low < 1 else max(low, high)}: sigmas has {steps}, from 1 to {steps}. Name "
                "only those, or connect the schedule that this was written for."
            )
        if high < low or by < 1:
            raise fail(f"the range from {low} to {high} has no step. Write the lower one first.")
        for step in range(low, high + 1, by):
            if step in strengths:
                raise fail(f"step {step} has a strength already. Name each step once.")
            strengths[step] = strength
    return [strengths.get(step, 0.0) for step in range(1, steps + 1)] if strengths else [1.0] * steps
