"""Rooms in one-point perspective: one layout as an office or a kitchen, modern or classical, or left empty."""

from __future__ import annotations

from collections.abc import Mapping

import skia

from .backgrounds import draw_plant
from .draw import Color, curve, fill, oval, polygon, rect, shade, spot, stroke
from .furniture import draw_chair, draw_lamps, draw_rug, draw_table
from .palettes import PALETTES, RoomPalette
from .perspective import Stage
from .scene import Choices, Drawn
from .words import ROOMS

NEAR = 0.16


def _choose_layout(choices: Choices) -> dict[str, float]:
    """The numbers that place every wall and box (room space, see perspective.py)."""
    r = choices.stream("layout")
    side = r.choice((-1.0, 1.0))
    return {
        "vx": r.uniform(104, 152),
        "vy": r.uniform(100, 122),
        "left": -r.uniform(70, 90),
        "right": r.uniform(70, 90),
        "top": -r.uniform(58, 70),
        "bottom": r.uniform(42, 52),
        "side": side,
        "window_width": r.uniform(50, 64),
        "window_height": r.uniform(40, 50),
        "table_x": -side * r.uniform(2, 12),
        "table_width": r.uniform(46, 54),
        "table_z": r.uniform(0.42, 0.48),
        "unit_width": r.uniform(50, 62),
        "door_z": r.uniform(0.58, 0.66),
        "shelf_y": -r.uniform(24, 30),
    }


def _read_layout(choices: Choices) -> dict[str, float]:
    """The layout of the seed with the numbers that are pinned."""
    layout = _choose_layout(choices)
    pinned = choices.pinned("layout")
    if pinned is not None:
        if not isinstance(pinned, Mapping) or set(pinned) - set(layout):
            raise ValueError(f"layout must be a dict with keys among {', '.join(layout)}")
        layout |= {k: float(v) for k, v in pinned.items()}
    return layout


def _draw_shell(stage: Stage, L: dict[str, float], p: RoomPalette) -> None:
    left, right, top, bottom = L["left"], L["right"], L["top"], L["bottom"]
    stage.face(
        [(left, bottom, NEAR), (right, bottom, NEAR), (right, bottom, 1), (left, bottom, 1)],
        shade(p.floor, 0.9),
        shade(p.floor, 1.12),
    )
    stage.face(
        [(left, top, NEAR), (right, top, NEAR), (right, top, 1), (left, top, 1)],
        shade(p.wall, 1.25),
        shade(p.wall, 1.5),
    )
    stage.face([(left, top, NEAR), (left, top, 1), (left, bottom, 1), (left, bottom, NEAR)], shade(p.wall, 0.84))
    stage.face([(right, top, NEAR), (right, top, 1), (right, bottom, 1), (right, bottom, NEAR)], shade(p.wall, 0.92))
    stage.panel(
        [(left, top, 1), (right, top, 1), (right, bottom, 1), (left, bottom, 1)],
        shade(p.wall, 0.98),
        shade(p.wall, 1.12),
    )
    for x in (left, right):
        for y in (top, bottom):
            stage.segments.append((*stage.at(x, y, NEAR), *stage.at(x, y, 1)))


def _draw_floor_pattern(stage: Stage, L: dict[str, float], room: str, p: RoomPalette) -> None:
    left, right, bottom = L["left"], L["right"], L["bottom"]
    if room == "empty room":
        return
    line = stroke(shade(p.floor, 0.82), 2.4, 0.55)
    n = 7 if "kitchen" in room else 9
    for i in range(1, n):
        x = left + (right - left) * i / n
        stage.canvas.drawLine(*stage.at(x, bottom, NEAR), *stage.at(x, bottom, 1), line)
    if "kitchen" in room:
        for z in (0.86, 0.72, 0.6, 0.5, 0.42, 0.36):
            stage.canvas.drawLine(*stage.at(left, bottom, z), *stage.at(right, bottom, z), line)


def _draw_window(stage: Stage, L: dict[str, float], p: RoomPalette, room: str) -> None:
    side, w, h = L["side"], L["window_width"], L["window_height"]
    inner = L["right"] - 9 if side > 0 else L["left"] + 9
    x0, x1 = sorted((inner, inner - side * w))
    y0, y1 = -h, 2.0
    glass = [(x0, y0, 1), (x1, y0, 1), (x1, y1, 1), (x0, y1, 1)]
    empty = room == "empty room"
    seen = stage.panel(
        glass, (222, 228, 232) if empty else (226, 244, 252), (238, 240, 242) if empty else (120, 196, 246)
    )
    canvas = stage.canvas
    if not empty:
        canvas.save()
        canvas.clipPath(polygon(seen), skia.ClipOp.kIntersect, True)
        (ax, _), (bx, _) = seen[0], seen[1]
        y = seen[2][1]
        hill: Color = (128, 190, 120) if "classical" in room else (150, 176, 206)
        oval(canvas, ax + (bx - ax) * 0.3, y + 8, 34, 22, fill(hill))
        oval(canvas, ax + (bx - ax) * 0.8, y + 10, 30, 20, fill(shade(hill, 0.88)))
        canvas.restore()
    canvas.drawPath(polygon(seen), stroke(p.frame, 4.5))
    m = (seen[0][0] + seen[1][0]) / 2
    canvas.drawLine(m, seen[0][1], m, seen[2][1], stroke(p.frame, 3.5))
    stage.segments.append((m, seen[0][1], m, seen[2][1]))
    if "classical" in room:
        for x, s in ((seen[0][0], -1), (seen[1][0], 1)):
            drape = curve(
                (x + s * 9, seen[0][1] - 7),
                (x - s * 12, seen[0][1] - 7),
                (x - s * 8, seen[0][1] + 26, x + s * 2, seen[2][1] + 8),
                (x + s * 9, seen[2][1] + 8),
                closed=True,
            )
            canvas.drawPath(drape, fill(p.accent))
        canvas.drawLine(seen[0][0] - 12, seen[0][1] - 7, seen[1][0] + 12, seen[0][1] - 7, stroke(p.frame, 4))


