"""The contact sheet of a sweep's folder, its pictures read from the disk one at a time.

The first axis makes the rows, the second the columns, further ones blocks. An axis with one value makes nothing. A cell
without a picture shows why.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ...text.fonts import Fonts
from ...text.lettering import common_size, draw_block, line_height, prepare_label, set_text
from ..folder.manifest import Grid, Manifest
from ..folder.selection import find_varying_axes, read_picture, read_size, require_grid
from .labels import drop_shared_words
from .layout import FIT_MARGIN, SMALLEST, Layout, Style, draw, lay_out

ONE_ROW = 6  # the most pictures of a single axis that stand in one row, with headers instead of captions
LONG_LABEL = 32  # letters: headers of an axis with a longer one leave out what all of them share
NOT_MADE = "not made yet"
READERS = 4  # files that are read at once
TINT = 0.1  # of a tile with text, from the paper to its opposite


@dataclass(frozen=True)
class Tile:
    """What stands in one place of the sheet: the picture of `path`, else `text`. Without both it stays paper.

    size: (height, width) of the picture in pixels.
    """

    size: tuple[int, int]
    path: Path | None = None
    text: str = ""

    def draw(self, height: int, width: int, style: Style, fonts: Fonts) -> torch.Tensor:
        """[height, width, 3] in 0..1."""
        text = self.text
        if self.path is not None:
            try:
                return read_picture(self.path, (height, width))
            except ValueError as error:
                text = str(error)
        return _write_labels(text, height, width, style, fonts)


@dataclass(frozen=True)
class _Block:
    """The cells of one part of the sheet: rows and columns of the first two axes."""

    layout: Layout
    tiles: tuple[Tile, ...]


def draw_folder_sheet(
    manifest: Manifest,
    cell_size: int = 256,
    max_megapixels: float = 64.0,
    *,
    title: str = "",
    gap: int = 8,
    font_size: int = 0,
    dark: bool = False,
    enlarge: bool = True,
    fonts: Fonts | None = None,
    step: Callable[[int], object] = lambda done: None,
) -> torch.Tensor:
    """The sheet of the manifest's last grid as an IMAGE [1, H', W', 3] in 0..1.

    cell_size: pixels of the long side of each picture, 0 = as they are. Pictures are made smaller until the sheet has
    at most max_megapixels. title: "" = that of the grid. gap, font_size, dark: as in Style. enlarge: False = cell_size
    makes no picture larger. step: called with the number of cells drawn.

    Raises:
        ValueError: the manifest holds no grid, or the headings alone are too large.
    """
    grid = require_grid(manifest)
    fonts = fonts or Fonts()
    tiles = _tiles(manifest, grid)
    largest = max(max(tile.size) for tile in tiles.values())
    cell_size = cell_size if enlarge else min(cell_size, largest)
    style = Style(
        gap=gap, cell_size=cell_size, font_size=font_size, title=title or grid.title, dark=dark, max_megapixels=math.inf
    )
    while True:
        blocks, whole = _arrange(grid, tiles, style, fonts)
        megapixels = whole.width * whole.height / 1e6
        if megapixels <= max_megapixels:
            break
        smaller = int(FIT_MARGIN * (style.cell_size or largest) * math.sqrt(max_megapixels / megapixels))
        if smaller < SMALLEST:
            raise ValueError(
                f"max_megapixels: a sheet of {len(grid.cells)} cells is {whole.width} x {whole.height} pixels even "
                f"with pictures of {style.cell_size} pixels. Raise max_megapixels, or take fewer values."
            )
        style = replace(style, cell_size=smaller)
    count = itertools.count(1)

    def pictures(block: _Block) -> Iterator[torch.Tensor]:
        for picture in _draw_ahead(block, style, fonts):
            yield picture
            step(next(count))

    if len(blocks) == 1:
        return draw(whole, pictures(blocks[0]))
    return draw(whole, (draw(block.layout, pictures(block))[0] for block in blocks))


def _draw_ahead(block: _Block, style: Style, fonts: Fonts) -> Iterator[torch.Tensor]:
    """The tiles of a block in their order. A few files are read at once, and few are in memory."""
    waiting: deque[Future[torch.Tensor]] = deque()
    with ThreadPoolExecutor(READERS) as pool:
        for tile, (_, _, width, height) in zip(block.tiles, block.layout.boxes, strict=True):
            waiting.append(pool.submit(tile.draw, height, width, style, fonts))
            if len(waiting) > READERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def draw_notice(text: str) -> torch.Tensor:
    """A text in the place of a sheet, IMAGE [1, 192, 768, 3] in 0..1."""
    return _write_labels(text, 192, 768, Style(), Fonts())[None]


def _arrange(grid: Grid, tiles: dict[tuple[int, ...], Tile], style: Style, fonts: Fonts) -> tuple[list[_Block], Layout]:
    """The blocks of a sheet, and where they go on it; of a single block, where its pictures go."""
    axes = [_headers(grid.axes[i].labels) for i in find_varying_axes(grid)]
    inner, outer = axes[:2], axes[2:]
    places = list(itertools.product(*(range(len(labels)) for labels in inner)))
    empty = Tile(next(iter(tiles.values())).size)
    blocks = []
    for block in itertools.product(*(range(len(labels)) for labels in outer)):
        members = tuple(tiles.get((*place, *block), empty) for place in places)
        title = ", ".join(labels[i] for labels, i in zip(outer, block, strict=True)) if outer else style.title
        captions, own = _inner_style(inner, replace(style, title=title))
        blocks.append(_Block(lay_out([tile.size for tile in members], captions, own, fonts), members))
    if not outer:
        return blocks, blocks[0].layout
    columns = len(outer[-1]) if len(outer) > 1 else 0
    letters = max((block.size for part in blocks for block, _, _ in part.layout.texts), default=0)
    around = replace(style, cell_size=0, columns=columns, gap=3 * style.gap, font_size=letters)
    return blocks, lay_out([(block.layout.height, block.layout.width) for block in blocks], [], around, fonts)


def _inner_style(axes: Sequence[tuple[str, ...]], style: Style) -> tuple[tuple[str, ...], Style]:
    """Captions and style of one block."""
    if len(axes) == 2:
        return (), replace(style, columns=len(axes[1]), row_labels=axes[0], column_labels=axes[1])
    if axes and len(axes[0]) <= ONE_ROW:
        return (), replace(style, columns=len(axes[0]), column_labels=axes[0])
    return (axes[0] if axes else ()), style


def _headers(labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(drop_shared_words(labels) if max(map(len, labels)) > LONG_LABEL else labels)


def _tiles(manifest: Manifest, grid: Grid) -> dict[tuple[int, ...], Tile]:
    """By its place on the axes that vary, what each cell shows. One without a picture is as large as the largest."""
    axes = find_varying_axes(grid)
    found: dict[tuple[int, ...], tuple[Path | None, tuple[int, int] | None, str]] = {}
    for cell in grid.cells:
        done, last = manifest.finished(cell.key), manifest.state(cell.key)
        shown = last if manifest.is_damaged(cell.key) else done  # a damaged one says so on its tile
        path = manifest.folder / shown.file if shown and shown.file else None
        text = (last.error if last else None) or NOT_MADE
        found[tuple(cell.at[i] for i in axes)] = (path, read_size(path) if path else None, text)
    sizes = [size for _, size, _ in found.values() if size]
    largest = (max(h for h, _ in sizes), max(w for _, w in sizes)) if sizes else (256, 256)
    return {at: Tile(size or largest, path, text) for at, (path, size, text) in found.items()}


def _write_labels(text: str, height: int, width: int, style: Style, fonts: Fonts) -> torch.Tensor:
    """A plain tile [height, width, 3] with `text` in its middle, as much as fits; paper where there is no text."""
    tint = tuple(round((1 - TINT) * part + TINT * (255 - part)) for part in style.paper)
    canvas = Image.new("RGB", (width, height), tint if text else style.paper)
    margin = max(2, min(height, width) // 16)
    box_width, box_height = width - 2 * margin, height - 2 * margin
    base = max(10, min(24, round(width / 14)))
    lines = max(1, box_height // line_height(base))
    size = common_size([prepare_label(text)], fonts, box_width, base, max(8, round(0.6 * base)), lines)
    block = set_text(prepare_label(text), fonts, size, box_width, max(1, box_height // line_height(size)))
    top = margin + max(0, (box_height - block.height) // 2)
    draw_block(canvas, block, fonts, (margin, top, box_width, height - margin - top), style.ink)
    return torch.from_numpy(np.array(canvas)).to(torch.float32).div_(255.0)
