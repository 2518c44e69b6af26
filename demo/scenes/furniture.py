"""The movable things of the rooms: rug, chair, table with what stands on it, lamps."""

from __future__ import annotations

import skia

from .draw import Color, curve, fill, oval, polygon, rect, shade, spot, stroke
from .palettes import RoomPalette
from .perspective import Stage

Layout = dict[str, float]


def draw_rug(stage: Stage, layout: Layout, p: RoomPalette, room: str) -> None:
    """Draw the rug under the table of an office."""
    if "office" not in room:
        return
    b, tx, tw = layout["bottom"], layout["table_x"], layout["table_width"]
    x0, x1 = tx - tw * 0.62, tx + tw * 0.62
    stage.face(
        [(x0, b, 0.36), (x1, b, 0.36), (x1, b, 0.76), (x0, b, 0.76)],
        shade(p.accent, 0.9 if "classical" in room else 1.3),
    )
    stage.face(
        [(x0 + 5, b, 0.39), (x1 - 5, b, 0.39), (x1 - 5, b, 0.71), (x0 + 5, b, 0.71)],
        shade(p.accent, 1.25 if "classical" in room else 1.55),
    )


def draw_chair(stage: Stage, layout: Layout, p: RoomPalette, room: str) -> None:
    """Draw a chair beside the table, its back away from it."""
    side, b = layout["side"], layout["bottom"]
    edge = layout["table_x"] + side * (layout["table_width"] / 2 + 3)
    x0, x1 = sorted((edge, edge + side * 15))
    z0, z1 = layout["table_z"] + 0.02, layout["table_z"] + 0.12
    seat, color = b - 15, p.wood
    if room == "modern office":
        color = (70, 80, 96)
    elif room == "classical office" or room == "modern kitchen":
        color = p.accent
    leg = stroke(shade(color if "classical" in room else (110, 116, 126), 0.7), 4)
    for x in (x0 + 1.5, x1 - 1.5):
        for z in (z1, z0):
            stage.canvas.drawLine(*stage.at(x, seat, z), *stage.at(x, b, z), leg)
    stage.box(x0, x1, seat, seat + 3.5, z0, z1, color)
    far = x1 if side > 0 else x0
    a0, a1 = sorted((far, far - side * 3))
    stage.box(a0, a1, seat - 20, seat + 1, z0, z1, shade(color, 1.08))


def draw_table(stage: Stage, layout: Layout, p: RoomPalette, room: str) -> None:
    """Draw the table with its drawers and the things on it; in an empty room, the bare block."""
    b, tx, tw, z0 = layout["bottom"], layout["table_x"], layout["table_width"], layout["table_z"]
    x0, x1, z1, y = tx - tw / 2, tx + tw / 2, z0 + 0.16, b - 25
    canvas = stage.canvas
    sx, sy = stage.at(tx, b, z0 + 0.04)
    oval(canvas, sx, sy, tw / z0 * 0.56, 9, fill((40, 30, 50), 0.2))
    stage.box(x0 + 2, x1 - 2, y + 4, b, z0 + 0.012, z1, p.wood)
    stage.box(x0, x1, y, y + 4, z0, z1, p.top, shade(p.top, 1.18))
    if room == "empty room":
        return
    front = z0 + 0.012
    n = 3
    for i in range(n):
        a, c = x0 + 4 + (tw - 8) * i / n, x0 + 4 + (tw - 8) * (i + 1) / n
        if "classical" in room:
            panel = polygon(
                [
                    stage.at(a + 1.5, y + 8, front),
                    stage.at(c - 1.5, y + 8, front),
                    stage.at(c - 1.5, b - 3, front),
                    stage.at(a + 1.5, b - 3, front),
                ]
            )
            canvas.drawPath(panel, fill(shade(p.wood, 1.14)))
            canvas.drawPath(panel, stroke(shade(p.wood, 0.66), 3))
        elif i:
            canvas.drawLine(*stage.at(a, y + 5, front), *stage.at(a, b - 1, front), stroke(shade(p.wood, 0.78), 3))
        kx, ky = stage.at((a + c) / 2, y + 9 if "modern" in room else y + 15, front)
        if "modern" in room:
            canvas.drawLine(kx - 9, ky, kx + 9, ky, stroke(p.accent, 4))
        else:
            canvas.drawCircle(kx, ky, 3.4, fill((240, 200, 100)))
    _draw_on_table(stage, tx, tw, y, z0 + 0.08, p, room)