def _draw_door(stage: Stage, L: dict[str, float], p: RoomPalette) -> None:
    x = L["left"] if L["side"] > 0 else L["right"]
    z0, z1 = L["door_z"], L["door_z"] + 0.2
    top = L["top"] * 0.42
    seen = stage.panel(
        [(x, top, z0), (x, top, z1), (x, L["bottom"], z1), (x, L["bottom"], z0)], p.door, shade(p.door, 1.12)
    )
    stage.canvas.drawPath(polygon(seen), stroke(p.frame, 4))
    kx, ky = stage.at(x, L["bottom"] * 0.3, z0 + 0.035)
    stage.canvas.drawCircle(kx, ky, 3.4, fill(p.accent))


def _draw_unit(stage: Stage, L: dict[str, float], p: RoomPalette, room: str) -> None:
    """Draw the low cabinet at the back wall and the shelf above it, opposite the window."""
    side = L["side"]
    outer = L["left"] + 3 if side > 0 else L["right"] - 3
    x0, x1 = sorted((outer, outer + side * L["unit_width"]))
    bottom, y = L["bottom"], L["bottom"] - 25
    shelf = L["shelf_y"]
    stage.box(x0, x1, shelf, shelf + 5, 0.93, 1, p.wood)
    stage.box(x0, x1, y, bottom, 0.86, 1, p.wood, p.top)
    canvas = stage.canvas
    if room != "empty room":
        for i in range(1, 3):
            x = x0 + (x1 - x0) * i / 3
            canvas.drawLine(*stage.at(x, y + 3, 0.86), *stage.at(x, bottom - 2, 0.86), stroke(shade(p.wood, 0.7), 2.6))
        for i in range(3):
            cx, cy = stage.at(x0 + (x1 - x0) * (i + 0.5) / 3, y + 7, 0.86)
            canvas.drawCircle(cx, cy, 2.6, fill(p.accent if "modern" in room else (236, 196, 96)))
    _draw_shelf_things(stage, x0, x1, shelf, y, p, room)


def _draw_shelf_things(
    stage: Stage, x0: float, x1: float, shelf: float, counter: float, p: RoomPalette, room: str
) -> None:
    canvas = stage.canvas
    if "office" in room:
        books: list[Color] = [p.accent, (242, 186, 78), (214, 90, 74), (236, 236, 240), (84, 124, 170)]
        for i in range(6):
            bx, by = stage.at(x0 + 4 + i * 7.4, shelf, 0.95)
            h = (19, 15, 21, 17, 20, 14)[i]
            canvas.drawRect(rect(bx, by - h, bx + 6.6, by), fill(books[i % 5]))
        bx, by = stage.at((x0 + x1) / 2, counter, 0.92)
        draw_plant(canvas, bx, by, 0.42, p.accent)
    elif "kitchen" in room:
        pots: list[Color] = [p.accent, (250, 250, 246), (94, 146, 190)]
        for i in range(3):
            bx, by = stage.at(x0 + 9 + i * 15, shelf, 0.95)
            canvas.drawRoundRect(rect(bx - 6, by - 14, bx + 6, by), 4, 4, fill(pots[i]))
        bx, by = stage.at(x0 + (x1 - x0) * 0.3, counter, 0.92)
        pot: Color = (208, 116, 64) if "classical" in room else (92, 98, 110)
        canvas.drawRoundRect(rect(bx - 12, by - 15, bx + 12, by), 4, 4, fill(pot))
        canvas.drawLine(bx - 15, by - 15, bx + 15, by - 15, stroke(shade(pot, 0.7), 4))
        bx, by = stage.at(x0 + (x1 - x0) * 0.72, counter, 0.92)
        canvas.drawPath(
            curve((bx - 7, by), (bx - 7, by - 16), (bx, by - 26, bx + 7, by - 16)), stroke((196, 204, 212), 4)
        )


def draw_interior(canvas: skia.Canvas, choices: Choices) -> Drawn:
    """Draw a room, with its visible edges as lines.

    Raises:
        ValueError: a pinned choice is none of the options, or `layout` has unknown keys.
    """
    room = choices.pick("room", ROOMS)
    palettes = PALETTES[room]
    p = palettes[int(choices.number("palette", 0, 0.999) * len(palettes))]
    L = _read_layout(choices)
    stage = Stage(canvas, L["vx"], L["vy"])
    _draw_shell(stage, L, p)
    _draw_floor_pattern(stage, L, room, p)
    _draw_window(stage, L, p, room)
    if room != "empty room":
        wx, _ = stage.at((L["right"] - 38) if L["side"] > 0 else (L["left"] + 38), 0, 1)
        spot(canvas, wx, L["vy"] + 6, 90, (255, 250, 226), 0.3)
    _draw_door(stage, L, p)
    _draw_unit(stage, L, p, room)
    draw_rug(stage, L, p, room)
    draw_chair(stage, L, p, room)
    draw_table(stage, L, p, room)
    draw_lamps(stage, L, p, room)
    lines = stage.visible()
    if room == "empty room":  # the template is a clear drawing of the structure
        for x0, y0, x1, y1 in lines:
            canvas.drawLine(x0, y0, x1, y1, stroke((128, 130, 138), 2.2))
    return Drawn({"room": room}, lines=lines)
