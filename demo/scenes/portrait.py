"""Portraits: a girl's bust with a turning head, or the girl with a pearl earring."""

from __future__ import annotations

import numpy as np
import skia

from .backgrounds import draw_place
from .clothes import draw_clothes
from .draw import Color, curve, fill, glow, oval, shade, spot
from .face import Head, draw_brows, draw_features
from .hair import draw_back_hair, draw_front_hair, draw_over_hair, draw_turban, draw_turban_tail
from .scene import Choices, Drawn
from .words import CLOTHES, EXPRESSIONS, EYE_COLORS, GAZES, HAIR_COLORS, HAIR_STYLES, PLACES, SKIN_TONES, SUBJECTS


def facing(yaw: float) -> str:
    """The word for a turned head: left, forward or right."""
    if abs(yaw) < 0.3:
        return "forward"
    return "right" if yaw > 0 else "left"


def _draw_ears(canvas: skia.Canvas, head: Head, skin: Color) -> None:
    for side in (-1, 1):
        if side * head.yaw > 0.45:
            continue  # turned away
        x = head.x + side * 54 - head.yaw * 10
        oval(canvas, x, head.y + 12 - head.pitch * 0.4, 10, 16, fill(shade(skin, 0.92)))
        oval(canvas, x + side, head.y + 12 - head.pitch * 0.4, 5, 9, fill(shade(skin, 0.78)))


def _draw_head(canvas: skia.Canvas, head: Head, skin: Color) -> None:
    x, y, turn = head.x, head.y, head.yaw * 13
    path = curve(
        (x - 57, y - 8),
        (x - 60, y - 78, x + 60, y - 78, x + 57, y - 8),
        (x + 58 + turn * 0.2, y + 36, x + 26 + turn, y + 65, x + turn, y + 66),
        (x - 26 + turn, y + 65, x - 58 + turn * 0.2, y + 36, x - 57, y - 8),
        closed=True,
    )
    canvas.drawPath(path, fill(skin))
    canvas.save()
    canvas.clipPath(path, skia.ClipOp.kIntersect, True)
    canvas.drawPaint(glow((x - 26 + turn, y - 22), 110, (255, 250, 236), 0.34))
    canvas.restore()


def _draw_neck(canvas: skia.Canvas, head: Head, cx: float, skin: Color) -> None:
    x = (cx + head.x) / 2
    path = curve(
        (x - 21, head.y + 40),
        (x - 19, head.y + 84, cx - 40, head.y + 96),
        (cx + 40, head.y + 96),
        (x + 19, head.y + 84, x + 21, head.y + 40),
        closed=True,
    )
    canvas.drawPath(path, fill(shade(skin, 0.93)))
    oval(canvas, head.x + head.yaw * 9, head.y + 60, 30, 24, fill(shade(skin, 0.78)))


def draw_portrait(canvas: skia.Canvas, choices: Choices) -> Drawn:
    """Draw a place and a bust before it.

    Raises:
        ValueError: a pinned choice is none of the options.
    """
    pick, number = choices.pick, choices.number
    subject = pick("subject", SUBJECTS)
    pearl = subject != "girl"
    place = pick(
        "background",
        {"black background": 0.7, **{p: 0.06 for p in PLACES if p != "black background"}} if pearl else PLACES,
    )
    expression = pick("expression", EXPRESSIONS)
    hair_color = pick("hair_color", tuple(HAIR_COLORS))
    hair_style = pick("hair_style", HAIR_STYLES)
    clothes = pick("clothes", tuple(CLOTHES))
    tone = pick("skin", {"fair": 0.34, "light": 0.34, "tan": 0.18, "dark": 0.14})
    eyes = pick("eyes", tuple(EYE_COLORS))
    gaze = pick("gaze", GAZES)
    yaw = max(-1.0, min(1.0, number("yaw", -1.05, 1.05)))
    pinned = choices.pinned("facing")
    if pinned is not None and pinned != facing(yaw):
        yaw = {"left": -0.7, "forward": 0.0, "right": 0.7}[pick("facing", ("left", "forward", "right"))]
    cx = 128 + number("shift_x", -12, 12)
    cy = 106 + number("shift_y", -5, 9)
    skin, hair = SKIN_TONES[tone], HAIR_COLORS[hair_color]
    up = gaze == "up"
    head = Head(cx + yaw * 5, cy, yaw, 9.0 if up else 0.0)

    draw_place(canvas, place, choices.stream("background details"))
    spot(canvas, cx, 130, 150, (255, 246, 232), 0.2 if place == "black background" else 0.16)
    if pearl:
        draw_turban_tail(canvas, head)
    else:
        draw_back_hair(canvas, head, hair_style, hair)
    _draw_neck(canvas, head, cx, skin)
    draw_clothes(canvas, clothes, cx, cy + 74, skin, choices.stream("clothes details"))
    if hair_style in ("bun", "short") or pearl:
        _draw_ears(canvas, head, skin)
    _draw_head(canvas, head, skin)
    box = head.box
    canvas.save()
    canvas.clipRect(skia.Rect.MakeLTRB(*box))
    draw_features(canvas, head, expression, skin, EYE_COLORS[eyes], up)
    canvas.restore()
    if pearl:
        draw_turban(canvas, head)
    else:
        draw_front_hair(canvas, head, hair_style, hair)
        draw_over_hair(canvas, head, hair_style, hair)
    canvas.save()
    canvas.clipRect(skia.Rect.MakeLTRB(*box))
    draw_brows(canvas, head, expression, (110, 70, 50) if pearl else hair)
    canvas.restore()

    attributes: dict[str, str | int] = {
        "subject": subject,
        "expression": expression,
        "clothes": clothes,
        "background": place,
        "skin": tone,
        "eyes": eyes,
        "gaze": gaze,
        "facing": facing(yaw),
    }
    if not pearl:
        attributes |= {"hair_color": hair_color, "hair_style": hair_style}
    return Drawn(attributes, joints=_joints(head, cx, cy)[None], face_box=box)


def _joints(head: Head, cx: float, cy: float) -> np.ndarray:
    """[18, 3]: nose, neck, shoulders, eyes, and the ears that the turn leaves in view."""
    joints = np.zeros((18, 3))
    nose = head.at(0)[0] + head.yaw * 5
    joints[0] = nose, head.y + 28 - head.pitch, 1
    joints[1] = cx, cy + 92, 1
    joints[2] = cx - 68, cy + 98, 1
    joints[5] = cx + 68, cy + 98, 1
    for index, side in ((14, -1), (15, 1)):
        joints[index] = head.at(side * 0.46)[0], head.y + 9 - head.pitch, 1
    for index, side in ((16, -1), (17, 1)):
        if side * head.yaw <= 0.45:
            joints[index] = head.x + side * 54 - head.yaw * 10, head.y + 12 - head.pitch * 0.4, 1
    return joints
