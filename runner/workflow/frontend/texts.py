"""What the frontend replaces in texts when it sends them: `{a|b}` in prompts, `%date%` and `%Node.widget%` in names."""

from __future__ import annotations

import datetime
import random
import re
from collections.abc import Callable

from ..prompt import WorkflowError

_COMMENT = re.compile(r"/\*[\s\S]*?\*/|//.*")
_ESCAPED = re.compile(r"\\([{}|])")
_PATTERN = re.compile(r"%([^%]+)%")
_DATE = re.compile("dd?|MM?|hh?|mm?|ss?|yyy?y?")
_UNFIT = re.compile(r'[/?<>\\:*|"\x00-\x1f\x7f]')  # for the name of a file
DATE = "date:"
MAX_DEPTH = 50

# The value of a widget by the name of its node and its own; None where there is none.
FindValue = Callable[[str, str], "str | None"]


def choose(text: str, seed: str | None = None) -> str:
    """The text without its comments and with its choices `{a|b}` made: at random, or each time the same for a seed.

    Raises:
        WorkflowError: choices stand in choices too deeply.
    """
    draw = random.Random(seed)  # a text as its seed is hashed whole
    done: list[str] = []
    todo = [(_COMMENT.sub("", text), 0, 0)]  # texts, where to read on, and in how many choices they stand
    while todo:
        text, at, depth = todo.pop()
        brace = _next(text, at, "{")
        done.append(text[at:brace])
        if brace < len(text):
            if depth == MAX_DEPTH:
                raise WorkflowError(f"choices {{a|b}} stand more than {MAX_DEPTH} deep in each other: {text[:40]!r}")
            options, at = _read_options(text, brace + 1)
            # What is chosen is read again, as a text of its own.
            todo += [(text, at, depth), (_COMMENT.sub("", draw.choice(options)), 0, depth + 1)]
    return _ESCAPED.sub(r"\1", "".join(done))


def _next(text: str, at: int, sign: str) -> int:
    """Where the next `sign` is that no backslash stands before; the end of the text where none is."""
    while at < len(text) and text[at] != sign:
        at += 2 if text[at] == "\\" else 1
    return min(at, len(text))


def _read_options(text: str, at: int) -> tuple[list[str], int]:
    """The options of a choice from behind its brace, and where it ends."""
    options, start, depth = [], at, 0
    while at < len(text):
        sign = text[at]
        if sign == "\\":
            at += 1
        elif sign == "{":
            depth += 1
        elif sign == "}":
            if not depth:
                break
            depth -= 1
        elif sign == "|" and not depth:
            options.append(text[start:at])
            start = at + 1
        at += 1
    options.append(text[start : min(at, len(text))])
    return options, min(at + 1, len(text))


def replace_patterns(text: str, find_value: FindValue, now: datetime.datetime) -> str:
    """The text with `%date:...%` and `%Node.widget%` replaced, as in the names of saved files."""

    def value(match: re.Match[str]) -> str:
        parts = match[1].split(".")
        if len(parts) != 2:
            return format_date(parts[0][len(DATE) :], now) if parts[0].startswith(DATE) else match[0]
        found = find_value(*parts)
        return match[0] if found is None else _UNFIT.sub("_", found)

    return _PATTERN.sub(value, text)


def format_date(text: str, now: datetime.datetime) -> str:
    """A date in the frontend's own form, such as `yyyy-MM-dd`."""
    parts = {"d": now.day, "M": now.month, "h": now.hour, "m": now.minute, "s": now.second}

    def part(match: re.Match[str]) -> str:
        found = match[0]
        if found[0] != "y":
            return str(parts[found[0]]).zfill(len(found))
        return {2: str(now.year)[2:], 4: str(now.year)}.get(len(found), found)

    return _DATE.sub(part, text)
