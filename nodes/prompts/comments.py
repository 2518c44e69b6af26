"""Prompt text as ComfyUI reads it: comments, and errors that point at a character."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..text.error import TextError

# How often text that is left joins to new comments, as in //**/* a */, before that is called a fault.
MAX_ROUNDS = 20
_LINE_END = re.compile(r"[\n\r\u2028\u2029]")


@dataclass(frozen=True)
class Source:
    """The text of the input `name` with its comments removed.

    text: what is left. original: the text with them. places: for each character of `text`, and for its end, the
    index in `original`, so that errors point at what the user wrote.
    """

    name: str
    original: str
    text: str
    places: tuple[int, ...]

    def error(self, position: int, fault: str) -> TextError:
        """The error at the index `position` of `text`."""
        return TextError(self.original, self.places[position], fault, self.name)


def read_source(name: str, text: str) -> Source:
    """`text` without comments: `// to the end of the line` and `/* these */`.

    Raises:
        TextError: what is left after each of MAX_ROUNDS removals holds comments again.
    """
    left, places = text, range(len(text) + 1)
    # Until none is left, because a removal can join the halves of another: frontend and server both remove them.
    for _ in range(MAX_ROUNDS):
        comments = list(_find_comments(left))
        if not comments:
            return Source(name, text, left, tuple(places))
        kept: list[int] = []
        parts: list[str] = []
        end = 0
        for first, last in [*comments, (len(left), len(left))]:
            kept += places[end:first]
            parts.append(left[end:first])
            end = last
        left, places = "".join(parts), [*kept, len(text)]
    raise TextError(text, places[left.find("/")], "comments stand inside each other here. Remove them.", name)


def _find_comments(text: str) -> Iterator[tuple[int, int]]:
    """Where comments begin and end, from left to right.

    ComfyUI's frontend removes exactly these from prompt widgets (formatUtil.ts, processDynamicPrompt). Text that comes
    through a link or from the API has not been through it.
    """
    at, closes = 0, True  # closes: whether a */ may still come
    while (at := text.find("/", at)) >= 0:
        end = -1
        if closes and text.startswith("/*", at):
            closes = (close := text.find("*/", at + 2)) >= 0
            end = close + 2 if closes else -1
        elif text.startswith("//", at):
            line_end = _LINE_END.search(text, at)
            end = line_end.start() if line_end else len(text)
        if end > at:
            yield at, end
        at = max(end, at + 1)


def without_comments(text: str) -> str:
    """`text` as `read_source` leaves it.

    Raises:
        TextError: as `read_source`.
    """
    return read_source("text", text).text if "/" in text else text
