"""A run of the node Sweep: what is asked for is checked, planned, made and shown."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import comfy.utils
import folder_paths
import torch
from comfy.cli_args import args
from comfy_execution.graph_utils import ExecutionBlocker
from PIL import Image

from ...axis import Axis
from ...choices import CHECKPOINT, SAMPLER, SCHEDULER
from ...comfy_progress import send_progress_text
from ...control.comfy_control import check_fits
from ...control.families import MODEL, name_upstream
from ...control.stack import check_control
from ...prompt_graph import nodes_of
from ..choices import BLANK, NAMES, ON_ERROR
from ..folder.manifest import MANIFEST, Manifest
from ..folder.saving import file_stem, folder_inside, remove_unfinished
from ..folder.viewer import VIEWER, write_viewer
from ..plan.cell_key import MODELS, Upstream, shared_parts
from ..plan.cells import (
    BY_SAMPLER,
    BY_SIGMAS,
    Cell,
    Connected,
    Settings,
    batches,
    check_axes,
    number_labels,
    plan_cells,
    statement,
    title_of,
)
from ..plan.comfy_model_files import file_identity, file_size, node_state
from ..plan.freeze import ASIDE, TEMP_CELLS, cell_text, freeze_prompt, freeze_workflow, idle_sweeps, other_sweeps
from ..plan.inputs import SweepInputs
from ..plan.origin import check_files, check_one
from ..plan.values import find_name
from ..sheet.folder_sheet import notice, sheet_of
from .comfy_pictures import PictureMaker, check_latent, list_names, picture_size, swept_control
from .jobs import (
    SweepJob,
    as_bytes,
    fault_of,
    find_missing,
    grid_of_jobs,
    jobs_of,
    plan_text,
    report_of,
    run_jobs,
    the_job,
)

SHEET_CELL, SHEET_MEGAPIXELS = 256, 32.0  # of the sheet that the node shows; Contact Sheet makes others of the folder
PREVIEW = 512
NEW_RUN = "run "  # and a name: the fingerprint of a sweep that has something to make

log = logging.getLogger(__name__)


def fingerprint(folder: str | None, cell: str | None) -> str | float:
    """New while pictures are missing, so that ComfyUI's cache never hides them. NaN: always run.

    Once all are there it stays that of the run that made them, so that the next one has nothing to do.
    """
    if cell and cell.strip():
        return "one cell"
    if folder is None:  # it comes by a link
        return float("nan")
    try:
        manifest = Manifest(folder_inside(_output_folder(), folder))
        if not manifest.complete:
            return f"{NEW_RUN}{uuid.uuid4()}"
        return manifest.run or f"{len(manifest.grids)} {manifest.fingerprint()}"
    except (ValueError, OSError):
        return ""  # SweepRun says what is wrong


class SweepRun:
    """All cells that the axes make, and the folder that they go to.

    Raises ValueError before anything is made, unless every value of every axis can be used.
    """

    def __init__(
        self,
        given: SweepInputs,
        settings: Settings,
        axes: Sequence[Axis],
        folder: str,
        on_error: str,
        max_cells: int,
        hidden: Any,
    ) -> None:
        """hidden: the node's hidden inputs unique_id, dynprompt, prompt and extra_pnginfo."""
        if on_error not in ON_ERROR:
            raise ValueError(f"on_error: '{on_error}' is not known. Choose one of: {', '.join(ON_ERROR)}.")
        self.home = folder_inside(_output_folder(), folder)
        settings = replace(
            settings,
            sampler=find_name(settings.sampler, SAMPLER, list_names(SAMPLER)),
            scheduler=find_name(settings.scheduler, SCHEDULER, list_names(SCHEDULER)),
        )
        _check(given, axes, max_cells)
        axes = number_labels(axes)
        cells = plan_cells(settings, axes)
        _check_controls(given, cells)
        self.given, self.axes, self.folder, self.on_error, self.hidden = given, axes, folder, on_error, hidden
        self.node_id = str(hidden.unique_id or "")
        self.get_node = nodes_of(hidden.dynprompt)
        self.cells = cells
        upstream = Upstream(self.get_node, file_identity, node_state)
        self._check_origin(upstream)
        self.jobs = self._jobs(upstream)
        self.grid = grid_of_jobs(title_of(settings, axes, folder), axes, self.jobs)

    def all(self, batch_size: int) -> tuple[torch.Tensor, str]:
        """Make what the folder lacks. Returns the sheet, IMAGE [1, H, W, 3], and a report.

        RuntimeError when every cell failed.
        """
        self._check_folder()
        manifest = Manifest(self.home)
        remove_unfinished(self.home)
        todo = find_missing(self.jobs, manifest)
        show = _Show(self.node_id, todo)
        maker = self._maker(show.step)

        def size(settings: Settings) -> int:
            return maker.batch_size(batch_size, settings)

        in_batches = sum(1 for _ in batches([job.cell for job in todo], size))
        pixels = picture_size(self.given)
        told = statement(self.axes, len(self.jobs), len(todo), in_batches, pixels)
        log.info("Sweep: %s", told)
        send_progress_text(told, self.node_id)
        run_name = _run_name(self.get_node(self.node_id), manifest)
        manifest.start(self.grid.title, self.grid.axes, self.grid.cells, run_name)
        try:
            outcome = run_jobs(
                todo, manifest, maker, size, self.on_error, self._texts, show.begin, show.picture, self._overridden()
            )
        finally:  # also when it was cancelled or the disk is full: what is finished can be looked at
            _write_page(manifest)
        there = sum(manifest.finished(job.key) is not None for job in self.jobs)
        report = report_of(told, outcome, len(self.jobs), there)
        if not there:
            raise RuntimeError(f"All cells failed. {outcome.failed[0][0]}: {outcome.failed[0][1]}")
        if outcome.failed:
            log.warning("Sweep: %s", report)
        return self._sheet(manifest, max(pixels)), report

    def one(self, labels: str) -> tuple[torch.Tensor, str, str]:
        """The cell with these labels: its picture [H, W, C], a prefix for its file name, and a report."""
        job = the_job(self.jobs, self.grid, labels)
        show = _Show(self.node_id, [job])
        show.begin([job])
        picture = self._maker(show.step).make([job.cell.settings])[0]
        if fault := fault_of(picture):
            raise ValueError(f"cell: {fault}")
        prefix = f"{self.home.relative_to(_output_folder().resolve()).as_posix()}/{file_stem(job.name, job.key)}"
        return picture, prefix, f"One cell: {' x '.join(job.name)}."

    def plan(self, batch_size: int) -> str:
        """All cells in the batches in which this ComfyUI would make them, as JSON; nothing is made."""
        maker = self._maker(lambda share, preview: None)
        upstream = Upstream(self.get_node, file_size, node_state)  # keys that are the same on every machine
        by_cell = {id(job.cell): job for job in self._jobs(upstream)}
        groups = batches(self.cells, lambda settings: maker.batch_size(batch_size, settings))
        return plan_text(self.grid, [[by_cell[id(cell)] for cell in group] for group in groups])

    def several(self, cells: Sequence[Sequence[str]]) -> tuple[torch.Tensor, dict[str, Any], str]:
        """The cells with these labels, which may differ in the seed only, made together as `all` makes them.

        Returns the pictures [B, H, W, C], black where one failed; what the node shows, files of ComfyUI's temp folder
        that each open as their own cell, and why one failed by its number; a report. The sweep's folder stays as it
        is. RuntimeError when every cell failed.
        """
        jobs = [the_job(self.jobs, self.grid, cell_text(labels)) for labels in cells]
        if sum(1 for _ in batches([job.cell for job in jobs], lambda settings: len(jobs))) != 1:
            raise ValueError("cell: these cells differ in more than the seed, so they cannot be made together.")
        temp, show = Path(folder_paths.get_temp_directory()), _Show(self.node_id, jobs)
        manifest = Manifest(temp / TEMP_CELLS / uuid.uuid4().hex)
        manifest.folder.mkdir(parents=True)
        made: dict[str, torch.Tensor] = {}

        def keep(job: SweepJob, picture: torch.Tensor) -> None:
            made[job.key] = picture
            show.picture(job, picture)

        outcome = run_jobs(
            jobs, manifest, self._maker(show.step), lambda settings: len(jobs), BLANK, self._texts, show.begin, keep
        )
        if not made:
            raise RuntimeError("; ".join(dict.fromkeys(reason for _, reason in outcome.failed)))
        ended = [manifest.state(job.key) for job in jobs]
        place = {"subfolder": manifest.folder.relative_to(temp).as_posix(), "type": "temp"}
        shown: dict[str, Any] = {"images": [{"filename": one.file, **place} for one in ended if one and one.file]}
        if faults := {i: one.error for i, one in enumerate(ended) if one and one.error}:
            shown["text"] = (json.dumps({"faults": faults}),)
        blank = torch.zeros_like(next(iter(made.values())))
        report = [f"{len(jobs)} cells: {', '.join(' x '.join(job.name) for job in jobs)}.", *outcome.notes]
        report += [f"{name} failed: {reason}" for name, reason in outcome.failed]
        return torch.stack([made.get(job.key, blank) for job in jobs]), shown, "\n".join(report)

    def _maker(self, on_step: Callable[[float, Any], None]) -> PictureMaker:
        return PictureMaker(self.given, on_step, name_upstream(self.get_node, self.node_id, "clip", MODEL))

    def _overridden(self) -> tuple[str, ...]:
        """Settings that a SAMPLER or SIGMAS takes the place of."""
        by_sampler = BY_SAMPLER if self.given.sampler is not None else ()
        return (*by_sampler, *(BY_SIGMAS if self.given.sigmas is not None else ()))

    def _sheet(self, manifest: Manifest, largest: int) -> torch.Tensor:
        """All cells, not larger than they are; a note where so many fit on no sheet."""
        try:
            return sheet_of(manifest, self.grid, min(SHEET_CELL, largest), SHEET_MEGAPIXELS)
        except ValueError as error:
            log.info("Sweep: %s", error)
            return notice(
                f"{len(self.jobs)} cells are too many for one sheet. Open {VIEWER} in {self.home}, or choose "
                "some with Load Cells."
            )

    def _check_origin(self, upstream: Upstream) -> None:
        """Raises ValueError unless the keys of the cells tell the models apart that are connected."""
        check_one(self.hidden.dynprompt, self.node_id, self.given)
        for name in MODELS:
            upstream.of_input(self.node_id, name)
        check_files(self.given, upstream.files)

    def _check_folder(self) -> None:
        """Raises ValueError where another Sweep of this workflow writes to the same folder."""
        prompt = self.hidden.prompt or {}
        for number in other_sweeps(prompt, self.node_id):
            folder = prompt[number]["inputs"].get("folder")
            try:
                same = isinstance(folder, str) and folder_inside(_output_folder(), folder) == self.home
            except ValueError:  # the other one says what is wrong with it
                same = False
            if same:
                raise ValueError(
                    f"folder: another Sweep of this workflow (node {number}) has the folder '{folder}' "
                    "too. Give each Sweep its own."
                )

    def _jobs(self, upstream: Upstream) -> list[SweepJob]:
        given = self.given
        shared = shared_parts(
            upstream, self.node_id, given.latent, control=given.control, sampler=given.sampler, sigmas=given.sigmas
        )
        return jobs_of(self.cells, self.axes, shared, upstream.identity)

    def _texts(self, cell: Cell) -> Mapping[str, Any]:
        """What the picture of a cell says of itself: a prompt and a workflow that make this cell."""
        if args.disable_metadata:
            return {}
        text, info, prompt = cell_text(cell.labels), self.hidden.extra_pnginfo or {}, self.hidden.prompt or {}
        texts = {name: value for name, value in info.items() if name != "workflow"}
        if prompt:
            texts["prompt"] = freeze_prompt(prompt, self.node_id, text)
        workflow, idle = info.get("workflow"), idle_sweeps(prompt, self.node_id)
        if isinstance(workflow, dict) and (frozen := freeze_workflow(workflow, self.node_id, text, idle)):
            texts["workflow"] = frozen
        return texts


