"""What the node Sweep does with a plan: make the whole sweep, several cells or one, or write the plan down."""

from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import comfy.utils
import folder_paths
import torch
from comfy.cli_args import args
from comfy_execution.graph_utils import ExecutionBlocker
from PIL import Image

from ...comfy_maker import MARK, describe_maker_of
from ...comfy_progress import drop_preview, show_text
from ...control.families import MODEL, name_upstream
from ...taught_size import note_size
from ...taught_words import note_words
from ...text.plural import count_things
from ...text.printable import get_log, printable
from ..choices import ON_ERROR
from ..folder.manifest import MANIFEST, CellPlan, Manifest
from ..folder.saving import SweepFolder, file_stem, folder_inside, remove_unfinished, to_bytes
from ..folder.selection import CellNames, find_cell
from ..folder.viewer import keep_viewer
from ..plan.cell_widget import ASIDE, TEMP_CELLS, OneCell, SeveralCells, WholeSweep, read_cell
from ..plan.cells import Cell, say_nothing_new, split_batches, state_plan, write_plan
from ..plan.comfy_plan import SweepPlan, output_folder
from ..plan.freeze import freeze_prompt, freeze_texts, list_other_sweeps
from .comfy_pictures import PictureMaker, predict_size
from .comfy_sheet import ShownSheet, sheet_of
from .runner import Runner, find_fault

PREVIEW = 512  # pixels of the long side
NEW_RUN = "run "  # and a name: the fingerprint of a sweep that has something to make

log = get_log(__name__)


def fingerprint(folder: str | None, cell: str | None) -> str | float:
    """New while pictures are missing, so that ComfyUI's cache never hides them. NaN: always run.

    Once all are there it stays that of the run that made them, so that the next one has nothing to do. ComfyUI then
    does not call the node, so this says so. If the values changed and it calls it, its plan replaces that text.
    """
    if not isinstance(read_cell(cell or ""), WholeSweep):
        return "one cell"
    if folder is None:  # it comes by a link
        return float("nan")
    try:
        manifest = Manifest(folder_inside(output_folder(), folder))
        if not manifest.complete:
            return f"{NEW_RUN}{uuid.uuid4()}"
        _say_complete(folder, manifest)
        return manifest.run or f"{len(manifest.grids)} {manifest.fingerprint()}"
    except (ValueError, OSError):
        return ""  # plan_sweep says what is wrong


def _say_complete(folder: str, manifest: Manifest) -> None:
    count = len(manifest.grid.cells) if manifest.grid else 0
    show_text(say_nothing_new(count))
    log.info(
        "Sweep: '%s' has all %s of its last run. With the same values there is nothing new to make. For more, change "
        "folder or the values.",
        printable(folder),
        count_things(count, "picture"),
    )


def make_sweep(plan: SweepPlan, batch_size: int, on_error: str) -> tuple[ShownSheet, str]:
    """Make what the folder lacks. Returns the sheet and the report.

    Raises:
        ValueError: on_error is not known, or another Sweep of the workflow has the same folder.
        RuntimeError: every cell failed, or one did and on_error is "stop".
        OSError: the disk is full.
    """
    if on_error not in ON_ERROR:
        raise ValueError(f"on_error: '{on_error}' is not known. Choose one of: {', '.join(ON_ERROR)}.")
    _check_folder(plan)
    manifest = Manifest(plan.home)
    remove_unfinished(plan.home)
    folder = SweepFolder(manifest, _text_writer(plan), plan.inputs.overridden)
    missing = folder.find_missing(plan.cells)
    progress = CellProgress(missing, len(plan.cells) - len(missing))
    maker = _picture_maker(plan, progress, batch_size)
    batches = split_batches(missing, maker.batch_size)
    size = predict_size(plan.inputs)
    statement = state_plan(plan.axes, len(plan.cells), len(missing), len(batches), size)
    note = "" if plan.cells[0].settings.model_file else note_size(plan.inputs.model, size)
    log.info("Sweep: %s", statement)
    show_text(statement)
    manifest.start(plan.grid.title, plan.grid.axes, plan.grid.cells, _name_run(plan, manifest))
    try:
        outcome = Runner(maker, folder, progress, on_error).run(batches)
    finally:  # also after Cancel or with a full disk: what is finished can be looked at
        keep_viewer(manifest, "Sweep")
        finished = sum(manifest.finished(cell.key) is not None for cell in plan.cells)
        go_on = " Press Run to go on." if finished < len(plan.cells) else ""
        ended = f"{finished} of {len(plan.cells)} saved.{go_on}" if missing else say_nothing_new(len(plan.cells))
        notes = [each for each in (note, note_words(maker.unknown)) if each]
        show_text(" ".join([ended, *notes]))
    if not finished:
        name, reason = outcome.failed[0]
        raise RuntimeError(f"All cells failed. {name}: {reason}")
    outcome.notes += notes
    report = outcome.report(statement, len(plan.cells), finished)
    if outcome.failed:
        log.warning("Sweep: %s", report)
    if missing:
        drop_preview()
    return sheet_of(manifest, freeze_prompt(plan.graph.prompt, "", ""), plan.graph.info), report


