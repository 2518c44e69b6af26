"""Places behind portraits and figures. Each has a random stream of its own: who stands in it changes nothing."""

from __future__ import annotations

import itertools
import math
from random import Random

import skia

from .draw import (
    SIZE,
    Color,
    band,
    curve,
    fill,
    linear,
    mix,
    oval,
    polygon,
    rect,
    shade,
    spot,
    stroke,
)


def draw_cloud(
    canvas: skia.Canvas, x: float, y: float, s: float, color: Color = (255, 255, 255), alpha: float = 0.95
) -> None:
    """Draw a cloud round (x, y); `s` scales it."""
    paint = fill(color, alpha)
    path = skia.Path()
    for dx, dy, r in ((-26, 4, 13), (-8, -5, 19), (14, -1, 15), (29, 6, 10)):
        path.addCircle(x + dx * s, y + dy * s, r * s)
    path.addRoundRect(rect(x - 38 * s, y + 2 * s, x + 39 * s, y + 17 * s), 8 * s, 8 * s)
    canvas.drawPath(skia.Simplify(path) or path, paint)


def draw_hills(canvas: skia.Canvas, r: Random, y: float, height: float, color: Color) -> None:
    """Draw a range of hills from y down, `height` pixels high at most."""
    x, points = -40.0, []
    while x < SIZE + 180:
        points.append((x, y - r.uniform(0.2, 1) * height))
        x += r.uniform(60, 100)
    path = skia.Path()
    path.moveTo(-40, SIZE)
    path.lineTo(*points[0])
    for (ax, ay), (bx, by) in itertools.pairwise(points):
        m = (ax + bx) / 2
        path.cubicTo(m, ay, m, by, bx, by)
    path.lineTo(points[-1][0], SIZE)
    path.close()
    canvas.drawPath(path, linear((0, y - height), (0, y + 60), [shade(color, 1.15), color]))


def _draw_meadows(canvas: skia.Canvas, r: Random) -> None:
    h = r.uniform(118, 150)
    band(canvas, 0, h + 10, (104, 188, 244), (220, 242, 250))
    sx = r.uniform(20, 236)
    spot(canvas, sx, 34, 70, (255, 246, 200), 0.8)
    canvas.drawCircle(sx, 34, 15, fill((255, 240, 170)))
    for _ in range(3):
        draw_cloud(canvas, r.uniform(0, SIZE), r.uniform(18, h - 45), r.uniform(0.6, 1.05))
    draw_hills(canvas, r, h + 8, 34, (132, 196, 150))
    draw_hills(canvas, r, h + 24, 26, (112, 186, 94))
    band(canvas, h + 24, SIZE, (128, 200, 88), (70, 152, 62))
    petals: list[Color] = [(255, 255, 255), (255, 214, 84), (246, 120, 150), (190, 140, 240)]
    for i in range(26):
        t = (i + r.random()) / 26
        y = h + 30 + (SIZE - h - 26) * t
        x, k = r.uniform(0, SIZE), 1.8 + 2.8 * t
        color = r.choice(petals)
        canvas.drawLine(x, y, x, y + 3 * k, stroke((60, 130, 60), 2))
        canvas.drawCircle(x, y, k, fill(color))


