"""Small helpers over skia: colours, paints, paths and gradients. Coordinates are pixels of a 256 x 256 picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import skia

SIZE = 256
Color = tuple[float, float, float]
Point = tuple[float, float]
Box = tuple[float, float, float, float]


def ink(color: Color, alpha: float = 1.0) -> int:
    """A colour of 0..255 a channel as skia's number; alpha 0..1."""
    r, g, b = (max(0, min(255, int(v))) for v in color)
    return skia.Color(r, g, b, max(0, min(255, int(255 * alpha))))


def mix(a: Color, b: Color, t: float) -> Color:
    """From colour `a` (t = 0) to colour `b` (t = 1)."""
    return (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t)


def shade(color: Color, factor: float) -> Color:
    """Darker (< 1) towards a cool shadow, lighter (> 1) towards a warm white."""
    return mix((38, 24, 58), color, factor) if factor <= 1 else mix(color, (255, 250, 240), factor - 1)


def fill(color: Color, alpha: float = 1.0) -> skia.Paint:
    """The paint that fills a shape."""
    return skia.Paint(AntiAlias=True, Color=ink(color, alpha))


def stroke(color: Color, width: float, alpha: float = 1.0) -> skia.Paint:
    """The paint that draws a line of `width` pixels, round at its ends."""
    paint = fill(color, alpha)
    paint.setStyle(skia.Paint.kStroke_Style)
    paint.setStrokeWidth(width)
    paint.setStrokeCap(skia.Paint.kRound_Cap)
    paint.setStrokeJoin(skia.Paint.kRound_Join)
    return paint


def linear(p0: Point, p1: Point, colors: Sequence[Color], stops: Sequence[float] | None = None) -> skia.Paint:
    """A gradient from p0 to p1, with the colours evenly spread or at `stops` of 0..1."""
    shader = skia.GradientShader.MakeLinear([p0, p1], [ink(c) for c in colors], list(stops) if stops else [])
    return skia.Paint(AntiAlias=True, Shader=shader)


def glow(centre: Point, radius: float, color: Color, alpha: float = 1.0) -> skia.Paint:
    """A spot fading to nothing at `radius`."""
    shader = skia.GradientShader.MakeRadial(centre, radius, [ink(color, alpha), ink(color, 0)])
    return skia.Paint(AntiAlias=True, Shader=shader)


def spot(canvas: skia.Canvas, x: float, y: float, radius: float, color: Color, alpha: float = 1.0) -> None:
    """Draw a round spot that fades to nothing at `radius`."""
    canvas.drawCircle(x, y, radius, glow((x, y), radius, color, alpha))


def polygon(points: Sequence[Point], closed: bool = True) -> skia.Path:
    """A path along straight lines."""
    path = skia.Path()
    path.addPoly([skia.Point(*p) for p in points], closed)
    return path


def curve(start: Point, *cubics: Box | tuple[float, ...], closed: bool = False) -> skia.Path:
    """A path: 2 numbers = line, 4 = quadratic, 6 = cubic segment."""
    path = skia.Path()
    path.moveTo(*start)
    for c in cubics:
        if len(c) == 2:
            path.lineTo(*c)
        elif len(c) == 4:
            path.quadTo(*c)
        else:
            path.cubicTo(*c)
    if closed:
        path.close()
    return path


def rect(x0: float, y0: float, x1: float, y1: float) -> skia.Rect:
    """A rectangle by its left, top, right and bottom."""
    return skia.Rect.MakeLTRB(x0, y0, x1, y1)


def oval(canvas: skia.Canvas, x: float, y: float, rx: float, ry: float, paint: skia.Paint) -> None:
    """Draw an oval round (x, y)."""
    canvas.drawOval(rect(x - rx, y - ry, x + rx, y + ry), paint)


def round_rect(canvas: skia.Canvas, box: Box, radius: float, paint: skia.Paint) -> None:
    """Draw a rectangle (left, top, right, bottom) with round corners."""
    canvas.drawRoundRect(rect(*box), radius, radius, paint)


def band(canvas: skia.Canvas, y0: float, y1: float, top: Color, bottom: Color) -> None:
    """Draw a band over the whole width, from y0 down to y1, with a vertical gradient."""
    canvas.drawRect(rect(0, y0, SIZE, y1), linear((0, y0), (0, y1), [top, bottom]))


def new_canvas(scale: int = 1) -> tuple[skia.Surface, skia.Canvas]:
    """A surface of SIZE * scale pixels a side whose canvas is drawn on in units of SIZE."""
    surface = skia.Surface(SIZE * scale, SIZE * scale)
    canvas = surface.getCanvas()
    canvas.scale(scale, scale)
    return surface, canvas


def pixels(surface: skia.Surface) -> np.ndarray:
    """The drawing as uint8 [H, W, 3] RGB."""
    rgba = surface.makeImageSnapshot().toarray(colorType=skia.kRGBA_8888_ColorType)
    return np.ascontiguousarray(rgba[..., :3])
