"""Hair of the portraits, and the turban. Drawn in layers: behind the body, over the face, over the shoulders."""

from __future__ import annotations

import skia

from .draw import Color, curve, fill, linear, oval, shade, stroke
from .face import Head


def draw_back_hair(canvas: skia.Canvas, head: Head, style: str, hair: Color) -> None:
    """Draw the hair behind the head and the shoulders."""
    x, y = head.x - head.yaw * 9, head.y
    if style == "bun":
        _draw_bun(canvas, head.x - head.yaw * 26, y, hair)
    paint = linear((0, y - 60), (0, y + 110), [shade(hair, 0.9), shade(hair, 0.66)])
    canvas.drawPath(_BACKS[style](x, y), paint)


def _long_back(x: float, y: float) -> skia.Path:
    return curve(
        (x - 66, y - 10),
        (x - 72, y - 92, x + 72, y - 92, x + 66, y - 10),
        (x + 74, y + 40, x + 88, y + 90, x + 74, y + 128),
        (x, y + 146, x - 74, y + 128),
        (x - 88, y + 90, x - 74, y + 40, x - 66, y - 10),
        closed=True,
    )


def _braided_back(x: float, y: float) -> skia.Path:
    return curve(
        (x - 64, y - 10),
        (x - 70, y - 90, x + 70, y - 90, x + 64, y - 10),
        (x + 70, y + 40, x + 52, y + 76, x, y + 78),
        (x - 52, y + 76, x - 70, y + 40, x - 64, y - 10),
        closed=True,
    )


def _short_back(x: float, y: float) -> skia.Path:
    return curve(
        (x - 68, y - 10),
        (x - 74, y - 92, x + 74, y - 92, x + 68, y - 10),
        (x + 76, y + 30, x + 78, y + 52, x + 66, y + 66),
        (x + 30, y + 74, x, y + 60),
        (x - 30, y + 74, x - 66, y + 66),
        (x - 78, y + 52, x - 76, y + 30, x - 68, y - 10),
        closed=True,
    )


def _bun_back(x: float, y: float) -> skia.Path:
    return curve(
        (x - 61, y - 8),
        (x - 66, y - 88, x + 66, y - 88, x + 61, y - 8),
        (x + 58, y + 34, x + 40, y + 56, x, y + 58),
        (x - 40, y + 56, x - 58, y + 34, x - 61, y - 8),
        closed=True,
    )


_BACKS = {"long": _long_back, "braided": _braided_back, "short": _short_back, "bun": _bun_back}


def _draw_bun(canvas: skia.Canvas, x: float, y: float, hair: Color) -> None:
    oval(canvas, x, y - 76, 31, 27, linear((0, y - 104), (0, y - 50), [shade(hair, 1.12), shade(hair, 0.74)]))
    canvas.drawPath(curve((x - 17, y - 84), (x - 4, y - 98, x + 15, y - 86)), stroke(shade(hair, 1.3), 5, 0.8))


def draw_front_hair(canvas: skia.Canvas, head: Head, style: str, hair: Color) -> None:
    """Draw the hair over the forehead and beside the face."""
    x, y, t = head.x, head.y, head.yaw
    part = x + t * 24 + 9  # the parting follows the turn
    lift = head.pitch * 1.5
    left, right = x - 61 - t * 4, x + 61 - t * 4
    top = y - 86
    hang = {"bun": 4.0, "short": 44.0, "long": 50.0, "braided": 34.0}[style]
    paint = linear((0, top), (0, y + 40), [shade(hair, 1.14), hair, shade(hair, 0.86)], [0.0, 0.5, 1.0])
    wide = 12 * (1 + 0.8 * t)  # the lock on the side turned away grows, the other thins out
    narrow = 12 * (1 - 0.8 * t)
    path = curve(
        (left, y + hang * 0.4),
        (left - 8, top - 6, right + 8, top - 6, right, y + hang * 0.4),
        (right + 3, y + hang, right - 2, y + hang + 8, right - 3, y + hang + 10),
        (right - narrow - 4, y + hang - 8, right - narrow, y + 4, right - narrow - 3, y - 12),
        (right - narrow - 10, y - 22 - lift, part + 16, y - 22 - lift, part, y - 42 - lift),
        (part - 20, y - 12 - lift, left + wide + 30, y - 16 - lift, left + wide + 2, y - 4 - lift),
        (left + wide, y + 4, left + wide + 4, y + hang - 8, left + 3, y + hang + 10),
        (left + 2, y + hang + 8, left - 3, y + hang, left, y + hang * 0.4),
        closed=True,
    )
    canvas.drawPath(path, paint)
    canvas.save()
    canvas.clipPath(path, skia.ClipOp.kIntersect, True)
    shine = stroke(shade(hair, 1.38), 6, 0.75)
    canvas.drawPath(curve((left + 15, y - 36), (left + 22, y - 56, part - 26, y - 63)), shine)
    canvas.drawPath(
        curve((part + 22, y - 59), (right - 30, y - 54, right - 22, y - 42)), stroke(shade(hair, 1.3), 5, 0.5)
    )
    canvas.drawPath(
        curve((part, y - 43 - lift), (part - 3, y - 58, part - t * 8, y - 69)), stroke(shade(hair, 0.72), 3.5)
    )
    canvas.restore()


