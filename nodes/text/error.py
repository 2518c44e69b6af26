"""A fault in a text that somebody wrote: seeds, values, prompts."""

from __future__ import annotations

from .printable import printable


class TextError(ValueError):
    """A fault in the text of the input `name`. The message quotes the place; `position` is its index in the text."""

    def __init__(self, text: str, position: int, fault: str, name: str = "text") -> None:
        self.position = position
        before, rest = text[:position], text[position:]
        here = rest.split("\n", 1)[0].strip()
        found = f"'{here[:12]}'" if here else "the end of the line" if rest.strip() else "the end"
        line = f"line {before.count(chr(10)) + 1}, " if "\n" in text else ""
        super().__init__(printable(f"{name}, {line}character {position - before.rfind(chr(10))} ({found}): {fault}"))
