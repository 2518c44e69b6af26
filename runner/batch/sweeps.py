"""Workflows with a Sweep or Sweep Graph, divided into its cells: a job for each batch, the results one sweep again.

The node itself says which cells there are and which are made together: with `?` as its `cell` it gives its plan.
The results get the manifest and the page of a sweep that one ComfyUI has made.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...files import NotAFileError, write_whole
from ...nodes.sweep.folder.manifest import AxisRecord, CellPlan, CellRecord, Grid, Manifest
from ...nodes.sweep.folder.saving import file_stem
from ...nodes.sweep.folder.viewer import write_viewer
from ...nodes.sweep.graph.prompts import GRAPH_KIND
from ...nodes.sweep.plan import cell_widget, freeze
from ..comfyui.messages import QueueError
from ..workflow.needs import model_needs
from ..workflow.prompt import Prompt, ancestors, sources_of
from .jobs import BatchJob, CellJob, JobOutput

KINDS = ("SteerSweep", GRAPH_KIND)
MAX_LABEL = 40  # characters of a label in the name of a job
LATENT = ".latent"
NAMED_CELLS = 4  # of a job, in its name


@dataclass(frozen=True)
class DividedSweep:
    """A divided sweep: its grid (nodes/sweep/folder/manifest.py) and the jobs that make it."""

    name: str
    grid: Grid
    jobs: tuple[BatchJob, ...]


def sweeps_in(prompt: Prompt) -> list[str]:
    """The nodes of a prompt that are a whole sweep; one with its `cell` set is a picture like any other."""
    return [i for i, node in prompt.items() if node["class_type"] in KINDS and cell_widget.is_whole_sweep(node)]


def _cell(node: dict[str, Any]) -> Any:
    return node["inputs"].get(cell_widget.CELL) or ""


def divide(
    job: BatchJob, ask: Callable[[BatchJob], Sequence[str]], output_kinds: Collection[str]
) -> tuple[list[DividedSweep], BatchJob | None]:
    """The sweeps of a job, each divided, and what else it makes, which does not need them; None where nothing.

    ask: runs a job and returns the texts of its nodes. output_kinds: the kinds of nodes that end a workflow.

    Raises:
        QueueError: a plan cannot be read.
    """
    nodes = sweeps_in(job.prompt)
    names = [job.name if len(nodes) == 1 else f"{job.name}-{node_id.replace(':', '.')}" for node_id in nodes]
    plans = [_divide(job, node_id, name, ask) for node_id, name in zip(nodes, names, strict=True)]
    return plans, _rest(job, set(nodes), output_kinds)


def _divide(job: BatchJob, node_id: str, name: str, ask: Callable[[BatchJob], Sequence[str]]) -> DividedSweep:
    alone = _restrict(job, ancestors(job.prompt, node_id))
    if job.workflow is not None:  # it opens from each picture; the other sweeps are in it, and not in the prompt
        alone = replace(alone, workflow=freeze.put_aside(job.workflow, freeze.idle_sweeps(job.prompt, node_id)))
    texts = ask(_freeze(alone, node_id, cell_widget.PLAN, name))
    try:
        plan = json.loads(next((text for text in texts if text.startswith("{")), ""))
        axes = tuple(AxisRecord(axis["name"], tuple(axis["labels"])) for axis in plan["axes"])
        jobs, cells = [], []
        titles = iter(titles_of([tuple(cell["name"]) for batch in plan["batches"] for cell in batch]))
        for batch in plan["batches"]:
            keyed = []
            for cell in batch:
                key = _with_models(str(cell["key"]), alone.models)
                keyed.append(CellJob(key, tuple(cell["name"]), dict(cell["values"]), next(titles)))
                cells.append(CellPlan(key, tuple(cell["at"]), tuple(cell["labels"])))
            frozen = _freeze(alone, node_id, cell_widget.write_cells([cell["labels"] for cell in batch]), name)
            jobs.append(_name(replace(frozen, sweep=name, cells=tuple(keyed))))
        return DividedSweep(name, Grid(plan["title"], axes, tuple(cells)), tuple(jobs))
    except (ValueError, TypeError, KeyError) as error:
        raise QueueError(f"{job.name}: the plan of its Sweep cannot be read ({error}). Is its Steer as new?") from error


def _freeze(job: BatchJob, node_id: str, cell: str, name: str) -> BatchJob:
    prompt = freeze.freeze_prompt(job.prompt, node_id, cell)
    return replace(job, prompt=prompt, name=f"{name} plan", node=node_id)


def _keep_cells(job: BatchJob, keys: Collection[str]) -> BatchJob:
    """The job with those of its cells alone that have these keys."""
    pairs = zip(job.cells, cell_widget.read_cells(str(_cell(job.prompt[job.node]))) or (), strict=True)
    chosen = [(cell, labels) for cell, labels in pairs if cell.key in keys]
    prompt = freeze.freeze_prompt(job.prompt, job.node, cell_widget.write_cells([labels for _, labels in chosen]))
    return _name(replace(job, prompt=prompt, cells=tuple(cell for cell, _ in chosen)))


def _name(job: BatchJob) -> BatchJob:
    """The job with a name that says its sweep and its cells."""
    titles, more = [cell.title for cell in job.cells[:NAMED_CELLS]], len(job.cells) - NAMED_CELLS
    cells = ", ".join(titles) + (f" and {more} more" if more > 0 else "")
    return replace(job, name=f"{job.sweep} {cells}".strip())


def titles_of(names: Sequence[tuple[str, ...]]) -> list[str]:
    """A short title for each cell, no two alike: of long labels, only where they differ."""
    columns = [_shorten_labels(column) for column in zip(*names, strict=True)]
    titles = [" x ".join(labels) for labels in zip(*columns, strict=True)] if columns else [""] * len(names)
    often = Counter(titles)
    return [f"{title} (cell {i})" if often[title] > 1 else title for i, title in enumerate(titles, start=1)]


def _shorten_labels(labels: Sequence[str]) -> list[str]:
    if max(map(len, labels)) <= MAX_LABEL:
        return list(labels)
    start = _common_prefix(labels) if len(set(labels)) > 1 else 0
    end = _common_prefix([label[start:][::-1] for label in labels]) if len(set(labels)) > 1 else 0
    cut = [("..." if start else "") + label[start : len(label) - end] + ("..." if end else "") for label in labels]
    half = MAX_LABEL // 2
    return [text if len(text) <= MAX_LABEL else f"{text[:half]}...{text[-half:]}" for text in cut]


def _with_models(key: str, models: Sequence[tuple[str, str]]) -> str:
    """The key of a cell by its ComfyUI, which knows the size of a model file and not its content."""
    return hashlib.sha256(json.dumps([key, models]).encode()).hexdigest() if models else key


def _restrict(job: BatchJob, nodes: set[str]) -> BatchJob:
    prompt = {node_id: node for node_id, node in job.prompt.items() if node_id in nodes}
    named = {need.name for need in model_needs(prompt)}
    models = tuple(model for model in job.models if model[0] in named)
    return replace(
        job, prompt=prompt, files=tuple(file for file in job.files if file.need.node_id in nodes), models=models
    )


def _rest(job: BatchJob, sweeps: set[str], output_kinds: Collection[str]) -> BatchJob | None:
    """What a job makes without its sweeps and without what needs them."""
    needing = set(sweeps)
    while more := {i for i, node in job.prompt.items() if i not in needing and sources_of(node) & needing}:
        needing |= more
    ends = {i for i, node in job.prompt.items() if i not in needing and node["class_type"] in output_kinds}
    if not ends:
        return None
    return _restrict(job, {i for node_id in ends for i in ancestors(job.prompt, node_id)})


def _common_prefix(texts: Sequence[str]) -> int:
    """How many characters all of them begin with."""
    pairs = zip(min(texts), max(texts), strict=False)
    return next((i for i, (one, other) in enumerate(pairs) if one != other), len(min(texts)))


class SweepResults:
    """The folder of a divided sweep: the pictures, the manifest and the page that Sweep itself would write."""

    def __init__(self, folder: Path, plan: DividedSweep) -> None:
        self.plan = plan
        self.folder = folder
        self.manifest = Manifest(folder)
        self.manifest.start(plan.grid.title, plan.grid.axes, plan.grid.cells)

    def todo(self) -> list[BatchJob]:
        """Jobs of the cells without a picture, each cell once."""
        known: set[str] = set()
        jobs = []
        for job in self.plan.jobs:
            missing = {cell.key for cell in job.cells if self.manifest.finished(cell.key) is None} - known
            known |= missing
            if missing:
                jobs.append(_keep_cells(job, missing))
        return jobs

    def save(self, job: BatchJob, output: JobOutput) -> tuple[list[str], dict[str, str]]:
        """Write and record the cells of a job; those that have a picture already keep it.

        Returns the new files, and why cells failed, by their titles.

        Raises:
            QueueError: the pictures are not one for each cell that did not fail.
            OSError: they cannot be written.
        """
        faults = _faults(output.texts)
        good = [cell for i, cell in enumerate(job.cells) if i not in faults]
        files, seconds = [], output.seconds
        for cell, own in zip(good, _files_of_cells(job, output, len(good)), strict=True):
            if self.manifest.finished(cell.key) is None:
                stem = file_stem(cell.name, cell.key)
                file = f"{stem}.png"
                try:
                    for name, content in reversed(_name_files(stem, own)):  # the cell's own last, as the node does
                        write_whole(self.folder / name, content)
                except NotAFileError as error:
                    faults[job.cells.index(cell)] = str(error)
                    continue
                self._record(cell, file, None, seconds / len(job.cells))
                files.append(file)
        for i, why in faults.items():
            self._record(job.cells[i], None, why, 0.0)
        return files, {f"{job.sweep} {job.cells[i].title}": why for i, why in faults.items()}

    def fail(self, job: BatchJob, error: str) -> None:
        """Record that the cells of a job failed, but for those that have a picture."""
        for cell in job.cells:
            if self.manifest.finished(cell.key) is None:
                self._record(cell, None, error, 0.0)

    def write_page(self) -> None:
        """Write the page that shows the sweep."""
        write_viewer(self.manifest)

    def _record(self, cell: CellJob, file: str | None, error: str | None, seconds: float) -> None:
        record = CellRecord(cell.key, file, error, cell.values, round(seconds, 3))
        self.manifest.record(record)


def _files_of_cells(job: BatchJob, output: JobOutput, count: int) -> list[Sequence[tuple[str, bytes]]]:
    """The files of each of `count` cells. A Sweep gives one for each; a Sweep Graph makes one cell, with all it keeps.

    Raises:
        QueueError: there are others.
    """
    if count == 1 and output.files and job.prompt[job.node]["class_type"] == GRAPH_KIND:
        return [output.files]
    if len(output.files) != count:
        raise QueueError(f"{job.name}: it gave {len(output.files)} pictures for {count} cells.")
    return [(file,) for file in output.files]


def _name_files(stem: str, files: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """The files of a cell with their names beside each other: further ones of a kind have numbers."""
    often: Counter[str] = Counter()
    named = []
    for name, content in files:
        ending = LATENT if name.endswith(LATENT) else ".png"
        often[ending] += 1
        number = f"-{often[ending]}" if often[ending] > 1 else ""
        named.append((f"{stem}{number}{ending}", content))
    return named


def _faults(texts: Sequence[str]) -> dict[int, str]:
    """Why cells of a job failed, by their number in it. Sweep reports it beside the pictures of the others."""
    for text in texts:
        try:
            return {int(number): str(why) for number, why in json.loads(text)["faults"].items()}
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # another text
    return {}
