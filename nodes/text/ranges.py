"""Numbers and ranges as users write them: one grammar for seeds, for a Value Axis and for a ladder of variations.

Lists have one rule everywhere, LIST_RULE.

    item   = number | number ("-" | "..") number [ step | count ]
    step   = "(" "+" number ")"                      1 unless it is written
    count  = "[" digits "]"                          so many numbers, evenly spaced; not for seeds
    number = digits [ "." digits ] | "." digits      for seeds: digits

Both ends of a range belong to it. Spaces are free between the parts; for seeds there is none inside "(+".

The caller decides what stands between two items, and words the errors. A seed list points at the faulty character
(seeds/text.py), decimal numbers at the faulty item (`read_numbers`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from .error import TextError

MAX_VALUES = 4096
LIST_RULE = "Write one in each line, or put commas between them."
EXAMPLES = "4, 6.5, 8, or 1-10(+2), or 0.2-0.8[4]"
_DECIMALS = 6  # of the numbers between the ends of "0-1[5]"
_SPACE = r"[^\S\n]*"
_IN_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}")
_COMMA = re.compile(r"(?<!\\),")
# Each part of an item that cannot be the last one, and the part that it needs. The names are groups of the patterns.
_NEEDS = (
    ("dash", "high"),
    ("bracket", "plus"),
    ("plus", "step"),
    ("step", "step_end"),
    ("square", "count"),
    ("count", "count_end"),
)


def _compile_item(number: str, *, before_plus: str, with_count: bool) -> re.Pattern[str]:
    """The pattern of one item.

    Every part after `low` is optional, so that the match of a faulty item ends at the fault (see `find_missing`).
    """
    step = rf"(?P<bracket>\()(?:{before_plus}(?P<plus>\+){_SPACE}(?:(?P<step>{number}){_SPACE}(?P<step_end>\))?)?)?"
    count = rf"(?P<square>\[){_SPACE}(?:(?P<count>[0-9]{{1,9}}){_SPACE}(?P<count_end>\])?)?"
    end = f"{step}|{count}" if with_count else step
    return re.compile(
        rf"(?P<low>{number})(?:{_SPACE}(?P<dash>-|\.\.){_SPACE}(?:(?P<high>{number})(?:{_SPACE}(?:{end}))?)?)?"
    )


SEED_ITEM = _compile_item(r"[0-9]+", before_plus="", with_count=False)
_DECIMAL_ITEM = _compile_item(r"[0-9]{1,9}(?:\.[0-9]{1,9})?|\.[0-9]{1,9}", before_plus=_SPACE, with_count=True)


def find_missing(match: re.Match[str]) -> str | None:
    """The part (a group's name) that an item lacks at the end of its match; None for a complete item."""
    parts = match.groupdict()
    return next((part for before, part in _NEEDS if parts.get(before) is not None and parts.get(part) is None), None)


@dataclass(frozen=True)
class Numbers:
    """Which numbers an input takes, and the words for its errors.

    low, high: the smallest and the largest. whole: integers only. timed: a number with a point is a fraction of the
    steps, at most 1.0, and stays written with its point; one without is a count of steps. noun: what the numbers are,
    such as "cfg". examples: what to write. name: of the input.
    """

    low: float
    high: float
    whole: bool = False
    timed: bool = False
    noun: str = ""
    examples: str = EXAMPLES
    name: str = "text"


def read_numbers(text: str, numbers: Numbers) -> Iterator[str]:
    """The numbers that `text` names, in its order, each once, without needless zeros. Commas or line breaks divide it.

    Raises:
        TextError: the text is no list of such numbers, or there are more than MAX_VALUES.
    """
    seen: set[str] = set()
    for position, part in split_items(text, ",\n"):
        fail = partial(TextError, text, position, name=numbers.name)
        match = _DECIMAL_ITEM.fullmatch(part)
        if match is None or find_missing(match):
            raise fail(f"this is no number or range. Write for example {numbers.examples}.")
        for number in _read_item(match, numbers, fail):
            if number in seen:
                raise fail(f"{number} is there twice. Remove one.")
            if len(seen) == MAX_VALUES:
                raise fail(f"these are more than {MAX_VALUES} values. Use fewer.")
            seen.add(number)
            yield number
    if not seen:
        raise TextError(text, 0, f"there is no value here. Write for example {numbers.examples}.", numbers.name)


def _read_item(match: re.Match[str], numbers: Numbers, fail: Callable[[str], TextError]) -> Iterator[str]:
    evenly = match["count"] is not None
    pointed = evenly or any("." in (match[part] or "") for part in ("low", "high", "step"))
    if pointed and numbers.whole and not evenly:
        raise fail(f"{numbers.noun} are whole numbers. Leave the point out.")
    for value in _expand_range(match, fail):
        if numbers.whole and value != value.to_integral_value():
            raise fail(f"the range gives {_format(value, False)}, but {numbers.noun} are whole numbers.")
        if not numbers.low <= value <= numbers.high:
            number = f"{numbers.noun} {_format(value, False)}".lstrip()
            raise fail(f"{number} is outside {numbers.low:g} to {numbers.high:g}.")
        if numbers.timed and pointed and value > 1:
            raise fail(f"a {numbers.noun} with a point is a fraction, at most 1.0.")
        yield _format(value, numbers.timed and pointed)


def _expand_range(match: re.Match[str], fail: Callable[[str], TextError]) -> Iterator[Decimal]:
    """In Decimal, so that 0.1-0.3(+0.1) ends at 0.3."""
    low, high = Decimal(match["low"]), Decimal(match["high"] or match["low"])
    if high < low:
        raise fail("this range runs backwards. Write the smaller number first.")
    if match["count"] is not None:
        count = int(match["count"])
        if count < 2 or low == high:
            raise fail("a range in equal parts needs two ends and at least [2].")
        if count > MAX_VALUES:
            raise fail(f"these are more than {MAX_VALUES} values. Use fewer.")
        yield from (round(low + (high - low) * i / (count - 1), _DECIMALS) for i in range(count))
        return
    step = Decimal(match["step"] or 1)
    if not step:
        raise fail("a range does not move with a step of 0.")
    yield from (low + step * i for i in range(int((high - low) / step) + 1))


def _format(value: Decimal, point: bool) -> str:
    """Without needless zeros. point: a whole number is written with one, too, as 1.0."""
    text = f"{value.normalize():f}"
    return f"{text}.0" if point and "." not in text else text


def split_items(text: str, separators: str) -> Iterator[tuple[int, str]]:
    """Each item between two of the separators, without the space around it, and its index in `text`.

    Empty items are left out.
    """
    for match in re.finditer(rf"[^{separators}]+", text.replace("\r", "\n")):
        item = match[0].strip()
        if item:
            yield match.start() + len(match[0]) - len(match[0].lstrip()), item


def split_single_line(text: str) -> list[str]:
    """The parts between the commas of a text of one line; none where it has more lines, or no comma.

    A comma inside brackets, or written \\, divides nothing.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) != 1:
        return []
    plain = _IN_BRACKETS.sub(lambda match: "_" * len(match[0]), lines[0])
    ends = [match.start() for match in _COMMA.finditer(plain)]
    bounds = zip([0, *(end + 1 for end in ends)], [*ends, None], strict=True)
    parts = [lines[0][low:high].strip() for low, high in bounds]
    return [part for part in parts if part] if ends else []
