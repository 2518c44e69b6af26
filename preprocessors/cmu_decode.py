"""OpenPose's way from heat maps and part affinity fields to people (Cao et al., "Realtime Multi-Person 2D Pose
Estimation using Part Affinity Fields", 2017), with the numbers that controlnet_aux and ControlNet use.

The same peaks and people as controlnet_aux's Body, several times faster: the Gaussian is computed only around what can
become a peak, and the fields are sampled only where a limb could be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Maps: TypeAlias = NDArray[np.float32]

PARTS = 18
# Limbs as (from, to); the last two serve grouping only and are never drawn.
LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0), (0,
    14),
    (14, 16), (0, 15), (15, 17), (2, 16), (5, 17),
)  # fmt: skip
FIELDS = (
    (12, 13), (20, 21), (14, 15), (16, 17), (22, 23), (24, 25), (0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11),
    (28, 29),
    (30, 31), (34, 35), (32, 33), (36, 37), (18, 19), (26, 27),
)  # fmt: skip
PEAK = 0.1
ON_FIELD = 0.05
SAMPLES = 10
SIGMA, RADIUS = 3, 12  # scipy's Gaussian reaches 4 sigma
MIN_PARTS = 4
MIN_SCORE = 0.4


@dataclass(frozen=True)
class Peak:
    """A possible joint: pixel x, y and the value of its heat map there."""

    x: int
    y: int
    score: float


def find_people(heat: Maps, fields: Maps, size: tuple[int, int], cut: tuple[int, int]) -> list[Floats]:
    """People as [18, 3] arrays of x, y, score in pixels of a picture of `size` (height, width); absent points are 0.

    heat [h, w, 19] and fields [h, w, 38]: the network's outputs, at an eighth of its input, of which `cut` (height,
    width) pixels are picture and the rest padding.
    """
    large = _enlarged(heat[..., :PARTS], cut)
    peaks = find_peaks(resized_maps(large, size))
    pairs = connect(peaks, FieldSampler(_enlarged(fields, cut), size), size[0])
    people = []
    for row in group(peaks, pairs):
        person = np.zeros((PARTS, 3))
        for part, index in enumerate(row[:PARTS].astype(int)):
            if index >= 0:
                peak = peaks[part][index]
                person[part] = peak.x, peak.y, peak.score
        people.append(person)
    return people


def _enlarged(maps: Maps, cut: tuple[int, int]) -> Maps:
    """Eight times as large, without the padding. One call for all channels gives the same bits as one for each."""
    import cv2

    return np.asarray(cv2.resize(maps, None, fx=8, fy=8, interpolation=cv2.INTER_LANCZOS4), np.float32)[
        : cut[0], : cut[1]
    ]


def resized_maps(maps: Maps, size: tuple[int, int]) -> Maps:
    """[h, w, C] -> [height, width, C], by area when that is smaller, else Lanczos."""
    import cv2

    method = cv2.INTER_AREA if sum(size) < sum(maps.shape[:2]) else cv2.INTER_LANCZOS4
    return np.asarray(cv2.resize(np.ascontiguousarray(maps), (size[1], size[0]), interpolation=method), np.float32)


def find_peaks(maps: Maps) -> list[list[Peak]]:
    """For each channel of [H, W, C] the local maxima above 0.1 of the Gaussian-filtered map (sigma 3), row by row.

    The filtered value can be above 0.1 only within 12 pixels of a raw one that is: only there is it computed, with the
    margin that makes it equal to the filter over the whole map in every bit.
    """
    return [_channel_peaks(np.ascontiguousarray(maps[..., part])) for part in range(maps.shape[2])]


def _channel_peaks(raw: Maps) -> list[Peak]:
    import cv2
    from scipy.ndimage import gaussian_filter

    mask = (raw > PEAK).astype(np.uint8)
    if not mask.any():
        return []
    height, width = raw.shape
    near = cv2.dilate(mask, np.ones((2 * RADIUS + 1, 2 * RADIUS + 1), np.uint8))
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    found: list[tuple[int, int]] = []
    for label, (left, top, across, down, _) in enumerate(boxes[1:].tolist(), 1):
        x0, y0 = max(0, left - RADIUS - 1), max(0, top - RADIUS - 1)
        x1, y1 = min(width, left + across + RADIUS + 1), min(height, top + down + RADIUS + 1)
        smooth = gaussian_filter(raw[y0:y1, x0:x1].astype(np.float64), sigma=SIGMA)
        rows, columns = np.nonzero(_maxima(smooth) & (labels[y0:y1, x0:x1] == label))
        found += zip((rows + y0).tolist(), (columns + x0).tolist(), strict=True)
    return [Peak(x, y, float(raw[y, x])) for y, x in sorted(found)]


def _maxima(smooth: Floats) -> NDArray[np.bool_]:
    """Above 0.1 and not below any of the four neighbours; zeros lie outside."""
    edge = np.pad(smooth, 1)
    around = (edge[:-2, 1:-1], edge[2:, 1:-1], edge[1:-1, :-2], edge[1:-1, 2:])
    return np.logical_and.reduce([smooth >= other for other in around] + [smooth > PEAK])


class FieldSampler:
    """Values of the fields at pixels of the picture, as cv2.resize to its size would give them (to rounding)."""

    def __init__(self, fields: Maps, size: tuple[int, int]) -> None:
        self.size = size
        self.shrink = sum(size) < sum(fields.shape[:2])
        self.fields = resized_maps(fields, size) if self.shrink else fields

    def __call__(self, x: NDArray[np.intp], y: NDArray[np.intp], channels: tuple[int, int]) -> Floats:
        """[..., 2] for index arrays of one shape."""
        picked = self.fields[..., list(channels)].astype(np.float64)
        if self.shrink:
            return picked[y, x]
        rows, row_weights = _taps(y, self.fields.shape[0], self.size[0])
        columns, column_weights = _taps(x, self.fields.shape[1], self.size[1])
        values = picked[rows[..., :, None], columns[..., None, :]]
        return (values * row_weights[..., :, None, None] * column_weights[..., None, :, None]).sum((-3, -2))


def _taps(index: NDArray[np.intp], source: int, target: int) -> tuple[NDArray[np.intp], Floats]:
    """The eight source positions and weights of OpenCV's INTER_LANCZOS4 for target positions `index`."""
    place = (index + 0.5) * (source / target) - 0.5
    start = np.floor(place).astype(np.intp)
    offsets = np.arange(-3, 5)
    distance = (place - start)[..., None] - offsets
    weights = np.sinc(distance) * np.sinc(distance / 4)
    return np.clip(start[..., None] + offsets, 0, source - 1), weights / weights.sum(-1, keepdims=True)


