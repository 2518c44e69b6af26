"""Prompts with `[[slots]]` that are filled from lists: every combination, or the lists side by side."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..text.nearest import find_nearest_names
from ..text.ranges import LIST_RULE, split_single_line
from .choices import LIST_MODES, MAX_LETTERS, PRODUCT, ZIP
from .comments import Source, read_source

MAX_PROMPTS = 4096
# What ends the name of a slot. With : or | it is no slot, but a timed swap of a timed swap: [[a:b:0.3]:c:0.7].
_NAME = re.compile(r"[^\[\]|:{}\n\r]*")
_OPEN, _CLOSED = "[[", "]]"
_PAIRS = {"[": "]", "{": "}"}
_PAIRS_BELOW = {**_PAIRS, "(": ")"}  # in the lines below a name, where commas divide, but not those of a weight


@dataclass(frozen=True)
class Slot:
    """A place in a template. `position`: its index in the text that the user wrote."""

    name: str
    position: int = 0

    @property
    def key(self) -> str:
        """Slots with the same key are filled with the same value."""
        return self.name.casefold()


@dataclass(frozen=True)
class SlotList:
    """What a slot is filled with, one after the other."""

    slot: Slot
    values: tuple[str, ...]


def read_template(text: str, name: str = "template") -> list[str | Slot]:
    """The text between the slots, and the slots. Comments are removed; single brackets and {a|b} are plain text.

    Raises:
        TextError: a slot has no name or no end.
    """
    source, parts, start, at = read_source(name, text), [], 0, 0
    while (at := source.text.find(_OPEN, at)) >= 0:
        match = _NAME.match(source.text, at + len(_OPEN))
        end = match.end() if match else at
        slot = Slot(" ".join(source.text[at + len(_OPEN) : end].split()), source.places[at])
        if source.text.startswith(_CLOSED, end):
            if not slot.name:
                raise source.error(at, "this slot has no name. Write for example [[expression]].")
            parts += [source.text[start:at], slot]
            start = at = end + len(_CLOSED)
        elif slot.name and _is_torn(source.text, end):
            raise source.error(at, f"this slot is not closed. Write [[{slot.name}]].")
        else:
            at += 1
    return [part for part in [*parts, source.text[start:]] if part != ""]


def read_lists(text: str, name: str = "lists") -> list[SlotList]:
    """One list a line: `expression: smiling | angry`. A line that begins with | goes on with the list above.

    Bars inside {a|b} and [a|b] belong to the value. Or `expression:` alone, and below it one value in each line, or
    several with commas between them. A comma of a value is written \\, there.

    Raises:
        TextError: for anything else, and for a value or slot that is there twice.
    """
    source, lists, start = read_source(name, text), dict[str, _OpenList](), 0
    for line in source.text.splitlines(keepends=True):
        first = start + len(line) - len(line.lstrip())
        if line.strip():
            _read_line(source, first, start + len(line.rstrip()), lists)
        start += len(line)
    if not lists:
        raise source.error(0, "there is no list. Write for example expression: smiling | angry.")
    for each in lists.values():
        if not each.values:
            raise source.error(
                each.end,
                f"a value is missing here. Write for example expression: smiling | angry. Or below: {LIST_RULE}",
            )
    return [SlotList(each.slot, tuple(each.values)) for each in lists.values()]


def note_commas(lists: str) -> str:
    """What to write where the commas of a list may be meant to divide it; empty where nothing is in doubt.

    Without bars such a list is one value, with its commas: saved workflows mean that by it.
    """
    for each in read_lists(lists):
        parts = split_single_line(each.values[0]) if len(each.values) == 1 else []
        if len(parts) > 1:
            text, name = ", ".join(parts), each.slot.name
            return (
                f"lists: '{text if len(text) <= 40 else text[:37] + '...'}' is one value of '{name}', with its comma. "
                f"For {len(parts)} values, put bars between them, or write them below '{name}:', one in each line."
            )
    return ""


def write_template(parts: Sequence[str | Slot]) -> str:
    """The inverse of `read_template`."""
    return "".join(f"[[{part.name}]]" if isinstance(part, Slot) else part for part in parts)


def write_lists(lists: Sequence[SlotList]) -> str:
    """The inverse of `read_lists`."""
    return "\n".join(f"{each.slot.name}: {' | '.join(each.values)}" for each in lists)


def expand_template(template: str, lists: str, mode: str) -> tuple[list[str], list[str]]:
    """The prompts and their labels, which hold the values of the slots that vary.

    product: every combination, the last list changing fastest. zip: the first values of all lists, then the second.

    Raises:
        ValueError: a text is faulty, a slot has no list or a list no slot, lists for zip differ in length, there are
            more than MAX_PROMPTS prompts, or two are the same.
    """
    if mode not in LIST_MODES:
        raise ValueError(f"mode: '{mode}' is not known. Choose one of: {', '.join(LIST_MODES)}.")
    parts, slots = read_template(template), read_lists(lists)
    _check_names(template, lists, parts, slots)
    rows = _rows(slots, mode)
    varying = [i for i, each in enumerate(slots) if len(each.values) > 1] or list(range(len(slots)))
    keys = [each.slot.key for each in slots]
    _check_letters(parts, slots, rows, keys)
    prompts = [_fill(parts, dict(zip(keys, row, strict=True))) for row in rows]
    labels = [", ".join(row[i] for i in varying) for row in rows]
    seen: dict[str, str] = {}
    for prompt, label in zip(prompts, labels, strict=True):
        if prompt in seen:
            raise ValueError(f"lists: '{seen[prompt]}' and '{label}' make the same prompt. Remove one of them.")
        seen[prompt] = label
    return prompts, labels


def _rows(slots: Sequence[SlotList], mode: str) -> list[tuple[str, ...]]:
    lengths = [len(each.values) for each in slots]
    count = math.prod(lengths) if mode == PRODUCT else lengths[0]
    if mode == ZIP and len(set(lengths)) > 1:
        sizes = ", ".join(f"{each.slot.name} {len(each.values)}" for each in slots)
        raise ValueError(f"lists: zip needs lists of the same length, these have: {sizes}. Even them, or use product.")
    if count > MAX_PROMPTS:
        raise ValueError(f"lists: they make {count:,} prompts; the limit is {MAX_PROMPTS:,}. Shorten a list.")
    columns = [each.values for each in slots]
    return list(itertools.product(*columns) if mode == PRODUCT else zip(*columns, strict=True))


def _check_letters(
    parts: Sequence[str | Slot], slots: Sequence[SlotList], rows: Sequence[tuple[str, ...]], keys: Sequence[str]
) -> None:
    """Raises ValueError where the prompts have more than MAX_LETTERS letters in all, labels included."""
    plain = sum(len(part) for part in parts if isinstance(part, str))
    often = Counter(part.key for part in parts if isinstance(part, Slot))
    weights = [often[key] + 1 for key in keys]
    letters = 0
    for row in rows:
        letters += plain + sum(weight * len(value) for weight, value in zip(weights, row, strict=True))
        if letters > MAX_LETTERS:
            raise ValueError(
                f"template: {len(rows):,} prompts of this length have more than {MAX_LETTERS:,} letters in all. "
                "Shorten it, or shorten a list."
            )


def _fill(parts: Sequence[str | Slot], values: Mapping[str, str]) -> str:
    return "".join(values[part.key] if isinstance(part, Slot) else part for part in parts)


def _check_names(template: str, lists: str, parts: Sequence[str | Slot], slots: Sequence[SlotList]) -> None:
    used = [part for part in parts if isinstance(part, Slot)]
    listed = [each.slot for each in slots]
    if not used:
        raise read_source("template", template).error(0, "there is no slot. Write for example a girl, [[expression]].")
    for slots_here, others, where, fault in (
        (used, listed, ("template", template), "this slot has no list."),
        (listed, used, ("lists", lists), "the template has no such slot."),
    ):
        known = {other.key for other in others}
        for slot in slots_here:
            if slot.key not in known:
                nearest = find_nearest_names(slot.name, (other.name for other in others), 1)[0]
                source = read_source(*where)
                raise source.error(
                    source.places.index(slot.position), f"{fault} The nearest is '{nearest}'. Give both the same name."
                )


def _is_torn(text: str, end: int) -> bool:
    """Whether a slot's name ends in a way that only a forgotten bracket explains."""
    if end == len(text) or text[end] in "\n\r":
        return True
    return text[end] == "]" and text[end + 1 : end + 2] not in (":", "|")