def draw_over_hair(canvas: skia.Canvas, head: Head, style: str, hair: Color) -> None:
    """Draw what falls over the shoulders: two braids, or the locks of long hair."""
    if style in _LOCKS:
        for side in (-1, 1):
            _LOCKS[style](canvas, head, side, hair)


def _draw_braid(canvas: skia.Canvas, head: Head, side: int, hair: Color) -> None:
    x0 = head.x + side * 60 - head.yaw * 8
    for k in range(5):
        x, y, width = x0 + side * (4 + 2.2 * k), head.y + 50 + 24 * k, 17 - k
        for s in (-1, 1):
            plait = curve(
                (x + s * width, y - 12),
                (x + s * (width + 3), y + 10, x, y + 16),
                (x - s * 5, y + 4, x - s * 3, y - 8, x + s * width, y - 12),
                closed=True,
            )
            lit, dark = (1.15, 0.74) if s == 1 else (1.0, 0.64)
            canvas.drawPath(plait, linear((0, y - 12), (0, y + 16), [shade(hair, lit), shade(hair, dark)]))


def _draw_lock(canvas: skia.Canvas, head: Head, side: int, hair: Color) -> None:
    x, y = head.x + side * 62 - head.yaw * 8, head.y
    lock = curve(
        (x - side * 9, y + 20),
        (x - side * 10, y + 70, x - side * 16, y + 104, x - side * 4, y + 134),
        (x + side * 20, y + 128),
        (x + side * 22, y + 80, x + side * 10, y + 50, x, y + 10),
        closed=True,
    )
    canvas.drawPath(lock, linear((0, y + 10), (0, y + 130), [shade(hair, 0.93), shade(hair, 0.8)]))
    strand = curve((x + side * 2, y + 50), (x + side * 1, y + 84, x + side * 6, y + 112))
    canvas.drawPath(strand, stroke(shade(hair, 1.25), 4.5, 0.55))


_LOCKS = {"braided": _draw_braid, "long": _draw_lock}


BLUE: Color = (54, 104, 188)
GOLD: Color = (242, 196, 84)


def draw_turban_tail(canvas: skia.Canvas, head: Head) -> None:
    """Draw the yellow cloth that hangs down behind the head."""
    side = -1 if head.yaw > 0 else 1
    x, y = head.x + side * 30, head.y
    tail = curve(
        (x - side * 6, y - 80),
        (x + side * 40, y - 92, x + side * 52, y - 40, x + side * 46, y + 30),
        (x + side * 50, y + 80, x + side * 30, y + 110),
        (x + side * 10, y + 96),
        (x + side * 24, y + 30, x + side * 8, y - 20),
        closed=True,
    )
    canvas.drawPath(tail, linear((0, y - 90), (0, y + 110), [shade(GOLD, 1.15), shade(GOLD, 0.72)]))
    for k in (14, 28):
        canvas.drawPath(
            curve((x + side * k, y - 66), (x + side * (k + 12), y - 10, x + side * (k + 6), y + 84)),
            stroke(shade(GOLD, 0.78), 4),
        )


def draw_turban(canvas: skia.Canvas, head: Head) -> None:
    """Draw the blue bands round the head, and the pearl at the nearer ear."""
    x, y, t = head.x, head.y - head.pitch * 0.3, head.yaw
    path = curve(
        (x - 62, y - 4),
        (x - 78, y - 104, x + 78, y - 104, x + 62, y - 4),
        (x + 44, y - 36, x + t * 16 + 20, y - 44, x + t * 16, y - 44),
        (x + t * 16 - 20, y - 44, x - 44, y - 36, x - 62, y - 4),
        closed=True,
    )
    canvas.drawPath(path, linear((0, y - 88), (0, y - 10), [shade(BLUE, 1.2), BLUE, shade(BLUE, 0.7)], [0, 0.5, 1.0]))
    canvas.drawPath(curve((x - 60, y - 28), (x - 20 + t * 16, y - 68, x + 56, y - 54)), stroke(shade(BLUE, 1.32), 6))
    canvas.drawPath(curve((x - 46, y - 56), (x - 10 + t * 16, y - 84, x + 40, y - 74)), stroke(shade(BLUE, 0.72), 4.5))
    canvas.drawPath(curve((x + 60, y - 22), (x + 20 + t * 16, y - 62, x - 30, y - 40)), stroke(shade(BLUE, 0.76), 4))
    side = -1 if t > 0 else 1
    px, py = x + side * 54 - t * 10, head.y + 46 - head.pitch * 0.4
    canvas.drawLine(px, py - 20, px, py - 6, stroke(GOLD, 3.5))
    canvas.drawCircle(px, py, 10.5, linear((px - 8, py - 8), (px + 8, py + 10), [(255, 255, 255), (190, 196, 214)]))
    canvas.drawCircle(px - 3, py - 4, 3.4, fill((255, 255, 255)))
