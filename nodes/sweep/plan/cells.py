"""From axes to cells: what each picture is made with, in which order, and which may share a batch."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ...axis import Axis, EncoderFiles, Lora
from ...choices import (
    CFG,
    CHECKPOINT,
    CLIP_SKIP,
    CONTROL_END,
    CONTROL_START,
    CONTROL_STRENGTH,
    CONTROLS,
    DENOISE,
    DIFFUSION_MODEL,
    GUIDANCE,
    LORA,
    PROMPT,
    SAMPLER,
    SCHEDULER,
    SEED,
    SINGLE_FILES,
    STEPS,
    SWITCH_TIME,
    TEXT_ENCODER,
    VAE_FILE,
)
from ...prompts.choices import DIAL
from ...prompts.dial import Dial, swap_fully
from ...prompts.swap import WholePrompt
from ...text.plural import count_things
from ...text.printable import printable
from ..choices import MAX_CELLS
from .cell_prompts import MAX_LETTERS_IN_ALL, CellPrompts, check_letters

MAX_AXES = 16
MAX_TITLE, MAX_AXIS = 200, 60  # characters of the headline of a sheet, and of the title of an axis
# What is slow to change comes first, so that it changes least: a checkpoint is loaded once, a prompt encoded once.
_MODELS = (CHECKPOINT, *SINGLE_FILES, CLIP_SKIP, LORA)
_SAMPLING = (GUIDANCE, *CONTROLS, SAMPLER, SCHEDULER, STEPS, DENOISE, CFG, SEED)
ORDER = (*_MODELS, PROMPT, DIAL, SWITCH_TIME, *_SAMPLING)
FIELDS = {
    CHECKPOINT: "checkpoint",
    DIFFUSION_MODEL: "diffusion_model",
    TEXT_ENCODER: "text_encoder",
    VAE_FILE: "vae",
    CLIP_SKIP: "clip_skip",
    GUIDANCE: "guidance",
    LORA: "lora",
    DIAL: "dial",
    CONTROL_STRENGTH: "control_strength",
    CONTROL_START: "control_start",
    CONTROL_END: "control_end",
    SAMPLER: "sampler",
    SCHEDULER: "scheduler",
    STEPS: "steps",
    DENOISE: "denoise",
    CFG: "cfg",
    SEED: "seed",
}
# What a connected SAMPLER or SIGMAS decides, so that no axis can.
BY_SAMPLER, BY_SIGMAS = (SAMPLER,), (SCHEDULER, STEPS, DENOISE)


@dataclass(frozen=True)
class Settings:
    """What a picture is made with, apart from what all cells share. None: as it is connected."""

    positive: str
    negative: str
    seed: int
    steps: int
    cfg: float
    sampler: str
    scheduler: str
    denoise: float
    checkpoint: str | None = None
    lora: Lora | tuple[Lora, ...] | None = None
    control_strength: float | None = None
    control_start: float | None = None
    control_end: float | None = None
    dial: Dial | None = None
    diffusion_model: str | None = None
    text_encoder: str | EncoderFiles | None = None
    vae: str | None = None
    clip_skip: int | None = None
    guidance: float | None = None

    @property
    def model_file(self) -> str | None:
        """The file of the model, where an axis brings it."""
        return self.checkpoint or self.diffusion_model

    def values(self) -> dict[str, Any]:
        """The settings as JSON, without those that are None."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Connected:
    """Which of the optional inputs of a sweep are connected."""

    control: bool = False
    sampler: bool = False
    sigmas: bool = False


@dataclass(frozen=True)
class Cell:
    """One picture of a sweep.

    at: its place on each axis as wired, from 0. labels: one an axis. key: a hash of all that makes the picture (see
    cell_key.py). name: its labels on the axes with several values, for files and messages.
    """

    at: tuple[int, ...]
    labels: tuple[str, ...]
    settings: Settings
    key: str
    name: tuple[str, ...]

    @property
    def title(self) -> str:
        """The name as messages write it: "angry x seed 3"."""
        return " x ".join(self.name) or "the only one"