@dataclass
class _OpenList:
    """A list while it is read; its values in order.

    end: where the line with its name ends. below: the name stood alone, and its values follow in lines of their own.
    """

    slot: Slot
    end: int = 0
    below: bool = False
    values: dict[str, None] = field(default_factory=dict)


def _read_line(source: Source, first: int, last: int, lists: dict[str, _OpenList]) -> None:
    """lists: by the keys of their slots, the last one that was read at the end."""
    match = _NAME.match(source.text, first, last)
    start = match.end() if match else first
    slot = Slot(" ".join(source.text[first:start].split()), source.places[first])
    named = bool(slot.name) and source.text[start : start + 1] == ":"
    above = next(reversed(lists.values()), None)
    if source.text[first] == "|":
        if above is None:
            raise source.error(first, "this goes on with the list above, but there is none. Begin with a name.")
        current, start = above, first + 1
    elif above is not None and above.below and (not named or "(" in slot.name):
        current, start = above, first
    elif not named:
        raise source.error(first, "a list begins with the name of its slot. Write expression: smiling | angry.")
    elif slot.key in lists:
        raise source.error(first, f"the slot '{slot.name}' has a list already. Go on with it by a line with | first.")
    else:
        current = lists[slot.key] = _OpenList(slot, last)
        start += 1
        if not source.text[start:last].strip():
            current.below = True
            return
    below = current.below and source.text[first] != "|"
    for low, high in _split(source, start, last, "|," if below else "|", _PAIRS_BELOW if below else _PAIRS):
        value = source.text[low:high].strip()
        if below:
            value = value.replace("\\,", ",")
            if not value:  # as behind the last comma of a line
                continue
        if not value:
            raise source.error(low, "a value is missing here. Write for example expression: smiling | angry.")
        if value in current.values:
            raise source.error(low, f"'{value[:40]}' is in the list of '{current.slot.name}' already. Remove it.")
        current.values[value] = None


def _split(source: Source, start: int, end: int, separators: str, pairs: Mapping[str, str]) -> list[tuple[int, int]]:
    """The ranges between the separators that stand outside of `pairs` of brackets. A comma may be escaped."""
    ranges: list[tuple[int, int]] = []
    open_at: list[int] = []
    low = start
    for at in range(start, end):
        letter = source.text[at]
        if letter in pairs:
            open_at.append(at)
        elif letter in pairs.values():
            if not open_at or pairs[source.text[open_at.pop()]] != letter:
                raise source.error(at, "this bracket closes none that is open in the same list. Remove it.")
        elif letter in separators and not open_at and (letter, source.text[at - 1 : at]) != (",", "\\"):
            ranges.append((low, at))
            low = at + 1
    if open_at:
        raise source.error(open_at[-1], "this bracket is not closed in the same line. Close it.")
    return [*ranges, (low, end)]
