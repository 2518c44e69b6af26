"""What the widgets of nodes take: a value of an axis becomes a literal of the widget's type, or an error that says why.

ComfyUI converts and checks what is written into a widget, and neither of what comes by a link. So every value of a
Sweep Value is fitted here before anything runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...text.printable import printable
from ..plan.values import KnownNames

INT, FLOAT, STRING, BOOLEAN, CHOICE, ANY = "INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "*"
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_SHOWN = 60  # letters of a value in an error


@dataclass(frozen=True)
class Target:
    """An input that a Sweep Value is wired to.

    node_id, name: which. title: of its node, for messages. kind: its type as ComfyUI names it, COMBO for a list of
    choices. options: those, None where they are not known. low, high: limits of a number. checks_itself: the node has a
    check of its own for this input, so that its choices are not all that it takes.
    """

    node_id: str
    name: str
    title: str
    kind: str
    options: tuple[Any, ...] | None = None
    low: float | None = None
    high: float | None = None
    checks_itself: bool = False

    @property
    def kinds(self) -> frozenset[str]:
        """The types it takes: an input may take several."""
        return frozenset(kind.strip() for kind in self.kind.split(","))

    @property
    def place(self) -> str:
        """As messages name it: "denoise of KSampler (node 3)"."""
        return f"{self.name} of {self.title} (node {self.node_id})"


def fit_value(value: Any, target: Target) -> Any:
    """The value as the target takes it: int, float, str, bool, or one of its choices.

    A name may differ in case, slashes, folder or ending, as in a Value Axis.

    Raises:
        ValueError: the target does not take it. The message names the target and, for names, the nearest.
    """
    kinds = target.kinds
    if CHOICE in kinds:
        return _fit_choice(value, target)
    for kind, fit in _FITS.items():  # of a union the first that takes it
        if kind in kinds:
            try:
                result = fit(value)
            except ValueError as error:
                if len(kinds) > 1:
                    continue
                raise ValueError(f"value: '{_show(value)}' is {error} for {target.place}.") from None
            _check_limits(result, target)
            return result
    if ANY in kinds:
        return natural(value)
    raise ValueError(
        f"value: '{_show(value)}' cannot go into {target.place}: it takes {target.kind}, which is no number, text or "
        "choice. Wire the value to a widget."
    )


def natural(value: Any) -> Any:
    """The value as it is: a whole number as int."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def join_fitted(fitted: Sequence[Any], targets: Sequence[Target]) -> Any:
    """One value for all targets of a link: an int goes into INT and FLOAT alike.

    Raises:
        ValueError: the targets need values of several kinds.
    """
    first = fitted[0]
    for other, target in zip(fitted[1:], targets[1:], strict=True):
        numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (first, other))
        if type(other) is not type(first) and not numbers:
            raise ValueError(
                f"value: it goes into {targets[0].place} and into {target.place}, which take different kinds. Wire a "
                "Sweep Value to each, with the same axis: they change together."
            )
        if other != first:
            raise ValueError(
                f"value: {targets[0].place} takes '{_show(first)}' and {target.place} '{_show(other)}'. Wire a Sweep "
                "Value to each, with the same axis."
            )
        first = other if isinstance(other, int) and not isinstance(other, bool) else first
    return first


def _fit_choice(value: Any, target: Target) -> Any:
    if target.options is None or (value in target.options and not isinstance(value, bool)):
        return value
    text = str(natural(value))
    alike = [option for option in target.options if str(option) == text]
    if alike:
        return alike[0]
    names = [option for option in target.options if isinstance(option, str)]
    try:
        return KnownNames(target.name, names).find(text)
    except ValueError as error:
        if target.checks_itself:  # Load Image takes pictures of folders that its list leaves out
            return value
        raise ValueError(f"value: {error} It goes into {target.place}.") from None


def _check_limits(value: Any, target: Target) -> None:
    if isinstance(value, bool | str):
        return
    low, high = target.low, target.high
    if (low is not None and value < low) or (high is not None and value > high):
        limits = f"{'' if low is None else f'{low:g}'} to {'' if high is None else f'{high:g}'}"
        raise ValueError(f"value: {value:g} is outside {limits} for {target.place}.")


def _whole(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError("no whole number")
    if isinstance(value, float):
        return int(number)
    try:  # a seed has more digits than a float keeps
        return int(value)
    except ValueError:
        return int(number)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError("no number")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError("no number") from None
    if not math.isfinite(number):
        raise ValueError("no number")
    return number


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(natural(value)).strip().casefold()
    if word not in _TRUE + _FALSE:
        raise ValueError("neither true nor false")
    return word in _TRUE


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("no text")
    return str(natural(value)) if not isinstance(value, str) else value


_FITS = {INT: _whole, FLOAT: _number, BOOLEAN: _truth, STRING: _text}


def _show(value: Any) -> str:
    return printable(str(value), None)[:_SHOWN]
