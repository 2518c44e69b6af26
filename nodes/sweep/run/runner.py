"""Cell after cell: made, saved at once, recorded. A cell that fails stays blank and the others go on."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch

from ....files import NotAFileError
from ...text.plural import count_things
from ...text.printable import MAX_MESSAGE, get_log, printable
from ..choices import BLANK, STOP
from ..folder.saving import SweepFolder
from ..plan.cells import Cell, Settings

MAX_FAILURES = 20  # that the report names

log = get_log(__name__)


class Maker(Protocol):
    """What turns settings into pictures."""

    @property
    def passes(self) -> tuple[type[BaseException], ...]:
        """The exceptions that end the run: the user pressed Cancel."""
        ...

    def make(self, cells: Sequence[Settings]) -> Sequence[torch.Tensor]:
        """A picture [H, W, C] in 0..1 for each of the settings, which differ in the seed only."""
        ...

    def is_out_of_memory(self, error: Exception) -> bool:
        """Whether a batch failed because it was too large."""
        ...

    def free(self) -> None:
        """Give back memory."""
        ...


class ProgressDisplay(Protocol):
    """What follows a run."""

    def begin(self, batch: Sequence[Cell]) -> None:
        """These cells are made next."""
        ...

    def finish(self, cell: Cell, picture: torch.Tensor) -> None:
        """This cell is saved. picture: [H, W, C] in 0..1."""
        ...


@dataclass
class Outcome:
    """How a run went. pictures: those saved. failed: name and reason of each blank cell. seconds: of the whole run."""

    pictures: int = 0
    seconds: float = 0.0
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def report(self, statement: str, cells: int, finished: int) -> str:
        """The report of the node. statement: what was to be done. finished: how many of the cells have a picture."""
        lines = [statement]
        if self.pictures or finished < cells:
            are = "is" if finished == cells == 1 else "are"
            there = f"{finished} of {count_things(cells, 'picture')} {are} there."
            lines.append(f"Made {self.pictures} in {self.seconds:.1f} s. {there}")
        lines += dict.fromkeys(self.notes)
        if self.failed:
            lines.append(f"{len(self.failed)} failed. Run the sweep again to try them again:")
            lines += [f"- {name}: {reason}" for name, reason in self.failed[:MAX_FAILURES]]
            if len(self.failed) > MAX_FAILURES:
                lines.append(f"- and {len(self.failed) - MAX_FAILURES} more")
        return "\n".join(lines)


class Runner:
    """Makes cells in batches and records each in its folder before the next batch begins."""

    def __init__(self, maker: Maker, folder: SweepFolder, progress: ProgressDisplay, on_error: str = BLANK) -> None:
        self.maker, self.folder, self.progress, self.on_error = maker, folder, progress, on_error
        self.largest = sys.maxsize  # cells in a batch: halved for good when a batch does not fit the memory

    def run(self, batches: Sequence[Sequence[Cell]]) -> Outcome:
        """Make all batches. What is finished stays saved and recorded, whatever is raised.

        Raises:
            OSError: the disk is full.
            RuntimeError: a cell failed and on_error is "stop".
            BaseException: one of `maker.passes`.
        """
        outcome = Outcome()
        started = time.monotonic()
        todo = list(reversed(batches))
        while todo:
            batch = todo.pop()
            if len(batch) > self.largest:
                todo += [batch[self.largest :], batch[: self.largest]]
                continue
            self.progress.begin(batch)
            began = time.monotonic()
            results = self._make(batch)
            if results is None:  # freed here and not in _make, where the exception still holds the tensors
                self.largest = len(batch) // 2
                self.maker.free()
                todo.append(batch)
                outcome.notes.append(f"Out of memory with {len(batch)} pictures at once: went on with {self.largest}.")
                continue
            seconds = (time.monotonic() - began) / len(batch)
            for cell, result in zip(batch, results, strict=True):
                self._settle(cell, result, seconds, outcome)
        outcome.seconds = time.monotonic() - started
        return outcome

    def _make(self, batch: Sequence[Cell]) -> Sequence[torch.Tensor | str] | None:
        """For each cell a picture, or the reason why there is none. None: a smaller batch may fit the memory."""
        try:
            pictures = self.maker.make([cell.settings for cell in batch])
        except self.maker.passes:
            raise
        except Exception as error:
            if self.maker.is_out_of_memory(error) and len(batch) > 1:
                return None
            log.warning("Sweep: the cell '%s' failed.", batch[0].title, exc_info=True)
            return [printable(f"{error}".strip(), MAX_MESSAGE) or type(error).__name__] * len(batch)
        return [find_fault(picture) or picture for picture in pictures]

    def _settle(self, cell: Cell, result: torch.Tensor | str, seconds: float, outcome: Outcome) -> None:
        """Save the picture of a cell, or record its fault."""
        if isinstance(result, torch.Tensor):
            try:
                self.folder.save(cell, result, seconds)
                outcome.pictures += 1
                self.progress.finish(cell, result)
                return
            except NotAFileError as error:  # this cell alone is in the way of something; a full disk ends the run
                result = printable(str(error))
        self.folder.record_fault(cell, result, seconds)
        outcome.failed.append((cell.title, result))
        if self.on_error == STOP:
            raise RuntimeError(f"The cell '{cell.title}' failed: {result}")


def find_fault(picture: torch.Tensor) -> str | None:
    """What is wrong with a finished picture; None if nothing is."""
    if bool(torch.isfinite(picture).all()):
        return None
    return "the picture came out as NaN. Use a VAE or a model of higher precision (--fp32-vae), or a lower cfg."
