"""Thumbnails: the pictures of a sheet are found again, and stand edge to edge."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from steer.nodes.sweep.sheet.layout import Style, draw, lay_out
from steer.runner.dev.thumbnails import SIDE, find_tiles, make_thumbnail

COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30), (30, 200, 200), (200, 30, 200))


def make_sheet(columns: int, headline: str) -> tuple[Image.Image, list[tuple[int, int, int, int]]]:
    labels = [f"picture {number}" for number in range(len(COLOURS))]
    layout = lay_out([(96, 96)] * len(COLOURS), labels, Style(columns=columns, title=headline))
    pictures = [torch.tensor(colour).float().div(255).expand(96, 96, 3) for colour in COLOURS]
    sheet = (draw(layout, pictures)[0].numpy() * 255).round().astype(np.uint8)
    return Image.fromarray(sheet), [(x, y, x + width, y + height) for x, y, width, height in layout.boxes]


@pytest.mark.parametrize("columns", [2, 3, 6])
@pytest.mark.parametrize("headline", ["", "What the words say, in a long headline"])
def test_the_pictures_of_a_sheet_are_found(columns: int, headline: str):
    sheet, boxes = make_sheet(columns, headline)
    assert find_tiles(sheet) == boxes


@pytest.mark.parametrize("tiles", [(1, 3, 4), (5, 0, 2, 3), (0, 1, 2, 3, 4, 5, 0, 1, 2)])
def test_the_chosen_pictures_fill_the_square(tiles: tuple[int, ...]):
    thumbnail = make_thumbnail(make_sheet(3, "A headline")[0], tiles)
    assert thumbnail.size == (SIDE, SIDE)
    found = thumbnail.getcolors(SIDE * SIDE)
    assert found is not None
    assert {colour for _, colour in found} == {COLOURS[tile] for tile in tiles}
    largest = SIDE * SIDE / (2 if len(tiles) == 3 else 4)
    assert max(count for count, _ in found) <= 2 * largest


def test_a_whole_sheet_lies_on_its_own_ground():
    sheet, _ = make_sheet(6, "")
    assert make_thumbnail(sheet, ()).getpixel((0, 0)) == sheet.getpixel((0, 0))


def test_a_picture_that_the_sheet_lacks_is_refused():
    with pytest.raises(IndexError):
        make_thumbnail(make_sheet(3, "")[0], (0, 1, 6))
