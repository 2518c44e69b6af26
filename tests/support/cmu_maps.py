"""Heat maps and fields as OpenPose's body network would answer for figures that are known."""

from __future__ import annotations

import numpy as np
from steer.preprocessors.pose.openpose_decode import FIELDS, LIMBS

STANDING = np.array(
    [
        (0, -60),
        (0, -40),
        (-15, -40),
        (-22, -18),
        (-24, 2),
        (15, -40),
        (22, -18),
        (24, 2),
        (-9, 4),
        (-10, 30),
        (-10, 56),
        (9, 4),
        (10, 30),
        (10, 56),
        (-4, -64),
        (4, -64),
        (-9, -61),
        (9, -61),
    ],
    float,
)


def synthetic(rng: np.random.Generator, count: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Maps [h, w, 19] and fields [h, w, 38] at the resolution of the network's output for `count` figures."""
    heat = rng.uniform(0, 0.03, (height, width, 19)).astype(np.float32)
    fields = rng.normal(0, 0.01, (height, width, 38)).astype(np.float32)
    yy, xx = np.mgrid[:height, :width]
    for _ in range(count):
        size = rng.uniform(0.08, 0.16) * height / 8
        centre = rng.uniform(0.15, 0.85, 2) * [width, height]
        joints = STANDING * size / 8 * rng.uniform(0.8, 1.2, (18, 2)) + centre
        gone = rng.random(18) < 0.1
        for part, (x, y) in enumerate(joints):
            if not gone[part]:
                blob = rng.uniform(0.5, 1) * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / 1.5)
                heat[..., part] = np.maximum(heat[..., part], blob)
        for (a, b), channels in zip(LIMBS, FIELDS, strict=True):
            along = joints[b] - joints[a]
            length = max(1e-3, float(np.hypot(*along)))
            unit = along / length
            t = (xx - joints[a, 0]) * unit[0] + (yy - joints[a, 1]) * unit[1]
            off = np.abs((xx - joints[a, 0]) * unit[1] - (yy - joints[a, 1]) * unit[0])
            on = (t > -0.5) & (t < length + 0.5) & (off < 1)
            for channel, value in zip(channels, unit, strict=True):
                fields[..., channel][on] = value * 0.9
    return heat, fields
