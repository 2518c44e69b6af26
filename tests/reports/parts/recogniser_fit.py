"""The weights of preprocessors/strokes.py: logistic regressions on the tuning half of the recogniser's pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....preprocessors.recognise import EDGES, LINES, OTHER
from ....preprocessors.strokes import find_strokes, measure_arms, measure_pixels, measure_softness
from ...support.pictures.recogniser_pictures import TUNING, samples

_KEEP = 1.0  # draws the weights to 0: lambda of the squared weights
_STEPS = 12  # of Newton's method


def fit(rows: Sequence[dict[str, float]], is_first: Sequence[bool]) -> dict[str, float]:
    """The weight of each measure; the offset is "". A score above 0 means the first of two kinds."""
    names = list(rows[0])
    values, wanted = np.array([[row[name] for name in names] for row in rows]), np.array(is_first, float)
    middle, spread = values.mean(0), values.std(0)
    known = np.concatenate([np.ones((len(rows), 1)), (values - middle) / spread], axis=1)
    keep = np.diag([0.0] + [_KEEP] * len(names))
    weights = np.zeros(len(names) + 1)
    for _ in range(_STEPS):
        found = 1 / (1 + np.exp(-np.clip(known @ weights, -30, 30)))
        slope = known.T @ (known * (found * (1 - found) + 1e-6)[:, None]) + keep
        weights += np.linalg.solve(slope, known.T @ (wanted - found) - keep @ weights)
    scaled = weights[1:] / spread
    return {"": round(float(weights[0] - scaled @ middle), 3)} | {
        name: round(float(weight), 3) for name, weight in zip(names, scaled, strict=True)
    }


def fit_weights(count: int) -> str:
    """SOFT_WEIGHTS and STRAIGHT_WEIGHTS as they are written there, of the drawings among `count` pictures."""
    soft, straight = ([], []), ([], [])
    for sample in samples(TUNING, count):
        what, source = sample.look.what, sample.source
        if what not in (EDGES, LINES) and not (what == OTHER and source.startswith("soft edges")):
            continue
        picture = 255 - sample.picture if source.endswith(", inverted") else sample.picture
        grey = np.ascontiguousarray(picture.max(axis=2))
        strokes = find_strokes(grey)
        if strokes is None:
            continue
        soft[0].append(measure_softness(strokes))
        soft[1].append(what == OTHER)
        if what != OTHER:
            straight[0].append(measure_arms(strokes) | measure_pixels(grey, strokes.level))
            straight[1].append(what == LINES)
    return f"SOFT_WEIGHTS = {fit(*soft)}\nSTRAIGHT_WEIGHTS = {fit(*straight)}"
