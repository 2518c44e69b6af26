"""The sheet of a sweep's folder: every picture in its place, blanks with their reason, never too large."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from steer.nodes.sweep.folder.manifest import AxisRecord, CellPlan, CellRecord, Manifest
from steer.nodes.sweep.sheet import folder_sheet
from steer.nodes.sweep.sheet.folder_sheet import draw_folder_sheet

MOODS = AxisRecord("prompt", ("smiling", "angry", "laughing"))
PLACES = AxisRecord("prompt", ("backstreet", "meadows"))
SEEDS = AxisRecord("seed", ("seed 1", "seed 2"))
CFG = AxisRecord("cfg", ("cfg 5",))
STEPS = AxisRecord("steps", ("2 steps", "4 steps"))


def colour(number: int) -> tuple[int, int, int]:
    """A colour of its own for each cell, far from paper and ink."""
    return 40 + 8 * (number % 12), 200 - 9 * (number // 12), 90 + 5 * (number % 7)


@pytest.fixture
def sweep(tmp_path: Path) -> Callable[..., Manifest]:
    def make(*axes: AxisRecord, blank: int = -1, missing: int = -1, size: int = 32, title: str = "") -> Manifest:
        manifest = Manifest(tmp_path)
        places = list(itertools.product(*(range(len(axis.labels)) for axis in axes)))
        cells = [
            CellPlan(f"{number:04x}", at, tuple(axis.labels[i] for axis, i in zip(axes, at, strict=True)))
            for number, at in enumerate(places)
        ]
        manifest.start(title, axes, cells)
        for number, cell in enumerate(cells):
            if number == blank:
                manifest.record(CellRecord(cell.key, None, "there is no such LoRA", {}, 0.0))
            elif number != missing:
                Image.new("RGB", (size, size), colour(number)).save(tmp_path / f"{number}.png")
                manifest.record(CellRecord(cell.key, f"{number}.png", None, {}, 0.0))
        return manifest

    return make


def draw_pixels(manifest: Manifest, **options: Any) -> np.ndarray:
    assert manifest.grid
    sheet = draw_folder_sheet(manifest, **{"cell_size": 0, **options})
    assert sheet.dtype == torch.float32
    assert sheet.shape[0] == 1
    return (sheet[0] * 255).round().to(torch.uint8).numpy()


def corner(sheet: np.ndarray, number: int) -> tuple[int, int]:
    """The first row and column of the cell of this number, whose 32 x 32 pixels must all be there, and no more."""
    rows, columns = np.nonzero((sheet == colour(number)).all(axis=-1))
    assert len(rows) == 32 * 32, f"cell {number} has {len(rows)} pixels"
    return rows.min(), columns.min()


@pytest.mark.parametrize(
    "axes", [(MOODS,), (PLACES, MOODS), (CFG, PLACES, MOODS), (PLACES, MOODS, SEEDS), (PLACES, MOODS, STEPS, SEEDS)]
)
def test_the_first_axis_makes_rows_the_second_columns_others_blocks(sweep, axes: tuple[AxisRecord, ...]):
    sheet = draw_pixels(sweep(*axes))
    shape = [len(axis.labels) for axis in axes]
    rows, columns, *outer = [size for size in (shape if len(shape) > 1 else [1, *shape]) if size > 1 or len(shape) == 1]
    corners = np.array([corner(sheet, number) for number in range(int(np.prod(shape)))])
    corners = corners.reshape(rows, columns, -1, 2).transpose(2, 0, 1, 3)
    assert len(corners) == np.prod(outer, dtype=int)
    for block in corners:
        assert (block[:, 1:, 0] == block[:, :1, 0]).all(), "a row is level"
        assert (block[1:, :, 1] == block[:1, :, 1]).all(), "a column is straight"
        assert (np.diff(block[:, :, 1], axis=1) > 32).all()
        assert (np.diff(block[:, :, 0], axis=0) > 32).all()
    boxes = [(b[..., 0].min(), b[..., 0].max() + 32, b[..., 1].min(), b[..., 1].max() + 32) for b in corners]
    for (t0, b0, l0, r0), (t1, b1, l1, r1) in itertools.combinations(boxes, 2):
        assert b0 <= t1 or b1 <= t0 or r0 <= l1 or r1 <= l0, "two blocks are one into the other"


def test_headings_hold_only_what_differs(sweep, monkeypatch: pytest.MonkeyPatch):
    plans: list[tuple[list[str], Any]] = []
    real = folder_sheet.lay_out

    def watched(sizes: Any, labels: Any, style: Any, fonts: Any) -> Any:
        plans.append((list(labels), style))
        return real(sizes, labels, style, fonts)

    monkeypatch.setattr(folder_sheet, "lay_out", watched)
    draw_pixels(sweep(PLACES, CFG, MOODS, SEEDS, title="Moods"))
    first, second, around = plans
    assert [style.title for _, style in plans] == ["seed 1", "seed 2", "Moods"]
    assert first[1].row_labels == PLACES.labels
    assert first[1].column_labels == MOODS.labels
    assert first[0] == second[0] == around[0] == []
    plans.clear()
    prompts = AxisRecord("prompt", tuple(f"gorgeous cute Austrian girl, {mood}, backstreet" for mood in MOODS.labels))
    draw_pixels(sweep(prompts))
    assert plans[0][1].column_labels == MOODS.labels
    plans.clear()
    draw_pixels(sweep(AxisRecord("seed", tuple(f"seed {i}" for i in range(12)))))
    assert plans[0][0] == [f"seed {i}" for i in range(12)], "too many for one row: captions"


def test_blanks_show_their_error_and_leave_the_others_alone(sweep, monkeypatch: pytest.MonkeyPatch):
    written: list[str] = []
    real = folder_sheet._write_labels

    def watched(text: str, *rest: Any) -> Any:
        written.append(text)
        return real(text, *rest)

    monkeypatch.setattr(folder_sheet, "_write_labels", watched)
    manifest = sweep(PLACES, MOODS, blank=1, missing=2)
    with open(manifest.folder / "4.png", "r+b") as picture:  # the size stays, so the manifest calls it finished
        picture.write(b"no picture")
    sheet = draw_pixels(manifest)
    assert written[:2] == ["there is no such LoRA", "not made yet"]
    assert "4.png cannot be read" in written[2]
    for number in (0, 3, 5):
        corner(sheet, number)


def test_a_sweep_without_any_picture_has_a_sheet(sweep):
    assert draw_pixels(sweep(MOODS, blank=0, missing=1)).size
    manifest = Manifest(sweep(MOODS).folder)
    manifest.start("", [], [CellPlan("none", (), ())])
    assert manifest.grid
    assert draw_folder_sheet(manifest).shape[-1] == 3


def test_pictures_become_smaller_until_the_sheet_fits(sweep):
    manifest = sweep(SEEDS, PLACES, MOODS, size=512)
    counted: list[int] = []
    sheet = draw_pixels(manifest, max_megapixels=0.5, step=counted.append)
    assert 0.3e6 < sheet.shape[0] * sheet.shape[1] <= 0.5e6
    assert counted == list(range(1, 13))
    with pytest.raises(ValueError, match="max_megapixels: a sheet of 12 cells"):
        draw_pixels(manifest, max_megapixels=0.01)


def test_places_without_a_cell_stay_paper(sweep):
    manifest = sweep(PLACES, MOODS)
    cells = manifest.grid.cells
    manifest.start("", [PLACES, MOODS], [cells[0], cells[5]])
    sheet = draw_pixels(manifest, dark=True)
    (top, _), (_, left) = corner(sheet, 0), corner(sheet, 5)
    assert (sheet[top : top + 32, left : left + 32] == (22, 24, 29)).all()
    assert not any((sheet == colour(number)).all(axis=-1).any() for number in (1, 2, 3, 4))
