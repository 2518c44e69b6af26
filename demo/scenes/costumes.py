"""What the full-body figures wear on the body, and the parts that make each readable at a glance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import skia

from .draw import Color, curve, fill, linear, shade, stroke


@dataclass(frozen=True)
class Costume:
    """The colours of a costume."""

    top: Color
    sleeves: Color | None  # None: bare arms
    legs: Color
    shoes: Color
    gloves: Color | None  # None: bare hands
    trim: Color

    def recolor(self, main: Color, trim: Color) -> Costume:
        """The same costume in two other colours; what is bare stays bare."""
        return replace(
            self,
            top=main,
            sleeves=main if self.sleeves else None,
            legs=main,
            trim=trim,
            gloves=trim if self.gloves else None,
            shoes=trim,
        )


COSTUMES: dict[str, Costume] = {
    "dancer": Costume((248, 120, 168), None, (255, 224, 204), (248, 120, 168), None, (255, 190, 214)),
    "astronaut": Costume(
        (240, 242, 248), (240, 242, 248), (240, 242, 248), (120, 134, 160), (120, 134, 160), (244, 130, 60)
    ),
    "chef": Costume((252, 252, 252), (252, 252, 252), (98, 112, 148), (92, 84, 108), None, (226, 60, 62)),
    "superhero": Costume((62, 106, 214), (62, 106, 214), (62, 106, 214), (226, 52, 62), (226, 52, 62), (226, 52, 62)),
    "farmer": Costume((214, 74, 66), (214, 74, 66), (76, 112, 176), (112, 72, 46), None, (76, 112, 176)),
    "knight": Costume(
        (168, 180, 200), (168, 180, 200), (150, 162, 184), (104, 114, 138), (104, 114, 138), (206, 50, 60)
    ),
    "pirate": Costume((250, 246, 236), (250, 246, 236), (116, 90, 128), (120, 78, 54), None, (188, 40, 52)),
    "wizard": Costume((104, 76, 184), (104, 76, 184), (104, 76, 184), (84, 58, 44), None, (255, 212, 92)),
}


class Frame:
    """Coordinates along the head or the body: x to the picture's right, y down, in body units.

    origin: [2], pixels. right: [2], the direction of x. unit: pixels of a body unit.
    """

    def __init__(self, origin: np.ndarray, right: np.ndarray, unit: float) -> None:
        self.origin, self.unit = origin, unit
        self.right = right / max(1e-6, float(np.hypot(*right)))
        self.down = np.array([-self.right[1], self.right[0]])

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A point of the frame in pixels of the picture."""
        p = self.origin + (self.right * x + self.down * y) * self.unit
        return float(p[0]), float(p[1])

    def path(self, start: tuple[float, float], *cubics: tuple[float, ...], closed: bool = True) -> skia.Path:
        """A path as of :func:`draw.curve`, its numbers those of the frame."""

        def place(numbers: tuple[float, ...]) -> tuple[float, ...]:
            return tuple(v for i in range(0, len(numbers), 2) for v in self.at(numbers[i], numbers[i + 1]))

        return curve(self.at(*start), *(place(c) for c in cubics), closed=closed)

    def line(self, start: tuple[float, float], end: tuple[float, float]) -> skia.Path:
        """A straight line between two points of the frame."""
        return self.path(start, end, closed=False)


@dataclass(frozen=True)
class Actor:
    """A figure that is being drawn: joints [18, 2] in pixels, pixels of a body unit, and the colours it wears."""

    canvas: skia.Canvas
    joints: np.ndarray
    unit: float
    costume: Costume
    hair: Color

    @property
    def body(self) -> Frame:
        """The frame whose origin is the middle of the hips."""
        return Frame((self.joints[8] + self.joints[11]) / 2, self.joints[11] - self.joints[8], self.unit)

    @property
    def head(self) -> Frame:
        """The frame whose origin is the middle of the head."""
        return Frame((self.joints[16] + self.joints[17]) / 2, self.joints[17] - self.joints[16], self.unit)

    @property
    def width(self) -> float:
        """The width of a drawn line in pixels."""
        return max(3.0, 4 * self.unit)


