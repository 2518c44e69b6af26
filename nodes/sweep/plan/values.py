"""The little language of a Value Axis: what stands in its text becomes values with labels.

Numbers (cfg, steps, denoise, control strength / start / end, switch time), with commas or line breaks between them:

    number = digits [ "." digits ]
    item   = number | number ("-" | "..") number [ "(+" number ")" | "[" count "]" ]

"(+2)" is the step, 1 unless it is written; "[5]" asks for five numbers, evenly. Both ends of a range belong to it.

Names (sampler, scheduler, checkpoint, LoRA), one a line; a LoRA may have its strength behind a colon.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

from ...axis import Axis, Lora
from ...choices import (
    CFG,
    CHECKPOINT,
    CONTROL_END,
    CONTROL_START,
    CONTROL_STRENGTH,
    DENOISE,
    LORA,
    SAMPLER,
    SCHEDULER,
    STEPS,
    SWITCH_TIME,
)
from ...text.error import TextError
from ..choices import KINDS, NAMES

MAX_VALUES = 4096
NO_LORA = "none"
EXAMPLES = "4, 6.5, 8, or 1-10(+2), or 0.2-0.8[4]"
_N = r"[0-9]{1,9}(?:\.[0-9]{1,9})?|\.[0-9]{1,9}"
_ITEM = re.compile(
    rf"(?P<low>{_N})\s*(?:(?:-|\.\.)\s*(?P<high>{_N})\s*"
    rf"(?:\(\s*\+\s*(?P<step>{_N})\s*\)|\[\s*(?P<count>[0-9]{{1,9}})\s*\])?)?"
)
_STRENGTH = re.compile(r"[+-]?(?:[0-9]{1,3}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})")


@dataclass(frozen=True)
class Numbers:
    """What the numbers of a kind may be: low to high; whole ones only, or also steps beside fractions (switch time)."""

    low: float
    high: float
    whole: bool = False
    label: str = "{}"


NUMBERS = {
    CFG: Numbers(0.0, 100.0, label="cfg {}"),
    STEPS: Numbers(1, 10000, whole=True, label="{} steps"),
    DENOISE: Numbers(0.0, 1.0, label="denoise {}"),
    CONTROL_STRENGTH: Numbers(0.0, 10.0, label="strength {}"),
    CONTROL_START: Numbers(0.0, 1.0, label="start {}"),
    CONTROL_END: Numbers(0.0, 1.0, label="end {}"),
    SWITCH_TIME: Numbers(0.0, 10000, label="switch {}"),
}


def read_values(kind: str, text: str, known: Callable[[str], Sequence[str]]) -> Axis:
    """The axis that kind and text of a Value Axis describe. known: the names ComfyUI lists for a kind of NAMES.

    Values are float, for steps int, for switch time text as in a timed prompt ("0.4" is a fraction, "8" a step), for
    LoRA a Lora or None. Raises TextError or ValueError, naming the fault, for anything else.
    """
    if kind in NUMBERS:
        found = list(_numbers(text, kind, NUMBERS[kind]))
        values = tuple(_value(kind, number) for number in found)
        labels = tuple(NUMBERS[kind].label.format(number) for number in found)
    elif kind in NAMES:
        names = list(_names(text, kind, known(kind)))
        values, labels = tuple(value for value, _ in names), tuple(label for _, label in names)
    else:
        raise ValueError(f"kind: '{kind}' is not known. Choose one of: {', '.join(KINDS)}.")
    return Axis(kind, values, labels)


def check_number(kind: str, value: float) -> None:
    """Raises ValueError where `value` is outside what `kind` allows."""
    limits = NUMBERS[kind]
    if not limits.low <= value <= limits.high:
        raise ValueError(f"{kind}: {value:g} is outside {limits.low:g} to {limits.high:g}.")


def find_name(name: str, kind: str, known: Sequence[str]) -> str:
    """The one of `known` that is meant by `name`: the same but for case, slashes, folder or ending.

    Raises ValueError, with the nearest names, where none or several are.
    """
    if not known:
        raise ValueError(f"{kind}: ComfyUI lists none. Put the files into its models folder and press R.")
    if name in known:
        return name
    for form in (_slashes, _file, _stem):
        found = [other for other in known if form(other) == form(name)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f"{kind}: '{name}' may be any of {', '.join(found[:5])}. Write it with its folder.")
    folded = {other.casefold(): other for other in known}
    near = difflib.get_close_matches(name.casefold()[:200], list(folded), n=3, cutoff=0.0)
    raise ValueError(f"{kind}: ComfyUI has no '{name}'. Nearest are: {', '.join(folded[other] for other in near)}.")


def _value(kind: str, number: str) -> Any:
    if kind == SWITCH_TIME:
        return number
    return int(number) if kind == STEPS else float(number)


def _numbers(text: str, kind: str, limits: Numbers) -> Iterator[str]:
    """The numbers as they are labelled, in the order of the text, each once."""
    seen: set[Decimal | str] = set()
    for position, part in _parts(text, ",\n"):
        match = _ITEM.fullmatch(part)
        if match is None:
            raise TextError(text, position, f"this is no number or range. Write for example {EXAMPLES}.")
        pointed = any("." in (match[name] or "") for name in ("low", "high", "step")) or match["count"] is not None
        if pointed and limits.whole and match["count"] is None:
            raise TextError(text, position, f"{kind} are whole numbers. Leave the point out.")
        for value in _range(text, position, match):
            if limits.whole and value != value.to_integral_value():
                raise TextError(
                    text, position, f"the range gives {_format(value, False)}, but {kind} are whole numbers."
                )
            if not limits.low <= value <= limits.high:
                raise TextError(
                    text, position, f"{kind} {_format(value, False)} is outside {limits.low:g} to {limits.high:g}."
                )
            if kind == SWITCH_TIME and pointed and value > 1:
                raise TextError(text, position, "a switch time with a point is a fraction, at most 1.0.")
            number = _format(value, kind == SWITCH_TIME and pointed)
            if number in seen:
                raise TextError(text, position, f"{number} is there twice. Remove one.")
            if len(seen) == MAX_VALUES:
                raise TextError(text, position, f"these are more than {MAX_VALUES} values. Use fewer.")
            seen.add(number)
            yield number
    if not seen:
        raise TextError(text, 0, f"there is no value here. Write for example {EXAMPLES}.")


def _range(text: str, position: int, match: re.Match[str]) -> Iterator[Decimal]:
    """In Decimal, so that 0.1-0.3(+0.1) ends at 0.3."""
    low, high = Decimal(match["low"]), Decimal(match["high"] or match["low"])
    if high < low:
        raise TextError(text, position, "this range runs backwards. Write the smaller number first.")
    if match["count"] is not None:
        count = int(match["count"])
        if count < 2 or low == high:
            raise TextError(text, position, "a range in equal parts needs two ends and at least [2].")
        if count > MAX_VALUES:
            raise TextError(text, position, f"these are more than {MAX_VALUES} values. Use fewer.")
        yield from (round(low + (high - low) * i / (count - 1), 6) for i in range(count))
        return
    step = Decimal(match["step"] or 1)
    if not step:
        raise TextError(text, position, "a range does not move with a step of 0.")
    yield from (low + step * i for i in range(int((high - low) / step) + 1))


def _format(value: Decimal, point: bool) -> str:
    """Without needless zeros; with a point where the number is a fraction."""
    text = f"{value.normalize():f}"
    return f"{text}.0" if point and "." not in text else text


def _names(text: str, kind: str, known: Sequence[str]) -> Iterator[tuple[Any, str]]:
    """Values and labels of names, each once."""
    seen: set[Any] = set()
    for position, part in _parts(text, ",\n" if kind in (SAMPLER, SCHEDULER) else "\n"):
        value, label = (_lora if kind == LORA else _name)(text, position, part, kind, known)
        if value in seen:
            raise TextError(text, position, "this is there twice. Remove one.")
        if len(seen) == MAX_VALUES:
            raise TextError(text, position, f"these are more than {MAX_VALUES} values. Use fewer.")
        seen.add(value)
        yield value, label
    if not seen:
        raise TextError(text, 0, f"there is no {kind} here. Write one a line.")


def _find(text: str, position: int, name: str, kind: str, known: Sequence[str]) -> str:
    """As find_name, whose fault is told with its place in the text."""
    try:
        return find_name(name, kind, known)
    except ValueError as error:
        if not known:  # no place in the text is wrong
            raise
        raise TextError(text, position, str(error)) from None


def _name(text: str, position: int, part: str, kind: str, known: Sequence[str]) -> tuple[str, str]:
    name = _find(text, position, part, kind, known)
    return name, _short(name) if kind == CHECKPOINT else name


def _lora(text: str, position: int, part: str, kind: str, known: Sequence[str]) -> tuple[Lora | None, str]:
    if part.casefold() == NO_LORA and part not in known:
        return None, "no LoRA"
    name, colon, strength = part.rpartition(":")
    if not colon:
        name, strength = part, "1"
    if not _STRENGTH.fullmatch(strength.strip()):
        raise TextError(
            text, position, f"'{strength.strip()[:12]}' is no strength. Write for example name.safetensors : 0.8."
        )
    value = Lora(_find(text, position, name.strip(), kind, known), float(strength))
    return value, f"{_short(value.name)} {value.strength:g}"


def _parts(text: str, separators: str) -> Iterator[tuple[int, str]]:
    """What stands between the separators, without the space around it, and where it begins. Empty lines are nothing."""
    for match in re.finditer(rf"[^{separators}]+", text.replace("\r", "\n")):
        part = match[0].strip()
        if part:
            yield match.start() + len(match[0]) - len(match[0].lstrip()), part


def _slashes(name: str) -> str:
    return name.replace("\\", "/").casefold()


def _file(name: str) -> str:
    return PurePosixPath(_slashes(name)).name


def _short(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).stem


def _stem(name: str) -> str:
    return PurePosixPath(_slashes(name)).stem