def describe_plan(plan: SweepPlan, batch_size: int) -> str:
    """All cells in the batches in which this ComfyUI would make them, as JSON. Nothing is made."""
    maker = _picture_maker(plan, CellProgress([]), batch_size)
    return write_plan(plan.grid.title, plan.axes, split_batches(plan.cells, maker.batch_size))


def make_several(plan: SweepPlan, request: SeveralCells) -> tuple[torch.Tensor, dict[str, Any], str]:
    """Make cells that differ in the seed only, in one batch. The sweep's folder stays as it is.

    Returns the pictures, IMAGE [B, H, W, C], black where one failed; what the node shows; and a report. The node shows
    files of ComfyUI's temp folder, each of which opens as its own cell, and as text {"faults": {number: reason}}.

    Raises:
        ValueError: a cell is not in the sweep, or they differ in more than the seed.
        RuntimeError: every cell failed.
    """
    cells = [_find_cell(plan, one) for one in request.cells]
    batches = split_batches(cells, lambda settings: len(cells))
    if len(batches) != 1:
        raise ValueError("cell: these cells differ in more than the seed, so they cannot be made together.")
    temp = Path(folder_paths.get_temp_directory())
    manifest = Manifest(temp / TEMP_CELLS / uuid.uuid4().hex)
    manifest.folder.mkdir(parents=True)
    progress = _CollectingProgress(cells)
    maker = _picture_maker(plan, progress, len(cells))
    outcome = Runner(maker, SweepFolder(manifest, _text_writer(plan)), progress).run(batches)
    if not progress.pictures:
        raise RuntimeError("; ".join(dict.fromkeys(reason for _, reason in outcome.failed)))
    records = [manifest.state(cell.key) for cell in cells]
    place = {"subfolder": manifest.folder.relative_to(temp).as_posix(), "type": "temp"}
    ui: dict[str, Any] = {"images": [{"filename": one.file, **place} for one in records if one and one.file]}
    if faults := {i: one.error for i, one in enumerate(records) if one and one.error}:
        ui["text"] = (json.dumps({"faults": faults}),)
    blank = torch.zeros_like(next(iter(progress.pictures.values())))
    report = [f"{len(cells)} cells: {', '.join(cell.title for cell in cells)}.", *outcome.notes]
    report += [f"{name} failed: {reason}" for name, reason in outcome.failed]
    return torch.stack([progress.pictures.get(cell.key, blank) for cell in cells]), ui, "\n".join(report)


def make_one(plan: SweepPlan, request: OneCell) -> tuple[torch.Tensor, str, str]:
    """Make one cell: its picture [H, W, C], a prefix for its file as Save Image takes it, and a report.

    Raises:
        ValueError: it is not in the sweep, or its picture came out as NaN.
    """
    cell = _find_cell(plan, request)
    progress = CellProgress([cell])
    progress.begin([cell])
    picture = _picture_maker(plan, progress, 1).make([cell.settings])[0]
    if fault := find_fault(picture):
        raise ValueError(f"cell: {fault}")
    folder = plan.home.relative_to(output_folder().resolve()).as_posix()
    return picture, f"{folder}/{file_stem(cell.name, cell.key)}", f"One cell: {cell.title}."


def set_aside(folder: str) -> tuple[ExecutionBlocker, Any, str]:
    """The outputs of a Sweep that makes nothing: no sheet, the folder, and what to do."""
    message = f"Set aside: cell is {ASIDE}. Empty it, and the sweep runs."
    show_text(message)
    return ExecutionBlocker(None), folder_output(folder_inside(output_folder(), folder)), message


