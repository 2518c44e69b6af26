"""Prompts that belong to a part of sampling each, and the mark on them that shows whether another node wrote over it.

ComfyUI's ConditioningSetTimestepRange gives every entry of a CONDITIONING the same range. Of a timed prompt all parts
then act at once, and nothing says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

KEY = "steer_timed_range"  # of an entry: the start_percent and end_percent that it was given, None where it has none
_NAMES = ("start_percent", "end_percent")
_LOST = (
    "another node wrote over the steps of Timed Swap, so all its prompts act at the same time. Take "
    "ConditioningSetTimestepRange, or what else sets start and end, away from behind it"
)


def set_range(start: float | None, end: float | None) -> dict[str, Any]:
    """The values of an entry that acts from `start` to `end`, shares of sampling as ComfyUI counts them."""
    values = {name: value for name, value in zip(_NAMES, (start, end), strict=True) if value is not None}
    return values | {KEY: (start, end)} if values else {}


def warn_overwritten(sides: Iterable[list[Any]]) -> str:
    """One sentence if an entry of the CONDITIONINGs has another range than it was given, else ""."""
    for _, values in (entry for side in sides for entry in side):
        if KEY in values and tuple(values.get(name) for name in _NAMES) != tuple(values[KEY]):
            return _LOST
    return ""