def connect(peaks: list[list[Peak]], sample: FieldSampler, height: int) -> list[list[tuple[int, int, float]]]:
    """For each limb its pairs (index from, index to, score), best first, each joint used once."""
    return [_connect(peaks[a], peaks[b], sample, fields, height) for (a, b), fields in zip(LIMBS, FIELDS, strict=True)]


def _connect(
    starts: list[Peak], ends: list[Peak], sample: FieldSampler, fields: tuple[int, int], height: int
) -> list[tuple[int, int, float]]:
    if not starts or not ends:
        return []
    a = np.array([(p.x, p.y) for p in starts], np.float64)[:, None]
    b = np.array([(p.x, p.y) for p in ends], np.float64)[None]
    vector = b - a
    length = np.maximum(0.001, np.sqrt(vector[..., 0] * vector[..., 0] + vector[..., 1] * vector[..., 1]))
    direction = vector / length[..., None]
    points = np.rint(np.arange(SAMPLES)[:, None] * (vector / (SAMPLES - 1))[..., None, :] + a[..., None, :])
    points[..., -1, :] = b
    points = points.astype(np.intp)
    along = (sample(points[..., 0], points[..., 1], fields) * direction[..., None, :]).sum(-1)
    score = along.mean(-1) + np.minimum(0.5 * height / length - 1, 0)
    good = ((along > ON_FIELD).sum(-1) > 0.8 * SAMPLES) & (score > 0)
    candidates = sorted(((score[i, j], int(i), int(j)) for i, j in np.argwhere(good)), key=lambda c: -c[0])
    pairs: list[tuple[int, int, float]] = []
    used_a: set[int] = set()
    used_b: set[int] = set()
    for value, i, j in candidates:
        if i not in used_a and j not in used_b:
            pairs.append((i, j, float(value)))
            used_a.add(i)
            used_b.add(j)
    return pairs


def group(peaks: list[list[Peak]], pairs: list[list[tuple[int, int, float]]]) -> Floats:
    """Limbs that share a joint become one person. [P, 20]: per part the index of its peak or -1; score; number of
    parts.

    People with fewer than 4 parts, or less than 0.4 of score for each part, are dropped.
    """
    people: list[Floats] = []
    for limb, ((a, b), found) in enumerate(zip(LIMBS, pairs, strict=True)):
        for i, j, score in found:
            owners = [person for person in people if person[a] == i or person[b] == j][:2]
            if len(owners) == 2 and not ((owners[0][:PARTS] >= 0) & (owners[1][:PARTS] >= 0)).any():
                owners[0][:PARTS] += owners[1][:PARTS] + 1
                owners[0][PARTS:] += owners[1][PARTS:]
                owners[0][PARTS] += score
                people = [person for person in people if person is not owners[1]]
            elif len(owners) == 2 or (len(owners) == 1 and owners[0][b] != j):
                owners[0][b] = j
                owners[0][PARTS + 1] += 1
                owners[0][PARTS] += peaks[b][j].score + score
            elif not owners and limb < 17:
                person = np.full(PARTS + 2, -1.0)
                person[[a, b]] = i, j
                person[PARTS:] = peaks[a][i].score + peaks[b][j].score + score, 2
                people.append(person)
    kept = [p for p in people if p[PARTS + 1] >= MIN_PARTS and p[PARTS] / p[PARTS + 1] >= MIN_SCORE]
    return np.array(kept).reshape(-1, PARTS + 2)