def _draw_beach(canvas: skia.Canvas, r: Random) -> None:
    h = r.uniform(104, 132)
    band(canvas, 0, h, (84, 186, 242), (216, 242, 250))
    sx = r.uniform(20, 236)
    spot(canvas, sx, 38, 80, (255, 244, 200), 0.85)
    canvas.drawCircle(sx, 38, 17, fill((255, 238, 160)))
    for _ in range(2):
        draw_cloud(canvas, r.uniform(0, SIZE), r.uniform(24, h - 30), r.uniform(0.5, 0.95))
    shore = h + r.uniform(40, 58)
    band(canvas, h, shore + 14, (36, 142, 196), (112, 212, 212))
    for i in range(5):
        y = h + 8 + i * 8
        x = r.uniform(-20, 200)
        canvas.drawLine(x, y, x + 26 + 9 * i, y, stroke((190, 238, 242), 2.4, 0.75))
    if r.random() < 0.7:
        x = r.choice([r.uniform(16, 60), r.uniform(196, 240)])
        canvas.drawPath(polygon([(x, h - 34), (x, h - 3), (x - 20, h - 3)]), fill((255, 255, 255)))
        canvas.drawPath(polygon([(x + 3, h - 26), (x + 3, h - 3), (x + 15, h - 3)]), fill((244, 110, 90)))
        canvas.drawPath(polygon([(x - 22, h), (x + 20, h), (x + 12, h + 8), (x - 14, h + 8)]), fill((120, 70, 50)))
    waves = curve(
        (0, shore), (64, shore - 9, 128, shore), (192, shore + 9, 256, shore), (SIZE, SIZE), (0, SIZE), closed=True
    )
    canvas.drawPath(waves, linear((0, shore), (0, SIZE), [(250, 226, 172), (232, 194, 128)]))
    canvas.drawPath(
        curve((0, shore), (64, shore - 9, 128, shore), (192, shore + 9, 256, shore)), stroke((255, 255, 255), 5)
    )
    for _ in range(9):
        oval(canvas, r.uniform(0, SIZE), r.uniform(shore + 20, SIZE), r.uniform(4, 12), 2, fill((216, 176, 112), 0.6))


def _draw_black_background(canvas: skia.Canvas, r: Random) -> None:
    band(canvas, 0, SIZE, (12, 11, 24), (26, 20, 40))
    hue: Color = r.choice([(255, 214, 130), (255, 190, 120), (150, 200, 255), (255, 170, 210)])
    spot(canvas, r.uniform(60, 196), r.uniform(60, 190), 150, hue, 0.22)
    for _ in range(30):
        x, y, k = r.uniform(0, SIZE), r.uniform(0, SIZE), r.uniform(1.6, 4.6)
        spot(canvas, x, y, k * 3.2, hue, 0.42)
        canvas.drawCircle(x, y, k, fill(mix(hue, (255, 255, 255), 0.45), r.uniform(0.65, 1)))


def _draw_brick_wall(canvas: skia.Canvas, r: Random, side: int, vx: float, vy: float, gap: float, wall: Color) -> None:
    """Draw one wall of the alley, from the picture's edge to `gap` beside the vanishing point."""
    edge = 0 if side < 0 else SIZE
    far = vx + side * gap
    t_far = (far - vx) / (edge - vx)

    def at(t: float, v: float) -> tuple[float, float]:
        """t in t_far..1 towards the viewer, v in 0 (top, out of view) .. 1 (ground)."""
        top, bottom = vy - 330, vy + 175
        return vx + (edge - vx) * t, vy + (top + (bottom - top) * v - vy) * t

    quad = polygon([at(t_far, 0), at(1, 0), at(1, 1), at(t_far, 1)])
    canvas.drawPath(quad, linear((edge, 0), (far, 0), [wall, shade(wall, 0.72)]))
    mortar = stroke(shade(wall, 0.72), 2.6, 0.8)
    rows = 17
    depths = [1.0, 0.8, 0.64, 0.51, 0.41, 0.33]
    for i in range(1, rows):
        v = i / rows
        canvas.drawLine(*at(t_far, v), *at(1, v), mortar)
        for j, t in enumerate(depths[:-1]):
            u = t if i % 2 else (t + depths[j + 1]) / 2
            if u > t_far and u < 0.99:
                canvas.drawLine(*at(u, v), *at(u, v + 1 / rows), mortar)
    for t0, t1, v0, v1 in (
        (0.9, 0.66, 0.40, 0.58),
        (0.55, 0.43, 0.40, 0.58),
        (0.9, 0.66, 0.10, 0.27),
        (0.55, 0.43, 0.10, 0.27),
    ):
        if t1 < t_far:
            continue
        lit = r.random() < 0.75
        frame = polygon([at(t0, v0), at(t1, v0), at(t1, v1), at(t0, v1)])
        pane: Color = (255, 220, 130) if lit else (92, 108, 140)
        if lit:
            cx, cy = at((t0 + t1) / 2, (v0 + v1) / 2)
            spot(canvas, cx, cy, 46 * t0, (255, 210, 120), 0.5)
        canvas.drawPath(frame, fill(pane))
        canvas.drawPath(frame, stroke(shade(wall, 0.45), 4.5 * t0))
        m = (t0 + t1) / 2
        canvas.drawLine(*at(m, v0), *at(m, v1), stroke(shade(wall, 0.45), 3.5 * t0))


