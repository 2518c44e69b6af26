"""Sweep: every combination of its axes as a picture, saved as soon as it is made."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import comfy.samplers
import comfy.utils
import folder_paths
import torch
from comfy.cli_args import args
from PIL import Image

from ..api import io, ui
from ..axis import AXIS_TYPE, CHECKPOINT, SAMPLER, SCHEDULER, Axis
from ..control.stack import CONTROL_STACK_TYPE, ControlStack, check_control
from ..seeds.text import MAX_SEED
from .engine import (
    Given,
    PictureMaker,
    check_latent,
    file_identity,
    known_names,
    picture_size,
    send_progress_text,
    swept_control,
)
from .folder_sheet import sheet_of
from .freeze import cell_text, frozen_prompt, frozen_workflow
from .hashing import GetNode, Upstream, shared_parts
from .manifest import Manifest
from .plan import Cell, Connected, Settings, batches, check_axes, numbered, plan_cells, statement, title_of
from .running import BLANK, ON_ERROR, Job, as_bytes, fault_of, missing, run_jobs
from .saving import file_stem, folder_inside
from .sweeping import grid_of_jobs, jobs_of, report_of, the_job
from .values import NAMES, find_name
from .viewer import write_viewer

CATEGORY = "Steer/Sweep"
SHEET_CELL, SHEET_MEGAPIXELS = 256, 32.0  # of the sheet that the node shows; Contact Sheet makes others of the folder
PREVIEW = 512

log = logging.getLogger(__name__)


class Sweep(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        axes = [
            io.Custom(AXIS_TYPE).Input(
                f"axis_{number}",
                optional=True,
                tooltip=f"{where} From Prompt Swap, Prompt Template, Seeds or Value Axis.",
            )
            for number, where in enumerate(
                ("The rows of the sheet.", "The columns of the sheet.", "Blocks of the sheet.", "Blocks of the sheet."),
                1,
            )
        ]
        return io.Schema(
            node_id="SteerSweep",
            display_name="Sweep",
            category=CATEGORY,
            description="Makes every combination of its axes, saves each picture at once, goes on where it was left.",
            is_output_node=True,
            hidden=[io.Hidden.unique_id, io.Hidden.dynprompt, io.Hidden.prompt, io.Hidden.extra_pnginfo],
            inputs=[
                io.Model.Input("model", tooltip="The model that makes the pictures."),
                io.Clip.Input("clip", tooltip="The text encoder."),
                io.Vae.Input("vae", tooltip="Turns latents into pictures."),
                io.Latent.Input(
                    "latent",
                    tooltip="Empty Latent Image with batch_size 1, or a picture encoded; its noise mask counts.",
                ),
                io.String.Input(
                    "positive",
                    multiline=True,
                    dynamic_prompts=True,
                    default="gorgeous cute Austrian girl, smiling, backstreet",
                    tooltip="The prompt that the axes change. Timed swaps are understood: [smiling:angry:0.4].",
                ),
                io.String.Input(
                    "negative", multiline=True, dynamic_prompts=True, default="", tooltip="What to keep out."
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=MAX_SEED,
                    control_after_generate=True,
                    tooltip="The noise of all cells, unless an axis of seeds is connected.",
                ),
                io.Int.Input("steps", default=20, min=1, max=10000, tooltip="As on KSampler."),
                io.Float.Input(
                    "cfg", default=8.0, min=0.0, max=100.0, step=0.1, round=0.01, tooltip="As on KSampler."
                ),
                io.Combo.Input(
                    "sampler_name", options=comfy.samplers.KSampler.SAMPLERS, tooltip="As on KSampler."
                ),
                io.Combo.Input(
                    "scheduler", options=comfy.samplers.KSampler.SCHEDULERS, tooltip="As on KSampler."
                ),
                io.Float.Input("denoise", default=1.0, min=0.0, max=1.0, step=0.01, tooltip="As on KSampler."),
                io.Int.Input(
                    "batch_size",
                    default=0,
                    min=0,
                    max=64,
                    tooltip="Cells that differ in the seed only are made together, this many. 0: as fits the memory, "
                    "1 on a processor. With 1, each picture is what KSampler makes, to the last bit.",
                ),
                io.Int.Input(
                    "max_cells", default=256, min=1, max=65536, tooltip="Refuse a sweep of more cells than this."
                ),
                io.String.Input(
                    "folder",
                    default="sweeps/sweep",
                    tooltip="Where the pictures go, inside ComfyUI's output folder. Those that are there already stay.",
                ),
                io.Combo.Input(
                    "on_error",
                    options=list(ON_ERROR),
                    default=BLANK,
                    tooltip="blank: a cell that fails stays empty with its reason and the others go on. stop: the "
                    "first one ends the run.",
                ),
                *axes,
                io.Custom(CONTROL_STACK_TYPE).Input(
                    "control", optional=True, tooltip="ControlNets for all cells, from ControlNet Guide."
                ),
                io.Sampler.Input(
                    "sampler", optional=True, tooltip="In the place of sampler_name."
                ),
                io.Sigmas.Input(
                    "sigmas", optional=True, tooltip="In the place of scheduler, steps and denoise."
                ),
                # Keep it the last widget: freeze.py finds it by that.
                io.String.Input(
                    "cell",
                    default="",
                    optional=True,
                    socketless=True,
                    tooltip="Empty: the whole sweep. The labels of one cell, such as angry; seed 3: that picture only. "
                    "A saved picture opens with its own cell here.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="sheet", tooltip="All cells on one sheet; with cell set, that picture."),
                io.String.Output(
                    display_name="folder", tooltip="The folder with the pictures, for Load Cells or Contact Sheet."
                ),
                io.String.Output(display_name="report", tooltip="What was made, what was there, what failed and why."),
            ],
        )  # fmt: skip

    @classmethod
    def fingerprint_inputs(  # pyright: ignore[reportIncompatibleMethodOverride]  # V3 passes the inputs by name
        cls, folder: str | None = None, cell: str | None = None, **others: Any
    ) -> str | float:
        """Changes while pictures are missing, so that ComfyUI's cache never hides them. NaN: always run."""
        if cell:
            return "one cell"
        if folder is None:  # it comes by a link
            return float("nan")
        try:
            manifest = Manifest(folder_inside(Path(folder_paths.get_output_directory()), folder))
            return f"{len(manifest.grids)} {manifest.fingerprint()}"
        except (ValueError, OSError):
            return ""  # execute says what is wrong

    @classmethod
    def execute(  # pyright: ignore[reportIncompatibleMethodOverride]  # V3 passes the inputs by name
        cls, model: Any, clip: Any, vae: Any, latent: dict[str, Any], positive: str, negative: str, seed: int,
        steps: int, cfg: float, sampler_name: str, scheduler: str, denoise: float, batch_size: int, max_cells: int,
        folder: str, on_error: str, axis_1: Axis | None = None, axis_2: Axis | None = None, axis_3: Axis | None = None,
        axis_4: Axis | None = None, control: ControlStack | None = None, sampler: Any = None,
        sigmas: torch.Tensor | None = None, cell: str = "",
    ) -> io.NodeOutput:  # fmt: skip
        if on_error not in ON_ERROR:
            raise ValueError(f"on_error: '{on_error}' is not known. Choose one of: {', '.join(ON_ERROR)}.")
        home = folder_inside(Path(folder_paths.get_output_directory()), folder)
        given = Given(model, clip, vae, latent, control, sampler, sigmas)
        axes = [axis for axis in (axis_1, axis_2, axis_3, axis_4) if axis is not None]
        settings = Settings(
            positive, negative, seed, steps, cfg, find_name(sampler_name, SAMPLER, known_names(SAMPLER)),
            find_name(scheduler, SCHEDULER, known_names(SCHEDULER)), denoise,
        )  # fmt: skip
        _check(given, axes, max_cells)
        axes = numbered(axes)
        cells = plan_cells(settings, axes)
        _check_controls(control, cells)
        node_id = str(cls.hidden.unique_id or "")
        upstream = Upstream(_get_node(cls.hidden.dynprompt), file_identity)
        shared = shared_parts(upstream, node_id, latent, control=control, sampler=sampler, sigmas=sigmas)
        jobs = jobs_of(cells, axes, shared, file_identity)
        grid = grid_of_jobs(title_of(settings, axes, folder), axes, jobs)
        if cell.strip():
            return cls._one(given, the_job(jobs, grid, cell), folder, home, node_id)

        manifest = Manifest(home)
        todo = missing(jobs, manifest)
        show = _Show(node_id, todo)
        maker = PictureMaker(given, show.step)

        def size(cell_settings: Settings) -> int:
            return maker.batch_size(batch_size, cell_settings)

        in_batches = sum(1 for _ in batches([job.cell for job in todo], size))
        told = statement(axes, len(jobs), len(todo), in_batches, picture_size(vae, latent))
        log.info("Sweep: %s", told)
        manifest.start(grid.title, grid.axes, grid.cells)
        try:
            outcome = run_jobs(
                todo, manifest, maker, size, on_error, lambda one: cls._texts(node_id, one), show.begin, show.picture
            )
        finally:  # also when it was cancelled or the disk is full: what is finished can be looked at
            _write_page(manifest)
        there = sum(manifest.finished(job.key) is not None for job in jobs)
        report = report_of(told, outcome, len(jobs), there)
        if not there:
            raise RuntimeError(f"All cells failed. {outcome.failed[0][0]}: {outcome.failed[0][1]}")
        if outcome.failed:
            log.warning("Sweep: %s", report)
        sheet = sheet_of(manifest, grid, SHEET_CELL, SHEET_MEGAPIXELS)
        return io.NodeOutput(sheet, str(home), report, ui=ui.PreviewImage(sheet, cls=cls))

    @classmethod
    def _one(cls, given: Given, job: Job, folder: str, home: Path, node_id: str) -> io.NodeOutput:
        """One cell, saved as Save Image saves: the folder's manifest does not know it."""
        show = _Show(node_id, [job])
        show.begin([job])
        picture = PictureMaker(given, show.step).make([job.cell.settings])[0]
        if fault := fault_of(picture):
            raise ValueError(f"cell: {fault}")
        prefix = f"{folder.strip()}/{file_stem(job.name, job.key)}"
        saved = ui.ImageSaveHelper.get_save_images_ui([picture], filename_prefix=prefix, cls=cls)
        return io.NodeOutput(picture[None], str(home), f"One cell: {' x '.join(job.name)}.", ui=saved)

    @classmethod
    def _texts(cls, node_id: str, cell: Cell) -> Mapping[str, Any]:
        """What the picture of a cell says of itself: a prompt and a workflow that make this cell."""
        if args.disable_metadata:
            return {}
        text = cell_text(cell.labels)
        texts = {name: value for name, value in (cls.hidden.extra_pnginfo or {}).items() if name != "workflow"}
        if cls.hidden.prompt:
            texts["prompt"] = frozen_prompt(cls.hidden.prompt, node_id, text)
        workflow = (cls.hidden.extra_pnginfo or {}).get("workflow")
        if isinstance(workflow, dict) and (frozen := frozen_workflow(workflow, node_id, text)):
            texts["workflow"] = frozen
        return texts


