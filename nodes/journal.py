"""A file of JSON objects, one a line, that only ever grows.

A killed process or a full disk loses at most the line being written. A torn last line is ignored, and cut before the
next one is written. Standard library only.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..files import flush_later, open_plain, read_plain

MAX_DIGITS = 20  # of a whole number: seeds have up to 20, sizes and times fewer


def read_lines(path: Path, take: Callable[[Any], object]) -> list[int]:
    """Hand every line to `take`. Returns the numbers, from 1, of the lines that it or JSON refuses.

    take: raises ValueError, TypeError or KeyError for a line that it cannot use. A missing file has no lines.

    Raises:
        NotAFileError: something else than a file is there.
        OSError: the file is there but may not be read.
    """
    return read_lines_from(path, 0, take)[1]


def read_lines_from(path: Path, start: int, take: Callable[[Any], object]) -> tuple[int, list[int]]:
    """As `read_lines`, but from the byte `start` on. Returns where the last whole line ends, and the refused lines.

    Raises:
        NotAFileError: something else than a file is there.
        OSError: the file is there but may not be read.
    """
    try:
        data = read_plain(path)[start:]
    except FileNotFoundError:
        return start, []
    unreadable = []
    *lines, torn = data.split(b"\n")  # what follows the last line break is torn
    for number, line in enumerate(lines, start=1):
        try:
            take(_read(line))
        except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
            unreadable.append(number)
    return start + len(data) - len(torn), unreadable


def _read(line: bytes) -> Any:
    """The JSON of a line, all of whose numbers can be numbers of anything: finite, and no longer than a seed."""
    return json.loads(line.decode("utf-8"), parse_int=_whole, parse_float=_finite, parse_constant=_finite)


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS + 1:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is no number")
    return value


def append_line(path: Path, line: Mapping[str, Any], *, flush: bool = True) -> None:
    """Write one line. A line that another process has appended meanwhile stays.

    flush: wait until it is on the disk; else it gets there beside other work.

    Raises:
        NotAFileError: something else than a file is there, such as a link that leads elsewhere.
        OSError: it cannot be written. The file is as it was before.
    """
    data = json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n"
    with open_plain(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT) as file:
        size = file.seek(0, os.SEEK_END)
        end = _cut_torn_line(path, size)
        if end != size:
            file.truncate(end)
        written = 0
        try:
            while written < len(data):  # a disk that fills up takes a part and refuses the rest
                written += file.write(data[written:])
            if flush:
                os.fsync(file.fileno())
        except OSError:
            if written:
                file.truncate(file.tell() - written)
            raise
    if not flush:
        flush_later(path)


def _cut_torn_line(path: Path, size: int) -> int:
    """Where the last whole line of the file ends."""
    with open(path, "rb") as file:
        file.seek(max(0, size - 1))
        if file.read(1) in (b"\n", b""):
            return size
    return path.read_bytes().rfind(b"\n") + 1