def _draw_backstreet(canvas: skia.Canvas, r: Random) -> None:
    vx, vy = r.uniform(98, 158), r.uniform(112, 138)
    top, low = r.choice(
        [((92, 112, 172), (250, 196, 160)), ((120, 160, 210), (236, 226, 214)), ((70, 72, 132), (236, 140, 140))]
    )
    band(canvas, 0, vy + 10, top, low)
    gap = r.uniform(20, 32)
    walls: list[Color] = [(190, 106, 84), (166, 96, 92), (178, 124, 96), (150, 92, 104)]
    ground = polygon([(vx - gap * 1.2, vy), (vx + gap * 1.2, vy), (SIZE + 90, SIZE), (-90, SIZE)])
    canvas.drawRect(rect(0, vy, SIZE, SIZE), fill((112, 104, 122)))
    canvas.drawPath(ground, linear((0, vy), (0, SIZE), [(150, 138, 150), (104, 98, 118)]))
    far = r.choice(walls)
    canvas.drawRect(rect(vx - gap - 4, vy - 34, vx + gap + 4, vy + 22), fill(mix(far, low, 0.55)))
    canvas.drawRect(rect(vx - 7, vy - 4, vx + 7, vy + 22), fill(mix((90, 60, 70), low, 0.25)))
    first = r.choice(walls)
    _draw_brick_wall(canvas, r, -1, vx, vy, gap, first)
    _draw_brick_wall(canvas, r, 1, vx, vy, gap, shade(first, 0.9))
    # a string of lamps across the alley
    y = vy - r.uniform(62, 78)
    canvas.drawPath(curve((0, y - 22), (vx, y + 26, SIZE, y - 22)), stroke((60, 48, 64), 2.4))
    for i in range(1, 7):
        t = i / 7
        x = 2 * (1 - t) * t * vx + t * t * SIZE
        yy = (1 - t) ** 2 * (y - 22) + 2 * (1 - t) * t * (y + 26) + t * t * (y - 22) + 5
        spot(canvas, x, yy, 16, (255, 220, 130), 0.6)
        canvas.drawCircle(x, yy, 4, fill((255, 240, 190)))


def _draw_office(canvas: skia.Canvas, r: Random) -> None:
    wall: Color = r.choice([(222, 230, 236), (214, 228, 224), (236, 226, 214), (206, 216, 234)])
    band(canvas, 0, SIZE, shade(wall, 1.3), shade(wall, 0.92))
    left = r.random() < 0.5
    wx = 14 if left else 122
    window = (wx, 16, wx + 120, 150)
    canvas.drawRect(rect(*window), linear((0, 16), (0, 150), [(130, 200, 246), (226, 242, 250)]))
    for i in range(5):
        x, top = wx + 4 + i * 24, r.uniform(70, 118)
        canvas.drawRect(
            rect(x, top, x + r.uniform(16, 22), 150), fill(mix((120, 150, 190), (226, 242, 250), r.uniform(0.1, 0.5)))
        )
    frame = stroke((250, 252, 253), 6)
    canvas.drawRect(rect(*window), frame)
    canvas.drawLine(wx + 60, 16, wx + 60, 150, frame)
    sx = 164 if left else 10
    books: list[Color] = [(226, 96, 84), (244, 190, 84), (88, 158, 196), (110, 176, 130), (150, 120, 190)]
    for y in (66, 126):
        x = sx + 6.0
        while x < sx + 64:
            w, h = r.uniform(8, 13), r.uniform(26, 40)
            canvas.drawRect(rect(x, y - h, x + w - 1, y), fill(r.choice(books)))
            x += w
        canvas.drawRect(rect(sx, y, sx + 82, y + 7), fill((178, 128, 88)))
    desk = 196
    px = 30 if not left else 226
    draw_plant(canvas, px, desk, 1.0)
    canvas.drawRect(rect(0, desk, SIZE, SIZE), linear((0, desk), (0, SIZE), [(206, 160, 116), (168, 122, 84)]))
    canvas.drawRect(rect(0, desk, SIZE, desk + 5), fill((226, 186, 144)))


