"""Contact sheets: pictures bit for bit, text beside them, sizes that are refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from steer.nodes.sweep.sheet.layout import Layout, Style, draw, fit_size, lay_out
from steer.nodes.sweep.sheet.pictures import split_images


def picture(height: int, width: int, seed: int = 0, channels: int = 3) -> torch.Tensor:
    return torch.rand(height, width, channels, generator=torch.Generator().manual_seed(seed))


def lay_out_pictures(pictures: list[torch.Tensor], labels: list[str] | None = None, **style: Any) -> Layout:
    return lay_out([(p.shape[0], p.shape[1]) for p in pictures], labels or [], Style(**style))


def inside(sheet: torch.Tensor, box: tuple[int, int, int, int]) -> torch.Tensor:
    x, y, width, height = box
    return sheet[0, y : y + height, x : x + width]


def overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


@pytest.mark.parametrize("dark", [False, True])
def test_pictures_are_copied_bit_for_bit(dark: bool):
    pictures = [picture(60, 40, 0), picture(33, 71, 1), picture(1, 1, 2), picture(64, 64, 3)]
    layout = lay_out_pictures(pictures, ["a", "b c", "", "\uac00"], dark=dark, title="T", row_labels=("x", "y"))
    sheet = draw(layout, pictures)
    assert sheet.shape == (1, layout.height, layout.width, 3)
    for frame, box in zip(pictures, layout.boxes, strict=True):
        assert torch.equal(inside(sheet, box), frame)
    # Whatever the pictures are, the rest of the sheet stays the same.
    other = draw(layout, [1.0 - frame for frame in pictures])
    for box in layout.boxes:
        inside(sheet, box).zero_()
        inside(other, box).zero_()
    assert torch.equal(sheet, other)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 90), st.integers(1, 200)), min_size=1, max_size=9),
    st.lists(st.text(st.sampled_from("ab \uac00\u6771\U0001f600,\n"), max_size=40), min_size=9, max_size=9),
    st.integers(0, 4),
    st.integers(0, 30),
    st.integers(0, 40),
    st.sampled_from([0, 50]),
    st.booleans(),
)
def test_nothing_overlaps_or_leaves_the_sheet(sizes, texts, columns, gap, font_size, cell_size, headers):
    style = Style(columns=columns, gap=gap, font_size=font_size, cell_size=cell_size, title=texts[0])
    shape = lay_out(sizes, [], style).columns
    rows = -(-len(sizes) // shape)
    if headers:
        style = Style(
            columns=shape,
            gap=gap,
            font_size=font_size,
            cell_size=cell_size,
            title=texts[0],
            column_labels=tuple((texts * 2)[:shape]),
            row_labels=tuple((texts * 2)[:rows]),
        )
    layout = lay_out(sizes, texts[: len(sizes)], style)
    boxes = [*layout.boxes, *(box for block, box, _ in layout.texts if block.lines)]
    for i, box in enumerate(boxes):
        assert box[0] >= 0
        assert box[1] >= 0
        assert box[0] + box[2] <= layout.width
        assert box[1] + box[3] <= layout.height
        assert not any(overlap(box, other) for other in boxes[:i])
    for block, box, _ in layout.texts:
        assert block.height <= box[3]
        assert block.width <= box[2] or any(len(line) == 1 for line in block.lines)
    for (height, width), box in zip(sizes, layout.boxes, strict=True):
        assert box[2:] == fit_size((height, width), cell_size)[::-1]


def test_reading_order_and_columns():
    pictures = [picture(10, 10, i) for i in range(7)]
    layout = lay_out_pictures(pictures, columns=3)
    rows = sorted({box[1] for box in layout.boxes})
    assert [[box[1] for box in layout.boxes].count(y) for y in rows] == [3, 3, 1]
    assert list(layout.boxes) == sorted(layout.boxes, key=lambda box: (box[1], box[0]))
    assert [lay_out_pictures(pictures[:1] * n).columns for n in (1, 2, 4, 6, 9, 12)] == [1, 2, 2, 3, 3, 4]
    assert lay_out_pictures(pictures[:6], column_labels=("a", "b")).columns == 2
    assert lay_out_pictures(pictures[:6], row_labels=("a", "b")).columns == 3
    assert lay_out_pictures(pictures, columns=9).columns == 9


def test_captions_are_drawn_where_the_plan_says():
    pictures = [torch.zeros(50, 100, 3)] * 2
    layout = lay_out_pictures(pictures, ["word", ""], columns=2)
    sheet = draw(layout, pictures)
    (box,) = [box for block, box, _ in layout.texts if block.lines]
    assert (inside(sheet, box) < 0.5).any()
    assert box[1] >= layout.boxes[0][1] + 50


def test_scaled_cells_keep_their_shape():
    layout = lay_out_pictures([picture(200, 100), picture(30, 60)], cell_size=50)
    assert [box[2:] for box in layout.boxes] == [(25, 50), (50, 25)]
    flat = torch.full((200, 100, 3), 0.25)
    sheet = draw(lay_out_pictures([flat], cell_size=50), [flat])
    assert torch.allclose(inside(sheet, lay_out_pictures([flat], cell_size=50).boxes[0]), torch.tensor(0.25), atol=1e-5)
    assert fit_size((1, 4000), 100) == (1, 100)


def test_grey_alpha_nan_and_values_out_of_range():
    grey, clear = torch.full((4, 4, 1), 0.5), torch.cat([torch.zeros(4, 4, 3), torch.ones(4, 4, 1)], -1)
    clear[:, :2, 3] = 0.0
    wild = torch.full((4, 4, 3), float("nan"))
    wild[0], wild[1], wild[2] = 7.0, -7.0, float("inf")
    pictures = [grey, clear, wild, torch.full((4, 4, 2), 1.0), torch.full((4, 4, 3), 0.5, dtype=torch.float16)]
    layout = lay_out_pictures(pictures)
    shown = [inside(draw(layout, pictures), box) for box in layout.boxes]
    assert (shown[0] == 0.5).all()
    assert (shown[1][:, :2] == 1.0).all(), "transparent shows the white paper"
    assert (shown[1][:, 2:] == 0.0).all()
    assert shown[2][:, 0, 0].tolist() == [1.0, 0.0, 1.0, 0.0]
    assert (shown[3] == 1.0).all()
    assert (shown[4] == 0.5).all()


def test_a_thousand_tiny_pictures():
    pictures = [picture(8, 8, i) for i in range(1000)]
    layout = lay_out_pictures(pictures, [f"seed {i}" for i in range(1000)], gap=1)
    done: list[int] = []
    sheet = draw(layout, pictures, done.append)
    assert done == list(range(1, 1001))
    assert torch.equal(inside(sheet, layout.boxes[777]), pictures[777])
    assert 0.4 < layout.width / layout.height < 4


def test_too_large_a_sheet_is_refused_and_the_remedy_works():
    sizes, texts = [(1024, 700)] * 100, ["a label that takes more than one line, or even two of them"] * 100
    with pytest.raises(ValueError, match=r"max_megapixels: 100 pictures in .* megapixels, more than 20") as refused:
        lay_out(sizes, texts, Style(max_megapixels=20))
    width, height, megapixels = re.findall(r"(\d+) x (\d+) = ([\d.]+)", str(refused.value))[0]
    assert int(width) * int(height) / 1e6 == pytest.approx(float(megapixels), abs=0.1)
    cell = int(re.findall(r"cell_size to (\d+)", str(refused.value))[0])
    small = lay_out(sizes, texts, Style(max_megapixels=20, cell_size=cell))
    assert 12 < small.width * small.height / 1e6 <= 20


@pytest.mark.parametrize(
    ("count", "labels", "style", "message"),
    [
        (0, [], {}, "images: there is no picture"),
        (4, ["a", "b"], {}, "labels: 2 for 4 pictures.*column_labels"),
        (4, [], {"columns": 2, "column_labels": ("a",)}, "column_labels: 1, but 4 pictures in 2 columns and 2 rows"),
        (4, [], {"columns": 2, "row_labels": ("a",)}, "row_labels: 1, but 4 pictures in 2 columns and 2 rows"),
    ],
)
def test_numbers_that_disagree_are_reported(count: int, labels: list[str], style: dict, message: str):
    with pytest.raises(ValueError, match=message):
        lay_out([(8, 8)] * count, labels, Style(**style))


def test_frames_of_lists_and_batches():
    found = split_images([torch.zeros(2, 4, 5, 3), torch.ones(1, 6, 7, 1)])
    assert [tuple(frame.shape) for frame in found] == [(4, 5, 3), (4, 5, 3), (6, 7, 1)]
    for broken in ([], [torch.zeros(0, 4, 4, 3)], [torch.zeros(1, 0, 4, 3)], [torch.zeros(4, 4, 3)]):
        with pytest.raises(ValueError, match="images: "):
            split_images(broken)


def test_shrinking_pictures_averages():
    checker = torch.from_numpy((np.indices((64, 64)).sum(0) % 2).astype(np.float32))[..., None].expand(64, 64, 3)
    layout = lay_out_pictures([checker], cell_size=16)
    assert (inside(draw(layout, [checker]), layout.boxes[0]) - 0.5).abs().max() < 0.1
