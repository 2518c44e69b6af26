"""The folder of a batch's results: files that are there whole or not at all, and the list of how every job ended."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from filelock import FileLock, Timeout

from ...files import write_whole
from ...nodes.journal import append_line, read_lines
from ..comfyui.messages import QueueError
from ..files import safe_name
from .jobs import BatchJob

LIST = "results.jsonl"
LOCK = ".queue.lock"


@dataclass(frozen=True)
class ResultFile:
    """A file of the folder, its size and its sha256 in hex."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Result:
    """How a job ended: with files (perhaps none), or with an error. server: who did it."""

    key: str
    name: str
    server: str
    seconds: float = 0.0
    files: tuple[ResultFile, ...] = ()
    error: str = ""


class Results:
    """The results in `folder`, whose list is read once when made; a folder that is not there yet is an empty one.

    Raises OSError where the list is there but may not be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / LIST
        self.last: dict[str, Result] = {}
        self.unreadable: list[int] = read_lines(self.path, self._take)

    def finished(self, key: str) -> Result | None:
        """The result of a job that succeeded and whose files are all there, in the size that was recorded."""
        result = self.last.get(key)
        return result if result and not result.error and all(map(self._is_there, result.files)) else None

    def save(self, job: BatchJob, server: str, seconds: float, files: Sequence[tuple[str, bytes]]) -> Result:
        """Write the files of a job (their names on the server, for the ending, and contents) and record it.

        Raises OSError where that cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = f"{safe_name(job.name)}-{job.key[:10]}"
        saved = []
        for number, (name, content) in enumerate(files, start=1):
            target = self.folder / f"{stem}{f'-{number}' if len(files) > 1 else ''}{_suffix(name)}"
            write_whole(target, content)
            saved.append(ResultFile(target.name, len(content), hashlib.sha256(content).hexdigest()))
        return self._record(Result(job.key, job.name, server, round(seconds, 3), tuple(saved)))

    def fail(self, job: BatchJob, server: str, error: str) -> Result:
        """Record that a job failed; it is tried again in the next run."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self._record(Result(job.key, job.name, server, error=error))

    def _record(self, result: Result) -> Result:
        append_line(self.path, {"kind": "job", **asdict(result)})
        self.last[result.key] = result
        return result

    def _take(self, line: Any) -> None:
        """Raises ValueError, TypeError or KeyError for a line of another kind or shape."""
        if line["kind"] != "job":
            raise ValueError("a line of unknown kind")
        files = tuple(ResultFile(str(f["name"]), int(f["bytes"]), str(f["sha256"])) for f in line["files"])
        key, name, server, error = (str(line[part]) for part in ("key", "name", "server", "error"))
        result = Result(key, name, server, float(line["seconds"]), files, error)
        self.last[result.key] = result

    def _is_there(self, file: ResultFile) -> bool:
        try:
            return (self.folder / PurePosixPath(file.name).name).stat().st_size == file.bytes
        except OSError:
            return False


@contextmanager
def claim_folder(folder: Path) -> Iterator[None]:
    """The folder for one batch alone, until this ends or the process does. Raises QueueError where another has it."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / LOCK, timeout=0):
            yield
    except Timeout as error:
        raise QueueError(
            f"another batch is at work in {folder}. Wait until it has ended, or name another folder with --out."
        ) from error


def _suffix(name: str) -> str:
    ending = PurePosixPath(name.replace("\\", "/")).suffix
    return ending if re.fullmatch(r"\.\w{1,10}", ending, re.ASCII) else ".bin"
