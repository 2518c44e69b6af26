"""A sweep put together: its cells with their keys, the one that is asked for, and what is told about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..axis import Axis
from .cells import choose
from .freeze import read_cell
from .hashing import FileIdentity, cell_key
from .manifest import AxisRecord, CellPlan, Grid
from .plan import Cell
from .running import Job, Outcome

MAX_FAILURES = 20  # that the report names


def jobs_of(
    cells: Sequence[Cell], axes: Sequence[Axis], shared: Mapping[str, Any], identity: FileIdentity
) -> list[Job]:
    """The cells with their keys, in their order; each named by its labels on the axes that have several values."""
    varying = [i for i, axis in enumerate(axes) if len(axis) > 1] or list(range(len(axes)))
    known: dict[str, str | None] = {}

    def remembered(name: str) -> str | None:
        if name not in known:
            known[name] = identity(name)
        return known[name]

    return [
        Job(cell, cell_key(cell.settings, shared, remembered), tuple(cell.labels[i] for i in varying)) for cell in cells
    ]


def grid_of_jobs(title: str, axes: Sequence[Axis], jobs: Sequence[Job]) -> Grid:
    """The grid as the manifest records it, its axes as they are wired."""
    records = tuple(AxisRecord(axis.name, axis.labels) for axis in axes)
    return Grid(title, records, tuple(CellPlan(job.key, job.cell.at, job.cell.labels) for job in jobs))


def the_job(jobs: Sequence[Job], grid: Grid, text: str) -> Job:
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


def plan_text(grid: Grid, groups: Sequence[Sequence[Job]]) -> str:
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
