"""What the portraits wear: the shoulders and chest below the neck."""

from __future__ import annotations

from random import Random

import skia

from .draw import Color, curve, fill, linear, polygon, rect, shade, stroke
from .words import CLOTHES


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


def _comics(canvas: skia.Canvas, cx: float, y: float, r: Random) -> None:
    panels: list[Color] = [(238, 72, 66), (70, 140, 232), (252, 206, 66), (86, 184, 118), (248, 146, 62)]
    r.shuffle(panels)
    frames = [
        (-104, 10, -44, 70),
        (-44, 28, 4, 64),
        (4, 28, 52, 64),
        (52, 10, 104, 70),
        (-44, 64, 14, 110),
        (14, 64, 52, 110),
    ]
    for i, (x0, y0, x1, y1) in enumerate(frames):
        color = panels[i % 5]
        box = rect(cx + x0, y + y0, cx + x1, y + y1)
        canvas.drawRect(box, fill(color))
        mx, my = cx + (x0 + x1) / 2, y + (y0 + y1) / 2
        if i % 3 == 0:
            for k in range(4):
                canvas.drawCircle(
                    cx + x0 + 12 + 18 * (k % 2) + 6, y + y0 + 14 + 20 * (k // 2), 5, fill(shade(color, 1.5))
                )
        elif i % 3 == 1:
            star = [
                (mx, my - 17),
                (mx + 6, my - 6),
                (mx + 18, my - 8),
                (mx + 10, my + 3),
                (mx + 14, my + 15),
                (mx, my + 8),
                (mx - 14, my + 15),
                (mx - 10, my + 3),
                (mx - 18, my - 8),
                (mx - 6, my - 6),
            ]
            canvas.drawPath(polygon(star), fill((255, 250, 220)))
        else:
            canvas.drawOval(rect(mx - 17, my - 11, mx + 17, my + 9), fill((255, 255, 255)))
            canvas.drawPath(polygon([(mx - 8, my + 5), (mx + 2, my + 8), (mx - 12, my + 18)]), fill((255, 255, 255)))
        canvas.drawRect(box, stroke((44, 38, 52), 4))


def draw_clothes(canvas: skia.Canvas, name: str, cx: float, y: float, skin: Color, r: Random) -> None:
    """`y` is where the neck meets the shoulders."""
    color = CLOTHES[name]
    chest = linear((0, y), (0, 262), [shade(color, 1.1), shade(color, 0.84)])
    canvas.drawPath(_torso(cx, y, 34, 26), linear((0, y), (0, 260), [skin, shade(skin, 0.86)]))
    if name == "crop top":
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
        canvas.drawPath(path, chest)
        canvas.drawPath(
            curve((cx - 44, y + 17), (cx - 40, y + 51, cx + 40, y + 51, cx + 44, y + 17)), stroke(shade(color, 1.4), 5)
        )
        return
    if name == "red dress":
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
        canvas.drawPath(path, chest)
        canvas.drawPath(
            curve((cx - 40, y + 10), (cx - 26, y + 44, cx, y + 56), (cx + 26, y + 44, cx + 40, y + 10)),
            stroke(shade(color, 1.35), 5),
        )
        return
    if name == "black turtleneck":
        canvas.drawPath(_torso(cx, y, 30, 2), chest)
        collar = curve(
            (cx - 29, y - 20),
            (cx, y - 8, cx + 29, y - 20),
            (cx + 33, y + 10),
            (cx, y + 22, cx - 33, y + 10),
            closed=True,
        )
        canvas.drawPath(collar, linear((0, y - 20), (0, y + 16), [shade(color, 1.25), color]))
        canvas.drawPath(curve((cx - 33, y + 10), (cx, y + 22, cx + 33, y + 10)), stroke(shade(color, 0.55), 4))
        return
    torso = _torso(cx, y, 36, 30)
    canvas.drawPath(torso, chest)
    canvas.save()
    canvas.clipPath(torso, skia.ClipOp.kIntersect, True)
    if name == "comics printed shirt":
        _comics(canvas, cx, y, r)
        canvas.drawPath(
            curve((cx - 36, y + 2), (cx - 22, y + 32, cx + 22, y + 32, cx + 36, y + 2)), stroke((250, 247, 240), 11)
        )
    elif name == "yellow sweater":
        for i in range(-5, 6):
            canvas.drawLine(cx + i * 20, y, cx + i * 20, 262, stroke(shade(color, 0.88), 4))
        canvas.drawPath(
            curve((cx - 36, y + 2), (cx - 22, y + 32, cx + 22, y + 32, cx + 36, y + 2)), stroke(shade(color, 1.3), 13)
        )
    elif name == "blue hoodie":
        canvas.drawPath(
            curve(
                (cx - 34, y + 4),
                (cx - 60, y + 12, cx - 48, y + 40, cx - 6, y + 46),
                (cx, y + 34),
                (cx + 6, y + 46),
                (cx + 48, y + 40, cx + 60, y + 12, cx + 34, y + 4),
                (cx + 22, y + 36, cx - 22, y + 36, cx - 34, y + 4),
                closed=True,
            ),
            fill(shade(color, 0.72)),
        )
        for s in (-1, 1):
            canvas.drawLine(cx + s * 14, y + 42, cx + s * 15, y + 70, stroke((250, 250, 252), 5))
    elif name == "green jacket":
        canvas.drawPath(polygon([(cx - 36, y), (cx + 36, y), (cx + 13, 270), (cx - 13, 270)]), fill((248, 244, 234)))
        for s in (-1, 1):
            lapel = polygon([(cx + s * 34, y), (cx + s * 54, y + 14), (cx + s * 40, y + 44), (cx + s * 14, 262)])
            canvas.drawPath(lapel, fill(shade(color, 0.78)))
    else:
        for s in (-1, 1):
            collar = polygon([(cx + s * 30, y - 2), (cx + s * 50, y + 18), (cx + s * 24, y + 40), (cx, y + 22)])
            canvas.drawPath(collar, fill((255, 255, 255)))
            canvas.drawPath(collar, stroke(shade(color, 0.84), 3))
        canvas.drawLine(cx, y + 30, cx, 262, stroke(shade(color, 0.82), 3))
        for k in (50, 78):
            canvas.drawCircle(cx + 6, y + k, 3.4, fill(shade(color, 0.72)))
    canvas.restore()
