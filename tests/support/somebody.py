"""A person with random keypoints."""

from __future__ import annotations

import numpy as np
from steer.preprocessors.pose.keypoints import SIZES
from steer.preprocessors.pose.people import Person


def somebody(rng: np.random.Generator, height: int, width: int, parts: str = "body left right face") -> Person:
    def points(count: int) -> np.ndarray:
        array = np.stack(
            [rng.uniform(1, width, count), rng.uniform(1, height, count), rng.uniform(0.05, 1, count)], axis=1
        )
        array[rng.random(count) < 0.2] = 0
        array[0] = 5, 6, 0.5
        return array

    arrays = {part: points(SIZES[part]) for part in parts.split()}
    for part, wrist in (("left", 7), ("right", 4)):
        if part in arrays:
            arrays["body"][wrist, :2] = arrays[part][0, :2] = rng.uniform(1, min(height, width), 2)
            arrays["body"][wrist, 2] = arrays[part][0, 2] = 0.9
    return Person(**arrays)
