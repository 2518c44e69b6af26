"""Elephants walking in the savanna, as a photo and as animation."""

from __future__ import annotations

import math
from random import Random

import skia

from .backgrounds import draw_cloud, draw_hills, draw_vignette
from .draw import SIZE, Color, band, curve, fill, linear, mix, oval, rect, shade, spot, stroke
from .elephant import draw_elephant
from .scene import Choices, Drawn
from .words import SAVANNA_LIGHTS, SAVANNA_STYLES


def _draw_acacia(
    canvas: skia.Canvas, x: float, y: float, s: float, trunk: Color, leaf: Color, outline: Color | None
) -> None:
    """Draw an acacia with its foot at (x, y): a forked trunk under flat clouds of leaves."""
    wood = curve(
        (x - 5 * s, y),
        (x - 3 * s, y - 30 * s, x - 2 * s, y - 40 * s),
        (x - 26 * s, y - 70 * s),
        (x - 20 * s, y - 70 * s),
        (x + 1 * s, y - 50 * s),
        (x + 22 * s, y - 74 * s),
        (x + 27 * s, y - 72 * s),
        (x + 5 * s, y - 38 * s),
        (x + 4 * s, y - 30 * s, x + 7 * s, y),
        closed=True,
    )
    crown = skia.Path()
    for dx, dy, rx, ry in ((0, -80, 46, 13), (-24, -72, 30, 10), (28, -74, 30, 10), (6, -90, 26, 10)):
        crown.addOval(rect(x + (dx - rx) * s, y + (dy - ry) * s, x + (dx + rx) * s, y + (dy + ry) * s))
    if outline:
        canvas.drawPath(wood, stroke(outline, 5))
        canvas.drawPath(crown, stroke(outline, 6))
    canvas.drawPath(wood, fill(trunk))
    canvas.drawPath(crown, linear((0, y - 100 * s), (0, y - 60 * s), [shade(leaf, 1.2), shade(leaf, 0.8)]))


def _draw_photo_ground(canvas: skia.Canvas, r: Random, light: str) -> float:
    """Draw the land as a photo has it; returns the horizon's y."""
    h = r.uniform(122, 140)
    if light == "sunset":
        canvas.drawRect(
            rect(0, 0, SIZE, h), linear((0, 0), (0, h), [(120, 84, 112), (222, 124, 82), (252, 200, 124)], [0, 0.6, 1])
        )
        x = r.uniform(40, 216)
        spot(canvas, x, h - 22, 120, (255, 226, 150), 0.85)
        canvas.drawCircle(x, h - 24, 25, fill((255, 240, 196)))
        draw_hills(canvas, r, h + 4, 22, (150, 96, 92))
        band(canvas, h, SIZE, (196, 138, 82), (98, 66, 48))
        trunk, leaf = (64, 42, 40), (72, 62, 44)
    else:
        band(canvas, 0, h, (146, 182, 208), (236, 228, 206))
        soft = fill((252, 250, 244), 0.8)
        soft.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, 6))
        for _ in range(3):
            oval(canvas, r.uniform(20, 236), r.uniform(16, 60), r.uniform(40, 70), r.uniform(8, 13), soft)
        draw_hills(canvas, r, h + 4, 24, (168, 172, 160))
        band(canvas, h, SIZE, (214, 188, 126), (140, 112, 66))
        trunk, leaf = (92, 70, 54), (98, 114, 66)
    for _ in range(r.randint(1, 2)):
        _draw_acacia(canvas, r.uniform(20, 236), h + 6, r.uniform(0.8, 1.15), trunk, leaf, None)
    dry = (226, 190, 120) if light == "day" else (220, 160, 96)
    for i in range(16):
        y = h + 14 + i * 7
        x = r.uniform(0, SIZE)
        oval(canvas, x, y, r.uniform(16, 44), 2 + i * 0.12, fill(shade(dry, r.choice([0.7, 0.82, 1.1])), 0.35))
    return h