def folder_output(home: Path) -> Any:
    """The folder. Where it holds no sweep, as after a picture was opened elsewhere, the nodes behind it wait."""
    return str(home) if (home / MANIFEST).is_file() else ExecutionBlocker(None)


class CellProgress:
    """The progress of cells on the node: bar, line of text and preview.

    cells: to make. done: how many others of the sweep are there. They count: after Cancel it goes on from there.
    """

    def __init__(self, cells: Sequence[Cell], done: int = 0) -> None:
        self.total = done + len(cells)
        self.numbers = {cell.key: number for number, cell in enumerate(cells, done)}
        self.bar = comfy.utils.ProgressBar(100 * max(1, self.total))
        self.batch: Sequence[Cell] = ()

    def begin(self, batch: Sequence[Cell]) -> None:
        """Show which cells are made next."""
        self.batch = batch
        first = self.numbers[batch[0].key] + 1
        which = f"cell {first}" if len(batch) == 1 else f"cells {first}-{first + len(batch) - 1}"
        show_text(f"{which} of {self.total}: {batch[0].title}")
        self.step(0.0, None)

    def step(self, share: float, preview: Any) -> None:
        """Show how far the batch is. share: 0..1 of its steps. preview: of the sampler, or None."""
        self._update(self.numbers[self.batch[0].key] + share * len(self.batch), preview)

    def finish(self, cell: Cell, picture: torch.Tensor) -> None:
        """Show a finished picture [H, W, C] in 0..1."""
        image = Image.fromarray(to_bytes(picture)).convert("RGB")
        self._update(self.numbers[cell.key] + 1, ("JPEG", image, PREVIEW))

    def _update(self, cells: float, preview: Any) -> None:
        self.bar.update_absolute(int(100 * cells), preview=preview)


class _CollectingProgress(CellProgress):
    """Keeps the finished pictures [H, W, C], by the keys of their cells."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        super().__init__(cells)
        self.pictures: dict[str, torch.Tensor] = {}

    def finish(self, cell: Cell, picture: torch.Tensor) -> None:
        self.pictures[cell.key] = picture
        super().finish(cell, picture)


def _picture_maker(plan: SweepPlan, progress: CellProgress, batch_size: int) -> PictureMaker:
    model_name = name_upstream(plan.graph.get_node, plan.graph.node_id, "clip", MODEL)
    return PictureMaker(plan.inputs, progress.step, batch_size, model_name, plan.sources)


def _text_writer(plan: SweepPlan) -> Callable[[Cell], Mapping[str, Any]]:
    """Writes the texts in the head of a cell's picture; none if ComfyUI runs with --disable-metadata."""
    if args.disable_metadata:
        return lambda cell: {}
    names, maker = CellNames(plan.grid), functools.cache(lambda: describe_maker_of(plan.graph.prompt))

    def write(cell: Cell) -> Mapping[str, Any]:
        name = names.of(CellPlan(cell.key, cell.at, cell.labels))
        texts = freeze_texts(plan.graph.prompt, plan.graph.info, plan.graph.node_id, name)
        return {**texts, MARK: maker()}

    return write


def _find_cell(plan: SweepPlan, request: OneCell) -> Cell:
    place = find_cell(plan.grid, request).at
    return next(cell for cell in plan.cells if cell.at == place)


def _check_folder(plan: SweepPlan) -> None:
    """Raises ValueError where another Sweep of this workflow writes to the same folder."""
    for number in list_other_sweeps(plan.graph.prompt, plan.graph.node_id):
        folder = plan.graph.prompt[number]["inputs"].get("folder")
        try:
            same = isinstance(folder, str) and folder_inside(output_folder(), folder) == plan.home
        except ValueError:  # the other one says what is wrong with it
            same = False
        if same:
            raise ValueError(
                f"folder: another Sweep of this workflow (node {number}) has the folder '{folder}' too. Give each "
                "Sweep its own."
            )


def _name_run(plan: SweepPlan, manifest: Manifest) -> str:
    """The fingerprint that ComfyUI noted of this run; empty if it is not a new one."""
    noted = (plan.graph.get_node(plan.graph.node_id) or {}).get("is_changed")
    name = noted[0] if isinstance(noted, list) and len(noted) == 1 else None
    return name if isinstance(name, str) and name.startswith(NEW_RUN) and name != manifest.run else ""
