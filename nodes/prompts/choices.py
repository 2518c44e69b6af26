"""Names that the family's schemas show, apart from the logic: loading the pack needs only them."""

from __future__ import annotations

# Prompt Template: how several lists are gone through.
PRODUCT, ZIP = LIST_MODES = ("product", "zip")
# Timed Swap: what a fraction counts.
BY_STEPS, BY_SCHEDULE = TIME_MODES = ("fraction of steps", "fraction of the model's schedule")
