"""Contact sheets: pictures in a grid, with a title, headers of columns and rows, and a caption below each.

`lay_out` needs the sizes and texts only. `draw` then takes the pictures one by one: they need not all be in memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image

from ...text.fonts import Fonts
from ...text.lettering import TextBlock, common_size, draw_block, prepare_label, set_text
from ...text.plural import count_things
from .pictures import lay_on_paper

MIN_TEXT_WIDTH = 96  # pixels: captions make columns at least this wide where their longest word needs it
CAPTION_LINES, FLOOR_LINES = 3, 6  # captions shrink to fit the first; at the floor, they may take the second
SQUARE = 1.25  # width to height that automatic columns aim for
EMPTY_COST = 2.5  # when columns are chosen: the weight of the share of empty places, beside that of the shape
FIT_MARGIN = 0.97  # of the computed size: text does not shrink with the pictures
MAX_LABELS = 4096  # headers of columns or rows
SMALLEST = 16  # pixels of the long side of a picture that an error proposes or a folder's sheet shrinks to
Box = tuple[int, int, int, int]  # x, y, width, height in pixels


@dataclass(frozen=True)
class Style:
    """What a sheet looks like.

    columns: 0 = as many as column_labels, or a nearly square sheet. gap: pixels between cells. cell_size: pixels of
    the long side that every picture is scaled to, 0 = as they are. font_size: pixels, 0 = by the size of the cells.
    """

    columns: int = 0
    gap: int = 8
    cell_size: int = 0
    font_size: int = 0
    title: str = ""
    column_labels: tuple[str, ...] = ()
    row_labels: tuple[str, ...] = ()
    dark: bool = False
    max_megapixels: float = 64.0

    @property
    def paper(self) -> tuple[int, int, int]:
        """The colour behind everything, RGB."""
        return (22, 24, 29) if self.dark else (255, 255, 255)

    @property
    def ink(self) -> str:
        """The colour of letters."""
        return "#f0f2f4" if self.dark else "#1f2328"


@dataclass(frozen=True)
class Layout:
    """Where everything goes on a sheet of width x height pixels. boxes: one for each picture, in their order."""

    width: int
    height: int
    columns: int
    boxes: tuple[Box, ...]
    texts: tuple[tuple[TextBlock, Box, str], ...]
    style: Style
    fonts: Fonts = field(repr=False, compare=False)


def lay_out(
    sizes: Sequence[tuple[int, int]], labels: Sequence[str], style: Style, fonts: Fonts | None = None
) -> Layout:
    """Lay out pictures of `sizes` (height, width) with a label each, or none.

    Raises:
        ValueError: numbers of pictures, labels, columns and rows disagree, or the sheet would be too large.
    """
    fonts = fonts or Fonts()
    _check(sizes, labels, style)
    columns = style.columns or _chosen_columns(len(sizes), style)
    if columns:
        _check_grid(len(sizes), columns, math.ceil(len(sizes) / columns), style)  # before thousands of labels are set
    fitted = [fit_size(size, style.cell_size) for size in sizes]
    height, width = max(h for h, _ in fitted), max(w for _, w in fitted)
    captions, heads, sides = (
        [prepare_label(text) for text in texts] for texts in (labels, style.column_labels, style.row_labels)
    )
    base = style.font_size or min(48, max(12, round(width / 16)))
    floor = min(base, max(10, round(0.7 * base)))
    column_width = _column_width([*captions, *heads], fonts, width, floor)
    side = _set_all(sides, fonts, base, floor, max(MIN_TEXT_WIDTH, round(0.75 * column_width)), FLOOR_LINES)
    head = _set_all(heads, fonts, base, floor, column_width, CAPTION_LINES)
    below = _set_all(captions, fonts, base, floor, column_width, CAPTION_LINES)
    cell_height = height + max((block.height for block in below), default=0)
    columns = columns or _columns(len(sizes), column_width, cell_height, style.gap)
    rows = math.ceil(len(sizes) / columns)
    gap, margin = style.gap, max(style.gap, base // 2)
    left = margin + (max(block.width for block in side) + gap + base // 2 if side else 0)
    full_width = left + columns * (column_width + gap) - gap + margin
    title = set_text(prepare_label(style.title), fonts, round(1.5 * base), full_width - 2 * margin, CAPTION_LINES)

    texts: list[tuple[TextBlock, Box, str]] = []
    boxes: list[Box] = []
    y = margin
    if title.lines:
        texts.append((title, (margin, y, full_width - 2 * margin, title.height), "left"))
        y += title.height + base // 2
    if head:
        tallest = max(block.height for block in head)
        for column, block in enumerate(head):
            x = left + column * (column_width + gap)
            texts.append((block, (x, y + tallest - block.height, column_width, block.height), "centre"))
        y += tallest + base // 4
    for row in range(rows):
        members = range(row * columns, min(len(sizes), (row + 1) * columns))
        caption = max((below[i].height for i in members), default=0) if below else 0
        air = base // 4 if caption else 0
        tall = max(height + air + caption, side[row].height if side else 0)
        for i in members:
            x = left + (i - row * columns) * (column_width + gap)
            h, w = fitted[i]
            boxes.append((x + (column_width - w) // 2, y + (height - h) // 2, w, h))
            if below:
                texts.append((below[i], (x, y + height + air, column_width, caption), "centre"))
        if side:
            top = y + max(0, (height - side[row].height) // 2)
            texts.append((side[row], (margin, top, left - margin - gap - base // 2, side[row].height), "right"))
        y += tall + gap
    _check_megapixels(full_width, y - gap + margin, columns, rows, (height, width), len(sizes), style)
    return Layout(full_width, y - gap + margin, columns, tuple(boxes), tuple(texts), style, fonts)


def draw(
    layout: Layout, pictures: Iterable[torch.Tensor], step: Callable[[int], object] = lambda done: None
) -> torch.Tensor:
    """The sheet as an IMAGE [1, H', W', 3]. pictures: [H, W, 1..4], in the sizes and order of the layout.

    A picture that keeps its size is copied bit for bit, clamped to 0..1; NaN becomes 0; what is transparent shows the
    paper. step: called with the number of pictures done.
    """
    canvas = Image.new("RGB", (layout.width, layout.height), layout.style.paper)
    for block, box, align in layout.texts:
        draw_block(canvas, block, layout.fonts, box, layout.style.ink, align)
    sheet = torch.from_numpy(np.array(canvas)).to(torch.float32).div_(255.0)
    paper = torch.tensor(layout.style.paper, dtype=torch.float32) / 255.0
    for done, (frame, (x, y, width, height)) in enumerate(zip(pictures, layout.boxes, strict=True), start=1):
        sheet[y : y + height, x : x + width] = resize(lay_on_paper(frame, paper), height, width)
        step(done)
    return sheet[None]


def resize(frame: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """[H, W, 3] -> [height, width, 3], bicubic, averaged when smaller. The same size is returned as it is."""
    if frame.shape[:2] == (height, width):
        return frame
    moved = frame.permute(2, 0, 1)[None]
    moved = torch.nn.functional.interpolate(moved, (height, width), mode="bicubic", antialias=True)
    return moved[0].permute(1, 2, 0).clamp(0.0, 1.0)


def fit_size(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    """(height, width) with the long side made `long_side` pixels, shape kept; unchanged for 0."""
    if not long_side or max(size) == long_side:
        return size
    ratio = long_side / max(size)
    return max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio))


def _column_width(texts: Sequence[str], fonts: Fonts, width: int, floor: int) -> int:
    """Pictures set the width of columns, but for small ones whose text has words that need more."""
    if width >= MIN_TEXT_WIDTH or not any(texts):
        return width
    words = {word for text in texts for word in text.split()}
    longest = max(math.ceil(fonts.width(word, floor)) for word in words) + 2
    return min(MIN_TEXT_WIDTH, max(width, longest))


def _chosen_columns(count: int, style: Style) -> int:
    """As many as there are headers; 0 where there are none."""
    if style.column_labels:
        return len(style.column_labels)
    return math.ceil(count / len(style.row_labels)) if style.row_labels else 0


def _columns(count: int, width: int, height: int, gap: int) -> int:
    """What makes the sheet nearly square with few empty places."""

    def badness(columns: int) -> float:
        rows = math.ceil(count / columns)
        shape = columns * (width + gap) / (rows * (height + gap))
        return abs(math.log(shape / SQUARE)) + EMPTY_COST * (rows * columns - count) / count

    return min(range(1, count + 1), key=badness)


def _set_all(texts: Sequence[str], fonts: Fonts, base: int, floor: int, width: int, lines: int) -> list[TextBlock]:
    """All texts at one size, so that none looks more important than another."""
    size = common_size(set(texts), fonts, width, base, floor, lines)
    return [set_text(text, fonts, size, width, FLOOR_LINES if size == floor else lines) for text in texts]


def _check(sizes: Sequence[tuple[int, int]], labels: Sequence[str], style: Style) -> None:
    if not sizes:
        raise ValueError("images: there is no picture. Connect at least one.")
    if any(min(size) < 1 for size in sizes):
        raise ValueError("images: a picture has no pixels. Check the node that made it.")
    for name, heads in (("column_labels", style.column_labels), ("row_labels", style.row_labels)):
        if len(heads) > MAX_LABELS:
            raise ValueError(f"{name}: these are {len(heads):,}; the limit is {MAX_LABELS:,}. Write fewer.")
    if labels and len(labels) != len(sizes):
        raise ValueError(
            f"labels: {len(labels)} for {count_things(len(sizes), 'picture')}. Give one for each, "
            "or connect them to column_labels or row_labels if they name columns or rows."
        )


def _check_grid(count: int, columns: int, rows: int, style: Style) -> None:
    for name, labels, expected in (
        ("column_labels", len(style.column_labels), columns),
        ("row_labels", len(style.row_labels), rows),
    ):
        if labels and labels != expected:
            raise ValueError(
                f"{name}: {labels}, but {count_things(count, 'picture')} in {count_things(columns, 'column')} and "
                f"{count_things(rows, 'row')}. "
                f"Give {expected}, or change columns."
            )


def _check_megapixels(
    width: int, height: int, columns: int, rows: int, cell: tuple[int, int], count: int, style: Style
) -> None:
    megapixels = width * height / 1e6
    if megapixels <= style.max_megapixels:
        return
    # With pictures scaled by s, a cell takes (s w + a) x (s h + b) pixels: solve for the s that just fits.
    h, w = cell
    a, b = width / columns - w, height / rows - h
    linear, constant = w * b + h * a, a * b - style.max_megapixels * 1e6 / (columns * rows)
    share = (math.sqrt(max(0.0, linear**2 - 4 * w * h * constant)) - linear) / (2 * w * h)
    smaller = int(FIT_MARGIN * max(cell) * share)
    remedy = f"set cell_size to {smaller} or less, " if smaller >= SMALLEST else ""
    raise ValueError(
        f"max_megapixels: {count_things(count, 'picture')} in {columns} x {rows} cells of {cell[1]} x {cell[0]} make a "
        f"sheet of {width} x {height} = {megapixels:.1f} megapixels, more than {style.max_megapixels:g}. "
        f"To go on, {remedy}show fewer pictures, or raise max_megapixels."
    )
