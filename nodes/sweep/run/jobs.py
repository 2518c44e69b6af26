"""Cell after cell: made, saved at once, recorded; what fails becomes a blank, what is there is left alone."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from ...axis import Axis
from ..choices import STOP
from ..folder.manifest import AxisRecord, CellPlan, CellRecord, Grid, Manifest
from ..folder.saving import as_bytes, file_stem, write_png
from ..folder.selection import choose
from ..plan.cell_key import FileIdentity, cell_key
from ..plan.cells import Cell, Settings, batches
from ..plan.freeze import read_cell

log = logging.getLogger(__name__)


class Maker(Protocol):
    """What turns settings into pictures."""

    @property
    def passes(self) -> tuple[type[BaseException], ...]:
        """What is raised through: the user pressed Cancel."""
        ...

    @property
    def out_of_memory(self) -> tuple[type[BaseException], ...]:
        """What a batch raises that is too large."""
        ...

    def make(self, cells: Sequence[Settings]) -> Sequence[torch.Tensor]:
        """A picture [H, W, C] in 0..1 for each; they differ in the seed only."""
        ...

    def free(self) -> None:
        """Give back what memory can be given back."""
        ...


@dataclass(frozen=True)
class SweepJob:
    """A cell to make. key: its hash. name: what tells it apart, for files and messages."""

    cell: Cell
    key: str
    name: tuple[str, ...]


@dataclass
class Outcome:
    """How a run went. failed: name and reason of each cell that became a blank."""

    made: int = 0
    seconds: float = 0.0
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_missing(jobs: Sequence[SweepJob], manifest: Manifest) -> list[SweepJob]:
    """The jobs without a picture, each key once, in their order."""
    keys: dict[str, SweepJob] = {}
    for job in jobs:
        if job.key not in keys and manifest.finished(job.key) is None:
            keys[job.key] = job
    return list(keys.values())


def run_jobs(
    jobs: Sequence[SweepJob],
    manifest: Manifest,
    maker: Maker,
    size: Callable[[Settings], int],
    on_error: str,
    texts: Callable[[Cell], Mapping[str, Any]],
    begin: Callable[[Sequence[SweepJob]], object] = lambda batch: None,
    show: Callable[[SweepJob, torch.Tensor], object] = lambda job, picture: None,
    overridden: Collection[str] = (),
) -> Outcome:
    """Make `jobs` and record each before the next batch begins.

    size: the most pictures in a batch with these settings. texts: what a picture's file says of itself. begin and show
    are told of every batch and picture. overridden: settings that something connected takes the place of. Raises
    OSError where the disk is full, RuntimeError for a failing cell if on_error is "stop", and what `maker.passes`
    names; what was finished is saved and recorded then.
    """
    outcome = Outcome()

    def values(job: SweepJob) -> dict[str, Any]:
        return {name: value for name, value in job.cell.settings.values().items() if name not in overridden}

    started = time.monotonic()
    by_cell = {id(job.cell): job for job in jobs}
    limit: list[int] = []  # lowered for good when a batch did not fit
    todo = [[by_cell[id(cell)] for cell in batch] for batch in batches([job.cell for job in jobs], size)]
    todo.reverse()
    while todo:
        batch = todo.pop()
        if limit and len(batch) > limit[0]:
            todo += [batch[limit[0] :], batch[: limit[0]]]
            continue
        begin(batch)
        began = time.monotonic()
        try:
            pictures: Sequence[torch.Tensor] = maker.make([job.cell.settings for job in batch])
            fault = None
        except maker.passes:
            raise
        except Exception as error:
            if isinstance(error, maker.out_of_memory) and len(batch) > 1:
                fault = None
                limit[:] = [len(batch) // 2]
            else:
                log.warning("Sweep: the cell '%s' failed.", _job_name(batch[0]), exc_info=True)
                fault = f"{error}".strip() or type(error).__name__
            pictures = ()
        if not pictures and fault is None:  # outside `except`, whose traceback holds on to the tensors
            maker.free()
            todo.append(batch)
            outcome.notes.append(f"Out of memory with {len(batch)} pictures at once: went on with {limit[0]}.")
            continue
        seconds = (time.monotonic() - began) / len(batch)
        for i, job in enumerate(batch):
            reason = fault or fault_of(pictures[i])
            if reason is None:
                _finish(job, pictures[i], manifest, texts, values(job), seconds)
                outcome.made += 1
                show(job, pictures[i])
            else:
                manifest.record(CellRecord(job.key, None, reason, values(job), seconds))
                outcome.failed.append((_job_name(job), reason))
                if on_error == STOP:
                    raise RuntimeError(f"The cell '{_job_name(job)}' failed: {reason}")
    outcome.seconds = time.monotonic() - started
    return outcome


def fault_of(picture: torch.Tensor) -> str | None:
    """What is wrong with a finished picture."""
    if bool(torch.isfinite(picture).all()):
        return None
    return "the picture came out as NaN. Use a VAE or a model of higher precision (--fp32-vae), or a lower cfg."


def _finish(
    job: SweepJob,
    picture: torch.Tensor,
    manifest: Manifest,
    texts: Callable[[Cell], Mapping[str, Any]],
    values: dict[str, Any],
    seconds: float,
) -> None:
    file = f"{file_stem(job.name, job.key)}.png"
    write_png(manifest.folder / file, as_bytes(picture), texts(job.cell))
    manifest.record(CellRecord(job.key, file, None, values, seconds))


def _job_name(job: SweepJob) -> str:
    return " x ".join(job.name) or "the only one"


MAX_FAILURES = 20  # that the report names


def jobs_of(
    cells: Sequence[Cell], axes: Sequence[Axis], shared: Mapping[str, Any], identity: FileIdentity
) -> list[SweepJob]:
    """The cells with their keys, in their order; each named by its labels on the axes that have several values."""
    varying = [i for i, axis in enumerate(axes) if len(axis) > 1] or list(range(len(axes)))
    known: dict[str, str | None] = {}

    def remembered(name: str) -> str | None:
        if name not in known:
            known[name] = identity(name)
        return known[name]

    return [
        SweepJob(cell, cell_key(cell.settings, shared, remembered), tuple(cell.labels[i] for i in varying))
        for cell in cells
    ]


def grid_of_jobs(title: str, axes: Sequence[Axis], jobs: Sequence[SweepJob]) -> Grid:
    """The grid as the manifest records it, its axes as they are wired."""
    records = tuple(AxisRecord(axis.name, axis.labels) for axis in axes)
    return Grid(title, records, tuple(CellPlan(job.key, job.cell.at, job.cell.labels) for job in jobs))


def the_job(jobs: Sequence[SweepJob], grid: Grid, text: str) -> SweepJob:
    """The one that the widget `cell` names: by all its labels, as a saved picture has it, or by some, as in Load Cells.

    Raises ValueError where none or several are meant.
    """
    labels = read_cell(text)
    if labels is None:
        try:
            places = [cell.at for cell in choose(grid, text)]
        except ValueError as error:
            raise ValueError(str(error).replace("selection:", "cell:", 1)) from error
    else:
        places = [job.cell.at for job in jobs if job.cell.labels == labels]
    if len(places) != 1:
        which = "none" if not places else f"{len(places)} of them"
        raise ValueError(
            f"cell: '{text}' names {which} of the {len(jobs)} cells. Write the labels of one, such as angry; seed 3, "
            "or nothing for the whole sweep."
        )
    return next(job for job in jobs if job.cell.at == places[0])


def plan_text(grid: Grid, groups: Sequence[Sequence[SweepJob]]) -> str:
    """The plan of a sweep as JSON, for whoever divides it among several ComfyUIs.

    {"title", "axes": [{"name", "labels"}], "batches": [[{"key", "at", "labels", "name", "values"}]]}: cells in one
    batch are made together; name is what tells a cell apart, values what it is made with.
    """
    told = [
        [
            {
                "key": job.key,
                "at": job.cell.at,
                "labels": job.cell.labels,
                "name": job.name,
                "values": job.cell.settings.values(),
            }
            for job in group
        ]
        for group in groups
    ]
    axes = [{"name": axis.name, "labels": axis.labels} for axis in grid.axes]
    return json.dumps({"title": grid.title, "axes": axes, "batches": told}, ensure_ascii=False)


def report_of(statement: str, outcome: Outcome, cells: int, there: int) -> str:
    """What was asked for and how it ended."""
    lines = [statement, f"Made {outcome.made} in {outcome.seconds:.1f} s. {there} of {cells} pictures are there."]
    lines += dict.fromkeys(outcome.notes)
    if outcome.failed:
        lines.append(f"{len(outcome.failed)} failed; they are tried again when the sweep is run again:")
        lines += [f"- {name}: {reason}" for name, reason in outcome.failed[:MAX_FAILURES]]
        if len(outcome.failed) > MAX_FAILURES:
            lines.append(f"- and {len(outcome.failed) - MAX_FAILURES} more")
    return "\n".join(lines)
