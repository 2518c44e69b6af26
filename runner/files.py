"""Names of jobs and of files that hold their results, safe on every system. What to say of a file that is missing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from ..files import is_device

MAX_STEM = 100  # bytes
MAX_END = 24  # of these, of a longer name's end
FORBIDDEN = '<>:"|?*%'


def names_of(paths: Sequence[Path]) -> list[str]:
    """A name for each file, none twice: its stem, with a number where several have it."""
    names: list[str] = []
    for path in paths:
        number, name = 2, path.stem
        while name in names:
            name, number = f"{path.stem}-{number}", number + 1
        names.append(name)
    return names


def safe_name(name: str) -> str:
    """A job's name as a part of a file name on any system. A long one loses its middle: the seed is at its end."""
    text = re.sub(r"[^\w.,+=()-]+", "_", name).strip("_.")
    code = text.encode()
    if len(code) > MAX_STEM:
        head, end = code[: MAX_STEM - MAX_END - 1], code[-MAX_END:]
        text = f"{head.decode(errors='ignore')}_{end.decode(errors='ignore')}"
    text = text.rstrip("_.-") or "job"
    return f"_{text}" if is_device(text) else text


def folder_name(name: str) -> str:
    """A name as a folder that no other name has: with a hash of it where the safe one differs."""
    safe = safe_name(name)
    return safe if safe == name else f"{safe}-{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:8]}"


def plain_file_name(name: str) -> str:
    """The file name that a server gives, without the folders that it may hold, as every system can have it."""
    last = name.replace("\\", "/").rpartition("/")[2]
    text = "".join("_" if letter in FORBIDDEN or not letter.isprintable() else letter for letter in last).rstrip(". ")
    code = text.encode()
    if len(code) > MAX_STEM:
        text = f"{code[: MAX_STEM - MAX_END].decode(errors='ignore')}_{code[-MAX_END:].decode(errors='ignore')}"
    return f"_{text}" if is_device(text) else text or "file"


def say_missing(path: Path) -> str:
    """That a file which somebody named is not there, where it was looked for, and what to do."""
    folder = path.absolute().parent
    missing = "no such file in" if folder.is_dir() else "no folder"
    return f"there is {missing} {folder}. Correct the name, or give the whole path of the file."