def number_labels(axes: Sequence[Axis]) -> list[Axis]:
    """The axes with a number behind each label that repeats. Then the labels of a cell belong to no other cell."""
    result = []
    for axis in axes:
        labels: dict[str, None] = {}
        for label in axis.labels:
            number = itertools.count(2)
            unique = label
            while unique in labels:
                unique = f"{label} ({next(number)})"
            labels[unique] = None
        result.append(replace(axis, labels=tuple(labels)))
    return result


def check_axes(axes: Sequence[Axis], connected: Connected, max_cells: int) -> None:
    """Check that the axes can be combined.

    Raises:
        ValueError: two axes vary one thing, an axis varies what is overridden, or there are more than max_cells cells.
    """
    if len(axes) > MAX_AXES:
        raise ValueError(f"axes: there are {len(axes)}. Use at most {MAX_AXES}.")
    before: set[str] = set()
    for number, axis in enumerate(axes, start=1):
        _check_values(axis, number)
        for part in parts_of(axis):
            if part.name not in ORDER:
                raise ValueError(
                    f"axis {number}: Sweep cannot vary '{part.name}'. It varies: {', '.join(ORDER)}. For anything else "
                    "use Sweep Value and Sweep Graph."
                )
            if part.name != PROMPT and part.name in before:
                raise ValueError(f"axis {number}: two axes vary the {part.name}. Put all its values into one.")
            before.add(part.name)
            _check_overridden(part, number, connected)
    if {CHECKPOINT, DIFFUSION_MODEL} <= before:
        raise ValueError("axes: a checkpoint brings its own model, so it cannot meet a diffusion model. Remove one.")
    check_count(axes, max_cells)


def check_count(axes: Sequence[Axis], max_cells: int) -> None:
    """Raises ValueError for more cells than max_cells."""
    count = math.prod(len(axis) for axis in axes)
    if count > max_cells:
        sizes = " x ".join(f"{len(axis)} ({axis.name})" for axis in axes)
        more = " or raise it" if count <= MAX_CELLS else ""
        raise ValueError(f"max_cells: {sizes} = {count:,} cells, more than {max_cells:,}. Use fewer values{more}.")


def parts_of(axis: Axis) -> tuple[Axis, ...]:
    """The axes that go together in one; of a plain axis itself."""
    return axis.parts or (axis,)


def find_rank(axis: Axis) -> int:
    """The place of an axis in ORDER: of pairs, that of the slowest part."""
    return min(ORDER.index(part.name) for part in parts_of(axis))


def _check_values(axis: Axis, number: int) -> None:
    seen = set()
    for value, label in zip(axis.values, axis.labels, strict=True):
        if value in seen:
            raise ValueError(f"axis {number} ({axis.name}): '{label}' is there twice. Remove one.")
        seen.add(value)


def _check_overridden(axis: Axis, number: int, connected: Connected) -> None:
    if connected.sampler and axis.name in BY_SAMPLER:
        raise ValueError(f"axis {number}: it varies the {axis.name}, but a sampler is connected. Disconnect it.")
    if connected.sigmas and axis.name in BY_SIGMAS:
        raise ValueError(
            f"axis {number}: it varies {axis.name}, but sigmas are connected, which set it. Disconnect them."
        )
    if axis.name in CONTROLS and not connected.control:
        raise ValueError(f"axis {number}: it varies the {axis.name}, but no control is connected. Connect one.")


def plan_cells(settings: Settings, axes: Sequence[Axis], key_of: Callable[[Settings], str]) -> list[Cell]:
    """The cells of the product of `axes`, in the order in which they are made: slow axes outermost.

    settings: those of the node. Prompt axes change its `positive`. key_of: the key of a cell with these settings.

    Raises:
        ValueError: a word to swap is not in the prompt, or a prompt that switches in time has a dial.
        TextError: a timed prompt has a fault.
    """
    order = sorted(range(len(axes)), key=lambda i: find_rank(axes[i]))
    parts = [(i, part) for i, axis in enumerate(axes) for part in parts_of(axis)]
    varying = [i for i, axis in enumerate(axes) if len(axis) > 1] or range(len(axes))
    prompts = CellPrompts(settings.positive, parts)
    cells, letters = [], 0
    for places in itertools.product(*(range(len(axes[i])) for i in order)):
        at = tuple(place for _, place in sorted(zip(order, places, strict=True)))
        values = {FIELDS[part.name]: part.values[at[i]] for i, part in parts if part.name in FIELDS}
        labels = tuple(axis.labels[i] for axis, i in zip(axes, at, strict=True))
        changed = replace(settings, positive=prompts.compose(at), **values)
        if changed.dial is not None:
            swap_fully(
                changed.positive, changed.dial
            )  # a word to find that is not there is an error before any picture
        letters += len(changed.positive) + len(changed.negative)
        check_letters(letters, MAX_LETTERS_IN_ALL)
        cells.append(Cell(at, labels, changed, key_of(changed), tuple(labels[i] for i in varying)))
    return cells


