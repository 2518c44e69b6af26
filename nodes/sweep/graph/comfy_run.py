"""What the node Sweep Graph does: plan, queue its cells as jobs, keep their pictures, close the sweep."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import comfy.model_management
import folder_paths
from comfy.cli_args import args
from comfy_execution.graph_utils import ExecutionBlocker

from ...axis import Axis
from ...comfy_maker import MARK, describe_maker_of, name_models
from ...comfy_progress import show_text
from ...text.printable import get_log
from ..choices import ON_ERROR
from ..folder.manifest import CellPlan, Manifest
from ..folder.saving import file_stem, folder_inside, remove_unfinished
from ..folder.selection import CellNames, find_cell, name_cell
from ..folder.viewer import keep_viewer
from ..plan.cell_widget import CELL, TEMP_CELLS, OneCell, PlanOnly, SetAside, SeveralCells, WholeSweep
from ..plan.comfy_model_files import identify_file, read_node_state
from ..plan.comfy_plan import output_folder
from ..run.comfy_run import NEW_RUN, folder_output, set_aside
from ..run.comfy_sheet import sheet_of
from .chain import UNDERWAY, SweepChain
from .comfy_graph import Place, Planned, axes_of, plan_here, plan_with_seeds
from .comfy_queue import ComfyQueue, running_job
from .comfy_targets import kinds_of_nodes
from .expand import axes_graph, cell_graph, gather, set_widget
from .freezing import frozen_workflow
from .keeping import frames_of, save_cell
from .plan import GraphCell, describe, hash_of_graph, key_of, write_plan
from .prompts import KEPT, VALUE_KIND, Json, Prompt, closing_prompt, find_makers, plain_nodes
from .requests import (
    CellToKeep,
    Job,
    NodeAnswer,
    PlanNow,
    Widgets,
    read_request,
    write_job,
    write_made,
    write_plan_now,
)
from .targets import ANY

PAGE_SHARE = 0.05  # of the time of a sweep, for keeping its page current

log = get_log(__name__)


def fingerprint(folder: str | None, cell: str | None) -> str | float:
    """New while pictures are missing, so that ComfyUI's cache never hides them. NaN: always run."""
    request = read_request(cell or "")
    if isinstance(request, PlanNow):
        request = read_request(request.text)
    if not isinstance(request, WholeSweep):
        return "one cell"
    if folder is None:  # it comes by a link
        return float("nan")
    try:
        manifest = Manifest(folder_inside(output_folder(), folder))
    except (ValueError, OSError):
        return ""  # plan_here says what is wrong
    return f"all there {manifest.fingerprint()}" if manifest.complete else f"{NEW_RUN}{uuid.uuid4()}"


def needed_inputs(hidden: Any, cell: str) -> list[str]:
    """The pictures to make now. A job queues further ones and looks at how earlier ones ended, before its own work."""
    request = read_request(cell)
    place = Place.read(hidden)
    linked = [name for name in KEPT if name in place.dynprompt.get_node(place.node_id)["inputs"]]
    if isinstance(request, CellToKeep):
        return linked
    if isinstance(request, Job):
        return linked if _begin_job(request) else []
    if isinstance(request, OneCell | SeveralCells) and not _varies(place):
        return linked
    return []


def _varies(place: Place) -> bool:
    makers = find_makers(place.prompt, place.own_id)
    return any(place.prompt[i]["class_type"] == VALUE_KIND for i in makers)


def _begin_job(job: Job) -> bool:
    """Whether the job has a picture to make."""
    chain = UNDERWAY.get(job.sweep)
    if chain is None:
        return False
    if job.number not in chain.started:
        chain.started[job.number] = time.monotonic()
        chain.begin(job.number, ComfyQueue())
        if chain.skips(job.number):
            chain.skipped.add(job.number)
    return job.number not in chain.skipped