def _draw_animation_ground(canvas: skia.Canvas, r: Random, light: str) -> float:
    """Draw the land as an animation has it; returns the horizon's y."""
    h = r.uniform(122, 140)
    line: Color = (46, 34, 60)
    if light == "sunset":
        band(canvas, 0, h, (255, 120, 120), (255, 214, 130))
        canvas.drawCircle(r.uniform(40, 216), h - 20, 34, fill((255, 244, 170)))
        ground, far, leaf = (250, 178, 84), (236, 120, 92), (146, 172, 72)
    else:
        band(canvas, 0, h, (64, 184, 255), (176, 234, 255))
        x = r.uniform(30, 226)
        canvas.drawCircle(x, 36, 21, fill((255, 232, 92)))
        for _ in range(2):
            draw_cloud(canvas, r.uniform(20, 236), r.uniform(24, 70), r.uniform(0.7, 1.0))
        ground, far, leaf = (255, 218, 92), (150, 214, 110), (84, 196, 84)
    draw_hills(canvas, r, h + 6, 26, far)
    canvas.drawRect(rect(0, h, SIZE, SIZE), fill(ground))
    canvas.drawRect(rect(0, h + 62, SIZE, SIZE), fill(mix(ground, (236, 150, 70), 0.35)))
    for _ in range(r.randint(1, 2)):
        _draw_acacia(canvas, r.uniform(20, 236), h + 6, r.uniform(0.85, 1.15), (150, 92, 60), leaf, line)
    for _ in range(5):
        x, y = r.uniform(6, 250), r.uniform(h + 70, SIZE - 6)
        for a in (-0.5, 0, 0.5):
            canvas.drawLine(x, y, x + 13 * math.sin(a), y - 13 * math.cos(a), stroke((110, 170, 70), 4))
    return h


# How far right, how large and how far below the horizon each of a herd stands.
_HERDS: dict[int, tuple[tuple[float, float, float], ...]] = {
    1: ((128, 1.85, 88),),
    2: ((64, 1.0, 60), (191, 1.0, 84)),
    3: ((50, 0.78, 40), (130, 0.88, 104), (206, 0.78, 42)),
}


def _draw_foreground(canvas: skia.Canvas, r: Random, light: str) -> None:
    """Draw grass close to the lens, out of focus, as a photo has it."""
    color: Color = (150, 128, 70) if light == "day" else (92, 58, 44)
    paint = stroke(color, 5, 0.8)
    paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, 2.2))
    path = skia.Path()
    for cluster in (r.uniform(-10, 60), r.uniform(196, 266)):
        for _ in range(11):
            x, lean = cluster + r.uniform(-34, 34), r.uniform(-16, 16)
            path.moveTo(x, SIZE + 4)
            path.quadTo(x, 244, x + lean, SIZE - r.uniform(14, 44))
    canvas.drawPath(path, paint)


def draw_savanna(canvas: skia.Canvas, choices: Choices) -> Drawn:
    """Draw one to three elephants in the savanna.

    Raises:
        ValueError: a pinned choice is none of the options.
    """
    count = choices.pick("count", {1: 0.25, 2: 0.5, 3: 0.25})
    style = choices.pick("style", SAVANNA_STYLES)
    light = choices.pick("light", SAVANNA_LIGHTS)
    facing = choices.pick("facing", ("left", "right"))
    photo = style == "photo"
    r = choices.stream("background details")
    horizon = (_draw_photo_ground if photo else _draw_animation_ground)(canvas, r, light)
    herd = choices.stream("herd")
    rim: Color = (255, 226, 170) if light == "sunset" else (250, 246, 230)
    mirror = herd.random() < 0.5
    for i, (x, size, depth) in enumerate(_HERDS[count]):
        x = SIZE - x if mirror else x
        scale = size * herd.uniform(0.93, 1.03)
        if count == 2 and i == 1 and herd.random() < 0.35:
            scale *= 0.78
        foot = min(SIZE - 12.0, horizon + depth + herd.uniform(-6, 6))
        tone: Color = (138, 132, 134) if photo else herd.choice([(140, 160, 214), (156, 150, 208), (132, 176, 206)])
        if photo:
            tone = mix(tone, (140, 104, 84), herd.uniform(0.0, 0.4))
        if photo and light == "sunset":
            tone = mix(tone, (150, 88, 70), 0.2)
        draw_elephant(
            canvas,
            x + herd.uniform(-3, 3),
            foot,
            scale,
            1 if facing == "right" else -1,
            tone,
            photo,
            herd.uniform(0, 1),
            rim,
        )
    if photo:
        _draw_foreground(canvas, choices.stream("foreground"), light)
        draw_vignette(canvas, 0.32)
    attributes: dict[str, str | int] = {"count": count, "style": style, "light": light, "facing": facing}
    return Drawn(attributes)
