"""A batch in its folder: what is done already, the files of each job, and the list of how every job ended.

Files are there whole or not at all.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from filelock import FileLock, Timeout

from ...files import NotAFileError, can_be_named, known_sha256, write_whole
from ...nodes.journal import append_line, read_lines
from ...nodes.text.printable import MAX_MESSAGE, printable
from ..comfyui.messages import QueueError
from ..files import folder_name, safe_name
from .jobs import BatchJob, JobOutput
from .pool import JobEnd
from .sweeps import SweepResults, divide, sweeps_in

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

    Raises:
        OSError: the list is there but may not be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / LIST
        self.last: dict[str, Result] = {}
        self.unreadable: list[int] = read_lines(self.path, self._take)

    def finished(self, key: str) -> Result | None:
        """The result of a job that succeeded and whose files are all there, with the content that was recorded."""
        result = self.last.get(key)
        return result if result and not result.error and all(map(self._is_there, result.files)) else None

    def save(self, job: BatchJob, server: str, seconds: float, files: Sequence[tuple[str, bytes]]) -> Result:
        """Write the files of a job (their names on the server, for the ending, and contents) and record it.

        Raises:
            OSError: it cannot be written.
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
        return self._record(Result(job.key, job.name, server, error=printable(error, MAX_MESSAGE)))

    def _record(self, result: Result) -> Result:
        append_line(self.path, {"kind": "job", **asdict(result)})
        self.last[result.key] = result
        return result

    def _take(self, line: Any) -> None:
        """Take a line of the list.

        Raises:
            ValueError, TypeError, KeyError: it is of another kind or shape.
        """
        if line["kind"] != "job":
            raise ValueError("a line of unknown kind")
        if not isinstance(line["files"], list):
            raise ValueError("no list of files")
        files = tuple(ResultFile(str(f["name"]), int(f["bytes"]), str(f["sha256"])) for f in line["files"])
        if any(file.bytes < 0 or not can_be_named(file.name) for file in files):
            raise ValueError("a file that cannot be")
        key, name, server, error = (str(line[part]) for part in ("key", "name", "server", "error"))
        seconds = float(line["seconds"])
        if not math.isfinite(seconds):
            raise ValueError("a time that cannot be")
        self.last[key] = Result(key, name, server, seconds, files, error)

    def _is_there(self, file: ResultFile) -> bool:
        path = self.folder / PurePosixPath(file.name).name
        try:
            return path.stat().st_size == file.bytes and known_sha256(path) == file.sha256
        except OSError:
            return False


@contextmanager
def claim_folder(folder: Path) -> Iterator[None]:
    """The folder for one batch alone, until this ends or the process does.

    Raises:
        QueueError: another batch has it, or something else than a folder is there.
    """
    if folder.exists() and not folder.is_dir():
        raise QueueError(f"{folder} is no folder. Name another with --out.")
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


class Batch:
    """Results in the folder `out`; those of a divided sweep in a folder of its own there.

    todo: the jobs without a result. failed: the names of those that failed.

    Raises:
        OSError: from the disk, here and in `end`.
    """

    def __init__(self, out: Path) -> None:
        self.results = Results(out)
        self.sweeps: dict[str, SweepResults] = {}
        self.todo: list[BatchJob] = []
        self.failed: list[str] = []
        self.done = self.there = 0
        self._keys: set[str] = set()
        self._faults: list[str] = []

    def add(
        self, jobs: Sequence[BatchJob], ask: Callable[[BatchJob], Sequence[str]], output_kinds: Collection[str]
    ) -> None:
        """Take up jobs; a whole sweep is divided into its cells. ask, output_kinds: see sweeps.divide."""
        for job in jobs:
            if not sweeps_in(job.prompt):
                self._add(job)
                continue
            try:
                plans, rest = divide(job, ask, output_kinds)
            except QueueError as error:
                self._faults.append(self._fail(job, "", str(error)))
                continue
            for plan in plans:
                try:
                    sweep = SweepResults(self.results.folder / folder_name(plan.name), plan)
                except NotAFileError as error:
                    self._faults.append(self._fail(job, "", str(error)))
                    continue
                self.sweeps[plan.name] = sweep
                todo = sweep.todo()
                self.todo += todo
                self.there += len(plan.jobs) - len(todo)
            if rest is not None:
                self._add(rest)

    def _add(self, job: BatchJob) -> None:
        if job.key in self._keys or self.results.finished(job.key) is not None:
            self.there += 1
        else:
            self.todo.append(job)
        self._keys.add(job.key)

    def lines(self) -> Iterator[str]:
        """What to print before it begins."""
        yield from self._faults
        if self.there:
            yield f"{self.there} of {self.there + len(self.todo)} jobs are done already, or are the same as another."
        for name, sweep in self.sweeps.items():
            cells = len(sweep.plan.grid.cells)
            yield f"{name}: a sweep of {cells} cells, into {sweep.folder}. What is wired behind the Sweep does not run."
        if self.results.unreadable:
            yield f"{len(self.results.unreadable)} lines of {self.results.path} cannot be read and are skipped."

    def end(self, ended: JobEnd[BatchJob, JobOutput]) -> str:
        """Record how a job ended, and write its files; returns a line for each of its results."""
        job, output = ended.job, ended.result
        if output is None:
            return self._fail(job, ended.worker, ended.error)
        try:
            if job.sweep:
                files, faults = self.sweeps[job.sweep].save(job, output)
            else:
                saved = self.results.save(job, ended.worker, output.seconds, output.files)
                files, faults = [file.name for file in saved.files], {}
        except (QueueError, NotAFileError) as error:
            return self._fail(job, ended.worker, str(error))
        self.failed += faults
        self.done += not faults
        lines = [f"failed  {name}: {why}" for name, why in faults.items()]
        if files or not faults:
            lines += [f"done    {job.name}: {', '.join(files) or 'no files'} ({output.seconds:.1f} s, {ended.worker})"]
        return "\n".join(lines)

    def _fail(self, job: BatchJob, worker: str, error: str) -> str:
        if job.sweep:
            self.sweeps[job.sweep].fail(job, error)
        else:
            self.results.fail(job, worker, error)
        self.failed.append(job.name)
        return f"failed  {job.name}: {error}"

    def write_pages(self) -> Iterator[str]:
        """Write the page of each sweep; gives a line for each that cannot be written, as on a full disk."""
        for name, sweep in self.sweeps.items():
            try:
                sweep.write_page()
            except OSError as error:
                yield f"Warning: the page of {name} cannot be written: {error}. Its pictures and its list are not hurt."

    def summary(self) -> str:
        """One line for the end."""
        where = self.results.folder
        return f"{self.done} done, {self.there} there before, {len(self.failed)} failed. The results: {where}"
