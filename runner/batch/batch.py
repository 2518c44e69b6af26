"""A batch: its jobs, which of them are done already, and where their results go."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from ..comfyui.messages import QueueError
from ..files import folder_name
from .jobs import BatchJob
from .pool import JobEnd
from .results import Results
from .sweeps import SweepResults, divide, sweeps_in
from .worker import JobOutput


class Batch:
    """Results in the folder `out`; those of a divided sweep in a folder of its own there.

    todo: the jobs without a result. failed: the names of those that failed. Raises OSError from the disk.
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
        """Take up jobs; a whole sweep is divided into its cells. ask and output_kinds: see sweeps.divide."""
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
                sweep = self.sweeps[plan.name] = SweepResults(self.results.folder / folder_name(plan.name), plan)
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
        """What is to be told before it begins."""
        yield from self._faults
        if self.there:
            yield f"{self.there} of {self.there + len(self.todo)} jobs are done already, or are the same as another."
        for name, sweep in self.sweeps.items():
            cells = len(sweep.plan.grid.cells)
            yield f"{name}: a sweep of {cells} cells, into {sweep.folder}. What is wired behind the Sweep does not run."
        if self.results.unreadable:
            yield f"{len(self.results.unreadable)} lines of {self.results.path} cannot be read and are skipped."

    def end(self, ended: JobEnd[BatchJob, JobOutput]) -> str:
        """Keep what a job made, or that it failed; returns a line that tells it."""
        job, made = ended.job, ended.result
        if made is None:
            return self._fail(job, ended.worker, ended.error)
        try:
            files, faults = self._save(job, ended.worker, made)
        except QueueError as error:
            return self._fail(job, ended.worker, str(error))
        self.failed += faults
        self.done += not faults
        told = [f"failed  {name}: {why}" for name, why in faults.items()]
        if files or not faults:
            told += [f"done    {job.name}: {', '.join(files) or 'no files'} ({made.seconds:.1f} s, {ended.worker})"]
        return "\n".join(told)

    def _save(self, job: BatchJob, worker: str, made: JobOutput) -> tuple[list[str], dict[str, str]]:
        """The new files, and why a cell failed by its name."""
        if job.sweep:
            return self.sweeps[job.sweep].save(job, made)
        return [file.name for file in self.results.save(job, worker, made.seconds, made.files).files], {}

    def _fail(self, job: BatchJob, worker: str, error: str) -> str:
        if job.sweep:
            self.sweeps[job.sweep].fail(job, error)
        else:
            self.results.fail(job, worker, error)
        self.failed.append(job.name)
        return f"failed  {job.name}: {error}"

    def write_pages(self) -> Iterator[str]:
        """Write the page of each sweep anew; tells which could not be written, as on a full disk."""
        for name, sweep in self.sweeps.items():
            try:
                sweep.write_page()
            except OSError as error:
                yield f"Warning: the page of {name} cannot be written: {error}. Its pictures and its list are not hurt."

    def summary(self) -> str:
        where = self.results.folder
        return f"{self.done} done, {self.there} there before, {len(self.failed)} failed. The results: {where}"
