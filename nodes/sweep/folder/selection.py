"""Cells of a sweep's folder: chosen by their labels, read from the disk one at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ....files import can_be_named, open_plain
from ...text.nearest import find_nearest_names
from ...text.printable import printable
from ...text.ranges import split_items
from ..plan.cell_widget import OneCell, read_cell, write_cell
from .manifest import MANIFEST, CellPlan, Grid, Manifest

NEAREST = 5  # names that an error proposes
MAX_SWEEPS = 1000  # folders that are looked through for the nearest name
MAX_PATH, MAX_PART = 1000, 255  # bytes of a path, and of a part of it
MAX_WORDS = 1000  # labels that a selection names


def find_sweep(base: Path, folder: str) -> Path:
    """The folder of a sweep. folder: a path, or a name inside `base` (ComfyUI's output folder).

    Raises:
        ValueError: it lies outside `base`, is not there, or holds no manifest.
    """
    if not folder.strip() or "\0" in folder:
        raise ValueError("folder: it is empty. Connect the folder of a Sweep, or write its name.")
    long = len(folder) > MAX_PATH or max(len(part.encode(errors="replace")) for part in folder.split("/")) > MAX_PART
    if not can_be_named(folder) or long:
        raise ValueError(f"folder: no folder can have the name '{folder[:40]}'. Write the name of a Sweep's folder.")
    home = base.resolve()
    found = (home / folder.strip()).resolve()
    if found != home and home not in found.parents:
        raise ValueError(f"folder: '{folder}' lies outside ComfyUI's output folder. Move the sweep's folder there.")
    if not found.is_dir():
        raise ValueError(
            f"folder: there is no '{folder}' in ComfyUI's output folder.{_name_nearest(folder, _list_sweeps(home))}"
        )
    if not (found / MANIFEST).is_file():
        raise ValueError(
            f"folder: '{folder}' holds no sweep: it has no {MANIFEST}.{_name_nearest(folder, _list_sweeps(home))}"
        )
    return found


def require_grid(manifest: Manifest) -> Grid:
    """The last grid of the manifest.

    Raises:
        ValueError: it holds none, or one without cells.
    """
    if manifest.grid is None or not manifest.grid.cells:
        raise ValueError(f"folder: the manifest {manifest.path} holds no grid. Run the Sweep of this folder first.")
    return manifest.grid


def choose_cells(grid: Grid, selection: str, name: str = "selection") -> list[CellPlan]:
    """The cells whose labels hold every part of `selection`: `angry; meadows`. A bar means either: `angry | sad`.

    Empty: all cells, in the order of the axes. A part means the labels equal to it. Where there is none, it means those
    with these words; where there is none, those with these letters. Where there is none, and the part has commas or
    several lines, it is a list of labels: of one axis either, of several axes one of each. name: of the input.

    Raises:
        ValueError: no label holds a part (with the nearest labels), or no cell holds all parts.
    """
    labels = {label: _fold(label) for axis in grid.axes for label in axis.labels}
    chosen = sorted(grid.cells, key=lambda cell: cell.at)
    parts = [part.strip() for part in printable(selection).split(";") if part.strip()]
    if (count := sum(len(re.findall(r"[|,\n]", part)) + 1 for part in parts)) > MAX_WORDS:
        raise ValueError(f"{name}: it names {count:,} labels; the limit is {MAX_WORDS:,}. Name fewer.")
    for part in parts:
        for matching in _find_groups(part, labels, grid, name):
            chosen = [cell for cell in chosen if not matching.isdisjoint(cell.labels)]
    if not chosen:
        raise ValueError(
            f"{name}: no cell holds all of: {', '.join(parts)}. Two values of one axis are never in one cell: "
            "write a bar between them to get either, as in angry | sad."
        )
    return chosen


def find_cell(grid: Grid, request: OneCell) -> CellPlan:
    """The cell that the widget `cell` of a Sweep asks for.

    Raises:
        ValueError: it asks for none or for several.
    """
    if request.labels is None:
        found = choose_cells(grid, request.text, "cell")
    else:
        found = [cell for cell in grid.cells if cell.labels == request.labels]
    if len(found) != 1:
        count = f"{len(found)} of them" if found else "none"
        raise ValueError(
            f"cell: '{request.text}' names {count} of the {len(grid.cells)} cells. Write the labels of one, such as "
            "angry; seed 3, or nothing for the whole sweep."
        )
    return found[0]


def name_cell(cell: CellPlan, grid: Grid) -> str:
    """What the widget `cell` of a Sweep says for one cell: its labels as in `angry; seed 3`, where they name it alone.

    Else all its labels as JSON (plan/cell_widget.py).
    """
    return CellNames(grid).of(cell)


class CellNames:
    """`name_cell` for all cells of a grid, each in the same time however many there are."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        folded = [_fold(label) for axis in grid.axes for label in axis.labels]
        self._all_differ = len(set(folded)) == len(folded)

    def of(self, cell: CellPlan) -> str:
        """The text for one of its cells."""
        text = "; ".join(cell.labels)
        request = read_cell(text)
        plain = all(label.strip() and not set(label) & set(";|\n") for label in cell.labels)
        alone = plain and isinstance(request, OneCell) and request.labels is None and self._is_alone(cell)
        return text if alone else write_cell(cell.labels)

    def _is_alone(self, cell: CellPlan) -> bool:
        parts = {_fold(label) for label in cell.labels}
        if self._all_differ:
            return True
        return [other for other in self.grid.cells if parts <= set(map(_fold, other.labels))] == [cell]


def label_cells(grid: Grid, cells: Sequence[CellPlan]) -> list[str]:
    """A text for each of `cells`: its labels on the axes that vary among them, or in the grid if none does."""
    varying = [i for i in range(len(grid.axes)) if len({cell.at[i] for cell in cells}) > 1]
    varying = varying or find_varying_axes(grid)
    return [", ".join(cell.labels[i] for i in varying) for cell in cells]


def find_varying_axes(grid: Grid) -> list[int]:
    """The numbers, from 0, of the axes with more than one value."""
    return [i for i, axis in enumerate(grid.axes) if len(axis.labels) > 1]


def read_picture(path: Path, size: tuple[int, int] | None = None) -> torch.Tensor:
    """The picture of a file as [H, W, 3] in 0..1, scaled to `size` (height, width) while it is read.

    Raises:
        ValueError: the file is gone or is no picture.
    """
    try:
        with open_plain(path) as file, Image.open(file) as image:
            picture = image.convert("RGB")
            if size and picture.size != (size[1], size[0]):
                picture = picture.resize((size[1], size[0]), Image.Resampling.BICUBIC, reducing_gap=2.0)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # what Pillow raises
        raise ValueError(f"the picture {path.name} cannot be read ({error}). Delete it and run its Sweep.") from error
    return torch.from_numpy(np.array(picture)).to(torch.float32).div_(255.0)


def read_size(path: Path) -> tuple[int, int] | None:
    """(height, width) of a picture, from the head of its file; None where that cannot be read."""
    try:
        with open_plain(path) as file, Image.open(file) as image:
            return image.height, image.width
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def _fold(label: str) -> str:
    return " ".join(label.casefold().split())


def _find_groups(part: str, labels: Mapping[str, str], grid: Grid, name: str) -> list[set[str]]:
    """The labels that a part means, in groups: a cell needs one of each. See `choose_cells`."""
    listed = [item for _, item in split_items(part, ",\n")]
    try:
        words = [word.strip() for word in part.split("|") if word.strip()]
        return [{label for word in words for label in _find_labels(word, labels, name)}]
    except ValueError:
        if len(listed) < 2:
            raise
    groups: dict[int, set[str]] = {}
    for item in listed:
        (found,) = _find_groups(item, labels, grid, name)
        axis = next(i for i, axis in enumerate(grid.axes) if not found.isdisjoint(axis.labels))
        groups.setdefault(axis, set()).update(found)
    return list(groups.values())


def _find_labels(word: str, labels: Mapping[str, str], name: str) -> list[str]:
    """labels: each with itself as it is compared."""
    folded = _fold(word)
    if len(folded) <= max(map(len, labels.values()), default=0):
        words = re.compile(rf"(?<!\w){re.escape(folded)}(?!\w)")
        tests: tuple[Callable[[str], object], ...] = (folded.__eq__, words.search, lambda label: folded in label)
        for test in tests:
            if found := [label for label, own in labels.items() if test(own)]:
                return found
    raise ValueError(f"{name}: no label holds '{word}'.{_name_nearest(word, labels)}")


def _name_nearest(word: str, names: Iterable[str]) -> str:
    close = find_nearest_names(word, names, NEAREST)
    return f" Nearest are: {', '.join(map(repr, close))}." if close else ""


def _list_sweeps(home: Path) -> list[str]:
    """The folders with a manifest up to three levels below `home`, where sweeps are saved."""
    found = [path.parent for depth in ("*", "*/*", "*/*/*") for path in home.glob(f"{depth}/{MANIFEST}")]
    return [path.relative_to(home).as_posix() for path in found[:MAX_SWEEPS]]
