"""Files on disk, for every room: hashes, files that are there whole or not at all, names that stay in their folder.

Standard library only.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path, PurePosixPath, PureWindowsPath

_PIECE = 1 << 24  # bytes read at once


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file in hex, read piece by piece.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: beside its place first, flushed to the disk, then moved there.

    Raises:
        OSError: it cannot be written. What was there before is still there.
    """
    unfinished = path.with_name(path.name + ".part")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def is_inside(name: str) -> bool:
    """Whether a relative path with forward slashes stays in its folder, on every system."""
    parts = PurePosixPath(name).parts
    windows = PureWindowsPath(name)
    return bool(parts) and not (name.startswith("/") or windows.drive or windows.root or ".." in windows.parts)
