"""From the inputs of a Sweep to its plan: everything is checked, and every cell has its key, before any is made."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import comfy.sd
import folder_paths

from ...axis import Axis, files_of
from ...choices import CHECKPOINT, DIFFUSION_MODEL, GUIDANCE, SAMPLER, SCHEDULER, TEXT_ENCODER, VAE_FILE
from ...control.comfy_control import check_fits
from ...control.stack import check_control
from ...text.printable import get_log
from ..choices import NAMES
from ..folder.manifest import AxisRecord, CellPlan, Grid
from ..folder.saving import folder_inside
from .cell_key import MODELS, Upstream, describe_shared, hash_cell
from .cells import Cell, Settings, check_axes, choose_title, number_labels, parts_of, plan_cells
from .comfy_model_files import identify_file, list_names, measure_file, read_node_state
from .inputs import GraphAround, SweepInputs, check_guidance, check_latent, name_axes, set_control_values
from .origin import check_files, check_single_models
from .sources import SOCKETS, LoaderChain, check_encoders, describe_source, find_source
from .values import KnownNames, find_name

log = get_log(__name__)


@dataclass(frozen=True)
class SweepPlan:
    """A sweep that can be made.

    home: the folder of its pictures. axes: those connected, with labels that differ. cells: in the order in which they
    are made. grid: the same cells as the manifest records them. sources: where model, clip and vae come from, of those
    that an axis of files replaces.
    """

    inputs: SweepInputs
    graph: GraphAround
    home: Path
    axes: list[Axis]
    cells: list[Cell]
    grid: Grid
    sources: Mapping[str, LoaderChain]


def plan_sweep(
    inputs: SweepInputs,
    settings: Settings,
    axes: Sequence[Axis],
    folder: str,
    max_cells: int,
    graph: GraphAround,
    *,
    portable_keys: bool = False,
) -> SweepPlan:
    """Check a sweep and plan its cells.

    settings: those of the node's widgets. portable_keys: the keys of the cells are the same on every machine, because
    model files count by their size alone.

    Raises:
        ValueError: something of the sweep cannot be made. The message names the input.
    """
    home = folder_inside(output_folder(), folder)
    settings = replace(
        settings,
        sampler=find_name(settings.sampler, SAMPLER, list_names(SAMPLER)),
        scheduler=find_name(settings.scheduler, SCHEDULER, list_names(SCHEDULER)),
    )
    check_axes(axes, inputs.connected, max_cells)
    _check_names(axes)
    varied = {part.name: part for axis in axes for part in parts_of(axis)}
    _check_inputs(inputs, varied)
    sources = {SOCKETS[kind]: find_source(graph.get_node, graph.node_id, kind) for kind in SOCKETS if kind in varied}
    if TEXT_ENCODER in varied:
        check_encoders(varied[TEXT_ENCODER].values, sources["clip"], comfy.sd.CLIPType.__members__)
    axes = number_labels(axes)
    upstream = Upstream(graph.get_node, identify_file, read_node_state)
    _check_origin(inputs, graph, upstream)
    if portable_keys:
        upstream = Upstream(graph.get_node, measure_file, read_node_state)
    shared = describe_shared(
        upstream,
        graph.node_id,
        inputs.latent,
        control=inputs.control,
        sampler=inputs.sampler,
        sigmas=inputs.sigmas,
    )
    identity = functools.cache(upstream.identity)
    described = {name: describe_source(source, upstream) for name, source in sources.items()}
    cells = plan_cells(settings, axes, lambda own: hash_cell(own, shared, identity, described))
    _check_controls(inputs, [cell.settings for cell in cells])
    titles = itertools.chain(name_axes(graph), itertools.repeat(""))
    records = tuple(AxisRecord(axis.name, axis.labels, title) for axis, title in zip(axes, titles, strict=False))
    grid = Grid(
        choose_title(settings, axes, folder), records, tuple(CellPlan(cell.key, cell.at, cell.labels) for cell in cells)
    )
    return SweepPlan(inputs, graph, home, axes, cells, grid, sources)


def output_folder() -> Path:
    """ComfyUI's output folder."""
    return Path(folder_paths.get_output_directory())


def _check_names(axes: Sequence[Axis]) -> None:
    """Raises ValueError for a name that ComfyUI does not list."""
    for axis in (part for each in axes for part in parts_of(each)):
        if axis.name in NAMES:
            known = KnownNames(axis.name, list_names(axis.name))
            for value in axis.values:
                for name in files_of(value):
                    known.find(name)


def _check_inputs(inputs: SweepInputs, varied: Collection[str]) -> None:
    """Raises ValueError for a latent that is not one picture, for a CLIP or VAE that nothing brings, or for guidance
    of a model that takes none."""
    check_latent(inputs.latent)
    for name, part, kind in (("clip", inputs.clip, TEXT_ENCODER), ("vae", inputs.vae, VAE_FILE)):
        if part is None and not {CHECKPOINT, kind} & set(varied):
            raise ValueError(f"{name}: there is none. The checkpoint may lack it: connect a loader that has one.")
    if GUIDANCE in varied and not {CHECKPOINT, DIFFUSION_MODEL} & set(varied):
        check_guidance(inputs.model)


def _check_origin(inputs: SweepInputs, graph: GraphAround, upstream: Upstream) -> None:
    """Raises ValueError where other models could come under the keys of the cells."""
    check_single_models(graph.dynprompt, graph.node_id, inputs)
    for name in MODELS:
        upstream.hash_input(graph.node_id, name)
    check_files(inputs, upstream.files)


def _check_controls(inputs: SweepInputs, settings: Sequence[Settings]) -> None:
    """Raises ValueError for a hint of another latent, and for values that cannot be, such as a start after the end."""
    controls = {(own.control_strength, own.control_start, own.control_end): own for own in settings}
    for own in controls.values():
        for entry in set_control_values(inputs.control or (), own):
            check_control(entry)
    for entry in inputs.control or ():
        if message := check_fits(entry, inputs.latent):
            log.warning("Sweep: %s.", message)