def _draw_on_table(stage: Stage, tx: float, tw: float, y: float, z: float, p: RoomPalette, room: str) -> None:
    """Draw the things on the table: at one size round its middle, scaled with its nearness."""
    canvas, k = stage.canvas, 0.62 / z
    ax, ay = stage.at(tx, y, z)
    canvas.save()
    canvas.translate(ax, ay)
    canvas.scale(k, k)
    _THINGS.get(room, _draw_fruit)(canvas, tw / z / k, p, room)
    canvas.restore()


# Each draws the things on a table top of `width` whose middle is the origin.


def _draw_computer(canvas: skia.Canvas, width: float, p: RoomPalette, room: str) -> None:
    x = -0.08 * width
    dark: Color = (70, 78, 92)
    canvas.drawRect(rect(x - 4, -14, x + 4, 0), fill(dark))
    oval(canvas, x, 0, 15, 3.4, fill(dark))
    canvas.drawRoundRect(rect(x - 29, -50, x + 29, -12), 4, 4, fill((44, 50, 62)))
    canvas.drawRect(rect(x - 25, -46, x + 25, -16), fill((94, 178, 240)))
    peaks = [(x - 25, -16.0), (x - 8, -34.0), (x + 4, -24.0), (x + 14, -36.0), (x + 25, -22.0), (x + 25, -16.0)]
    canvas.drawPath(polygon(peaks), fill((236, 248, 255)))
    cup = 0.36 * width
    canvas.drawRoundRect(rect(cup - 6, -12, cup + 6, 0), 3, 3, fill(p.accent))


def _draw_desk_lamp(canvas: skia.Canvas, width: float, p: RoomPalette, room: str) -> None:
    books, lamp = -0.08 * width, 0.28 * width
    brass: Color = (228, 182, 84)
    spot(canvas, lamp, -24, 44, (255, 226, 140), 0.55)
    oval(canvas, lamp, 0, 10, 3.4, fill(brass))
    canvas.drawLine(lamp, 0, lamp, -28, stroke(brass, 4))
    screen = curve((lamp - 18, -24), (lamp - 14, -42, lamp + 14, -42, lamp + 18, -24), closed=True)
    canvas.drawPath(screen, fill((52, 142, 98)))
    for i, c in enumerate(((168, 48, 50), (62, 92, 146), (224, 190, 120))):
        canvas.drawRoundRect(rect(books - 24 + 2 * i, -8 - 7 * i, books + 6 - i, -1 - 7 * i), 2, 2, fill(c))


def _draw_fruit(canvas: skia.Canvas, width: float, p: RoomPalette, room: str) -> None:
    x, classical = -0.08 * width, "classical" in room
    bowl = curve((x - 24, -14), (x - 18, 1, x + 18, 1, x + 24, -14), closed=True)
    canvas.drawPath(bowl, fill((250, 250, 248) if classical else p.accent))
    for dx, c in ((-13, (224, 66, 58)), (0, (250, 166, 54)), (13, (132, 186, 70))):
        canvas.drawCircle(x + dx, -16, 8, fill(c))
    canvas.drawPath(bowl, fill((250, 246, 238) if classical else (236, 240, 244)))
    bottle = 0.34 * width
    canvas.drawRoundRect(rect(bottle - 6, -22, bottle + 6, 0), 4, 4, fill((96, 160, 120)))


_THINGS = {"modern office": _draw_computer, "classical office": _draw_desk_lamp}


def draw_lamps(stage: Stage, layout: Layout, p: RoomPalette, room: str) -> None:
    """Draw one lamp over a desk, two over a kitchen table, none in an empty room."""
    if room == "empty room":
        return
    canvas, tx, z = stage.canvas, layout["table_x"], layout["table_z"] + 0.1
    if "kitchen" in room:
        lamps = [tx - 14, tx + 14]
    else:
        lamps = [tx]
    for x in lamps:
        ax, ay = stage.at(x, layout["top"], z)
        y = 40 if "kitchen" in room else 34
        canvas.drawLine(ax, min(0, ay), ax, y - 10, stroke(shade(p.frame, 0.9), 3))
        spot(canvas, ax, y + 10, 46, (255, 232, 160), 0.6)
        if "modern" in room:
            canvas.drawPath(
                curve((ax - 18, y + 8), (ax - 16, y - 14, ax + 16, y - 14, ax + 18, y + 8), closed=True), fill(p.accent)
            )
            oval(canvas, ax, y + 8, 18, 4, fill((255, 246, 206)))
        else:
            canvas.drawPath(
                polygon([(ax - 10, y - 12), (ax + 10, y - 12), (ax + 20, y + 9), (ax - 20, y + 9)]),
                fill(shade(p.accent, 1.1)),
            )
            canvas.drawLine(ax - 19, y + 10, ax + 19, y + 10, stroke((255, 240, 190), 5))
