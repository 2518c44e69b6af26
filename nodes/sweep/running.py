"""Cell after cell: made, saved at once, recorded; what fails becomes a blank, what is there is left alone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from .choices import STOP
from .manifest import CellRecord, Manifest
from .plan import Cell, Settings, batches
from .saving import as_bytes, file_stem, write_png

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
class Job:
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


def missing(jobs: Sequence[Job], manifest: Manifest) -> list[Job]:
    """The jobs without a picture, each key once, in their order."""
    keys: dict[str, Job] = {}
    for job in jobs:
        if job.key not in keys and manifest.finished(job.key) is None:
            keys[job.key] = job
    return list(keys.values())


def run_jobs(
    jobs: Sequence[Job],
    manifest: Manifest,
    maker: Maker,
    size: Callable[[Settings], int],
    on_error: str,
    texts: Callable[[Cell], Mapping[str, Any]],
    begin: Callable[[Sequence[Job]], object] = lambda batch: None,
    show: Callable[[Job, torch.Tensor], object] = lambda job, picture: None,
    overridden: Collection[str] = (),
) -> Outcome:
    """Make `jobs` and record each before the next batch begins.

    size: the most pictures in a batch with these settings. texts: what a picture's file says of itself. begin and show
    are told of every batch and picture. overridden: settings that something connected takes the place of. Raises
    OSError where the disk is full, RuntimeError for a failing cell if on_error is "stop", and what `maker.passes`
    names; what was finished is saved and recorded then.
    """
    outcome = Outcome()

    def values(job: Job) -> dict[str, Any]:
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
                log.warning("Sweep: the cell '%s' failed.", _named(batch[0]), exc_info=True)
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
                outcome.failed.append((_named(job), reason))
                if on_error == STOP:
                    raise RuntimeError(f"The cell '{_named(job)}' failed: {reason}")
    outcome.seconds = time.monotonic() - started
    return outcome


def fault_of(picture: torch.Tensor) -> str | None:
    """What is wrong with a finished picture."""
    if bool(torch.isfinite(picture).all()):
        return None
    return "the picture came out as NaN. Use a VAE or a model of higher precision (--fp32-vae), or a lower cfg."


def _finish(
    job: Job, picture: torch.Tensor, manifest: Manifest, texts: Callable[[Cell], Mapping[str, Any]],
    values: dict[str, Any], seconds: float,
) -> None:  # fmt: skip
    file = f"{file_stem(job.name, job.key)}.png"
    write_png(manifest.folder / file, as_bytes(picture), texts(job.cell))
    manifest.record(CellRecord(job.key, file, None, values, seconds))


def _named(job: Job) -> str:
    return " x ".join(job.name) or "the only one"