def set_aside(folder: str, node_id: str) -> tuple[ExecutionBlocker, Any, str]:
    """The outputs of a Sweep that makes nothing: a sheet that never comes, the folder, and what is to be done."""
    told = f"Set aside: cell is {ASIDE}. Empty it, and the sweep runs."
    send_progress_text(told, node_id)
    return ExecutionBlocker(None), folder_output(folder_inside(_output_folder(), folder)), told


def folder_output(home: Path) -> Any:
    """The folder, or what makes nodes behind it wait where it holds no sweep: a picture opened elsewhere."""
    return str(home) if (home / MANIFEST).is_file() else ExecutionBlocker(None)


def _output_folder() -> Path:
    return Path(folder_paths.get_output_directory())


def _check(given: SweepInputs, axes: Sequence[Axis], max_cells: int) -> None:
    """Raises ValueError unless every value of every axis can be used."""
    connected = Connected(given.control is not None, given.sampler is not None, given.sigmas is not None)
    check_axes(axes, connected, max_cells)
    check_latent(given.latent)
    if not any(axis.name == CHECKPOINT for axis in axes):
        for name, part in (("clip", given.clip), ("vae", given.vae)):
            if part is None:
                raise ValueError(f"{name}: there is none. The checkpoint may lack it: connect a loader that has one.")
    for axis in axes:
        for value in axis.values if axis.name in NAMES else ():
            if value is not None:
                find_name(getattr(value, "name", value), axis.name, list_names(axis.name))


