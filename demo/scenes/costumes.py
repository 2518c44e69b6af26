"""What the full-body figures wear, and the parts that make each readable at a glance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import skia

from .draw import Color, curve, fill, linear, oval, shade, stroke
from .poses import HEAD


@dataclass(frozen=True)
class Costume:
    top: Color
    sleeves: Color | None  # None: bare arms
    legs: Color
    shoes: Color
    gloves: Color | None  # None: bare hands
    trim: Color

    def recoloured(self, main: Color, trim: Color) -> Costume:
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


class _Frame:
    """Coordinates along the head or the body: x to the picture's right, y down, in pixels per body unit."""

    def __init__(self, origin: np.ndarray, right: np.ndarray, u: float) -> None:
        self.origin, self.u = origin, u
        self.right = right / max(1e-6, float(np.hypot(*right)))
        self.down = np.array([-self.right[1], self.right[0]])

    def at(self, x: float, y: float) -> tuple[float, float]:
        p = self.origin + (self.right * x + self.down * y) * self.u
        return float(p[0]), float(p[1])

    def path(self, start: tuple[float, float], *cubics: tuple[float, ...], closed: bool = True) -> skia.Path:
        def put(numbers: tuple[float, ...]) -> tuple[float, ...]:
            return tuple(v for i in range(0, len(numbers), 2) for v in self.at(numbers[i], numbers[i + 1]))

        return curve(self.at(*start), *(put(c) for c in cubics), closed=closed)


def head_frame(j: np.ndarray, u: float) -> _Frame:
    return _Frame((j[16] + j[17]) / 2, j[17] - j[16], u)


def body_frame(j: np.ndarray, u: float) -> _Frame:
    return _Frame((j[8] + j[11]) / 2, j[11] - j[8], u)


def draw_behind(canvas: skia.Canvas, j: np.ndarray, u: float, who: str, costume: Costume, hair: Color) -> None:
    body = body_frame(j, u)
    if who in ("superhero", "knight"):
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
        canvas.drawPath(cape, stroke(shade(costume.trim, 0.6), 4))
        canvas.drawPath(cape, linear((x, y), (x, y1), [shade(costume.trim, 0.72), costume.trim]))
    elif who == "astronaut":
        pack = body.path((-32, -58), (32, -58), (34, -8), (-34, -8))
        canvas.drawPath(pack, stroke((120, 134, 160), 8))
        canvas.drawPath(pack, fill((168, 180, 204)))