def draw_behind(actor: Actor, who: str) -> None:
    """Draw what hangs behind the body of `who`: a cape, a backpack, or nothing."""
    if who in _BEHIND:
        _BEHIND[who](actor)


def draw_over_body(actor: Actor, who: str) -> None:
    """Draw what `who` wears over the torso."""
    _OVER_BODY[who](actor)


def _draw_cape(actor: Actor) -> None:
    body, trim = actor.body, actor.costume.trim
    cape = body.path(
        (-24, -52),
        (24, -52),
        (44, -10, 46, 20, 58, 44),
        (38, 54, 18, 42, 0, 52),
        (-18, 42, -38, 54, -58, 44),
        (-46, 20, -44, -10, -24, -52),
    )
    x, y = body.at(0, -50)
    _, y1 = body.at(0, 50)
    actor.canvas.drawPath(cape, stroke(shade(trim, 0.6), 4))
    actor.canvas.drawPath(cape, linear((x, y), (x, y1), [shade(trim, 0.72), trim]))


def _draw_backpack(actor: Actor) -> None:
    pack = actor.body.path((-32, -58), (32, -58), (34, -8), (-34, -8))
    actor.canvas.drawPath(pack, stroke((120, 134, 160), 8))
    actor.canvas.drawPath(pack, fill((168, 180, 204)))


def _draw_tutu(actor: Actor) -> None:
    canvas, body, costume = actor.canvas, actor.body, actor.costume
    skirt = body.path(
        (-15, -14),
        (15, -14),
        (28, 0, 42, 12, 46, 16),
        (34, 27, 26, 20, 15, 25),
        (6, 30, -6, 30, -15, 25),
        (-26, 20, -34, 27, -46, 16),
        (-42, 12, -28, 0, -15, -14),
    )
    canvas.drawPath(skirt, stroke(shade(costume.trim, 0.72), 4))
    canvas.drawPath(skirt, fill(shade(costume.trim, 1.3)))
    waist = body.path((-16, -12), (16, -12), (12, -4, -12, -4, -16, -12))
    canvas.drawPath(waist, stroke(shade(costume.top, 0.9), actor.width))


def _draw_space_suit(actor: Actor) -> None:
    canvas, body = actor.canvas, actor.body
    canvas.drawPath(body.path((-16, -38), (16, -38), (16, -18), (-16, -18)), fill((88, 104, 140)))
    for x, c in ((-8, (244, 96, 80)), (0, (255, 206, 84)), (8, (98, 206, 150))):
        canvas.drawCircle(*body.at(x, -28), 3.6 * actor.unit, fill(c))
    canvas.drawPath(body.line((-20, -4), (20, -4)), stroke(actor.costume.trim, actor.width + 1))


def _draw_apron(actor: Actor) -> None:
    canvas, body = actor.canvas, actor.body
    apron = body.path(
        (-13, -36), (13, -36), (14, -16, 22, -4, 22, 18), (10, 23, -10, 23, -22, 18), (-22, -4, -14, -16, -13, -36)
    )
    canvas.drawPath(apron, stroke(shade((236, 236, 244), 0.72), 4))
    canvas.drawPath(apron, fill((244, 246, 252)))
    scarf = body.path((-17, -50), (0, -38), (17, -50), (10, -56, -10, -56, -17, -50))
    canvas.drawPath(scarf, fill(actor.costume.trim))