def _check_controls(given: SweepInputs, cells: Sequence[Cell]) -> None:
    """Raises ValueError for a hint that was made for another latent, and a start after the end and the like, in any
    cell."""
    seen: set[tuple[float | None, ...]] = set()
    for own in (cell.settings for cell in cells):
        values = (own.control_strength, own.control_start, own.control_end)
        for entry in swept_control(given.control or (), own) if values not in seen else ():
            check_control(entry)
        seen.add(values)
    for entry in given.control or ():
        if told := check_fits(entry, given.latent):
            log.warning("Sweep: %s.", told)


def _run_name(node: Mapping[str, Any] | None, manifest: Manifest) -> str:
    """The fingerprint that ComfyUI noted of this run, if it is a new one."""
    noted = (node or {}).get("is_changed")
    name = noted[0] if isinstance(noted, list) and len(noted) == 1 else None
    return name if isinstance(name, str) and name.startswith(NEW_RUN) and name != manifest.run else ""


def _write_page(manifest: Manifest) -> None:
    try:
        write_viewer(manifest)
    except OSError as error:
        log.warning("Sweep: the page that shows the folder cannot be written: %s", error)


class _Show:
    """The progress of a sweep: bar, text below the node, and preview."""

    def __init__(self, node_id: str, jobs: Sequence[SweepJob]) -> None:
        self.node_id, self.total = node_id, len(jobs)
        self.numbers = {job.key: number for number, job in enumerate(jobs)}
        self.bar = comfy.utils.ProgressBar(100 * max(1, self.total))
        self.batch: Sequence[SweepJob] = ()

    def begin(self, batch: Sequence[SweepJob]) -> None:
        self.batch = batch
        first = self.numbers[batch[0].key] + 1
        which = f"cell {first}" if len(batch) == 1 else f"cells {first}-{first + len(batch) - 1}"
        send_progress_text(f"{which} of {self.total}: {' x '.join(batch[0].name)}", self.node_id)
        self.step(0.0, None)

    def step(self, share: float, preview: Any) -> None:
        done = self.numbers[self.batch[0].key] + share * len(self.batch)
        self.bar.update_absolute(int(100 * done), preview=preview)

    def picture(self, job: SweepJob, picture: torch.Tensor) -> None:
        done = self.numbers[job.key] + 1
        image = Image.fromarray(as_bytes(picture)).convert("RGB")
        self.bar.update_absolute(100 * done, preview=("JPEG", image, PREVIEW))