def draw_over_body(canvas: skia.Canvas, j: np.ndarray, u: float, who: str, costume: Costume) -> None:
    body = body_frame(j, u)
    line = max(3.0, 4 * u)
    if who == "dancer":
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
        canvas.drawPath(
            body.path((-16, -12), (16, -12), (12, -4, -12, -4, -16, -12)), stroke(shade(costume.top, 0.9), line)
        )
    elif who == "astronaut":
        canvas.drawPath(body.path((-16, -38), (16, -38), (16, -18), (-16, -18)), fill((88, 104, 140)))
        for x, c in ((-8, (244, 96, 80)), (0, (255, 206, 84)), (8, (98, 206, 150))):
            canvas.drawCircle(*body.at(x, -28), 3.6 * u, fill(c))
        canvas.drawPath(body.path((-20, -4), (20, -4), closed=False), stroke(costume.trim, line + 1))
    elif who == "chef":
        apron = body.path(
            (-13, -36), (13, -36), (14, -16, 22, -4, 22, 18), (10, 23, -10, 23, -22, 18), (-22, -4, -14, -16, -13, -36)
        )
        canvas.drawPath(apron, stroke(shade((236, 236, 244), 0.72), 4))
        canvas.drawPath(apron, fill((244, 246, 252)))
        canvas.drawPath(body.path((-17, -50), (0, -38), (17, -50), (10, -56, -10, -56, -17, -50)), fill(costume.trim))
    elif who == "superhero":
        emblem = body.path((-13, -42), (13, -42), (15, -36), (0, -18), (-15, -36))
        canvas.drawPath(emblem, fill((255, 224, 90)))
        canvas.drawPath(emblem, stroke(costume.trim, line))
        canvas.drawPath(body.path((-20, -4), (20, -4), closed=False), stroke((255, 224, 90), line + 2))
    elif who == "farmer":
        bib = body.path((-15, -34), (15, -34), (21, -8), (21, 6), (-21, 6), (-21, -8))
        canvas.drawPath(bib, fill(costume.trim))
        canvas.drawPath(bib, stroke(costume.trim, line))
        for s in (-1, 1):
            canvas.drawPath(body.path((s * 13, -34), (s * 17, -56), closed=False), stroke(costume.trim, line + 1.5))
            canvas.drawCircle(*body.at(s * 13, -32), 3 * u, fill((255, 220, 110)))
        canvas.drawPath(body.path((-8, -24), (8, -24), (6, -13, -6, -13, -8, -24)), fill(shade(costume.trim, 0.78)))
    elif who == "knight":
        canvas.drawPath(
            body.path((-13, -46), (13, -46), (14, -22, 8, -12, 0, -8), (-8, -12, -14, -22, -13, -46)),
            fill(costume.trim),
        )
        for a, b in (((0, -42), (0, -16)), ((-9, -32), (9, -32))):
            canvas.drawPath(body.path(a, b, closed=False), stroke((255, 226, 120), line + 1))
        canvas.drawPath(body.path((-20, -2), (20, -2), closed=False), stroke((112, 72, 52), line + 2))
    elif who == "pirate":
        for s in (-1, 1):
            vest = body.path(
                (s * 26, -52), (s * 8, -54), (s * 4, -26, s * 12, -2), (s * 21, -2), (s * 18, -26, s * 26, -52)
            )
            canvas.drawPath(vest, fill(costume.trim))
            canvas.drawPath(vest, stroke(shade(costume.trim, 0.66), 3))
        canvas.drawPath(body.path((-20, -3), (20, -3), closed=False), stroke((52, 38, 40), line + 3))
        canvas.drawCircle(*body.at(0, -3), 5 * u, fill((250, 206, 92)))
    else:
        robe = body.path(
            (-20, -14), (20, -14), (26, 10, 34, 40, 38, 58), (16, 66, -16, 66, -38, 58), (-34, 40, -26, 10, -20, -14)
        )
        canvas.drawPath(robe, stroke(shade(costume.top, 0.62), 4))
        canvas.drawPath(robe, fill(costume.top))
        canvas.drawPath(body.path((-36, 54), (-16, 62, 16, 62, 36, 54), closed=False), stroke(costume.trim, line + 1))
        canvas.drawPath(body.path((-20, -8), (20, -8), closed=False), stroke(costume.trim, line + 1))
        for x, y in ((-14, 20), (8, 12), (18, 36), (-4, 42)):
            canvas.drawCircle(*body.at(x, y), 3.2 * u, fill(costume.trim))


