"""The vertical scale of a chart: where a value lies on it, and which values get a line and a label."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_MARGIN = 0.04  # of the range, free at both ends
_NARROW = 1e-6  # of the values: a range below it has no two distinct labels
_TICKS = 7  # parts of a linear scale, at most
# Decades of a logarithmic scale: where 1, 2 and 5 may all lie outside; up to where 1, 2, 5 or 1, 3 are labelled; up to
# where values without a label have a line; above which decades are left out, and the most that are labelled then.
_FEW_DECADES, _LABEL_1_2_5, _LABEL_1_3, _MINOR_LINES, _MANY_DECADES, _MOST_LABELS = 0.7, 1.5, 4.2, 5.0, 9.0, 8.0


@dataclass(frozen=True)
class PlotAxis:
    """A linear scale from `low` to `high`, or a logarithmic one from 10^low to 10^high, and a band beyond each end.

    ticks: values with a line and a label. minor: values with a line alone. below, above: the labels of the bands,
    empty where there is none. Values without a place on the scale are drawn in a band, such as 0 on a logarithmic one.
    """

    low: float
    high: float
    logarithmic: bool
    ticks: tuple[float, ...]
    minor: tuple[float, ...] = ()
    below: str = ""
    above: str = ""

    def fraction(self, value: float) -> float:
        """The position of a finite value: 0 at `low`, 1 at `high`."""
        place = math.log10(value) if self.logarithmic else value
        return (place - self.low) / (self.high - self.low)


def make_axis(values: Iterable[float], logarithmic: bool, below: str, above: str) -> PlotAxis:
    """An axis that holds all `values`; -inf and inf (and on a logarithmic axis 0) go to the bands."""
    numbers = list(values)
    finite = [v for v in numbers if math.isfinite(v) and (v > 0.0 or not logarithmic)]
    below = below if any(v == -math.inf or (logarithmic and v <= 0.0) for v in numbers) else ""
    above = above if math.inf in numbers else ""
    if logarithmic:
        low, high = _widen(math.log10(min(finite, default=1.0)), math.log10(max(finite, default=1.0)))
        ticks, minor = _log_ticks(low, high)
        return PlotAxis(low, high, True, ticks, minor, below, above)
    low, high = _widen(min(finite, default=0.0), max(finite, default=1.0))
    return PlotAxis(low, high, False, _even_ticks(low, high), (), below, above)


def nice_step(span: float, count: int) -> float:
    """The smallest of 1, 2, 5, 10, 20, ... (times a power of ten) that divides `span` into at most `count` parts."""
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= rough * (1 - 1e-9))


def format_tick(value: float) -> str:
    """A short decimal number: 0.03, 14.6, 1000."""
    if value == 0.0:
        return "0"
    if 1e-4 <= abs(value) < 1e5:
        return f"{value:.10g}"
    return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")


def _widen(low: float, high: float) -> tuple[float, float]:
    """The range with a margin on both sides; a range too narrow for distinct labels becomes 1 wide."""
    wide = high - low > _NARROW * max(1.0, abs(low), abs(high))
    margin = _MARGIN * (high - low) if wide else 0.5
    return low - margin, high + margin


def _even_ticks(low: float, high: float) -> tuple[float, ...]:
    step = nice_step(high - low, _TICKS)
    return tuple(i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1))


def _log_ticks(low: float, high: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Labelled and unlabelled values between 10^low and 10^high."""
    decades = high - low
    if decades < _FEW_DECADES:
        return _even_ticks(10.0**low, 10.0**high), ()
    exponents = range(math.floor(low), math.ceil(high) + 1)
    if decades > _MANY_DECADES:
        exponents = range(exponents.start, exponents.stop, math.ceil(decades / _MOST_LABELS))
    steps = (1, 2, 5) if decades < _LABEL_1_2_5 else (1, 3) if decades < _LABEL_1_3 else (1,)
    inside = [(m, m * 10.0**e) for e in exponents for m in range(1, 10) if low <= math.log10(m) + e <= high]
    ticks = tuple(value for m, value in inside if m in steps)
    minor = tuple(value for m, value in inside if m not in steps) if decades < _MINOR_LINES else ()
    return ticks, minor
