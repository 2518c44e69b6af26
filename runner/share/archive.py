"""Opens zip files of strangers: the whole listing is judged before the first byte is written. Standard library only.

Nothing is ever written but plain files with the names that were judged; links, devices and modes of the zip count for
nothing. What would mean another file on another system (Windows, macOS) is refused on every system.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import struct
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

from ...files import is_device
from ..files import say_missing

MAX_ENTRIES = 10_000
# Whole path within the zip, in characters: Windows allows 260 with the folder it is put in.
MAX_NAME = 150
# One part of a path, in UTF-8 bytes: what Linux and macOS file systems hold.
MAX_PART = 255
CHUNK = 1 << 20

_FORBIDDEN = set('<>:"|?*\\')
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class ArchiveError(Exception):
    """A zip that is not opened. The message says which entry and why."""


def plain(text: str) -> str:
    """A stranger's text on one line: no control character of it reaches the terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def quote(text: object) -> str:
    """A name from a stranger, quoted and plain; cut where it is long."""
    quoted = plain(repr(str(text)))
    return quoted if len(quoted) <= 80 else f"{quoted[:60]}...' ({len(str(text))} characters)"


def name_fault(name: str) -> str:
    """Why `name` cannot be a file's path within a folder, on every system; empty when it can."""
    if not name:
        return "it has no name"
    if len(name) > MAX_NAME:
        return f"its name has {len(name)} characters; at most {MAX_NAME} work everywhere"
    if name.startswith(("/", "\\")):
        return "its path is absolute"
    if len(name) > 1 and name[1] == ":" and name[0].isalpha():
        return "its path has a drive letter"
    for part in name.split("/"):
        if part in ("", ".", "..") or ".." in part.split("\\"):
            return "its path leads out of the folder or through an empty or '.' part"
        bad = sorted(c for c in set(part) if c in _FORBIDDEN or _hides(c))
        if bad:
            return f"its name holds {', '.join(map(quote, bad))}"
        if part[-1] in ". ":
            return "a part of its path ends with a dot or space"
        if is_device(part):
            return f"{quote(part)} is a device on Windows"
        if len(part.encode()) > MAX_PART:
            return f"a part of its path has more than {MAX_PART} bytes"
    return ""


def _hides(character: str) -> bool:
    """Control characters, halves of characters, and those that turn the order of what is read."""
    turns = unicodedata.bidirectional(character) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    return turns or unicodedata.category(character) in ("Cc", "Cs")


def check_names(names: Iterable[str]) -> None:
    """Make sure that all paths can lie in one folder.

    Raises:
        ArchiveError: one is not sound, is there twice, or differs from another only in case.
    """
    spelling: dict[str, str] = {}  # every file and folder, as a file system that ignores case sees it
    files: set[str] = set()
    for name in names:
        if fault := name_fault(name):
            raise ArchiveError(f"{quote(name)}: {fault}.")
        parts = name.split("/")
        for end in range(1, len(parts) + 1):
            path = "/".join(parts[:end])
            key = _fold(path)
            if spelling.setdefault(key, path) != path:
                raise ArchiveError(f"{quote(path)} and {quote(spelling[key])} are one file where case does not count.")
            if key in files:
                raise ArchiveError(f"{quote(path)} is there twice, or as a file and as a folder.")
        files.add(_fold(name))
    for path in spelling:
        parent = path.rpartition("/")[0]
        if parent in files:
            raise ArchiveError(f"{quote(spelling[parent])} is there as a file and as a folder.")


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def list_entries(archive: zipfile.ZipFile, limit: int) -> dict[str, zipfile.ZipInfo]:
    """The files of a zip by name.

    Raises:
        ArchiveError: an entry is not sound, or all would be over `limit` bytes.
    """
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise ArchiveError(f"it holds {len(entries)} entries; at most {MAX_ENTRIES} are opened.")
    for entry in entries:
        # orig_filename: zipfile cuts `filename` at a NUL and turns backslashes on Windows.
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if stat.S_ISLNK(kind):
            raise ArchiveError(f"{quote(entry.orig_filename)} is a link.")
        if kind not in (0, stat.S_IFREG):
            raise ArchiveError(f"{quote(entry.orig_filename)} is not a plain file.")
        if entry.flag_bits & 1:
            raise ArchiveError(f"{quote(entry.orig_filename)} is encrypted.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ArchiveError(f"{quote(entry.orig_filename)} is compressed in an unusual way.")
    check_names(entry.orig_filename for entry in entries)
    total = sum(entry.file_size for entry in entries)
    if total > limit:
        raise ArchiveError(f"its files are {total / 1e9:.1f} GB when unpacked; the limit is {limit / 1e9:.1f} GB.")
    return {entry.filename: entry for entry in entries}


def open_zip(path: Path) -> zipfile.ZipFile:
    """The zip at `path`, open to be read.

    Raises:
        ArchiveError: it is no zip.
    """
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError:
        raise ArchiveError(say_missing(path)) from None
    except (*_BROKEN, OSError) as error:
        raise ArchiveError(f"it is not a readable zip file ({error}).") from error


def copy_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, write: Callable[[bytes], object], limit: int) -> str:
    """Hand an entry's bytes to `write` piece by piece; returns their sha256.

    Counts what really comes out, because a zip may lie about sizes.

    Raises:
        ArchiveError: the entry is damaged or over `limit` bytes.
    """
    digest, count = hashlib.sha256(), 0
    try:
        with archive.open(entry) as source:
            while piece := source.read(CHUNK):
                count += len(piece)
                if count > limit:
                    raise ArchiveError(f"{quote(entry.filename)} is longer than it says.")
                digest.update(piece)
                write(piece)
    except _BROKEN as error:
        raise ArchiveError(f"{quote(entry.filename)} is damaged ({error}).") from error
    return digest.hexdigest()


def extract(archive: zipfile.ZipFile, entries: dict[zipfile.ZipInfo, str], target: Path) -> None:
    """Write judged entries as the new folder `target`; `entries` gives each one's sha256.

    They are written into a fresh folder beside it, which takes the name only when all is there and right. Whatever
    goes wrong, no trace is left.

    Raises:
        ArchiveError: the target is there already, or an entry is not what was packed.
        OSError: from the disk.
    """
    if os.path.lexists(target) and not (target.is_dir() and not target.is_symlink() and not any(target.iterdir())):
        raise ArchiveError(f"{target} is there already. Choose another folder with --to.")
    new = [folder for folder in (target.parent, *target.parent.parents) if not folder.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _extract(archive, entries, target)
    except BaseException:
        for folder in new:  # the deepest first
            with contextlib.suppress(OSError):  # something else has come into it, or it was not reached
                folder.rmdir()
        raise


def _extract(archive: zipfile.ZipFile, entries: dict[zipfile.ZipInfo, str], target: Path) -> None:
    fresh = Path(tempfile.mkdtemp(prefix=".unpack-", dir=target.parent))
    try:
        folder = fresh / "files"  # mkdtemp's own folder is closed to others; this one is as the user's others are
        folder.mkdir()
        for entry, sha256 in entries.items():
            path = folder / entry.filename
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as out:
                found = copy_entry(archive, entry, out.write, entry.file_size)
            if found != sha256:
                raise ArchiveError(f"{quote(entry.filename)} is not the file that was packed (its sha256 differs).")
        if target.is_dir():
            target.rmdir()
        folder.rename(target)
    finally:
        shutil.rmtree(fresh)