def run(hidden: Any, widgets: Widgets, axes: Sequence[Axis], kept: Mapping[str, Sequence[Any]]) -> NodeAnswer:
    """What the node gives for its widget `cell`.

    axes: of a Sweep Graph that was added to plan. kept: the pictures that have come in, by input.

    Raises:
        ValueError: something of the sweep cannot be made. The message names the input.
        OSError: the disk is full.
    """
    if widgets.on_error not in ON_ERROR:
        raise ValueError(f"on_error: '{widgets.on_error}' is not known. Choose one of: {', '.join(ON_ERROR)}.")
    request = read_request(widgets.cell)
    place = Place.read(hidden)
    if isinstance(request, SetAside):
        return NodeAnswer(set_aside(widgets.folder))
    if isinstance(request, Job):
        return _run_job(place, widgets, request, kept)
    if isinstance(request, CellToKeep):
        return _keep_made(place, widgets, request, kept)
    if isinstance(request, PlanNow):
        return _plan(place, widgets, axes, request.text)
    if isinstance(request, WholeSweep) and UNDERWAY.closes(running_job()):
        return _show(place, widgets)
    if isinstance(request, OneCell) and not _varies(place):
        labels = request.labels or tuple(part.strip() for part in request.text.split(";"))
        return _keep_made(place, widgets, CellToKeep(request.text, labels), kept)
    prefix, graph = place.new_prefix(), axes_of(place)
    nodes = axes_graph(prefix, place.prompt, place.own_id, graph.links, widgets.with_cell(write_plan_now(widgets.cell)))
    return NodeAnswer(tuple([f"{prefix}plan", output] for output in range(3)), expand=nodes)


def _plan(place: Place, widgets: Widgets, axes: Sequence[Axis], text: str) -> NodeAnswer:
    request = read_request(text)
    portable = isinstance(request, PlanOnly)
    planned = plan_here(place, axes, widgets.folder, widgets.max_cells, portable_keys=portable)
    if isinstance(request, PlanOnly):
        plan = write_plan(planned.plan)
        return NodeAnswer((ExecutionBlocker(None), folder_output(planned.home), plan), {"text": (plan,)})
    if isinstance(request, OneCell | SeveralCells):
        return _make_here(place, widgets, planned, request)
    return _start(place, widgets, planned, axes)


def _make_here(place: Place, widgets: Widgets, planned: Planned, request: OneCell | SeveralCells) -> NodeAnswer:
    """Make one cell in this run, by nodes that are added to it."""
    several = request.cells if isinstance(request, SeveralCells) else (request,)
    if len(several) > 1:
        raise ValueError("cell: the cells of a Sweep Graph are made one by one. Name one.")
    found = find_cell(planned.plan.grid, several[0])
    cell, plan, prefix = planned.plan.find(found.at), planned.plan, place.new_prefix()
    text = write_made(name_cell(found, plan.grid), cell.name, plan.indices(cell), isinstance(request, SeveralCells))
    prompt = plan.prompt_of(cell, widgets.with_cell(text))
    changed = {node for nodes in plan.graph.behind for node in nodes}
    nodes = cell_graph(prefix, prompt, place.prompt, place.own_id, changed)
    return NodeAnswer(tuple([f"{prefix}{place.own_id}", output] for output in range(3)), expand=nodes)


def _start(place: Place, widgets: Widgets, planned: Planned, axes: Sequence[Axis]) -> NodeAnswer:
    """Queue what the folder lacks, each cell as a job; or show the sheet where it lacks nothing."""
    manifest = Manifest(planned.home)
    remove_unfinished(planned.home)
    seeds = plan_with_seeds(place, planned, axes, widgets.folder, widgets.max_cells, None).seeds
    graph = hash_of_graph(place.prompt, planned.plan.graph, [(seed.node_id, seed.name) for seed in seeds])
    planned = plan_with_seeds(place, planned, axes, widgets.folder, widgets.max_cells, manifest.seeds(graph))
    plan = planned.plan
    todo = [cell for cell in plan.cells if manifest.finished(cell.key) is None]
    statement = " ".join([describe(plan, len(todo)), *_name_seeds(place, planned)])
    log.info("Sweep Graph: %s", statement)
    if not todo:
        manifest.start(plan.grid.title, plan.grid.axes, plan.grid.cells)
        return _close(manifest, statement, place, place.prompt)
    queue = ComfyQueue()
    _check_values(queue, planned, widgets)
    manifest.start(plan.grid.title, plan.grid.axes, plan.grid.cells)
    if planned.seeds and manifest.seeds(graph) is None:
        manifest.note_seeds(graph, planned.used)
    chain = SweepChain(str(uuid.uuid4()), plan, manifest, todo, lambda number: Json(), widgets.on_error)
    chain.write = _Writer(place.prompt, chain, planned, widgets)
    chain.there = len(plan.cells) - len(todo)
    UNDERWAY.add(chain)
    chain.fill(queue)
    keep_viewer(manifest, "Sweep Graph")
    text = f"{statement} They wait in the queue: Cancel skips one, Clear ends the sweep."
    show_text(text, place.own_id)
    return _without_sheet(text, {"jobs": tuple(chain.ids)})


