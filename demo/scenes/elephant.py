"""One elephant in side view, 100 units long, feet at y = 0, facing right."""

from __future__ import annotations

import math

import skia

from .draw import Color, curve, fill, glow, linear, mix, oval, shade, stroke

LINE: Color = (44, 38, 66)


def _leg(x: float, swing: float, top: float = -34.0) -> skia.Path:
    fx = x + swing
    return curve(
        (x - 8.5, top),
        (x - 8, -16, fx - 7.5, -6),
        (fx - 9, 0),
        (fx - 6, 1.5, fx + 6, 1.5, fx + 9, 0),
        (fx + 7.5, -6),
        (x + 8, -16, x + 8.5, top),
        closed=True,
    )


_BODY = curve(
    (-40, -36),
    (-42, -60, -24, -66, -6, -66),
    (8, -66, 16, -72, 26, -66),
    (34, -56, 34, -40, 26, -30),
    (10, -18, -18, -19, -32, -24),
    (-37, -27, -40, -30, -40, -36),
    closed=True,
)
_HEAD = curve(
    (16, -62), (18, -80, 42, -82, 48, -66), (52, -56, 50, -46, 44, -40), (36, -32, 22, -36, 18, -46), closed=True
)
_EAR = curve(
    (26, -66), (12, -76, -2, -66, 1, -50), (2, -38, 12, -28, 20, -34), (28, -42, 30, -56, 26, -66), closed=True
)
_TUSK = curve((41, -41), (45, -33, 54, -31, 60, -36), (54, -27, 42, -27, 36, -37), closed=True)
_TAIL = curve((-39, -50), (-48, -46, -48, -34, -46, -24))


def _trunk(lift: float) -> skia.Path:
    """Tapering from the brow; `lift` 0 hangs down, 1 curls its tip up."""
    tip_x, tip_y = 53 + 11 * lift, -10 - 12 * lift
    return curve(
        (49, -62),
        (57, -50, 56 + 3 * lift, -30, 55 + 3 * lift, -22),
        (54 + 4 * lift, -16 + 2 * lift, tip_x + 1, tip_y - 4, tip_x + 8, tip_y - 5),
        (tip_x + 12, tip_y - 3, tip_x + 10, tip_y + 4, tip_x + 6, tip_y + 5),
        (tip_x - 10, tip_y + 9, 42, -8 - 4 * lift, 43, -24),
        (43, -34, 40, -38, 37, -42),
        closed=True,
    )


def draw_elephant(
    canvas: skia.Canvas,
    x: float,
    y: float,
    scale: float,
    direction: int,
    tone: Color,
    photo: bool,
    gait: float,
    rim: Color,
) -> None:
    """Draw an elephant whose feet stand at (x, y).

    direction: 1 faces right, -1 left. gait: 0..1 sets the swing of the legs and the trunk. rim: the light from behind
    in a photo.
    """
    swing = 7 * math.sin(2 * math.pi * gait) + (3 if gait < 0.5 else -3)
    trunk = _trunk(abs(math.sin(3 * gait)))
    near = [_leg(-29, swing), _leg(21, -swing)]
    far = [_leg(-14, -swing * 0.6), _leg(9, -swing * 0.6)]
    if photo:
        oval(canvas, x, y, 58 * scale, 7 * scale, fill((40, 26, 30), 0.38))
    else:
        oval(canvas, x, y + 1, 56 * scale, 6 * scale, fill((120, 70, 50), 0.4))
    canvas.save()
    canvas.translate(x - direction * 12 * scale, y)
    canvas.scale(scale * direction, scale)
    if photo:
        for part in (_BODY, _HEAD):  # light from behind on the back and the brow
            canvas.drawPath(part, stroke(rim, 2.6, 0.7))
        _paint_photo(canvas, tone, near, far, trunk)
    else:
        _paint_animation(canvas, tone, near, far, trunk)
    canvas.restore()


