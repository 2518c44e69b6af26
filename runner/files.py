"""Names and files on disk: safe names, hashes, files that are there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath


def names_of(paths: Sequence[Path]) -> list[str]:
    """A name for each file, none twice: its stem, with a number where several have it."""
    names: list[str] = []
    for path in paths:
        number, name = 2, path.stem
        while name in names:
            name, number = f"{path.stem}-{number}", number + 1
        names.append(name)
    return names


def is_inside(name: str) -> bool:
    """Whether a relative path with forward slashes stays in its folder, on every system."""
    parts = PurePosixPath(name).parts
    windows = PureWindowsPath(name)
    return bool(parts) and not (name.startswith("/") or windows.drive or windows.root or ".." in parts)


def sha256_of(path: Path) -> str:
    """The sha256 of a file in hex, read piece by piece. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 24):
            digest.update(piece)
    return digest.hexdigest()


MAX_STEM = 100  # bytes


MAX_END = 24  # of these, of a longer name's end


def safe_name(name: str) -> str:
    """A job's name as a part of a file name on any system. A long one loses its middle: the seed is at its end."""
    text = re.sub(r"[^\w.,+=()-]+", "_", name).strip("_.")
    code = text.encode()
    if len(code) > MAX_STEM:
        head, end = code[: MAX_STEM - MAX_END - 1], code[-MAX_END:]
        text = f"{head.decode(errors='ignore')}_{end.decode(errors='ignore')}"
    return text.rstrip("_.-") or "job"


def folder_name(name: str) -> str:
    """A name as a folder that no other name has: with a hash of it where the safe one tells less."""
    safe = safe_name(name)
    return safe if safe == name else f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. Raises OSError."""
    unfinished = path.with_name(path.name + ".part")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
