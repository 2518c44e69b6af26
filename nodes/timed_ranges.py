"""Prompts that belong to a part of sampling each: the moment between two steps, and the mark that shows it is kept.

ComfyUI's ConditioningSetTimestepRange gives every entry of a CONDITIONING the same range. Of a timed prompt all parts
then act at once, and nothing says so. The mark on them shows whether another node wrote over their ranges.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .schedule_edges import SHARE, PercentToSigma, sigma_between, to_float32

KEY = "steer_timed_range"  # of an entry: the start_percent and end_percent that it was given, None where it has none
_NAMES = ("start_percent", "end_percent")
_LOST = (
    "another node wrote over the steps of Timed Swap, so all its prompts act at the same time. Take "
    "ConditioningSetTimestepRange, or what else sets start and end, away from behind it"
)
# Where between two sigmas the boundary is tried, as a share of the way from the lower to the higher in log sigma.
_SHARES = (SHARE, 0.2, 0.4, 0.6, 0.8, 0.05, 0.95)


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


def percent_between(high: float, low: float, percent_to_sigma: PercentToSigma) -> float | None:
    """A percent whose sigma lies strictly between two, in float32 as ComfyUI compares them; None if there is none."""
    for share in _SHARES:
        percent = _percent_of(sigma_between(high, low, share), percent_to_sigma)
        if low < to_float32(percent_to_sigma(percent)) < high:
            return percent
    return None


def _percent_of(sigma: float, percent_to_sigma: PercentToSigma) -> float:
    """Bisection for the largest percent below 1 whose sigma is at least `sigma`."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if percent_to_sigma(middle) >= sigma:
            low = middle
        else:
            high = middle
    return low


def find_boundary(edges: Sequence[float], step: int, percent_to_sigma: PercentToSigma) -> float:
    """The percent at which ComfyUI changes the prompt between step `step`, counted from 1, and the next.

    Raises:
        ValueError: there is none.
    """
    high, low = edges[step - 1], edges[step]
    percent = percent_between(high, low, percent_to_sigma) if high > low else None
    if percent is None:
        raise ValueError(
            f"sigmas: ComfyUI has no moment between step {step} (sigma {high:.6g}) and step {step + 1} ({low:.6g}). "
            "The schedule repeats a sigma or leaves the model's own range there. Use fewer steps, another scheduler, "
            "or move the switch."
        )
    return percent