def _draw_emblem(actor: Actor) -> None:
    canvas, body, yellow = actor.canvas, actor.body, (255, 224, 90)
    emblem = body.path((-13, -42), (13, -42), (15, -36), (0, -18), (-15, -36))
    canvas.drawPath(emblem, fill(yellow))
    canvas.drawPath(emblem, stroke(actor.costume.trim, actor.width))
    canvas.drawPath(body.line((-20, -4), (20, -4)), stroke(yellow, actor.width + 2))


def _draw_dungarees(actor: Actor) -> None:
    canvas, body, trim = actor.canvas, actor.body, actor.costume.trim
    bib = body.path((-15, -34), (15, -34), (21, -8), (21, 6), (-21, 6), (-21, -8))
    canvas.drawPath(bib, fill(trim))
    canvas.drawPath(bib, stroke(trim, actor.width))
    for s in (-1, 1):
        canvas.drawPath(body.line((s * 13, -34), (s * 17, -56)), stroke(trim, actor.width + 1.5))
        canvas.drawCircle(*body.at(s * 13, -32), 3 * actor.unit, fill((255, 220, 110)))
    pocket = body.path((-8, -24), (8, -24), (6, -13, -6, -13, -8, -24))
    canvas.drawPath(pocket, fill(shade(trim, 0.78)))


def _draw_coat_of_arms(actor: Actor) -> None:
    canvas, body = actor.canvas, actor.body
    shield = body.path((-13, -46), (13, -46), (14, -22, 8, -12, 0, -8), (-8, -12, -14, -22, -13, -46))
    canvas.drawPath(shield, fill(actor.costume.trim))
    for start, end in (((0, -42), (0, -16)), ((-9, -32), (9, -32))):
        canvas.drawPath(body.line(start, end), stroke((255, 226, 120), actor.width + 1))
    canvas.drawPath(body.line((-20, -2), (20, -2)), stroke((112, 72, 52), actor.width + 2))


def _draw_vest(actor: Actor) -> None:
    canvas, body, trim = actor.canvas, actor.body, actor.costume.trim
    for s in (-1, 1):
        half = body.path(
            (s * 26, -52), (s * 8, -54), (s * 4, -26, s * 12, -2), (s * 21, -2), (s * 18, -26, s * 26, -52)
        )
        canvas.drawPath(half, fill(trim))
        canvas.drawPath(half, stroke(shade(trim, 0.66), 3))
    canvas.drawPath(body.line((-20, -3), (20, -3)), stroke((52, 38, 40), actor.width + 3))
    canvas.drawCircle(*body.at(0, -3), 5 * actor.unit, fill((250, 206, 92)))


def _draw_robe(actor: Actor) -> None:
    canvas, body, costume = actor.canvas, actor.body, actor.costume
    robe = body.path(
        (-20, -14), (20, -14), (26, 10, 34, 40, 38, 58), (16, 66, -16, 66, -38, 58), (-34, 40, -26, 10, -20, -14)
    )
    canvas.drawPath(robe, stroke(shade(costume.top, 0.62), 4))
    canvas.drawPath(robe, fill(costume.top))
    hem = body.path((-36, 54), (-16, 62, 16, 62, 36, 54), closed=False)
    for line in (hem, body.line((-20, -8), (20, -8))):
        canvas.drawPath(line, stroke(costume.trim, actor.width + 1))
    for x, y in ((-14, 20), (8, 12), (18, 36), (-4, 42)):
        canvas.drawCircle(*body.at(x, y), 3.2 * actor.unit, fill(costume.trim))


_BEHIND: dict[str, Callable[[Actor], None]] = {
    "superhero": _draw_cape,
    "knight": _draw_cape,
    "astronaut": _draw_backpack,
}
_OVER_BODY: dict[str, Callable[[Actor], None]] = {
    "dancer": _draw_tutu,
    "astronaut": _draw_space_suit,
    "chef": _draw_apron,
    "superhero": _draw_emblem,
    "farmer": _draw_dungarees,
    "knight": _draw_coat_of_arms,
    "pirate": _draw_vest,
    "wizard": _draw_robe,
}
