"""Files on disk, for every room: hashes, files that are there whole or not at all, names that stay in their folder.

Standard library only.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import threading
import time
from functools import cache, lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from queue import SimpleQueue
from typing import BinaryIO

_PIECE = 1 << 24  # bytes read at once
# A file that was changed less than this ago may change once more within the same tick of the file system's clock.
_SETTLED_NS = 2_000_000_000
_NEVER_WAIT = getattr(os, "O_NONBLOCK", 0)  # for the other end of a pipe
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
# What Windows keeps for devices, whatever the ending. It takes superscript digits for digits.
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|conin[$]|conout[$]|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\.|:|$)")


class NotAFileError(OSError):
    """A folder, a pipe, a device or a link is where a file should be."""


def open_plain(path: Path, flags: int = os.O_RDONLY) -> BinaryIO:
    """A file that is open; a pipe is never waited for. flags: of os.open. One that writes goes through no link.

    Raises:
        NotAFileError: something else than a file is there.
        OSError: it cannot be opened.
    """
    writes = bool(flags & (os.O_WRONLY | os.O_RDWR))
    if writes and path.is_symlink():
        raise NotAFileError(f"{path} is a link, and nothing is written through links. Move it away.")
    _require_plain(path, path.stat().st_mode if path.exists() else None)
    descriptor = os.open(path, flags | _NEVER_WAIT | _BINARY | (_NO_LINK if writes else 0), 0o666)
    try:
        _require_plain(path, os.fstat(descriptor).st_mode)
        mode = "ab" if flags & os.O_APPEND else "wb" if writes else "rb"
        return os.fdopen(descriptor, mode, buffering=0) if writes else os.fdopen(descriptor, mode)  # type: ignore[bad-return]
    except BaseException:
        os.close(descriptor)
        raise


def _require_plain(path: Path, mode: int | None) -> None:
    if mode is None or stat.S_ISREG(mode):
        return
    what = "a folder" if stat.S_ISDIR(mode) else "a pipe" if stat.S_ISFIFO(mode) else "no plain file"
    raise NotAFileError(f"{path} is {what}, where a file should be. Move it away.")


def read_plain(path: Path) -> bytes:
    """What a file holds.

    Raises:
        NotAFileError: something else than a file is there.
        OSError: it cannot be read.
    """
    with open_plain(path) as file:
        return file.read()


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


def known_sha256(path: Path) -> str:
    """The SHA-256 of a file in hex; read once, as long as the file does not change.

    Raises:
        OSError: it cannot be read.
    """
    state = path.stat()
    _require_plain(path, state.st_mode)
    if time.time_ns() - max(state.st_mtime_ns, state.st_ctime_ns) < _SETTLED_NS:
        return sha256_of(path)
    return _sha256_of_state(path, state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)


@lru_cache(maxsize=16384)
def _sha256_of_state(path: Path, size: int, mtime_ns: int, ctime_ns: int, inode: int) -> str:
    return sha256_of(path)


def write_whole(path: Path, content: bytes | memoryview, part: str = "part", *, flush: bool = True) -> None:
    """Write a file whole or not at all: beside its place first, flushed to the disk, then moved there.

    part: the ending of the file beside it. A link is replaced, not written through. flush: False for a file
    whose hash is kept: it is flushed beside other work, and a loss of power may tear it.

    Raises:
        NotAFileError: a folder is there.
        OSError: it cannot be written. What was there before is still there.
    """
    unfinished = path.with_name(f"{path.name}.{part}")
    for each in (path, unfinished):
        if each.is_dir() and not each.is_symlink():
            raise NotAFileError(f"{each} is a folder, where a file should be. Move it away.")
    unfinished.unlink(missing_ok=True)  # of a process that was killed
    try:
        with open_plain(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
            left = memoryview(content)
            while left:
                left = left[file.write(left) :]
            if flush:
                os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    if not flush:
        flush_later(path)


def flush_later(path: Path) -> None:
    """Flush a written file to the disk beside other work, which need not wait: a disk takes up to 30 ms for it.

    Raises:
        OSError: one of the same folder, given here before, could not be flushed.
    """
    failed = _FAILED.pop(path.parent, None)  # before this path is put, which may fail at once
    _flusher().put(path)
    if failed:
        raise failed


_FAILED: dict[Path, OSError] = {}  # by folder


@cache
def _flusher() -> SimpleQueue[Path]:
    """What its thread flushes, one after the other. It ends with the process and holds up no exit."""
    waiting: SimpleQueue[Path] = SimpleQueue()

    def work() -> None:
        while True:
            path = waiting.get()
            try:
                _flush(path)
            except OSError as error:
                _FAILED[path.parent] = error

    threading.Thread(target=work, name="steer-flush", daemon=True).start()
    return waiting


def _flush(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDWR | _NEVER_WAIT | _BINARY)
    except OSError:  # moved or deleted meanwhile
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_inside(name: str) -> bool:
    """Whether a relative path with forward slashes stays in its folder, on every system."""
    parts = PurePosixPath(name).parts
    windows = PureWindowsPath(name)
    inside = bool(parts) and not (name.startswith("/") or windows.drive or windows.root or ".." in windows.parts)
    return inside and can_be_named(name)


def can_be_named(name: str) -> bool:
    """Whether every file system can hold the name: no halves of characters, no NUL."""
    try:
        return b"\0" not in name.encode()
    except UnicodeEncodeError:
        return False


def is_device(part: str) -> bool:
    """Whether Windows takes one part of a path for a device, such as `con` or `COM1.png`."""
    return _DEVICE.match(part) is not None
