"""Names of jobs and of files that hold their results, safe on every system."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

MAX_STEM = 100  # bytes
MAX_END = 24  # of these, of a longer name's end


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
    return text.rstrip("_.-") or "job"


def folder_name(name: str) -> str:
    """A name as a folder that no other name has: with a hash of it where the safe one differs."""
    safe = safe_name(name)
    return safe if safe == name else f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