def draw_hat(canvas: skia.Canvas, j: np.ndarray, u: float, who: str, costume: Costume, hair: Color) -> None:
    head = head_frame(j, u)
    h = HEAD
    fringe = head.path(
        (-h - 1, 4),
        (-h - 4, -h - 14, h + 4, -h - 14, h + 1, 4),
        (h - 3, -10, 14, -15, 2, -16),
        (-12, -16, -h + 4, -8, -h - 1, 4),
    )
    if who == "astronaut":
        canvas.drawCircle(*head.at(0, 0), (h + 4) * u, stroke((236, 240, 248), 7 * u))
        canvas.drawCircle(*head.at(0, 0), (h + 7.5) * u, stroke((150, 162, 188), 2.6))
        canvas.drawCircle(*head.at(0, 0), h * u, fill((120, 190, 255), 0.2))
        canvas.drawPath(head.path((-17, -14), (-10, -23, 2, -23), closed=False), stroke((255, 255, 255), 5 * u, 0.85))
        return
    if who == "knight":
        helm = head.path(
            (-h - 3, 16),
            (-h - 8, -h - 14, h + 8, -h - 14, h + 3, 16),
            (h - 6, h + 4, 10, h + 6, 0, h + 6),
            (-10, h + 6, -h + 6, h + 4, -h - 3, 16),
        )
        canvas.drawPath(
            head.path((0, -h - 4), (-4, -h - 20, 22, -h - 20, 34, -h + 2), (24, -h - 2, 12, -h + 2, 0, -h - 4)),
            fill(costume.trim),
        )
        x0, _ = head.at(-h, 0)
        x1, _ = head.at(h, 0)
        canvas.drawPath(helm, stroke((92, 102, 126), 4))
        canvas.drawPath(helm, linear((x0, 0), (x1, 0), [(214, 222, 236), (168, 180, 200), (128, 140, 164)]))
        slit = head.path((-20, -6), (20, -6), (20, 5), (-20, 5))
        canvas.drawPath(slit, fill((40, 38, 56)))
        for s in (-1, 1):
            canvas.drawCircle(*head.at(s * 9, -0.5), 3.6 * u, fill((255, 255, 255)))
        for x in (-8, 0, 8):
            canvas.drawPath(head.path((x, 12), (x, 21), closed=False), stroke((92, 102, 126), 3))
        return
    if who in ("dancer", "superhero"):
        if who == "dancer":
            oval(canvas, *head.at(0, -h - 6), 12 * u, 11 * u, fill(shade(hair, 0.9)))
        canvas.drawPath(fringe, fill(hair))
    if who == "dancer":
        return
    if who == "superhero":
        for s in (-1, 1):
            x, y = j[14 if s < 0 else 15]
            oval(canvas, float(x), float(y), 9.5 * u, 7.5 * u, fill(costume.trim))
        canvas.drawPath(curve(tuple(j[14]), tuple(j[15])), stroke(costume.trim, 7 * u))
        for k in (14, 15):
            oval(canvas, float(j[k][0]), float(j[k][1]), 4.6 * u, 4.4 * u, fill((255, 255, 255)))
            canvas.drawCircle(float(j[k][0]), float(j[k][1]), 2.6 * u, fill((48, 30, 42)))
    elif who == "chef":
        canvas.drawPath(fringe, fill(hair))
        for x, y, k in ((-14, -33, 12), (14, -33, 12), (0, -37, 14)):
            canvas.drawCircle(*head.at(x, y), k * u + 1.6, fill((176, 180, 200)))
        for x, y, k in ((-14, -33, 12), (14, -33, 12), (0, -37, 14)):
            canvas.drawCircle(*head.at(x, y), k * u, fill((255, 255, 255)))
        canvas.drawPath(head.path((-21, -33), (21, -33), (23, -18), (0, -13, -23, -18)), fill((240, 242, 248)))
    elif who == "farmer":
        canvas.drawPath(fringe, fill(hair))
        straw: Color = (240, 202, 112)
        canvas.drawPath(head.path((-23, -16), (-24, -48, 24, -48, 23, -16)), fill(straw))
        canvas.drawPath(head.path((-23, -21), (0, -15, 23, -21), closed=False), stroke((206, 66, 58), 6 * u))
        canvas.drawPath(
            head.path((-46, -10), (-24, -20, 24, -20, 46, -10), (20, -6, -20, -6, -46, -10)), fill(shade(straw, 0.92))
        )
    elif who == "pirate":
        canvas.drawPath(fringe, fill(hair))
        canvas.drawPath(
            head.path(
                (-40, -12), (-44, -34, -20, -34, 0, -48), (20, -34, 44, -34, 40, -12), (20, -20, -20, -20, -40, -12)
            ),
            fill((54, 46, 62)),
        )
        canvas.drawPath(
            head.path((-38, -14), (-20, -21, 20, -21, 38, -14), closed=False), stroke((250, 206, 92), 4.5 * u)
        )
        canvas.drawCircle(*head.at(0, -32), 6.5 * u, fill((255, 255, 255)))
    else:
        beard = head.path(
            (-24, 8), (-14, 14, -8, 6, 0, 8), (8, 6, 14, 14, 24, 8), (24, 30, 10, 44, 0, 52), (-10, 44, -24, 30, -24, 8)
        )
        canvas.drawPath(beard, fill((244, 244, 250)))
        canvas.drawPath(head.path((-8, 15), (0, 22, 8, 15), closed=False), stroke((150, 44, 58), 4 * u))
        canvas.drawPath(
            head.path(
                (-28, -15), (-14, -34, -8, -54, 4, -60), (14, -64, 24, -54, 28, -44), (18, -48, 18, -34, 28, -15)
            ),
            fill(costume.top),
        )
        canvas.drawPath(
            head.path((-42, -8), (-22, -19, 22, -19, 42, -8), (20, -4, -20, -4, -42, -8)),
            fill(shade(costume.top, 0.82)),
        )
        canvas.drawPath(head.path((-27, -17), (0, -11, 27, -17), closed=False), stroke(costume.trim, 5.5 * u))