def choose_title(settings: Settings, axes: Sequence[Axis], folder: str) -> str:
    """The headline of the sheet: the prompt that all cells come from, or the folder where each has its own prompt."""
    whole = any(isinstance(value, WholePrompt) for axis in axes for part in parts_of(axis) for value in part.values)
    text = printable(" ".join((folder if whole else settings.positive).split()))
    return text if len(text) <= MAX_TITLE else text[: MAX_TITLE - 3] + "..."


def split_batches(cells: Sequence[Cell], size: Callable[[Settings], int]) -> list[list[Cell]]:
    """The cells in batches of neighbours that differ in nothing but the seed.

    size: the most cells in a batch with these settings.
    """
    batches: list[list[Cell]] = []
    for cell in cells:
        last = batches[-1] if batches else None
        if last and len(last) < size(last[0].settings) and _differ_in_seed_only(last[0], cell):
            last.append(cell)
        else:
            batches.append([cell])
    return batches


def _differ_in_seed_only(one: Cell, other: Cell) -> bool:
    return replace(one.settings, seed=0) == replace(other.settings, seed=0)


def name_axis(node: Mapping[str, Any] | None) -> str:
    """The title of the node of a prompt that an axis comes from; empty where it is not known."""
    title = ((node or {}).get("_meta") or {}).get("title")
    return printable(title, MAX_AXIS) if isinstance(title, str) else ""


def write_plan(title: str, axes: Sequence[Axis], batches: Sequence[Sequence[Cell]]) -> str:
    """The plan of a sweep as JSON, for a batch that divides it among several ComfyUIs (runner/batch/sweeps.py).

    {"title", "axes": [{"name", "labels"}], "batches": [[{"key", "at", "labels", "name", "values"}]]}. Cells in one
    batch are made together. values: what a cell is made with.
    """
    plan = {
        "title": title,
        "axes": [{"name": axis.name, "labels": axis.labels} for axis in axes],
        "batches": [[_describe_cell(cell) for cell in batch] for batch in batches],
    }
    return json.dumps(plan, ensure_ascii=False)


def _describe_cell(cell: Cell) -> dict[str, Any]:
    return {
        "key": cell.key,
        "at": cell.at,
        "labels": cell.labels,
        "name": cell.name,
        "values": cell.settings.values(),
    }


def state_plan(axes: Sequence[Axis], cells: int, missing: int, batches: int, size: tuple[int, int]) -> str:
    """What a sweep is about to do, in a line. missing: cells to make. size: (height, width) of a picture in pixels."""
    sizes = " x ".join(f"{len(axis)} ({axis.name})" for axis in axes) or "no axis"
    megapixels = cells * size[0] * size[1] / 1e6
    order = [axis.name for axis in sorted(axes, key=find_rank) if len(axis) > 1]
    lines = [f"{sizes}: {count_things(cells, 'cell')} of {size[1]} x {size[0]}, {megapixels:.3g} megapixels in all."]
    if not missing:
        return " ".join([*lines, say_nothing_new(cells)])
    if there := cells - missing:
        lines.append(f"{there:,} {'is' if there == 1 else 'are'} there already.")
    lines.append(f"{count_things(missing, 'cell')} to make in {count_things(batches, 'batch')}.")
    if len(order) > 1:
        lines.append(f"Order: {', then '.join(order)}, the last changing fastest.")
    return " ".join(lines)


def say_nothing_new(cells: int) -> str:
    """What a sweep says that has every picture already."""
    return f"Nothing new to make: {cells:,} of {cells:,} are there. Change folder, or press Run with new values."
