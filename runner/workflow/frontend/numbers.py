"""Numbers as the frontend's widgets round and limit them when another node writes them."""

from __future__ import annotations

import math
from typing import Any

from .kinds import Input

_EXACT = 2**53  # whole numbers above are not exact in the frontend


def settle_number(value: Any, each: Input) -> Any:
    """The value of a PrimitiveNode as it arrives in the widget of an input: within its limits and on its steps."""
    kind = each.widget_type
    if isinstance(value, bool) or not isinstance(value, (int, float)) or kind not in ("INT", "FLOAT"):
        return value
    low, high = _number(each, "min", 0), _number(each, "max", 2048)
    value = min(max(value, low), high)
    return _whole(value, each) if kind == "INT" else _real(value, each)


def _whole(value: float, each: Input) -> Any:
    step = _number(each, "step", 1) or 1
    if abs(value) >= _EXACT:
        return value
    if step == 1:
        return math.floor(value + 0.5)
    offset = math.fmod(_number(each, "min", 0), step)
    settled = math.floor((value - offset) / step + 0.5) * step + offset
    return int(settled) if float(settled).is_integer() else settled


def _real(value: float, each: Input) -> Any:
    step = _number(each, "step", 0.5)
    precision = max(0, -math.floor(math.log10(step))) if step > 0 else 0
    given = each.options.get("round")
    step_of_rounding = given if given else (10**-precision if precision else 0)
    if isinstance(step_of_rounding, bool) or not isinstance(step_of_rounding, (int, float)) or step_of_rounding <= 0:
        return value
    digits = max(0, precision)
    return round(math.floor(value / step_of_rounding + 0.5) * step_of_rounding, digits)


def _number(each: Input, key: str, default: float) -> float:
    found = each.options.get(key)
    return found if isinstance(found, (int, float)) and not isinstance(found, bool) else default
