"""Names that the family's schemas show, apart from the logic: loading the pack needs only them."""

from __future__ import annotations

# Of all prompts that one node makes, in letters: more fill the memory before anything is made of them.
MAX_LETTERS = 20_000_000
# Prompt Template: how several lists are gone through.
PRODUCT, ZIP = LIST_MODES = ("product", "zip")
# Timed Swap: what a fraction counts.
BY_STEPS, BY_SCHEDULE = TIME_MODES = ("fraction of steps", "fraction of the model's schedule")
# Expression Dial: the name of its axis, and its ends.
DIAL = "dial"
DIAL_LOW, DIAL_HIGH = -2.0, 3.0