def _check(given: Given, axes: Sequence[Axis], max_cells: int) -> None:
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
                find_name(getattr(value, "name", value), axis.name, known_names(axis.name))


def _check_controls(control: ControlStack | None, cells: Sequence[Cell]) -> None:
    """Raises ValueError for a start after the end and the like, in any cell."""
    seen: set[tuple[float | None, ...]] = set()
    for own in (cell.settings for cell in cells):
        values = (own.control_strength, own.control_start, own.control_end)
        for entry in swept_control(control or (), own) if values not in seen else ():
            check_control(entry)
        seen.add(values)


def _get_node(dynprompt: Any) -> GetNode:
    """The nodes of the graph that runs, also those that other nodes made."""
    return lambda node_id: dynprompt.get_node(node_id) if dynprompt and dynprompt.has_node(node_id) else None


def _write_page(manifest: Manifest) -> None:
    try:
        write_viewer(manifest)
    except OSError as error:
        log.warning("Sweep: the page that shows the folder cannot be written: %s", error)


class _Show:
    """The progress of a sweep: bar, text below the node, and preview."""

    def __init__(self, node_id: str, jobs: Sequence[Job]) -> None:
        self.node_id, self.total = node_id, len(jobs)
        self.numbers = {job.key: number for number, job in enumerate(jobs)}
        self.bar = comfy.utils.ProgressBar(100 * max(1, self.total))
        self.batch: Sequence[Job] = ()

    def begin(self, batch: Sequence[Job]) -> None:
        self.batch = batch
        first = self.numbers[batch[0].key] + 1
        which = f"cell {first}" if len(batch) == 1 else f"cells {first}-{first + len(batch) - 1}"
        send_progress_text(f"{which} of {self.total}: {' x '.join(batch[0].name)}", self.node_id)
        self.step(0.0, None)

    def step(self, share: float, preview: Any) -> None:
        done = self.numbers[self.batch[0].key] + share * len(self.batch)
        self.bar.update_absolute(int(100 * done), preview=preview)

    def picture(self, job: Job, picture: torch.Tensor) -> None:
        done = self.numbers[job.key] + 1
        image = Image.fromarray(as_bytes(picture)).convert("RGB")
        self.bar.update_absolute(100 * done, preview=("JPEG", image, PREVIEW))
