"""Workflows with a Sweep, divided into its cells: each batch of cells a job, the results one sweep again.

Which cells there are, and which are made together, the node Sweep says itself: with `?` as its `cell` it tells its
plan. The results get the manifest and the page of a sweep that one ComfyUI has made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .answers import Prompt, QueueError
from .jobs import CellJob, Job
from .pack import part
from .results import safe_name, write_file

KIND = "SteerSweep"


@dataclass(frozen=True)
class SweepPlan:
    """A sweep that was divided: its grid (nodes/sweep/manifest.py) and the jobs that make it."""

    name: str
    grid: Any
    jobs: tuple[Job, ...]


def sweeps_in(prompt: Prompt) -> list[str]:
    """The nodes of a prompt that are a whole sweep; one with its `cell` set is a picture like any other."""
    return [i for i, node in prompt.items() if node["class_type"] == KIND and not str(_cell(node)).strip()]


def _cell(node: dict[str, Any]) -> Any:
    return node["inputs"].get(part("sweep.freeze").CELL) or ""


def divide(
    job: Job, ask: Callable[[Job], Sequence[str]], output_kinds: Collection[str]
) -> tuple[list[SweepPlan], Job | None]:
    """The sweeps of a job, each divided, and what else it makes, which does not need them; None where nothing.

    ask: runs a job that tells a plan and returns what it told. output_kinds: the kinds of nodes that end a workflow.
    Raises QueueError for a plan that cannot be read.
    """
    nodes = sweeps_in(job.prompt)
    names = [job.name if len(nodes) == 1 else f"{job.name}-{node_id.replace(':', '.')}" for node_id in nodes]
    plans = [_divided(job, node_id, name, ask) for node_id, name in zip(nodes, names, strict=True)]
    return plans, _rest(job, set(nodes), output_kinds)


def _divided(job: Job, node_id: str, name: str, ask: Callable[[Job], Sequence[str]]) -> SweepPlan:
    freeze, manifest = part("sweep.freeze"), part("sweep.manifest")
    alone = _restricted(job, _ancestors(job.prompt, node_id))
    told = ask(_frozen(alone, node_id, freeze.PLAN, name))
    try:
        plan = json.loads(next((text for text in told if text.startswith("{")), ""))
        axes = tuple(manifest.AxisRecord(axis["name"], tuple(axis["labels"])) for axis in plan["axes"])
        jobs, cells = [], []
        for batch in plan["batches"]:
            keyed = []
            for cell in batch:
                key = str(cell["key"])
                keyed.append(CellJob(key, tuple(cell["name"]), dict(cell["values"])))
                cells.append(manifest.CellPlan(key, tuple(cell["at"]), tuple(cell["labels"])))
            labels = [cell["labels"] for cell in batch]
            jobs.append(
                replace(_frozen(alone, node_id, freeze.cells_text(labels), name), sweep=name, cells=tuple(keyed))
            )
        return SweepPlan(name, manifest.Grid(plan["title"], axes, tuple(cells)), tuple(jobs))
    except (ValueError, TypeError, KeyError) as error:
        raise QueueError(f"{job.name}: the plan of its Sweep cannot be read ({error}). Is its Steer as new?") from error


def _frozen(job: Job, node_id: str, cell: str, name: str) -> Job:
    prompt = part("sweep.freeze").frozen_prompt(job.prompt, node_id, cell)
    label = "plan" if cell == part("sweep.freeze").PLAN else cell
    return replace(job, prompt=prompt, name=f"{name} {label}"[:120])


def _restricted(job: Job, nodes: set[str]) -> Job:
    prompt = {node_id: node for node_id, node in job.prompt.items() if node_id in nodes}
    return replace(job, prompt=prompt, files=tuple(file for file in job.files if file.need.node_id in nodes))


def _sources(node: dict[str, Any]) -> set[str]:
    return {str(value[0]) for value in node["inputs"].values() if isinstance(value, list) and len(value) == 2}


def _ancestors(prompt: Prompt, node_id: str) -> set[str]:
    """The node and all that it needs."""
    found, todo = set(), [node_id]
    while todo:
        current = todo.pop()
        if current not in found and current in prompt:
            found.add(current)
            todo += _sources(prompt[current])
    return found


def _rest(job: Job, sweeps: set[str], output_kinds: Collection[str]) -> Job | None:
    """What a job makes without its sweeps and without what needs them."""
    needing = set(sweeps)
    while more := {i for i, node in job.prompt.items() if i not in needing and _sources(node) & needing}:
        needing |= more
    ends = {i for i, node in job.prompt.items() if i not in needing and node["class_type"] in output_kinds}
    if not ends:
        return None
    return _restricted(job, {i for node_id in ends for i in _ancestors(job.prompt, node_id)})


class SweepResults:
    """The folder of a divided sweep: the pictures, the manifest and the page that Sweep itself would write."""

    def __init__(self, folder: Path, plan: SweepPlan) -> None:
        self.plan = plan
        self.folder = folder
        self.manifest: Any = part("sweep.manifest").Manifest(folder)
        self.manifest.start(plan.grid.title, plan.grid.axes, plan.grid.cells)

    def todo(self) -> list[Job]:
        """The jobs that have a cell without a picture, each cell once."""
        known: set[str] = set()
        jobs = []
        for job in self.plan.jobs:
            wanted = {cell.key for cell in job.cells if self.manifest.finished(cell.key) is None} - known
            known |= wanted
            if wanted:
                jobs.append(job)
        return jobs

    def save(self, job: Job, seconds: float, contents: Sequence[bytes]) -> list[str]:
        """Write and record the cells of a job; those that have a picture already keep it. Returns the new files.

        Raises QueueError when they are not one picture a cell, OSError where they cannot be written.
        """
        if len(contents) != len(job.cells):
            raise QueueError(f"{job.name}: it made {len(contents)} pictures for {len(job.cells)} cells.")
        files = []
        for cell, content in zip(job.cells, contents, strict=True):
            if self.manifest.finished(cell.key) is None:
                file = f"{safe_name('-'.join(cell.name))}-{cell.key[:10]}.png"
                write_file(self.folder / file, content)
                self._record(cell, file, None, seconds / len(job.cells))
                files.append(file)
        return files

    def fail(self, job: Job, error: str) -> None:
        for cell in job.cells:
            if self.manifest.finished(cell.key) is None:
                self._record(cell, None, error, 0.0)

    def write_page(self) -> None:
        part("sweep.viewer").write_viewer(self.manifest)

    def _record(self, cell: CellJob, file: str | None, error: str | None, seconds: float) -> None:
        record = part("sweep.manifest").CellRecord(cell.key, file, error, cell.values, round(seconds, 3))
        self.manifest.record(record)
