"""What the portraits wear: the shoulders and chest below the neck."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import skia

from .draw import Box, Color, Point, curve, fill, linear, polygon, rect, shade, stroke
from .words import CLOTHES

HEM = 262  # y below the picture's lower edge, where every piece ends
PAPER: Color = (250, 247, 240)  # of the comics
PANELS: tuple[Color, ...] = ((238, 72, 66), (70, 140, 232), (252, 206, 66), (86, 184, 118), (248, 146, 62))
# The panels' (left, top, right, bottom), relative to the middle of the neck.
FRAMES = (
    (-104, 10, -44, 70),
    (-44, 28, 4, 64),
    (4, 28, 52, 64),
    (52, 10, 104, 70),
    (-44, 64, 14, 110),
    (14, 64, 52, 110),
)
STAR = ((0, -17), (6, -6), (18, -8), (10, 3), (14, 15), (0, 8), (-14, 15), (-10, 3), (-18, -8), (-6, -6))


@dataclass(frozen=True)
class Bust:
    """Where a piece of clothing is drawn and in which colour: the neck meets the shoulders at (cx, y)."""

    canvas: skia.Canvas
    cx: float
    y: float
    color: Color
    random: Random

    @property
    def cloth(self) -> skia.Paint:
        """The colour, darker towards the hem."""
        return linear((0, self.y), (0, HEM), [shade(self.color, 1.1), shade(self.color, 0.84)])


def draw_clothes(canvas: skia.Canvas, name: str, cx: float, y: float, skin: Color, r: Random) -> None:
    """Draw the bare shoulders and over them the clothes `name` (a key of CLOTHES). The neck ends at (cx, y)."""
    canvas.drawPath(_torso(cx, y, 34, 26), linear((0, y), (0, 260), [skin, shade(skin, 0.86)]))
    bust = Bust(canvas, cx, y, CLOTHES[name], r)
    if name in _CUTS:
        _CUTS[name](bust)
    else:
        _draw_shirt(bust, _DETAILS[name])


def _torso(cx: float, y: float, neck: float, drop: float) -> skia.Path:
    """Shoulders from a neckline of half-width `neck`; `drop` pulls its middle down."""
    return curve(
        (cx - neck, y + 2),
        (cx - 62, y + 14, cx - 88, y + 22, cx - 98, 270),
        (cx + 98, 270),
        (cx + 88, y + 22, cx + 62, y + 14, cx + neck, y + 2),
        (cx + neck * 0.6, y + 2 + drop, cx - neck * 0.6, y + 2 + drop, cx - neck, y + 2),
        closed=True,
    )


def _neckline(cx: float, y: float) -> skia.Path:
    return curve((cx - 36, y + 2), (cx - 22, y + 32, cx + 22, y + 32, cx + 36, y + 2))


def _draw_crop_top(bust: Bust) -> None:
    canvas, cx, y = bust.canvas, bust.cx, bust.y
    path = curve(
        (cx - 58, y + 18),
        (cx - 44, y + 15),
        (cx - 40, y + 50, cx + 40, y + 50, cx + 44, y + 15),
        (cx + 58, y + 18),
        (cx + 62, y + 50, cx + 72, y + 60),
        (cx + 74, 270),
        (cx - 74, 270),
        (cx - 72, y + 60),
        (cx - 62, y + 50, cx - 58, y + 18),
        closed=True,
    )
    canvas.drawPath(path, bust.cloth)
    edge = curve((cx - 44, y + 17), (cx - 40, y + 51, cx + 40, y + 51, cx + 44, y + 17))
    canvas.drawPath(edge, stroke(shade(bust.color, 1.4), 5))


def _draw_dress(bust: Bust) -> None:
    canvas, cx, y = bust.canvas, bust.cx, bust.y
    path = curve(
        (cx - 66, y + 14),
        (cx - 40, y + 9),
        (cx - 26, y + 44, cx, y + 56),
        (cx + 26, y + 44, cx + 40, y + 9),
        (cx + 66, y + 14),
        (cx + 84, y + 50, cx + 86, 270),
        (cx - 86, 270),
        (cx - 84, y + 50, cx - 66, y + 14),
        closed=True,
    )
    canvas.drawPath(path, bust.cloth)
    edge = curve((cx - 40, y + 10), (cx - 26, y + 44, cx, y + 56), (cx + 26, y + 44, cx + 40, y + 10))
    canvas.drawPath(edge, stroke(shade(bust.color, 1.35), 5))


def _draw_turtleneck(bust: Bust) -> None:
    canvas, cx, y, color = bust.canvas, bust.cx, bust.y, bust.color
    canvas.drawPath(_torso(cx, y, 30, 2), bust.cloth)
    collar = curve(
        (cx - 29, y - 20),
        (cx, y - 8, cx + 29, y - 20),
        (cx + 33, y + 10),
        (cx, y + 22, cx - 33, y + 10),
        closed=True,
    )
    canvas.drawPath(collar, linear((0, y - 20), (0, y + 16), [shade(color, 1.25), color]))
    canvas.drawPath(curve((cx - 33, y + 10), (cx, y + 22, cx + 33, y + 10)), stroke(shade(color, 0.55), 4))


def _draw_shirt(bust: Bust, draw_details: Callable[[Bust], None]) -> None:
    """A piece that covers the whole chest, with details that stay inside it."""
    canvas, torso = bust.canvas, _torso(bust.cx, bust.y, 36, 30)
    canvas.drawPath(torso, bust.cloth)
    canvas.save()
    canvas.clipPath(torso, skia.ClipOp.kIntersect, True)
    draw_details(bust)
    canvas.restore()


def _draw_comics(bust: Bust) -> None:
    canvas, cx, y = bust.canvas, bust.cx, bust.y
    panels = list(PANELS)
    bust.random.shuffle(panels)
    for i, (x0, y0, x1, y1) in enumerate(FRAMES):
        color = panels[i % len(panels)]
        box = (cx + x0, y + y0, cx + x1, y + y1)
        canvas.drawRect(rect(*box), fill(color))
        _PRINTS[i % len(_PRINTS)](canvas, box, color)
        canvas.drawRect(rect(*box), stroke((44, 38, 52), 4))
    canvas.drawPath(_neckline(cx, y), stroke(PAPER, 11))


def _middle(box: Box) -> Point:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _print_dots(canvas: skia.Canvas, box: Box, color: Color) -> None:
    for k in range(4):
        x, y = box[0] + 18 + 18 * (k % 2), box[1] + 14 + 20 * (k // 2)
        canvas.drawCircle(x, y, 5, fill(shade(color, 1.5)))


def _print_star(canvas: skia.Canvas, box: Box, color: Color) -> None:
    x, y = _middle(box)
    canvas.drawPath(polygon([(x + dx, y + dy) for dx, dy in STAR]), fill((255, 250, 220)))


def _print_bubble(canvas: skia.Canvas, box: Box, color: Color) -> None:
    x, y = _middle(box)
    white = fill((255, 255, 255))
    canvas.drawOval(rect(x - 17, y - 11, x + 17, y + 9), white)
    canvas.drawPath(polygon([(x - 8, y + 5), (x + 2, y + 8), (x - 12, y + 18)]), white)


_PRINTS = (_print_dots, _print_star, _print_bubble)


def _knit_sweater(bust: Bust) -> None:
    canvas, cx, y, color = bust.canvas, bust.cx, bust.y, bust.color
    for i in range(-5, 6):
        canvas.drawLine(cx + i * 20, y, cx + i * 20, HEM, stroke(shade(color, 0.88), 4))
    canvas.drawPath(_neckline(cx, y), stroke(shade(color, 1.3), 13))


def _draw_hood(bust: Bust) -> None:
    canvas, cx, y = bust.canvas, bust.cx, bust.y
    hood = curve(
        (cx - 34, y + 4),
        (cx - 60, y + 12, cx - 48, y + 40, cx - 6, y + 46),
        (cx, y + 34),
        (cx + 6, y + 46),
        (cx + 48, y + 40, cx + 60, y + 12, cx + 34, y + 4),
        (cx + 22, y + 36, cx - 22, y + 36, cx - 34, y + 4),
        closed=True,
    )
    canvas.drawPath(hood, fill(shade(bust.color, 0.72)))
    for s in (-1, 1):
        canvas.drawLine(cx + s * 14, y + 42, cx + s * 15, y + 70, stroke((250, 250, 252), 5))


def _draw_lapels(bust: Bust) -> None:
    canvas, cx, y = bust.canvas, bust.cx, bust.y
    canvas.drawPath(polygon([(cx - 36, y), (cx + 36, y), (cx + 13, 270), (cx - 13, 270)]), fill((248, 244, 234)))
    for s in (-1, 1):
        lapel = polygon([(cx + s * 34, y), (cx + s * 54, y + 14), (cx + s * 40, y + 44), (cx + s * 14, HEM)])
        canvas.drawPath(lapel, fill(shade(bust.color, 0.78)))


def _draw_collar_and_buttons(bust: Bust) -> None:
    canvas, cx, y, color = bust.canvas, bust.cx, bust.y, bust.color
    for s in (-1, 1):
        collar = polygon([(cx + s * 30, y - 2), (cx + s * 50, y + 18), (cx + s * 24, y + 40), (cx, y + 22)])
        canvas.drawPath(collar, fill((255, 255, 255)))
        canvas.drawPath(collar, stroke(shade(color, 0.84), 3))
    canvas.drawLine(cx, y + 30, cx, HEM, stroke(shade(color, 0.82), 3))
    for k in (50, 78):
        canvas.drawCircle(cx + 6, y + k, 3.4, fill(shade(color, 0.72)))


# Clothes with a cut of their own, and the details of those that are cut like a shirt.
_CUTS: dict[str, Callable[[Bust], None]] = {
    "crop top": _draw_crop_top,
    "red dress": _draw_dress,
    "black turtleneck": _draw_turtleneck,
}
_DETAILS: dict[str, Callable[[Bust], None]] = {
    "comics printed shirt": _draw_comics,
    "white shirt": _draw_collar_and_buttons,
    "blue hoodie": _draw_hood,
    "yellow sweater": _knit_sweater,
    "green jacket": _draw_lapels,
}
