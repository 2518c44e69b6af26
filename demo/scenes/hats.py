"""What the full-body figures wear on the head, with the hair that it leaves in view."""

from __future__ import annotations

from collections.abc import Callable

from .costumes import Actor
from .draw import Color, curve, fill, linear, oval, shade, stroke
from .poses import HEAD

STEEL: Color = (92, 102, 126)
STRAW: Color = (240, 202, 112)
WHITE: Color = (255, 255, 255)


def draw_hat(actor: Actor, who: str) -> None:
    """Draw the hair and the hat, helmet or mask of `who`."""
    _HATS[who](actor)


def _draw_fringe(actor: Actor) -> None:
    h = HEAD
    fringe = actor.head.path(
        (-h - 1, 4),
        (-h - 4, -h - 14, h + 4, -h - 14, h + 1, 4),
        (h - 3, -10, 14, -15, 2, -16),
        (-12, -16, -h + 4, -8, -h - 1, 4),
    )
    actor.canvas.drawPath(fringe, fill(actor.hair))


def _draw_hair_knot(actor: Actor) -> None:
    u = actor.unit
    oval(actor.canvas, *actor.head.at(0, -HEAD - 6), 12 * u, 11 * u, fill(shade(actor.hair, 0.9)))
    _draw_fringe(actor)


def _draw_space_helmet(actor: Actor) -> None:
    canvas, head, u = actor.canvas, actor.head, actor.unit
    canvas.drawCircle(*head.at(0, 0), (HEAD + 4) * u, stroke((236, 240, 248), 7 * u))
    canvas.drawCircle(*head.at(0, 0), (HEAD + 7.5) * u, stroke((150, 162, 188), 2.6))
    canvas.drawCircle(*head.at(0, 0), HEAD * u, fill((120, 190, 255), 0.2))
    canvas.drawPath(head.path((-17, -14), (-10, -23, 2, -23), closed=False), stroke(WHITE, 5 * u, 0.85))


def _draw_chef_hat(actor: Actor) -> None:
    canvas, head, u = actor.canvas, actor.head, actor.unit
    puffs = ((-14, -33, 12), (14, -33, 12), (0, -37, 14))  # x, y, radius
    _draw_fringe(actor)
    for x, y, radius in puffs:
        canvas.drawCircle(*head.at(x, y), radius * u + 1.6, fill((176, 180, 200)))
    for x, y, radius in puffs:
        canvas.drawCircle(*head.at(x, y), radius * u, fill(WHITE))
    canvas.drawPath(head.path((-21, -33), (21, -33), (23, -18), (0, -13, -23, -18)), fill((240, 242, 248)))


def _draw_mask(actor: Actor) -> None:
    canvas, u, trim = actor.canvas, actor.unit, actor.costume.trim
    right, left = ((float(x), float(y)) for x, y in actor.joints[14:16])
    _draw_fringe(actor)
    for eye in (right, left):
        oval(canvas, *eye, 9.5 * u, 7.5 * u, fill(trim))
    canvas.drawPath(curve(right, left), stroke(trim, 7 * u))
    for eye in (right, left):
        oval(canvas, *eye, 4.6 * u, 4.4 * u, fill(WHITE))
        canvas.drawCircle(*eye, 2.6 * u, fill((48, 30, 42)))


def _draw_straw_hat(actor: Actor) -> None:
    canvas, head = actor.canvas, actor.head
    _draw_fringe(actor)
    canvas.drawPath(head.path((-23, -16), (-24, -48, 24, -48, 23, -16)), fill(STRAW))
    canvas.drawPath(head.path((-23, -21), (0, -15, 23, -21), closed=False), stroke((206, 66, 58), 6 * actor.unit))
    brim = head.path((-46, -10), (-24, -20, 24, -20, 46, -10), (20, -6, -20, -6, -46, -10))
    canvas.drawPath(brim, fill(shade(STRAW, 0.92)))


def _draw_helm(actor: Actor) -> None:
    canvas, head, h = actor.canvas, actor.head, HEAD
    helm = head.path(
        (-h - 3, 16),
        (-h - 8, -h - 14, h + 8, -h - 14, h + 3, 16),
        (h - 6, h + 4, 10, h + 6, 0, h + 6),
        (-10, h + 6, -h + 6, h + 4, -h - 3, 16),
    )
    plume = head.path((0, -h - 4), (-4, -h - 20, 22, -h - 20, 34, -h + 2), (24, -h - 2, 12, -h + 2, 0, -h - 4))
    canvas.drawPath(plume, fill(actor.costume.trim))
    x0, _ = head.at(-h, 0)
    x1, _ = head.at(h, 0)
    canvas.drawPath(helm, stroke(STEEL, 4))
    canvas.drawPath(helm, linear((x0, 0), (x1, 0), [(214, 222, 236), (168, 180, 200), (128, 140, 164)]))
    canvas.drawPath(head.path((-20, -6), (20, -6), (20, 5), (-20, 5)), fill((40, 38, 56)))
    for s in (-1, 1):
        canvas.drawCircle(*head.at(s * 9, -0.5), 3.6 * actor.unit, fill(WHITE))
    for x in (-8, 0, 8):
        canvas.drawPath(head.line((x, 12), (x, 21)), stroke(STEEL, 3))


def _draw_pirate_hat(actor: Actor) -> None:
    canvas, head, u = actor.canvas, actor.head, actor.unit
    _draw_fringe(actor)
    hat = head.path(
        (-40, -12), (-44, -34, -20, -34, 0, -48), (20, -34, 44, -34, 40, -12), (20, -20, -20, -20, -40, -12)
    )
    canvas.drawPath(hat, fill((54, 46, 62)))
    canvas.drawPath(head.path((-38, -14), (-20, -21, 20, -21, 38, -14), closed=False), stroke((250, 206, 92), 4.5 * u))
    canvas.drawCircle(*head.at(0, -32), 6.5 * u, fill(WHITE))


def _draw_beard_and_wizard_hat(actor: Actor) -> None:
    canvas, head, u, costume = actor.canvas, actor.head, actor.unit, actor.costume
    beard = head.path(
        (-24, 8), (-14, 14, -8, 6, 0, 8), (8, 6, 14, 14, 24, 8), (24, 30, 10, 44, 0, 52), (-10, 44, -24, 30, -24, 8)
    )
    canvas.drawPath(beard, fill((244, 244, 250)))
    canvas.drawPath(head.path((-8, 15), (0, 22, 8, 15), closed=False), stroke((150, 44, 58), 4 * u))
    cone = head.path((-28, -15), (-14, -34, -8, -54, 4, -60), (14, -64, 24, -54, 28, -44), (18, -48, 18, -34, 28, -15))
    canvas.drawPath(cone, fill(costume.top))
    brim = head.path((-42, -8), (-22, -19, 22, -19, 42, -8), (20, -4, -20, -4, -42, -8))
    canvas.drawPath(brim, fill(shade(costume.top, 0.82)))
    canvas.drawPath(head.path((-27, -17), (0, -11, 27, -17), closed=False), stroke(costume.trim, 5.5 * u))


_HATS: dict[str, Callable[[Actor], None]] = {
    "dancer": _draw_hair_knot,
    "astronaut": _draw_space_helmet,
    "chef": _draw_chef_hat,
    "superhero": _draw_mask,
    "farmer": _draw_straw_hat,
    "knight": _draw_helm,
    "pirate": _draw_pirate_hat,
    "wizard": _draw_beard_and_wizard_hat,
}