def draw_plant(canvas: skia.Canvas, x: float, y: float, s: float, pot: Color = (220, 120, 84)) -> None:
    """Draw a potted plant that stands at (x, y); `s` scales it."""
    greens: list[Color] = [(74, 150, 92), (96, 176, 104), (58, 128, 84)]
    for i, angle in enumerate((-1.15, 1.15, -0.7, 0.7, -0.25, 0.28)):
        length = (40 + 14 * math.cos(angle)) * s
        ex, ey = x + math.sin(angle) * length, y - 20 * s - math.cos(angle) * length
        nx, ny = math.cos(angle) * 11 * s, math.sin(angle) * 11 * s
        mx, my = (x + ex) / 2, (y - 20 * s + ey) / 2
        leaf = curve((x, y - 18 * s), (mx - nx, my - ny, ex, ey), (mx + nx, my + ny, x, y - 18 * s), closed=True)
        canvas.drawPath(leaf, fill(greens[i % 3]))
    path = polygon([(x - 15 * s, y - 24 * s), (x + 15 * s, y - 24 * s), (x + 11 * s, y), (x - 11 * s, y)])
    canvas.drawPath(path, fill(pot))
    canvas.drawRect(rect(x - 17 * s, y - 27 * s, x + 17 * s, y - 19 * s), fill(shade(pot, 1.2)))


def _draw_plain(canvas: skia.Canvas, r: Random) -> None:
    base: Color = r.choice([(250, 208, 196), (196, 222, 240), (208, 232, 206), (250, 230, 184), (222, 208, 240)])
    band(canvas, 0, SIZE, shade(base, 1.35), shade(base, 0.94))
    canvas.drawCircle(128, 118, 108, fill(shade(base, 1.45), 0.55))


def _draw_stage(canvas: skia.Canvas, r: Random) -> None:
    curtain: Color = r.choice([(172, 44, 66), (116, 60, 150), (44, 92, 150)])
    canvas.drawRect(rect(0, 0, SIZE, SIZE), fill(shade(curtain, 0.7)))
    for i in range(9):
        x = i * 30 - 8
        canvas.drawRect(
            rect(x, 0, x + 31, 206), linear((x, 0), (x + 31, 0), [shade(curtain, 0.55), curtain, shade(curtain, 0.55)])
        )
    band(canvas, 196, SIZE, (214, 158, 104), (150, 98, 66))
    cone = polygon([(112, -10), (144, -10), (232, 232), (24, 232)])
    shader = skia.GradientShader.MakeLinear(
        [(0, 0), (0, 232)], [skia.Color(255, 244, 200, 120), skia.Color(255, 244, 200, 40)]
    )
    canvas.drawPath(cone, skia.Paint(AntiAlias=True, Shader=shader))
    oval(canvas, 128, 232, 104, 16, fill((255, 236, 190), 0.55))


def draw_vignette(canvas: skia.Canvas, strength: float) -> None:
    """Darken the corners, by `strength` of 0..1."""
    shader = skia.GradientShader.MakeRadial(
        (128, 120), 190, [skia.Color(0, 0, 20, 0), skia.Color(0, 0, 20, int(255 * strength))], [0.55, 1.0]
    )
    canvas.drawRect(rect(0, 0, SIZE, SIZE), skia.Paint(Shader=shader))


_PLACES = {
    "backstreet": _draw_backstreet,
    "meadows": _draw_meadows,
    "black background": _draw_black_background,
    "office": _draw_office,
    "beach": _draw_beach,
    "plain": _draw_plain,
    "stage": _draw_stage,
}


def draw_place(canvas: skia.Canvas, name: str, r: Random) -> None:
    """Draw the place `name` (one of PLACES or FIGURE_PLACES) over the whole canvas."""
    _PLACES[name](canvas, r)
