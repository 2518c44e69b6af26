"""The chart of Control Meter: a line for each control, and below it how much it adds at each step and layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageColor, ImageDraw

from ...text.fonts import PILLOW, Fonts
from ...text.lettering import draw_line, shorten
from ...text.letters import clean
from .readings import Shares, percent

WIDTH = 960
SCALE = 3  # lines are drawn this much larger, then averaged down
_LEFT, _RIGHT, _TOP, _CHART = 130, 930, 96, 220
_HEAD, _MAP, _GAP, _FOOT = 34, 150, 20, 56  # of a map: its title, its height at least, what follows; below all
_ROW = 7  # pixels of a layer at least
_INK, _QUIET, _GRID = "#1f2328", "#59636e", "#dde1e6"
# Okabe and Ito's palette, which colour-blind readers can tell apart.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")


def draw_shares(shares: Sequence[Shares], title: str) -> torch.Tensor:
    """IMAGE [1, height, WIDTH, 3] in 0..1. shares: one or more, of one schedule."""
    tops, top = [], _TOP + _CHART + _HEAD + 24
    for each in shares:
        tops.append(top + _HEAD)
        top += _HEAD + _map_height(each) + _GAP
    height, most = top + _FOOT - _GAP, max(max(each.steps) for each in shares) or 1.0
    large = Image.new("RGB", (WIDTH * SCALE, height * SCALE), "#ffffff")
    pen = ImageDraw.Draw(large)

    def point(step: int, share: float) -> tuple[float, float]:
        return _column(step, len(shares[0].steps))[2], _TOP + _CHART * (1.0 - share / most)

    def line(points: Sequence[tuple[float, float]], colour: str, width: float) -> None:
        pen.line([(x * SCALE, y * SCALE) for x, y in points], fill=colour, width=round(width * SCALE), joint="curve")

    for part in (0.0, 0.5, 1.0):
        y = _TOP + _CHART * (1.0 - part)
        line([(_LEFT, y), (_RIGHT, y)], _GRID, 1)
    for number, each in enumerate(shares):
        points, colour = [point(step, share) for step, share in enumerate(each.steps)], _colour(number)
        line(points, colour, 2.4)
        for x, y in points:
            pen.ellipse([c * SCALE for c in (x - 4.5, y - 4.5, x + 4.5, y + 4.5)], fill=colour)
    picture = large.resize((WIDTH, height), Image.Resampling.LANCZOS)
    for number, (each, top) in enumerate(zip(shares, tops, strict=True)):
        _draw_map(picture, each, top, _colour(number))
    _write(ImageDraw.Draw(picture), shares, tops, most, title)
    return torch.from_numpy(np.asarray(picture).copy()).float().div(255)[None]


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _column(step: int, count: int) -> tuple[float, float, float]:
    """Left, right and middle of a step."""
    width = (_RIGHT - _LEFT) / count
    return _LEFT + step * width, _LEFT + (step + 1) * width, _LEFT + (step + 0.5) * width


def _map_height(shares: Shares) -> int:
    rows = max(1, len(shares.layers))
    return rows * max(_ROW, _MAP // rows)


def _draw_map(picture: Image.Image, shares: Shares, top: int, colour: str) -> None:
    """White where nothing is added, the colour where most is."""
    pen, full = ImageDraw.Draw(picture), np.array(ImageColor.getrgb(colour), dtype=float)
    rows, count = max(1, len(shares.layers)), len(shares.steps)
    tall = _map_height(shares) / rows
    for step, cells in enumerate(shares.cells):
        left, right, _ = _column(step, count)
        for layer, cell in enumerate(cells):
            part = cell / shares.most if shares.most else 0.0
            fill = tuple(int(value) for value in np.round(255.0 + (full - 255.0) * part))
            box = (round(left), round(top + layer * tall), round(right) - 1, round(top + (layer + 1) * tall) - 1)
            pen.rectangle(box, fill=fill)
    pen.rectangle((_LEFT - 1, top - 1, _RIGHT, top + rows * tall), outline=_GRID)


def _write(pen: ImageDraw.ImageDraw, shares: Sequence[Shares], tops: Sequence[int], most: float, title: str) -> None:
    fonts = Fonts(first=PILLOW)

    def write(text: str, size: int, place: tuple[float, float], colour: str, right: bool = False) -> None:
        text = shorten(clean(text), fonts, size, WIDTH - 60 if not right else _LEFT - 20)
        x = place[0] - fonts.width(text, size) if right else place[0]
        draw_line(pen, text, fonts, size, (x, place[1]), colour)

    write(title, 20, (30, 36), _INK)
    write("what a control adds, in % of the size of the model's own values", 14, (30, 62), _QUIET)
    for part in (0.0, 0.5, 1.0):
        write(percent(most * part), 14, (_LEFT - 12, _TOP + _CHART * (1.0 - part) + 5), _QUIET, right=True)
    count = len(shares[0].steps)
    every = -(-count // 20)
    floors = [_TOP + _CHART, tops[-1] + _map_height(shares[-1])]
    for step in range(0, count, every):
        text, middle = str(step + 1), _column(step, count)[2]
        for floor in floors:
            write(text, 14, (middle - fonts.width(text, 14) / 2, floor + 24), _QUIET)
    write("step", 14, (_LEFT - 12, floors[0] + 24), _QUIET, right=True)
    for number, (each, top) in enumerate(zip(shares, tops, strict=True)):
        write(f"{each.title}; full colour: {percent(each.most)}", 14, (_LEFT, top - 12), _colour(number))
        if not each.layers:
            continue
        write(each.layers[0], 14, (_LEFT - 12, top + 14), _QUIET, right=True)
        write(each.layers[-1], 14, (_LEFT - 12, top + _map_height(each) - 2), _QUIET, right=True)