class _Writer:
    """Writes the prompts of a sweep's jobs."""

    def __init__(self, prompt: Json, chain: SweepChain, planned: Planned, widgets: Widgets) -> None:
        self.prompt, self.chain, self.planned, self.widgets = prompt, chain, planned, widgets
        self.names, self.makers = CellNames(planned.plan.grid), dict[frozenset[str], Json]()

    def __call__(self, number: int) -> Json:
        own = self.widgets.with_cell(write_job(self.chain.name, number))
        if number < len(self.chain.todo):
            return self.planned.plan.prompt_of(self.chain.todo[number], own)
        outputs = {kind for kind, node in kinds_of_nodes().items() if getattr(node, "OUTPUT_NODE", False)}
        return closing_prompt(self.prompt, self.planned.plan.graph.graph_id, own, outputs)

    def texts(self, cell: GraphCell, info: Mapping[str, Any]) -> Json:
        """What the head of a cell's picture holds: the prompt that made it, and the workflow set to it."""
        if args.disable_metadata:
            return {}
        plan = self.planned.plan
        text = self.names.of(CellPlan(cell.key, cell.at, cell.labels))
        prompt = plan.prompt_of(cell, self.widgets.with_cell(text))
        drawn = frozen_workflow(info, plan.graph.graph_id, text, plan.indices(cell), self.planned.replaced, self.prompt)
        models = frozenset(name_models(prompt))
        if models not in self.makers:
            self.makers[models] = describe_maker_of(prompt)
        return {**drawn, "prompt": prompt, MARK: self.makers[models]}


def _check_values(queue: ComfyQueue, planned: Planned, widgets: Widgets) -> None:
    """Let ComfyUI check the first cell, and each value of an axis that a node checks by itself.

    Raises:
        ValueError: it refuses one. Then nothing is queued.
    """
    plan, own = planned.plan, widgets.with_cell("")
    first = plan.cells[0]
    queue.check(plan.prompt_of(first, own))
    for number, link in enumerate(plan.graph.links):
        nodes = {node.node_id for node in plan.graph.nodes if node.axis == link}
        targets = [t for (i, _), found in plan.graph.targets.items() if i in nodes for t in found]
        if not any(t.checks_itself or t.options is not None or t.kind == ANY for t in targets):
            continue
        for place in range(1, len(plan.axes[number])):
            at = tuple(place if i == number else 0 for i in range(len(plan.axes)))
            queue.check(plan.prompt_of(plan.find(at), own))


def _run_job(place: Place, widgets: Widgets, job: Job, kept: Mapping[str, Sequence[Any]]) -> NodeAnswer:
    chain = UNDERWAY.get(job.sweep)
    if chain is None:
        text = "The sweep of this job has ended. Run the workflow again: it goes on with what is missing."
        return _without_sheet(text)
    ui: Json = {}
    if job.number < len(chain.todo) and job.number not in chain.skipped:
        ui = _keep(place, chain, job.number, kept)
    if chain.is_last(job.number, ComfyQueue()):
        UNDERWAY.remove(job.sweep)
        grid = chain.plan.grid  # of this sweep, where another one shares the folder
        chain.manifest.start(grid.title, grid.axes, grid.cells)
        # What is saved behind the sheet holds the prompt of this job: it opens as the sweep, not as a job that is over.
        own = place.prompt[place.own_id]
        own["inputs"][CELL] = ""
        own.pop("is_changed", None)  # ComfyUI would believe it when that prompt is queued
        return _close(chain.manifest, chain.report(), place, chain.plan.prompt)
    _keep_page_current(chain)
    text = f"{chain.there} of {len(chain.plan.cells)} saved."
    show_text(text, place.own_id)
    return _without_sheet(text, ui)


def _keep(place: Place, chain: SweepChain, number: int, kept: Mapping[str, Sequence[Any]]) -> Json:
    """Save the pictures of a cell and record it; what the node shows of it."""
    cell, home = chain.todo[number], chain.manifest.folder
    try:
        frames = frames_of(kept)
    except ValueError as error:
        chain.fail(cell, str(error))
        return {}
    writer: Any = chain.write
    try:
        names = save_cell(home, file_stem(cell.name, cell.key), frames, _latents(kept), writer.texts(cell, place.info))
        chain.record(cell, names[0], time.monotonic() - chain.started[number])
    except OSError as error:  # what is finished stays, and nothing more can be kept
        chain.stop(str(error))
        raise
    folder = home.relative_to(output_folder().resolve()).as_posix()
    return {"images": tuple({"filename": name, "subfolder": folder, "type": "output"} for name in names)}