def _paint_photo(
    canvas: skia.Canvas, tone: Color, near: list[skia.Path], far: list[skia.Path], trunk: skia.Path
) -> None:
    lit = linear((0, -78), (0, 0), [shade(tone, 1.22), tone, shade(tone, 0.62)], [0.0, 0.45, 1.0])
    for leg in far:
        canvas.drawPath(leg, fill(shade(tone, 0.55)))
    canvas.drawPath(_TAIL, stroke(shade(tone, 0.66), 3))
    oval(canvas, -46, -22, 2.4, 5, fill(shade(tone, 0.4)))
    for leg in near:
        canvas.drawPath(leg, lit)
    canvas.drawPath(_BODY, lit)
    canvas.save()
    canvas.clipPath(_BODY, skia.ClipOp.kIntersect, True)
    canvas.drawPaint(glow((-8, -16), 34, shade(tone, 0.4), 0.6))
    canvas.restore()
    canvas.drawPath(trunk, lit)
    canvas.drawPath(_HEAD, lit)
    canvas.drawPath(trunk, linear((40, 0), (60, 0), [shade(tone, 0.8), shade(tone, 1.12)]))
    for i, ty in enumerate((-34, -26, -18)):
        canvas.drawLine(45.5 + i * 0.5, ty, 53 + i * 0.4, ty + 0.5, stroke(shade(tone, 0.66), 1.6, 0.7))
    canvas.drawPath(_TUSK, linear((0, -42), (0, -28), [(255, 250, 234), (214, 196, 160)]))
    canvas.drawPath(_EAR, stroke(shade(tone, 0.5), 2.4, 0.55))
    canvas.drawPath(_EAR, linear((0, -72), (0, -30), [shade(tone, 1.05), shade(tone, 0.7)]))
    canvas.drawPath(curve((20, -60), (8, -64, 6, -52)), stroke(shade(tone, 1.25), 3, 0.5))
    canvas.drawCircle(39, -58, 3.0, fill((34, 22, 24)))
    canvas.drawCircle(40, -59, 1.0, fill((255, 255, 255)))
    canvas.drawPath(curve((35, -62), (39, -65, 43, -61)), stroke(shade(tone, 0.6), 1.8))


def _paint_animation(
    canvas: skia.Canvas, tone: Color, near: list[skia.Path], far: list[skia.Path], trunk: skia.Path
) -> None:
    bold = stroke(LINE, 6)
    for leg in far:
        canvas.drawPath(leg, bold)
    for leg in far:
        canvas.drawPath(leg, fill(shade(tone, 0.7)))
    canvas.drawPath(_TAIL, stroke(LINE, 6))
    canvas.drawPath(_TAIL, stroke(tone, 2.2))
    canvas.drawCircle(-46, -22, 4.5, fill(LINE))
    parts = [*near, _BODY, trunk, _HEAD]
    for part in parts:
        canvas.drawPath(part, bold)
    for part in parts:
        canvas.drawPath(part, fill(tone))
    for leg in near:
        b = leg.getBounds()
        mid = (b.left() + b.right()) / 2
        for dx in (-4, 4):
            canvas.drawCircle(mid + dx, -2, 2.6, fill(mix(tone, (255, 255, 255), 0.65)))
    oval(canvas, -8, -25, 20, 5, fill(shade(tone, 0.82)))
    canvas.drawPath(_TUSK, stroke(LINE, 5))
    canvas.drawPath(_TUSK, fill((255, 252, 238)))
    canvas.drawPath(_EAR, bold)
    canvas.drawPath(_EAR, fill(shade(tone, 0.9)))
    canvas.save()
    canvas.translate(15, -52)
    canvas.scale(0.6, 0.6)
    canvas.translate(-15, 52)
    canvas.drawPath(_EAR, fill((255, 164, 176)))
    canvas.restore()
    oval(canvas, 38, -58, 6.2, 7.6, fill((255, 255, 255)))
    canvas.drawCircle(39.6, -57, 4.2, fill((34, 26, 48)))
    canvas.drawCircle(41, -59, 1.6, fill((255, 255, 255)))
    oval(canvas, 32, -44, 4.4, 3.2, fill((255, 130, 146), 0.75))
