"""A sweep under way: which job comes next, and what became of those before it.

Each cell is a job of ComfyUI's queue. A job that begins puts further ones into the queue before its own work, so that a
job that fails breaks no chain, and looks at how earlier ones ended: a cell that failed cannot say so itself.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ...text.printable import MAX_MESSAGE, get_log, printable
from ..choices import STOP
from ..folder.manifest import CellRecord, Manifest
from .plan import GraphCell, GraphPlan
from .prompts import Json

MAX_WAITING = 50  # jobs of a sweep in the queue
MAX_SWEEPS = 64  # under way at once
MAX_LAST = 1024  # jobs that closed a sweep, by their ids
MAX_FAILURES = 20  # that a report names

log = get_log(__name__)


@dataclass(frozen=True)
class JobEnding:
    """How a job ended, as ComfyUI's history has it. error: "" for one that went well or was cancelled."""

    error: str = ""
    cancelled: bool = False


class JobQueue(Protocol):
    """ComfyUI's queue, as a sweep needs it."""

    def put(self, job_id: str, prompt: Json) -> None:
        """Queue a prompt. Raises ValueError where ComfyUI refuses it."""
        ...

    def waiting(self) -> set[str]:
        """The ids of all jobs that wait."""
        ...

    def running(self) -> set[str]:
        """The ids of all jobs that run."""
        ...

    def ended(self, job_id: str) -> JobEnding | None:
        """How a job ended; None where the history does not know it."""
        ...


