"""Noise schedules on one chart, drawn with Pillow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw

from ..text.fonts import PILLOW, Fonts, embedded_font
from ..text.lettering import MAX_LETTERS, draw_line, shorten
from ..text.letters import clean
from .choices import AXES, MAX_SIZE, MIN_SIZE
from .plot_axis import PlotAxis, format_tick, make_axis, nice_step
from .process import NoiseProcess

SCALE = 3  # lines and markers are drawn this much larger, then averaged down
Point = tuple[float, float]


@dataclass(frozen=True)
class Theme:
    """Colours of a chart. Series: Okabe and Ito's palette, which colour-blind readers can tell apart."""

    background: str
    text: str
    quiet: str
    line: str
    grid: str
    minor: str
    series: tuple[str, ...]


LIGHT = Theme(
    "#ffffff",
    "#1f2328",
    "#59636e",
    "#8c959f",
    "#dde1e6",
    "#f0f2f4",
    ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"),
)
DARK = Theme(
    "#16181d",
    "#f0f2f4",
    "#a3adb8",
    "#6b7480",
    "#343a43",
    "#23272e",
    ("#56b4e9", "#e69f00", "#2fc596", "#e29bc4", "#f0e442", "#f07f3c"),
)


# The markers after the first: corners, degrees of the first corner, radius that looks as large as the circle's.
_POLYGONS = ((4, 45, 1.2), (3, -90, 1.3), (4, 0, 1.25), (3, 90, 1.3), (5, -90, 1.15))


@dataclass(frozen=True)
class Schedule:
    """One line of the chart: a name and its sigmas, float64 [N >= 1]."""

    name: str
    sigmas: torch.Tensor


def axis_values(sigmas: torch.Tensor, axis: str, process: NoiseProcess) -> list[Point]:
    """(step, value) of every step edge; for "step size" of every step, at its middle. Values may be infinite.

    sigmas: float64 [N >= 1]. axis: one of AXES.
    """
    if axis == "step size":
        sizes = (sigmas[:-1] - sigmas[1:]).abs()
        return [(i + 0.5, value) for i, value in enumerate(sizes.tolist())]
    if axis == "timestep":
        noisy = torch.where(sigmas > 0.0, sigmas, torch.ones_like(sigmas))
        values = torch.where(sigmas > 0.0, process.timestep(noisy), process.clean_timestep)
    else:
        values = {"sigma (log)": lambda s: s, "log-SNR": process.log_snr, "alpha_bar": process.alpha_bar}[axis](sigmas)
    return [(float(i), value) for i, value in enumerate(values.tolist())]


def axis_title(axis: str, process: NoiseProcess) -> str:
    """What stands below the chart's headline: the measure and its unit or formula."""
    return {
        "sigma (log)": "sigma, logarithmic scale",
        "log-SNR": "log-SNR: natural log of signal power / noise power",
        "alpha_bar": ", ".join(
            filter(None, ["alpha_bar: the picture's share of the variance", process.alpha_bar_formula])
        ),
        "timestep": f"timestep ({process.timestep_source})",
        "step size": "step size: sigma before minus sigma after each step, logarithmic scale",
    }[axis]


def draw_schedules(
    schedules: Sequence[Schedule],
    axis: str,
    process: NoiseProcess,
    title: str,
    width: int,
    height: int,
    dark: bool = False,
) -> torch.Tensor:
    """The chart as an IMAGE [1, height, width, 3] in 0..1. axis: one of AXES; width, height: pixels.

    Raises:
        ValueError: for an unknown axis, and for a size outside MIN_SIZE to MAX_SIZE.
    """
    if axis not in AXES:
        raise ValueError(f"axis: '{axis}' is not known. Choose one of: {', '.join(AXES)}.")
    if min(width, height) < MIN_SIZE or max(width, height) > MAX_SIZE:
        raise ValueError(f"width, height: {width} x {height} is not possible. Use {MIN_SIZE} to {MAX_SIZE} pixels.")
    theme = DARK if dark else LIGHT
    series = [axis_values(schedule.sigmas, axis, process) for schedule in schedules]
    logarithmic = axis in ("sigma (log)", "step size")
    below = "clean" if axis == "timestep" else "0" if logarithmic else "noise"
    scale = make_axis((value for points in series for _, value in points), logarithmic, below, "clean")
    if axis == "alpha_bar":
        scale = PlotAxis(-0.03, 1.03, False, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))
    chart = _Chart(width, height, theme, scale, max(1, *(len(s.sigmas) - 1 for s in schedules)))
    chart.place([_join_lines(schedule.name) for schedule in schedules])
    chart.draw_frame()
    for index, points in enumerate(series):
        chart.draw_series(points, index, len(series))
    picture = chart.finish(_join_lines(title), axis_title(axis, process))
    return torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255.0)[None]