def _latents(kept: Mapping[str, Sequence[Any]]) -> list[Any]:
    return [latent for latent in kept.get("latent", ()) if latent is not None]


def _keep_made(place: Place, widgets: Widgets, made: CellToKeep, kept: Mapping[str, Sequence[Any]]) -> NodeAnswer:
    """Save one cell that was made by itself: as Save Image does, or into the temp folder for a batch."""
    comfy.model_management.throw_exception_if_processing_interrupted()
    frames = frames_of(kept)
    prefix = place.node_id.removesuffix(place.own_id)
    prompt = gather(place.dynprompt.get_node, lambda i: i.removeprefix(prefix), place.node_id)
    key = key_of(prompt, place.own_id, identify_file, read_node_state)
    home, report = folder_inside(output_folder(), widgets.folder), f"One cell: {' x '.join(made.name)}."
    outputs = (frames[0][None], folder_output(home), report)
    if not made.temp:
        folder = home.relative_to(output_folder().resolve()).as_posix()
        return NodeAnswer(outputs, to_save=(frames, f"{folder}/{file_stem(made.name, key)}"))
    temp = Path(folder_paths.get_temp_directory())
    where = temp / TEMP_CELLS / uuid.uuid4().hex
    texts: Json = {}
    if not args.disable_metadata:
        drawn = frozen_workflow(place.info, place.own_id, made.text, made.at, (), place.prompt)
        texts = {**drawn, "prompt": set_widget(prompt, place.own_id, made.text), MARK: describe_maker_of(prompt)}
    names = save_cell(where, file_stem(made.name, key), frames, _latents(kept), texts)
    shown = {"subfolder": where.relative_to(temp).as_posix(), "type": "temp"}
    latents = sorted((path.name for path in where.glob("*.latent")), key=lambda name: (len(name), name))
    ui = {"images": tuple({"filename": name, **shown} for name in names)}
    return NodeAnswer(outputs, ui | {"latents": tuple({"filename": name, **shown} for name in latents)})


def _close(manifest: Manifest, report: str, place: Place, prompt: Prompt) -> NodeAnswer:
    """The page and the sheet of a sweep that has ended. prompt: that began it."""
    keep_viewer(manifest, "Sweep Graph")
    sheet = sheet_of(manifest, plain_nodes(prompt, prompt), place.info)
    show_text(report.split("\n")[0], place.own_id)
    return NodeAnswer((sheet.picture, str(manifest.folder), report), {**sheet.shown, "text": (report,)})


def _show(place: Place, widgets: Widgets) -> NodeAnswer:
    """What there is, in the last job of another sweep of the graph: two that began each other anew would never end."""
    home, queue = folder_inside(output_folder(), widgets.folder), ComfyQueue()
    manifest = Manifest(home)
    if UNDERWAY.runs(place.own_id, home, queue) or manifest.grid is None:
        return _without_sheet("This sweep is not over. What needs its sheet comes behind its last cell.")
    there = sum(manifest.finished(cell.key) is not None for cell in manifest.grid.cells)
    return _close(manifest, f"{there} of {len(manifest.grid.cells)} pictures are there.", place, place.prompt)


def _without_sheet(text: str, shown: Mapping[str, Any] | None = None) -> NodeAnswer:
    """What the node gives while its sweep goes on: nodes behind its sheet and its folder wait."""
    blocked = ExecutionBlocker(None)
    return NodeAnswer((blocked, blocked, text), {**(shown or {}), "text": (text,)})


def _keep_page_current(chain: SweepChain) -> None:
    """The page shows what is there while the sweep goes on: Clear may take away the job that would write it last."""
    started = time.monotonic()
    if started >= chain.page_is_due and chain.manifest.grid is not None:  # the folder may have been emptied
        keep_viewer(chain.manifest, "Sweep Graph")
        ended = time.monotonic()
        chain.page_is_due = ended + (ended - started) / PAGE_SHARE


def _name_seeds(place: Place, planned: Planned) -> list[str]:
    return [
        f"{seed.name} of {place.prompt[seed.node_id]['class_type']} (node {seed.node_id}) was changed after the last "
        f"Run. The pictures of this folder have {value}, which is used again. For another one set it to fixed and "
        "write it, or choose another folder."
        for seed, value in planned.replaced
    ]