@dataclass
class SweepChain:
    """A sweep whose cells are jobs.

    todo: the cells to make, in their order. write: the prompt of a job, by its number in `todo`; len(todo) is the last
    job, which closes the sweep. ids: the id of each job. next: the number of the next to queue. open: the jobs that
    were queued and are not known to have ended. begun, started, skipped: those that have begun, when, and those that
    had nothing to do. there: how many cells of the plan have a picture. page_is_due: the page waits until then.
    """

    name: str
    plan: GraphPlan
    manifest: Manifest
    todo: Sequence[GraphCell]
    write: Callable[[int], Json]
    on_error: str
    ids: list[str] = field(default_factory=list)
    next: int = 0
    stopped: str = ""
    cleared: bool = False
    closed: bool = False
    failed: dict[str, str] = field(default_factory=dict)
    there: int = 0
    started: dict[int, float] = field(default_factory=dict)
    skipped: set[int] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    open: OrderedDict[str, int] = field(default_factory=OrderedDict)
    page_is_due: float = 0.0

    def __post_init__(self) -> None:
        self.ids = self.ids or [str(uuid.uuid4()) for _ in range(len(self.todo) + 1)]

    def begin(self, number: int, queue: JobQueue) -> None:
        """The job `number` begins: note how those before it ended, and queue further ones."""
        own = self.ids[number] if number < len(self.ids) else ""
        self.begun.add(own)
        self.manifest.refresh()
        self._see_cleared(own, queue)
        self.settle(own, queue)
        self.fill(queue)

    def fill(self, queue: JobQueue) -> None:
        """Queue jobs until enough of them wait."""
        waiting = len(self.open.keys() & queue.waiting())
        while self.next < len(self.ids) and waiting < MAX_WAITING and not self.ends:
            number, job_id = self.next, self.ids[self.next]
            self.next += 1
            if number < len(self.todo) and self.manifest.finished(self.todo[number].key) is not None:
                continue  # another sweep has made it meanwhile
            try:
                queue.put(job_id, self.write(number))
            except ValueError as error:
                self._fail(self.todo[min(number, len(self.todo) - 1)], str(error))
                continue
            self.open[job_id] = number
            waiting += 1

    @property
    def ends(self) -> bool:
        """Whether no further cell is begun."""
        return bool(self.stopped) or self.cleared

    def settle(self, own: str, queue: JobQueue) -> None:
        """Look at the jobs that are neither waiting nor running any more, and record those that failed."""
        there = queue.waiting() | queue.running()
        for job_id in [job_id for job_id in self.open if job_id not in there and job_id != own]:
            number = self.open.pop(job_id)
            if number >= len(self.todo):
                continue
            cell, ended = self.todo[number], queue.ended(job_id)
            if ended is not None and ended.error:
                self._fail(cell, ended.error)

    def skips(self, number: int) -> bool:
        """Whether the job has nothing to do: its cell is there already, or the sweep has ended."""
        return self.ends or number >= len(self.todo) or self.manifest.finished(self.todo[number].key) is not None

    def is_last(self, number: int, queue: JobQueue) -> bool:
        """Whether no job of the sweep comes after this one any more."""
        if number >= len(self.todo):
            return True
        waiting = queue.waiting()
        return not any(job_id in waiting for job_id in self.open)

    def stop(self, reason: str) -> None:
        """Let the jobs that wait end without work."""
        self.stopped = self.stopped or reason

    def report(self) -> str:
        """What there is and what failed."""
        cells = self.plan.cells
        there = sum(self.manifest.finished(cell.key) is not None for cell in cells)
        lines = [f"{there} of {len(cells)} pictures are there."]
        if self.stopped:
            lines.append(f"Stopped: {self.stopped}")
        if there < len(cells):
            lines.append("Press Run to go on.")
        failed = {title: reason for title, reason in self.failed.items()}
        if failed:
            lines.append(f"{len(failed)} failed. The next Run tries them again:")
            lines += [f"- {title}: {reason}" for title, reason in list(failed.items())[:MAX_FAILURES]]
            if len(failed) > MAX_FAILURES:
                lines.append(f"- and {len(failed) - MAX_FAILURES} more")
        return "\n".join(lines)

    def record(self, cell: GraphCell, file: str, seconds: float) -> None:
        """Write down that a cell has its picture.

        Raises:
            OSError: it cannot be written.
        """
        self.failed.pop(cell.title, None)
        self.there += 1
        self.manifest.record(CellRecord(cell.key, file, None, self._values(cell), round(seconds, 3)))

    def fail(self, cell: GraphCell, reason: str) -> None:
        """Write down why a cell has no picture."""
        self._fail(cell, reason)

    def _fail(self, cell: GraphCell, reason: str) -> None:
        if self.manifest.finished(cell.key) is not None:
            return
        reason = printable(reason.strip(), MAX_MESSAGE) or "it failed without a reason"
        self.failed[cell.title] = reason
        log.warning("Sweep Graph: the cell '%s' failed: %s", cell.title, reason)
        try:
            self.manifest.record(CellRecord(cell.key, None, reason, self._values(cell), 0.0))
        except OSError as error:  # a full disk: nothing more can be kept
            self.stop(str(error))
        if self.on_error == STOP:
            self.stop(f"the cell '{cell.title}' failed, and on_error is {STOP}.")

    def _values(self, cell: GraphCell) -> dict[str, Any]:
        return self.plan.values.shown(cell.at)

    def _see_cleared(self, own: str, queue: JobQueue) -> None:
        """Whoever presses Clear removes all that wait. One that was removed alone is left out."""
        expected = [job_id for job_id in self.open if job_id not in self.begun and job_id != own]
        waiting = queue.waiting() | queue.running()
        gone = [job_id for job_id in expected if job_id not in waiting and queue.ended(job_id) is None]
        if expected and len(gone) == len(expected):
            self.cleared = True
        for job_id in gone:
            self.open.pop(job_id, None)


class Underway:
    """The sweeps that are under way in this ComfyUI, by name. A restart ends them, as it ends the queue."""

    def __init__(self) -> None:
        self._chains: OrderedDict[str, SweepChain] = OrderedDict()
        self._last: deque[str] = deque(maxlen=MAX_LAST)

    def add(self, chain: SweepChain) -> None:
        """Remember a sweep; of too many the oldest is forgotten."""
        self._chains[chain.name] = chain
        self._last.append(chain.ids[-1])
        while len(self._chains) > MAX_SWEEPS:
            self._chains.popitem(last=False)

    def get(self, name: str) -> SweepChain | None:
        """The sweep of this name."""
        return self._chains.get(name)

    def closes(self, job_id: str) -> bool:
        """Whether this job is the last one of a sweep, which holds what lies behind its sheet."""
        return job_id in self._last

    def runs(self, graph_id: str, folder: Path, queue: JobQueue) -> bool:
        """Whether a sweep of this Sweep Graph into this folder has jobs that wait or run."""
        there = queue.waiting() | queue.running()
        own = [c for c in self._chains.values() if c.plan.graph.graph_id == graph_id and c.manifest.folder == folder]
        return any(chain.open.keys() & there for chain in own)

    def remove(self, name: str) -> None:
        """Forget a sweep that has ended."""
        self._chains.pop(name, None)


UNDERWAY = Underway()