class _Chart:
    """Layout and drawing of one chart. Coordinates are pixels of the finished picture."""

    def __init__(self, width: int, height: int, theme: Theme, scale: PlotAxis, steps: int) -> None:
        self.size, self.theme, self.scale, self.steps = (width, height), theme, scale, steps
        self.unit = max(11.0, min(width / 54.0, height / 32.0))  # height of a tick label
        self.picture = Image.new("RGB", (width * SCALE, height * SCALE), theme.background)
        self.pen = ImageDraw.Draw(self.picture)
        self.fonts = Fonts(first=PILLOW)  # the letters of the axes, so that a Latin title looks like them
        self.legend: list[tuple[float, float, str]] = []

    def place(self, names: Sequence[str]) -> None:
        """Find the places of title, legend and labels; what is left is the plot."""
        u, (width, height) = self.unit, self.size
        x, y, right = 1.5 * u, 5.3 * u, width - 1.5 * u
        for name in names:
            name = shorten(name, self.fonts, u, right - 1.5 * u - 3.2 * u)
            needed = 3.2 * u + self.fonts.width(name, u)
            if x > 1.5 * u and x + needed > right:
                x, y = 1.5 * u, y + 1.7 * u
            self.legend.append((x, y, name))
            x += needed + 1.6 * u
        labels = [format_tick(tick) for tick in self.scale.ticks] + [self.scale.below, self.scale.above]
        self.left = 2.3 * u + max(embedded_font(u).getlength(text) for text in labels)
        self.right, self.top, self.bottom = width - 1.8 * u, y + 1.6 * u, height - 3.6 * u
        self.band = 1.9 * u
        self.floor = self.bottom - (self.band if self.scale.below else 0.0)
        self.ceiling = self.top + (self.band if self.scale.above else 0.0)

    def x(self, step: float) -> float:
        """Pixels from the left at which a step edge lies."""
        margin = 0.6 * self.unit
        return self.left + margin + (self.right - self.left - 2 * margin) * step / self.steps

    def y(self, value: float) -> float:
        """Pixels from the top at which a value lies; the middle of a band for those beyond the scale."""
        if value == math.inf:
            return self.top + 0.5 * self.band
        if value == -math.inf or (self.scale.logarithmic and value <= 0.0):
            return self.bottom - 0.5 * self.band
        return self.floor - (self.floor - self.ceiling) * self.scale.fraction(value)

    def is_off_scale(self, value: float) -> bool:
        return math.isinf(value) or (self.scale.logarithmic and value <= 0.0)

    def step_ticks(self) -> list[int]:
        step = max(1, round(nice_step(self.steps, 10)))
        return list(range(0, self.steps + 1, step))

    def line(self, points: Sequence[Point], colour: str, width: float) -> None:
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self.pen.line(scaled, fill=colour, width=max(1, round(width * SCALE)), joint="curve")

    def dashes(self, start: Point, end: Point, colour: str, width: float, dash: float) -> None:
        length = math.dist(start, end)
        count = max(1, int(length / (2 * dash)))
        for i in range(count):
            a, b = (2 * i) / (2 * count), (2 * i + 1.1) / (2 * count)
            cut = [(start[0] + (end[0] - start[0]) * f, start[1] + (end[1] - start[1]) * f) for f in (a, b)]
            self.line(cut, colour, width)

    def draw_frame(self) -> None:
        hair = self.unit / 13.0
        for value in self.scale.minor:
            self.line([(self.left, self.y(value)), (self.right, self.y(value))], self.theme.minor, hair)
        for step in self.step_ticks():
            self.line([(self.x(step), self.top), (self.x(step), self.bottom)], self.theme.minor, hair)
        for value in self.scale.ticks:
            self.line([(self.left, self.y(value)), (self.right, self.y(value))], self.theme.grid, hair)
        for edge, present in ((self.floor, self.scale.below), (self.ceiling, self.scale.above)):
            if present:
                self.dashes((self.left, edge), (self.right, edge), self.theme.line, hair, 0.25 * self.unit)
        self.line(
            [(self.left, self.top), (self.left, self.bottom), (self.right, self.bottom)], self.theme.line, 1.4 * hair
        )

    def draw_series(self, points: Sequence[Point], index: int, count: int) -> None:
        """A line with markers. Later lines are thinner, so that equal schedules show through each other."""
        colour = self.theme.series[index]
        width = self.unit * (0.17 + 0.1 * (count - 1 - index) / max(1, count - 1))
        places = [(self.x(step), self.y(value)) for step, value in points]
        off_scale = [self.is_off_scale(value) for _, value in points]
        run: list[Point] = []
        for i, place in enumerate(places):
            if i and off_scale[i] != off_scale[i - 1]:
                self.dashes(places[i - 1], place, colour, width, 0.45 * self.unit)
                self.draw_run(run, colour, width)
                run = []
            run.append(place)
        self.draw_run(run, colour, width)
        spacing = (self.x(1) - self.x(0)) / (1.1 * self.unit)
        every = max(1, math.ceil(1.0 / spacing))
        for i, place in enumerate(places):
            if i % every == 0 or i == len(places) - 1 or off_scale[i]:
                self.marker(place, index, colour, 0.36 * self.unit)

    def draw_run(self, run: Sequence[Point], colour: str, width: float) -> None:
        if len(run) > 1:
            self.line(run, colour, width)

    def marker(self, place: Point, index: int, colour: str, radius: float) -> None:
        """Circle, square, triangle, diamond, triangle down or pentagon, ringed in the background colour."""
        for r, fill in ((radius + 0.1 * self.unit, self.theme.background), (radius, colour)):
            if index == 0:
                x, y = place
                self.pen.ellipse([c * SCALE for c in (x - r, y - r, x + r, y + r)], fill=fill)
                continue
            corners, turn, grow = _POLYGONS[index - 1]
            angles = [math.radians(turn + 360 * k / corners) for k in range(corners)]
            shape = [(place[0] + grow * r * math.cos(a), place[1] + grow * r * math.sin(a)) for a in angles]
            self.pen.polygon([(x * SCALE, y * SCALE) for x, y in shape], fill=fill)

    def write(self, pen: ImageDraw.ImageDraw, text: str, place: Point, size: float, colour: str) -> None:
        """Text in any language, which begins at `place` and has its middle at that height."""
        ascent, descent = embedded_font(size).getmetrics()
        draw_line(pen, text, self.fonts, size, (place[0], place[1] + (ascent - descent) / 2), colour)

    def finish(self, title: str, subtitle: str) -> Image.Image:
        """The picture, averaged down and only then written on: letters are sharper at their final size."""
        u, theme = self.unit, self.theme
        for index, (x, y, _) in enumerate(self.legend):
            self.line([(x, y), (x + 2.2 * u, y)], theme.series[index], 0.2 * u)
            self.marker((x + 1.1 * u, y), index, theme.series[index], 0.4 * u)
        picture = self.picture.resize(self.size, Image.Resampling.LANCZOS)
        pen = ImageDraw.Draw(picture)
        room = self.size[0] - 3 * u
        for text, size, y, colour in ((title, 1.5 * u, 1.7 * u, theme.text), (subtitle, u, 3.5 * u, theme.quiet)):
            self.write(pen, shorten(text, self.fonts, size, room), (1.5 * u, y), size, colour)
        for x, y, name in self.legend:
            self.write(pen, name, (x + 2.7 * u, y), u, theme.text)
        font = embedded_font(u)
        for value in self.scale.ticks:
            pen.text((self.left - 0.6 * u, self.y(value)), format_tick(value), fill=theme.quiet, font=font, anchor="rm")
        for text, value in ((self.scale.below, -math.inf), (self.scale.above, math.inf)):
            pen.text((self.left - 0.6 * u, self.y(value)), text, fill=theme.quiet, font=font, anchor="rm")
        for step in self.step_ticks():
            pen.text((self.x(step), self.bottom + 1.0 * u), str(step), fill=theme.quiet, font=font, anchor="mm")
        middle = (self.left + self.right) / 2
        pen.text((middle, self.bottom + 2.5 * u), "step", fill=theme.quiet, font=font, anchor="mm")
        return picture


def _join_lines(text: str) -> str:
    return " ".join(clean(text[: MAX_LETTERS + 1]).split())
