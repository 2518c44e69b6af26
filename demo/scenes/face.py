"""A portrait's features on a head that turns: brows, eyes, cheeks, nose and mouth, in six expressions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import skia

from .draw import Color, curve, fill, mix, oval, shade, spot, stroke

RADIUS = 56.0
TURN = 0.46  # radians at yaw 1
INK: Color = (62, 36, 44)
LIP: Color = (196, 70, 82)
THROAT: Color = (132, 28, 46)
TONGUE: Color = (246, 120, 124)


@dataclass(frozen=True)
class Head:
    """Where the head is and how it is turned: features lie on a ball of RADIUS round (x, y)."""

    x: float
    y: float
    yaw: float
    pitch: float  # pixels that the features move up

    def at(self, angle: float) -> tuple[float, float]:
        """Picture x of a feature at `angle` (radians from the face's middle) and its horizontal foreshortening."""
        turned = angle + self.yaw * TURN
        return self.x + RADIUS * math.sin(turned), max(0.42, math.cos(turned))

    @property
    def box(self) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) of the features in pixels."""
        mid = self.x + RADIUS * math.sin(self.yaw * TURN) * 0.8
        y = self.y - self.pitch
        return max(0, int(mid - 60)), max(0, int(y - 46)), min(256, int(mid + 60)), min(256, int(y + 68))


def _draw_eye(canvas: skia.Canvas, head: Head, side: int, expression: str, iris: Color, gaze: float) -> None:
    x, k = head.at(side * 0.46)
    y = head.y + 9 - head.pitch
    k = min(1.0, k * 1.1)
    if expression == "laughing":
        canvas.drawPath(curve((x - 14 * k, y + 5), (x, y - 15, x + 14 * k, y + 5)), stroke(INK, 6))
        return
    height = {"surprised": 20.0, "angry": 15.0, "sad": 15.5, "neutral": 16.0}.get(expression, 16.5)
    width = 16.0 * k
    white = skia.Path()
    white.addOval(skia.Rect.MakeLTRB(x - width, y - height, x + width, y + height))
    canvas.save()
    canvas.clipPath(white, skia.ClipOp.kIntersect, True)
    if expression == "angry":  # the lid slants down to the nose
        lid = curve(
            (x + side * 20, y - 12),
            (x - side * 20, y - 1),
            (x - side * 20, y + 30),
            (x + side * 20, y + 30),
            closed=True,
        )
        canvas.clipPath(lid, skia.ClipOp.kIntersect, True)
    if expression == "sad":
        lid = curve(
            (x - side * 20, y - 12),
            (x + side * 20, y - 1),
            (x + side * 20, y + 30),
            (x - side * 20, y + 30),
            closed=True,
        )
        canvas.clipPath(lid, skia.ClipOp.kIntersect, True)
    if expression == "neutral":
        canvas.clipRect(skia.Rect.MakeLTRB(x - 30, y - 12, x + 30, y + 30))
    if expression == "smiling":  # the cheeks push the lower lid up
        cheek = skia.Path()
        cheek.addOval(skia.Rect.MakeLTRB(x - 24, y + 11, x + 24, y + 44))
        canvas.clipPath(cheek, skia.ClipOp.kDifference, True)
    canvas.drawPaint(fill((255, 255, 255)))
    ix = x + head.yaw * 4 * k
    iy = y - gaze + (3 if expression == "sad" else 0)
    r = 8.5 if expression == "surprised" else 13.0
    oval(canvas, ix, iy, r * k, r * 1.12, fill(shade(iris, 0.72)))
    oval(canvas, ix, iy + 2, r * 0.82 * k, r * 0.85, fill(shade(iris, 1.12)))
    oval(canvas, ix, iy, r * 0.5 * k, r * 0.56, fill((26, 18, 30)))
    canvas.restore()
    canvas.drawCircle(ix + 3.8 * k, iy - 5, 4.2, fill((255, 255, 255)))
    if expression == "angry":
        canvas.drawLine(x + side * 13 * k, y - 10, x - side * 13 * k, y - 2, stroke(INK, 5))
    elif expression == "sad":
        canvas.drawLine(x - side * 12 * k, y - 10, x + side * 14 * k, y - 2, stroke(INK, 4.5))
    elif expression == "neutral":
        canvas.drawPath(curve((x - 16 * k, y - 8), (x, y - 17, x + 16 * k, y - 8)), stroke(INK, 5))
    else:
        corner, high = width * 0.98, y - height * 1.32
        lash = curve((x - corner, y - 6), (x - width * 0.6, high, x + width * 0.6, high, x + corner, y - 6))
        canvas.drawPath(lash, stroke(INK, 5.5))
        canvas.drawLine(x + side * corner, y - 6, x + side * (corner + 5), y - 11, stroke(INK, 4.5))


# Of a brow in each expression: its width and how far its inner end, middle and outer end lie below a line, in pixels.
_BROWS: dict[str, tuple[float, float, float, float]] = {
    "smiling": (6, 1, -10, 2),
    "laughing": (6, 1, -10, 2),
    "sad": (6, -6, -2, 9),
    "surprised": (6, -4, -18, -3),
    "neutral": (6, 2, -2, 2),
}


def _draw_brow(canvas: skia.Canvas, head: Head, side: int, expression: str, color: Color) -> None:
    x, k = head.at(side * 0.47)
    y = head.y - 21 - head.pitch
    inner, outer = x - side * 15 * k, x + side * 16 * k
    if expression == "angry":
        canvas.drawLine(inner, y + 13, outer, y - 4, stroke(color, 8))
        return
    width, start, middle, end = _BROWS[expression]
    canvas.drawPath(curve((inner, y + start), (x, y + middle, outer, y + end)), stroke(color, width))


def _draw_smile(canvas: skia.Canvas, x: float, y: float, k: float) -> None:
    canvas.drawPath(curve((x - 20 * k, y - 6), (x, y + 17, x + 20 * k, y - 6)), stroke(LIP, 6))


def _draw_laugh(canvas: skia.Canvas, x: float, y: float, k: float) -> None:
    mouth = curve(
        (x - 25 * k, y - 11),
        (x, y - 6, x + 25 * k, y - 11),
        (x + 22 * k, y + 24, x - 22 * k, y + 24, x - 25 * k, y - 11),
        closed=True,
    )
    canvas.drawPath(mouth, fill(THROAT))
    canvas.save()
    canvas.clipPath(mouth, skia.ClipOp.kIntersect, True)
    oval(canvas, x, y + 17, 13 * k, 9, fill(TONGUE))
    canvas.drawRect(skia.Rect.MakeLTRB(x - 30, y - 14, x + 30, y - 2), fill((255, 255, 255)))
    canvas.restore()
    canvas.drawPath(mouth, stroke(THROAT, 3))


def _draw_angry_mouth(canvas: skia.Canvas, x: float, y: float, k: float) -> None:
    canvas.drawPath(curve((x - 17 * k, y + 8), (x, y - 12, x + 17 * k, y + 8)), stroke((150, 40, 52), 7))


def _draw_sad_mouth(canvas: skia.Canvas, x: float, y: float, k: float) -> None:
    canvas.drawPath(curve((x - 13 * k, y + 7), (x, y - 7, x + 13 * k, y + 7)), stroke(LIP, 6))


def _draw_open_mouth(canvas: skia.Canvas, x: float, y: float, k: float) -> None:
    oval(canvas, x, y + 3, 10 * k, 14, fill(THROAT))
    oval(canvas, x, y + 10, 6 * k, 5, fill(TONGUE))


def _draw_straight_mouth(canvas: skia.Canvas, x: float, y: float, k: float) -> None:
    canvas.drawLine(x - 12 * k, y, x + 12 * k, y, stroke(LIP, 5.5))


# Each draws a mouth round (x, y); k is the horizontal foreshortening.
_MOUTHS: dict[str, Callable[[skia.Canvas, float, float, float], None]] = {
    "smiling": _draw_smile,
    "angry": _draw_angry_mouth,
    "sad": _draw_sad_mouth,
    "laughing": _draw_laugh,
    "surprised": _draw_open_mouth,
    "neutral": _draw_straight_mouth,
}


def _draw_mouth(canvas: skia.Canvas, head: Head, expression: str) -> None:
    x, k = head.at(0.0)
    _MOUTHS[expression](canvas, head.x + (x - head.x) * 0.92, head.y + 43 - head.pitch * 0.6, k)


def draw_brows(canvas: skia.Canvas, head: Head, expression: str, hair: Color) -> None:
    """Draw the brows. They come after the hair, so that a fringe never hides them."""
    for side in (-1, 1):
        _draw_brow(canvas, head, side, expression, mix(hair, INK, 0.5))


def draw_features(canvas: skia.Canvas, head: Head, expression: str, skin: Color, iris: Color, up: bool) -> None:
    """Draw eyes, cheeks, nose and mouth. What an expression changes lies inside `head.box`: the caller clips to it."""
    cheek = mix(skin, (250, 96, 96), 0.62 if sum(skin) > 450 else 0.4)
    flush = {"smiling": 0.75, "laughing": 0.95, "angry": 0.85, "surprised": 0.5}.get(expression, 0.35)
    for side in (-1, 1):
        x, k = head.at(side * 0.62)
        spot(canvas, x, head.y + 29 - head.pitch * 0.8, 17 * max(0.7, k), cheek, flush)
    if expression == "angry":
        x, _ = head.at(0)
        spot(canvas, x, head.y - 18 - head.pitch, 20, (226, 60, 60), 0.3)
    for side in (-1, 1):
        _draw_eye(canvas, head, side, expression, iris, 6.0 if up else 0.0)
    nx, _ = head.at(0)
    nx += head.yaw * 5
    ny = head.y + 26 - head.pitch
    canvas.drawPath(
        curve((nx - 5 + head.yaw * 3, ny - 1), (nx + head.yaw * 4, ny + 5, nx + 5 + head.yaw * 3, ny - 1)),
        stroke(shade(skin, 0.74), 4),
    )
    _draw_mouth(canvas, head, expression)
    if expression == "sad":
        side = -1 if head.yaw > 0 else 1
        x, _ = head.at(side * 0.55)
        y = head.y + 22 - head.pitch
        tear = curve(
            (x, y - 8), (x + 9, y + 6, x + 7, y + 13, x, y + 13), (x - 7, y + 13, x - 9, y + 6, x, y - 8), closed=True
        )
        canvas.drawPath(tear, fill((96, 178, 246)))
        canvas.drawCircle(x - 2, y + 6, 2.6, fill((226, 244, 255)))
