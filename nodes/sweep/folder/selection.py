"""Cells of a sweep's folder: chosen by their labels, read from the disk one at a time."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .manifest import MANIFEST, CellPlan, Grid, Manifest

NEAREST = 5


def sweep_folder(base: Path, folder: str) -> Path:
    """The folder that `folder` names: a path, or a name inside `base` (ComfyUI's output folder).

    Raises ValueError where it lies outside `base`, is not there, or holds no manifest.
    """
    if not folder.strip() or "\0" in folder:
        raise ValueError("folder: it is empty. Connect the folder of a Sweep, or write its name.")
    home = base.resolve()
    found = (home / folder.strip()).resolve()
    if found != home and home not in found.parents:
        raise ValueError(f"folder: '{folder}' lies outside ComfyUI's output folder. Move the sweep's folder there.")
    if not found.is_dir():
        raise ValueError(f"folder: there is no '{folder}' in ComfyUI's output folder.{_near(folder, _sweeps(home))}")
    if not (found / MANIFEST).is_file():
        raise ValueError(f"folder: '{folder}' holds no sweep: it has no {MANIFEST}.{_near(folder, _sweeps(home))}")
    return found


def grid_of(manifest: Manifest) -> Grid:
    """The grid that was asked for last. Raises ValueError where the manifest holds none."""
    if manifest.grid is None or not manifest.grid.cells:
        raise ValueError(f"folder: the manifest {manifest.path} holds no grid. Run the Sweep of this folder first.")
    return manifest.grid


def choose(grid: Grid, selection: str) -> list[CellPlan]:
    """The cells whose labels hold every part of `selection`: `angry; meadows`. A bar means either: `angry | sad`.

    Empty: all cells, in the order of the axes. A part means the labels equal to it; where there is none, those with
    these words; where there is none, those with these letters. Raises ValueError, with the nearest labels, for a part
    that no label holds, and where no cell holds all.
    """
    labels = list(dict.fromkeys(label for axis in grid.axes for label in axis.labels))
    chosen = sorted(grid.cells, key=lambda cell: cell.at)
    parts = [part.strip() for part in selection.split(";") if part.strip()]
    for part in parts:
        wanted = {label for word in part.split("|") if word.strip() for label in _cells_with(word.strip(), labels)}
        chosen = [cell for cell in chosen if not wanted.isdisjoint(cell.labels)]
    if not chosen:
        raise ValueError(
            f"selection: no cell holds all of: {', '.join(parts)}. Two values of one axis are never in one cell: "
            "write a bar between them to get either, as in angry | sad."
        )
    return chosen


def cell_labels(grid: Grid, cells: Sequence[CellPlan]) -> list[str]:
    """A label for each of `cells`: its labels on the axes that vary among them, or in the grid if none does."""
    varying = [i for i in range(len(grid.axes)) if len({cell.at[i] for cell in cells}) > 1]
    varying = varying or varying_axes(grid)
    return [", ".join(cell.labels[i] for i in varying) for cell in cells]


def varying_axes(grid: Grid) -> list[int]:
    """The axes that have more than one value."""
    return [i for i, axis in enumerate(grid.axes) if len(axis.labels) > 1]


def read_picture(path: Path, size: tuple[int, int] | None = None) -> torch.Tensor:
    """The picture of a file as [H, W, 3] in 0..1, scaled to `size` (height, width) while it is read.

    Raises ValueError where the file is gone or is no picture.
    """
    try:
        with Image.open(path) as image:
            picture = image.convert("RGB")
            if size and picture.size != (size[1], size[0]):
                picture = picture.resize((size[1], size[0]), Image.Resampling.BICUBIC, reducing_gap=2.0)
    except (OSError, SyntaxError, ValueError) as error:  # Pillow raises SyntaxError for some broken PNG files
        raise ValueError(f"the picture {path.name} cannot be read ({error}). Delete it and run its Sweep.") from error
    return torch.from_numpy(np.array(picture)).to(torch.float32).div_(255.0)


def picture_size(path: Path) -> tuple[int, int] | None:
    """(height, width) of a picture by its head alone, None where it cannot be read."""
    try:
        with Image.open(path) as image:
            return image.height, image.width
    except (OSError, SyntaxError, ValueError):
        return None


def _cells_with(word: str, labels: Sequence[str]) -> list[str]:
    folded = " ".join(word.casefold().split())
    words = re.compile(rf"(?<!\w){re.escape(folded)}(?!\w)")
    tests: tuple[Callable[[str], object], ...] = (folded.__eq__, words.search, lambda label: folded in label)
    for test in tests:
        if found := [label for label in labels if test(" ".join(label.casefold().split()))]:
            return found
    raise ValueError(f"selection: no label holds '{word}'.{_near(word, labels)}")


def _near(word: str, names: Iterable[str]) -> str:
    folded = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(word.casefold()[:200], list(folded), n=NEAREST, cutoff=0.0)
    return f" Nearest are: {', '.join(repr(folded[name]) for name in close)}." if close else ""


def _sweeps(home: Path) -> list[str]:
    """The folders with a manifest up to three levels below `home`, where sweeps are saved."""
    found = [path.parent for depth in ("*", "*/*", "*/*/*") for path in home.glob(f"{depth}/{MANIFEST}")]
    return [path.relative_to(home).as_posix() for path in found[:1000]]
