"""The curve of a search as a picture: what was looked at, and where the wanted value is reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw

from ...text.fonts import PILLOW, Fonts, embedded_font
from ...text.lettering import draw_line, shorten
from ...text.letters import clean
from .search import Search

WIDTH, HEIGHT = 768, 432
SCALE = 3  # lines are drawn this much larger, then averaged down
_LEFT, _TOP, _RIGHT, _BOTTOM = 64, 84, 736, 376
_INK, _QUIET, _GRID, _LINE, _FOUND = "#1f2328", "#59636e", "#dde1e6", "#0072b2", "#d55e00"


def draw_curve(search: Search, labels: Sequence[str], wanted: float, title: str) -> torch.Tensor:
    """IMAGE [1, HEIGHT, WIDTH, 3] in 0..1. labels: of all values of the axis."""
    places = sorted(search.tried)
    low, high = min(0.0, *search.tried.values()), max(1.0, *search.tried.values())

    def point(place: float, value: float) -> tuple[float, float]:
        x = _LEFT + (_RIGHT - _LEFT) * place / max(1, len(labels) - 1)
        return x, _BOTTOM - (_BOTTOM - _TOP) * (value - low) / (high - low)

    large = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), "#ffffff")
    pen = ImageDraw.Draw(large)

    def line(points: Sequence[tuple[float, float]], colour: str, width: float) -> None:
        pen.line([(x * SCALE, y * SCALE) for x, y in points], fill=colour, width=round(width * SCALE), joint="curve")

    last = len(labels) - 1
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        line([point(0, value), point(last, value)], _GRID, 1)
    line([point(0, wanted), point(last, wanted)], _FOUND, 1.4)
    line([point(place, search.tried[place]) for place in places], _LINE, 2.4)
    for place in places:
        x, y = point(place, search.tried[place])
        radius = 7 if place == search.found else 4.5
        colour = _FOUND if place == search.found else _LINE
        pen.ellipse([c * SCALE for c in (x - radius, y - radius, x + radius, y + radius)], fill=colour)
    picture = large.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    _write(ImageDraw.Draw(picture), point, labels, search, wanted, title)
    return torch.from_numpy(np.asarray(picture).copy()).float().div(255)[None]


def _write(
    pen: ImageDraw.ImageDraw,
    point: Callable[[float, float], tuple[float, float]],
    labels: Sequence[str],
    search: Search,
    wanted: float,
    title: str,
) -> None:
    fonts = Fonts(first=PILLOW)
    draw_line(pen, shorten(clean(title), fonts, 20, WIDTH - 60), fonts, 20, (30, 36), _INK)
    subtitle = f"how much of the mood each picture has; wanted: {wanted:g}"
    draw_line(pen, subtitle, fonts, 14, (30, 60), _QUIET)
    for value in (0.0, 0.5, 1.0):
        x, y = point(0, value)
        pen.text((x - 10, y), f"{value:g}", fill=_QUIET, font=embedded_font(14), anchor="rm")
    shown = {0, len(labels) - 1, *(() if search.found is None else (search.found,))}
    for place in sorted(shown):
        text = shorten(clean(labels[place]), fonts, 14, 150)
        width = fonts.width(text, 14)
        x = min(max(point(place, 0)[0] - width / 2, 8), WIDTH - 8 - width)
        level = _BOTTOM + (44 if place == search.found and place not in (0, len(labels) - 1) else 24)
        draw_line(pen, text, fonts, 14, (x, level), _FOUND if place == search.found else _QUIET)
