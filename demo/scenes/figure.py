"""Full-body figures in free poses: thick clear limbs over the skeleton, in eight costumes."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import skia

from .backgrounds import draw_place
from .costumes import COSTUMES, Actor, Costume, draw_behind, draw_over_body
from .draw import Color, curve, fill, glow, linear, oval, shade, spot, stroke
from .hats import draw_hat
from .poses import HEAD, TORSO, fit_pose
from .scene import Choices, Drawn
from .words import FIGURE_PLACES, POSES, SKIN_TONES, WHO


def _draw_limb(canvas: skia.Canvas, a: np.ndarray, b: np.ndarray, c: np.ndarray, width: float, color: Color) -> None:
    """A bent limb a-b-c with a darker rim and a lit middle."""
    path = curve((a[0], a[1]), (b[0], b[1]), (c[0], c[1]))
    canvas.drawPath(path, stroke(shade(color, 0.66), width + 4))
    canvas.drawPath(path, stroke(color, width))
    lit = curve((a[0] - width * 0.15, a[1]), (b[0] - width * 0.15, b[1]), (c[0] - width * 0.15, c[1]))
    canvas.drawPath(lit, stroke(shade(color, 1.18), width * 0.34))


def _draw_leg(canvas: skia.Canvas, j: np.ndarray, k: int, u: float, costume: Costume) -> None:
    """A leg with its boot; `k` is the index of the hip."""
    hip, knee, ankle = j[k], j[k + 1], j[k + 2]
    _draw_limb(canvas, hip, knee, ankle, 17 * u, costume.legs)
    boot = knee + (ankle - knee) * 0.62
    canvas.drawLine(*boot, *ankle, stroke(costume.shoes, 19 * u))
    side = -1 if k == 8 else 1
    toe = ankle + np.array([side * 9 * u, 5 * u])
    canvas.drawLine(*ankle, *toe, stroke(costume.shoes, 14 * u))


def _draw_arm(canvas: skia.Canvas, j: np.ndarray, k: int, u: float, costume: Costume, skin: Color) -> None:
    """An arm with its hand; `k` is the index of the shoulder."""
    _draw_limb(canvas, j[k], j[k + 1], j[k + 2], 14 * u, costume.sleeves or skin)
    x, y = j[k + 2]
    canvas.drawCircle(x, y, 9.5 * u, fill(shade(costume.gloves or skin, 0.72)))
    canvas.drawCircle(x, y, 7.8 * u, fill(costume.gloves or skin))


def _draw_torso(canvas: skia.Canvas, j: np.ndarray, u: float, costume: Costume) -> None:
    rs, ls, rh, lh = j[2], j[5], j[8], j[11]
    waist_r, waist_l = (rs + rh) / 2 + (lh - rh) * 0.08, (ls + lh) / 2 - (lh - rh) * 0.08
    path = curve(tuple(rs), (*j[1], *ls), (*waist_l, *lh), tuple(rh), (*waist_r, *rs), closed=True)
    canvas.drawPath(path, stroke(shade(costume.top, 0.66), 16 * u))
    box = path.getBounds()
    canvas.drawPath(path, stroke(costume.top, 12 * u))
    canvas.drawPath(
        path, linear((box.left(), 0), (box.right(), 0), [shade(costume.top, 1.16), shade(costume.top, 0.9)])
    )


def _draw_face(canvas: skia.Canvas, j: np.ndarray, u: float, skin: Color) -> None:
    """A simple smile, turned and tilted with the joints."""
    eyes = j[14], j[15]
    axis = (eyes[1] - eyes[0]) / max(1e-6, float(np.hypot(*(eyes[1] - eyes[0]))))
    down = np.array([-axis[1], axis[0]])
    for eye, s in zip(eyes, (-1, 1), strict=True):
        oval(canvas, eye[0], eye[1], 3.6 * u, 4.8 * u, fill((48, 30, 42)))
        canvas.drawCircle(eye[0] + 1.2 * u, eye[1] - 1.8 * u, 1.4 * u, fill((255, 255, 255)))
        x, y = eye + s * 4.5 * u * axis + 9 * u * down
        spot(canvas, x, y, 7 * u, (250, 110, 110), 0.55)
    mid = j[0] + 6 * u * down
    a, b, c = mid - 7 * u * axis, mid + 8 * u * down, mid + 7 * u * axis
    smile = curve(tuple(a), (*b, *c), closed=True)
    canvas.drawPath(smile, fill((150, 44, 58)))
    canvas.drawPath(smile, stroke((150, 44, 58), 2.6 * u))


def draw_person(canvas: skia.Canvas, j: np.ndarray, u: float, who: str, skin: Color, hair: Color, r: Random) -> None:
    """Draw one person. j: joints [18, 2] in pixels. u: pixels of a body unit."""
    costume = COSTUMES[who]
    if who == "superhero":
        suit: tuple[Color, Color] = r.choice(
            [((62, 106, 214), (226, 52, 62)), ((206, 52, 70), (250, 190, 60)), ((70, 160, 120), (120, 70, 180))]
        )
        costume = costume.recolor(suit[0], suit[1])
    elif who == "dancer":
        pink: Color = r.choice([(248, 120, 168), (140, 120, 226), (82, 186, 206)])
        costume = costume.recolor(pink, pink)
    actor = Actor(canvas, j, u, costume, hair)
    head = actor.head.origin
    draw_behind(actor, who)
    legs = replace(costume, legs=shade(skin, 1.0)) if who == "dancer" else costume  # hers are bare
    for k in (8, 11):
        _draw_leg(canvas, j, k, u, legs)
    neck = stroke(shade(costume.gloves or skin, 0.85) if who in ("astronaut", "knight") else shade(skin, 0.85), 13 * u)
    canvas.drawLine(*j[1], *head, neck)
    _draw_torso(canvas, j, u, costume)
    draw_over_body(actor, who)
    canvas.drawCircle(*head, HEAD * u + 1.5, fill(shade(skin, 0.7)))
    canvas.drawCircle(*head, HEAD * u, fill(skin))
    canvas.drawCircle(*head, HEAD * u, glow((head[0] - 8 * u, head[1] - 10 * u), 34 * u, (255, 250, 240), 0.45))
    if who != "knight":
        _draw_face(canvas, j, u, skin)
    draw_hat(actor, who)
    for k in (2, 5):
        _draw_arm(canvas, j, k, u, costume, skin)


def _read_joints(pose: object) -> tuple[np.ndarray, float]:
    """The joints [18, 2] of a pinned pose, and the pixels of a body unit."""
    j = np.asarray(pose, dtype=np.float64)
    if j.shape not in ((18, 2), (18, 3)) or not np.isfinite(j[:, :2]).all():
        raise ValueError(f"pose must be [18, 2] or [18, 3] joints in pixels, all present, got shape {j.shape}")
    j = j[:, :2]
    return j, max(0.3, float(np.hypot(*(j[[8, 11]].mean(axis=0) - j[1]))) / TORSO)


def draw_figure(canvas: skia.Canvas, choices: Choices) -> Drawn:
    """Draw a place and a person in it.

    Raises:
        ValueError: a pinned choice is none of the options.
    """
    who = choices.pick("who", WHO)
    place = choices.pick("background", FIGURE_PLACES)
    tone = choices.pick("skin", {"fair": 0.34, "light": 0.34, "tan": 0.18, "dark": 0.14})
    hair: Color = choices.stream("hair").choice([(96, 60, 42), (52, 42, 54), (226, 182, 92), (190, 84, 50)])
    pinned = choices.pinned("pose")
    if pinned is None or isinstance(pinned, str):
        name = choices.pick("pose", POSES)
        joints, unit = fit_pose(name, choices.stream("pose details"))
    else:
        joints, unit = _read_joints(pinned)
        name = "free"
    draw_place(canvas, place, choices.stream("background details"))
    foot = float(joints[[10, 13], 1].max()) + 10 * unit
    x = float(joints[[8, 11], 0].mean())
    oval(canvas, x, min(249.0, max(foot, 242.0)), 50 * unit, 7, fill((20, 16, 40), 0.3))
    draw_person(canvas, joints, unit, who, SKIN_TONES[tone], hair, choices.stream("costume details"))
    scored = np.concatenate([joints, np.ones((18, 1))], axis=1)
    attributes: dict[str, str | int] = {"who": who, "background": place, "pose": name, "skin": tone}
    return Drawn(attributes, joints=scored[None])
