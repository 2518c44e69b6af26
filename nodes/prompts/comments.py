"""Prompt text as ComfyUI reads it: comments, and errors that point at a character."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..text.error import TextError

# ComfyUI's frontend removes exactly these from prompt widgets (formatUtil.ts, processDynamicPrompt). Text that comes
# through a link or from the API has not been through it.
_COMMENT = re.compile(r"/\*[\s\S]*?\*/|//[^\n\r\u2028\u2029]*")


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
    """`text` without comments: `// to the end of the line` and `/* these */`."""
    left, places = text, list(range(len(text) + 1))
    # Until none is left, because a removal can join the halves of another: frontend and server both remove them.
    while _COMMENT.search(left):
        indices: list[int] = []
        end = 0
        for match in _COMMENT.finditer(left):
            indices += range(end, match.start())
            end = match.end()
        indices += range(end, len(left))
        places = [*(places[i] for i in indices), len(text)]
        left = "".join(left[i] for i in indices)
    return Source(name, text, left, tuple(places))


def without_comments(text: str) -> str:
    """`text` as `read_source` leaves it."""
    return read_source("text", text).text
