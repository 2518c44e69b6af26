"""Text that anyone wrote, made fit for errors, logs, labels, files, pages and terminals: the one place that does it.

Python keeps halves of characters (a lone surrogate, as of an emoji that was cut), but no log, file or page can hold
one: ComfyUI's log raises over it, which ends the thread that runs prompts. Control characters move the cursor of a
terminal or ring its bell, and marks of direction turn the order of what is read.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable
from typing import Any

MAX_MESSAGE = 4000  # letters of an error or of a line in a log
_NOT_PRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def printable(text: str, most: int | None = None) -> str:
    r"""`text` with \x1b, \ud83d and the like in the place of what cannot be printed. Line breaks and tabs stay.

    Two halves that belong together become the character that they are. most: cut to this many letters, which says so.
    """
    if most is not None and len(text) > most:
        text = f"{text[: most * 3 // 4]} ... ({len(text) - most:,} letters left out) ... {text[-(most // 4) :]}"
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return _NOT_PRINTABLE.sub(_escape, text.replace("\r\n", "\n"))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def is_printable(text: str) -> bool:
    """Whether `printable` would leave the text as it is."""
    return "\r" not in text and not _NOT_PRINTABLE.search(text)


def make_printable(error: BaseException) -> bool:
    """Rewrite the texts of an error and of those that it came from; whether all of them can be printed now."""
    seen: dict[int, BaseException] = {}
    todo: list[BaseException | None] = [error]
    while todo:
        each = todo.pop()
        if each is not None and id(each) not in seen:
            seen[id(each)] = each
            todo += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
            _rewrite(each)
    return all(_is_fit(str(each)) for each in seen.values())


def _rewrite(error: BaseException) -> None:
    notes: list[str] | None = getattr(error, "__notes__", None)
    if notes:
        notes[:] = [printable(str(note), MAX_MESSAGE) for note in notes]
    if isinstance(error, UnicodeError) or _is_fit(str(error)):  # Python words a UnicodeError without the letter
        return
    error.args = tuple(printable(part, MAX_MESSAGE) if isinstance(part, str) else part for part in error.args)
    if isinstance(error, OSError) and isinstance(error.strerror, str):
        error.strerror = printable(error.strerror, MAX_MESSAGE)


def _is_fit(text: str) -> bool:
    return len(text) <= MAX_MESSAGE + 100 and is_printable(text)


def raises_printable(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with whatever it raises made printable."""

    @functools.wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        try:
            return function(*args, **named)
        except BaseException as error:
            if make_printable(error):
                raise
            raise RuntimeError(f"{type(error).__name__}: {printable(str(error), MAX_MESSAGE)}") from None

    return call


class _PrintableRecords(logging.Filter):
    """Makes the text of each record printable, with the traceback that belongs to it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = printable(record.getMessage(), MAX_MESSAGE), None
        if record.exc_info and not record.exc_text:
            record.exc_text = printable(logging.Formatter().formatException(record.exc_info))
        return True


_RECORDS = _PrintableRecords()


def get_log(name: str) -> logging.Logger:
    """The logger of a module, whose records are all printable."""
    log = logging.getLogger(name)
    log.addFilter(_RECORDS)  # twice is once
    return log
