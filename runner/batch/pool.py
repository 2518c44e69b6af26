"""Gives each job to a free worker: a pool of workers, each in a thread of its own. Knows no ComfyUI and no HTTP.

A job that its worker lost goes back to the front of the line for the others. One that a worker refused is offered to
those that have not refused it. One that failed is offered to one other, because the worker may be at fault. Every job
ends exactly once. Jobs are taken from their source one by one, so the cost of each does not grow with their number.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

J = TypeVar("J")
J_contra = TypeVar("J_contra", contravariant=True)
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

# A job that took this many workers with it is not given to another.
MAX_LOSSES = 3
# A job that failed on this many workers has failed.
MAX_FAILURES = 2
# A worker that failed this many jobs in a row which others completed gets no more. While so many that failed on it have
# not ended elsewhere, it takes no fresh ones. A broken worker fails in no time: without this it would try every job
# first, and where a second one is flaky, jobs would fail that the good ones can do.
MAX_BLAMED = 3


class JobFailed(Exception):
    """The job did not work here. Another worker shows whether the job or this worker is at fault."""


class JobRefused(Exception):
    """This worker cannot do the job, for want of a model or node; another may."""


class WorkerLost(Exception):
    """The worker has lost its job. gone: it gets no other.

    recover: brings the worker back; called while its job may go to another. It returns False, or raises a WorkerLost
    with the reason, where it cannot.
    """

    def __init__(self, message: str, gone: bool = True, recover: Callable[[], bool] = lambda: True) -> None:
        super().__init__(message)
        self.gone, self.recover = gone, recover


class Worker(Protocol[J_contra, R_co]):
    """Does one job at a time."""

    @property
    def name(self) -> str: ...

    def run(self, job: J_contra, /) -> R_co:
        """Do a job.

        Raises:
            JobFailed: it did not work here.
            JobRefused: it cannot be done here; elsewhere it may.
            WorkerLost: this worker is gone, or has forgotten the job.
        """
        ...


@dataclass(frozen=True)
class JobEnd(Generic[J, R]):
    """How a job ended: with a result, or with an error. worker: where; empty when none was left."""

    job: J
    worker: str
    result: R | None = None
    error: str = ""


@dataclass(eq=False)
class _Entry(Generic[J]):
    job: J
    refusals: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    losses: list[str] = field(default_factory=list)

    @property
    def tried(self) -> frozenset[str]:
        """The workers that must not have it again."""
        return frozenset((*self.refusals, *self.failures))

    @property
    def reasons(self) -> str:
        """Why no worker has done it."""
        failed = list(dict.fromkeys(self.failures.values()))
        if len(failed) > 1:
            failed = [f"{worker}: {why}" for worker, why in self.failures.items()]
        return "; ".join([*self.refusals.values(), *failed, *self.losses]) or "no server is left"


class Pool(Generic[J, R]):
    """`Pool(jobs, workers, on_end, on_lost).run()`.

    on_end: called once a job, one call at a time, by the worker's thread. What it raises ends the run and comes out of
    `run`. on_lost(worker, reason, gone): called when a worker has lost its job, or (gone) gets no more.
    """

    def __init__(
        self,
        jobs: Iterable[J],
        workers: Sequence[Worker[J, R]],
        on_end: Callable[[JobEnd[J, R]], None],
        on_lost: Callable[[str, str, bool], None] = lambda worker, reason, gone: None,
    ) -> None:
        self._source = iter(jobs)
        self._exhausted = False
        # Given back, by the workers that tried them and whether any failed.
        self._again: dict[tuple[frozenset[str], bool], deque[_Entry[J]]] = {}
        self._workers = list(workers)
        self._alive = {worker.name for worker in workers}
        self._away: set[str] = set()  # being brought back
        self._unclear: Counter[str] = Counter()  # jobs that failed on a worker and have not ended yet
        self._blame: Counter[str] = Counter()  # how many in a row that others completed then
        if len(self._alive) < len(self._workers):
            raise ValueError("two workers have one name")
        self._on_end, self._on_lost = on_end, on_lost
        self._running = 0
        self._change = threading.Condition()
        self._stopped = False
        self._fault: BaseException | None = None

    def run(self) -> None:
        """Return when every job has ended. After KeyboardInterrupt, no worker takes another job."""
        threads = [threading.Thread(target=self._serve, args=[worker], daemon=True) for worker in self._workers]
        for thread in threads:
            thread.start()
        try:
            with self._change:
                while not self._is_over() and any(thread.is_alive() for thread in threads):
                    self._change.wait(0.2)  # a wait without limit would not let Ctrl-C through on Windows
        finally:
            self.stop()
        if self._fault is not None:
            raise self._fault
        with self._change:
            self._drop_hopeless()

    def _is_over(self) -> bool:
        """Whether all has ended; a worker that is still being brought back is not waited for."""
        return self._stopped or (self._exhausted and not self._running and not any(self._again.values()))

    def stop(self) -> None:
        """Let no worker take another job."""
        with self._change:
            self._stopped = True
            self._change.notify_all()

    def _serve(self, worker: Worker[J, R]) -> None:
        try:
            while (entry := self._take(worker.name)) is not None:
                self._do(worker, entry)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that called run()
            with self._change:
                self._fault = self._fault or error
                self._alive.discard(worker.name)
                self._stopped = True
                self._change.notify_all()

    def _take(self, name: str) -> _Entry[J] | None:
        """The next job this worker may have; None when there will be none. Waits while others may yet lose theirs."""
        with self._change:
            while not self._stopped and name in self._alive:
                self._drop_hopeless()
                entry = self._next(name)
                if entry is not None:
                    self._running += 1
                    return entry
                if not self._running and not any(self._again.values()):
                    self._change.notify_all()
                    return None
                self._change.wait()
            return None

    def _next(self, name: str) -> _Entry[J] | None:
        for (tried, _), entries in self._again.items():
            if entries and name not in tried:
                return entries.popleft()
        if self._unclear[name] >= MAX_BLAMED:
            return None
        for job in self._source if not self._exhausted else ():
            return _Entry(job)
        self._exhausted = True
        return None

    def _do(self, worker: Worker[J, R], entry: _Entry[J]) -> None:
        name = worker.name
        result: R | None = None
        done, ends = False, ""
        lost: WorkerLost | None = None
        try:
            result, done = worker.run(entry.job), True
        except JobFailed as error:
            entry.failures[name] = str(error)
        except JobRefused as error:
            entry.refusals[name] = str(error)
        except WorkerLost as error:
            lost = error
        with self._change:
            if lost is not None:
                self._lose(name, entry, lost)
                if len(entry.losses) >= MAX_LOSSES:
                    ends = f"given up after {MAX_LOSSES} attempts: {'; '.join(entry.losses)}"
            elif name in entry.failures:
                self._unclear[name] += 1
                if len(entry.failures) >= MAX_FAILURES:
                    ends = entry.reasons
            if done or ends:
                self._end(entry, JobEnd(entry.job, name, result, ends))
            elif not self._stopped:
                self._again.setdefault((entry.tried, bool(entry.failures)), deque()).appendleft(entry)
            self._running -= 1
            self._drop_hopeless()
            self._change.notify_all()
        if lost is not None and not lost.gone:
            self._bring_back(name, lost)

    def _lose(self, name: str, entry: _Entry[J], lost: WorkerLost) -> None:
        entry.losses.append(f"{name}: {lost}")
        if lost.gone:
            self._alive.discard(name)
        else:
            self._away.add(name)
        self._on_lost(name, str(lost), lost.gone)

    def _bring_back(self, name: str, lost: WorkerLost) -> None:
        try:
            reason = "" if lost.recover() else "it did not come back"
        except WorkerLost as error:
            reason = str(error)
        with self._change:
            self._away.discard(name)
            if reason and not self._stopped:
                self._drop(name, reason)
            self._change.notify_all()

    def _drop(self, name: str, reason: str) -> None:
        self._alive.discard(name)
        self._on_lost(name, reason, True)
        self._drop_hopeless()

    def _end(self, entry: _Entry[J], ended: JobEnd[J, R]) -> None:
        """Note that a job has ended. The workers that failed it are at fault if another has done it."""
        self._on_end(ended)
        self._unclear.subtract(entry.failures.keys())
        if ended.error:
            return
        self._blame[ended.worker] = 0
        for name, why in entry.failures.items():
            self._blame[name] += 1
            if self._blame[name] == MAX_BLAMED and name in self._alive:
                self._drop(name, f"it failed {MAX_BLAMED} jobs in a row that others have done. The last time: {why}")

    def _drop_hopeless(self) -> None:
        """End the jobs that no worker that is left can do."""
        if self._stopped and self._alive:
            return
        for (tried, failed), entries in self._again.items():
            # One that failed does not wait for a worker that may not come back.
            while entries and not self._alive - tried - (self._away if failed else set()):
                self._give_up(entries.popleft())
        if not self._alive and not self._exhausted:
            self._exhausted = True
            for job in self._source:
                self._give_up(_Entry(job))

    def _give_up(self, entry: _Entry[J]) -> None:
        self._end(entry, JobEnd(entry.job, next(iter(entry.failures or entry.refusals), ""), error=entry.reasons))
