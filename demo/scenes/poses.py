"""Skeletons of the full-body figures: named poses as limb angles, fitted into the picture."""

from __future__ import annotations

import math
from random import Random

import numpy as np

from .draw import SIZE

# Lengths in body units; the picture scales them.
TORSO, SHOULDER, HIP, ARM, FOREARM, THIGH, SHIN, NOSE = 56.0, 25.0, 14.0, 32.0, 30.0, 37.0, 37.0, 29.0
HAT = 60.0  # room above the head
HEAD = 28.0  # radius of the head round a point 2 units above the nose

# Degrees from straight down, positive to the picture's right. Torso, head, then right arm (picture left) upper
# and fore, left arm, right leg thigh and shin, left leg.
ANGLES: dict[str, tuple[float, ...]] = {
    "standing": (0, 0, -20, -10, 20, 10, -7, -3, 7, 3),
    "arms raised": (0, 0, -138, -164, 138, 164, -9, -5, 9, 5),
    "hands on hips": (0, 0, -62, 40, 62, -40, -13, -9, 13, 9),
    "waving": (2, 4, -22, -10, 112, 168, -8, -4, 8, 4),
    "walking": (4, 2, -48, -14, 38, 74, -34, -22, 30, -6),
    "jumping": (3, 2, -118, -146, 112, 140, -26, -42, 52, -36),
    "arms wide open": (0, 0, -92, -88, 92, 88, -16, -12, 16, 12),
    "kicking": (-8, -4, -70, -120, 84, 60, -4, -2, 74, 68),
}


def _choose_angles(name: str, r: Random) -> list[float]:
    """The angles of a pose in degrees, as in ANGLES, a little off and at times mirrored; free ones at random."""
    if name == "free":
        u = r.uniform
        right, left = u(-165, -10), u(10, 165)
        thigh_r, thigh_l = u(-55, 4), u(-4, 55)
        bend = (right + u(-70, 40), left + u(-40, 70), thigh_r + u(-10, 45), thigh_l + u(-45, 10))
        return [u(-12, 12), u(-14, 14), right, bend[0], left, bend[1], thigh_r, bend[2], thigh_l, bend[3]]
    angles = [a + r.uniform(-6, 6) for a in ANGLES[name]]
    if r.random() < 0.5:  # the mirrored pose
        torso, head, ru, rf, lu, lf, rt, rs, lt, ls = (-a for a in angles)
        angles = [torso, head, lu, lf, ru, rf, lt, ls, rt, rs]
    return angles


def _skeleton(angles: list[float], look: float) -> np.ndarray:
    """[18, 2] in body units, neck at the origin. `look` -1..1 turns the face."""
    torso, head, ru, rf, lu, lf, rt, rs, lt, ls = (math.radians(a) for a in angles)

    def step(start: np.ndarray, angle: float, length: float) -> np.ndarray:
        return start + length * np.array([math.sin(angle), math.cos(angle)])

    j = np.zeros((18, 2))
    across = np.array([math.cos(torso), -math.sin(torso)])
    mid = step(j[1], torso, TORSO)
    up = -np.array([math.sin(torso - head), math.cos(torso - head)])
    side = np.array([-up[1], up[0]])
    j[0] = j[1] + NOSE * up + look * 6 * side
    for k, (sign, upper, fore, thigh, shin) in enumerate(((-1, ru, rf, rt, rs), (1, lu, lf, lt, ls))):
        a, b = 2 + 3 * k, 8 + 3 * k
        j[a] = j[1] + sign * SHOULDER * across + 4 * np.array([math.sin(torso), math.cos(torso)])
        j[a + 1] = step(j[a], upper, ARM)
        j[a + 2] = step(j[a + 1], fore, FOREARM)
        j[b] = mid + sign * HIP * across
        j[b + 1] = step(j[b], thigh, THIGH)
        j[b + 2] = step(j[b + 1], shin, SHIN)
        j[14 + k] = j[0] + 6 * up + sign * 10 * side
        j[16 + k] = j[1] + (NOSE + 3) * up + sign * 26 * side
    return j


def fit_pose(name: str, r: Random) -> tuple[np.ndarray, float]:
    """A pose that fills the picture's height: joints [18, 2] in pixels, and the pixels of a body unit."""
    j = _skeleton(_choose_angles(name, r), r.uniform(-1, 1))
    centre = j[1] + (j[0] - j[1]) * (NOSE + 2) / NOSE
    points = np.concatenate([j[2:14], centre[None]])
    pad = np.array([11.0] * 12 + [HEAD + 3])[:, None]
    low, high = (points - pad).min(axis=0), (points + pad).max(axis=0)
    low[1] = min(low[1], centre[1] - HAT)  # room for any hat, so that a pose does not depend on who strikes it
    scale = min(1.1 if name == "jumping" else 1.28, (SIZE - 8) / (high[1] - low[1]), (SIZE - 8) / (high[0] - low[0]))
    slack = SIZE - (high - low) * scale
    lift = 0.25 if name == "jumping" else 0.8
    offset = np.array([slack[0] * r.uniform(0.35, 0.65), slack[1] * lift])
    return (j - low) * scale + offset, scale
