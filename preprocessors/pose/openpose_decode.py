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
    (1, 2),
    (1, 5),
    (2, 3),
    (3, 4),
    (5, 6),
    (6, 7),
    (1, 8),
    (8, 9),
    (9, 10),
    (1, 11),
    (11, 12),
    (12, 13),
    (1, 0),
    (0, 14),
    (14, 16),
    (0, 15),
    (15, 17),
    (2, 16),
    (5, 17),
)
FIELDS = (
    (12, 13),
    (20, 21),
    (14, 15),
    (16, 17),
    (22, 23),
    (24, 25),
    (0, 1),
    (2, 3),
    (4, 5),
    (6, 7),
    (8, 9),
    (10, 11),
    (28, 29),
    (30, 31),
    (34, 35),
    (32, 33),
    (36, 37),
    (18, 19),
    (26, 27),
)
PEAK = 0.1
ON_FIELD = 0.05
SAMPLES = 10
SIGMA, RADIUS = 3, 12  # scipy's Gaussian reaches 4 sigma
_CELL = 16  # pixels; more than RADIUS
_TOLERANCE = 4e-6  # several times the error of the filter in float32, for values up to 1
_MANY = 64
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
    large = _enlarge(heat[..., :PARTS], cut)
    peaks = [find_peaks(resize_maps(large[..., part : part + 1], size)[..., 0]) for part in range(PARTS)]
    pairs = connect(peaks, FieldSampler(_enlarge(fields, cut), size), size[0])
    people = []
    for row in group(peaks, pairs):
        person = np.zeros((PARTS, 3))
        for part, index in enumerate(row[:PARTS].astype(int)):
            if index >= 0:
                peak = peaks[part][index]
                person[part] = peak.x, peak.y, peak.score
        people.append(person)
    return people


def _enlarge(maps: Maps, cut: tuple[int, int]) -> Maps:
    """Eight times as large, without the padding. One call for all channels gives the same bits as one for each."""
    import cv2

    return np.asarray(cv2.resize(maps, None, fx=8, fy=8, interpolation=cv2.INTER_LANCZOS4), np.float32)[
        : cut[0], : cut[1]
    ]


def resize_maps(maps: Maps, size: tuple[int, int]) -> Maps:
    """[h, w, C] -> [height, width, C], by area when that is smaller, else Lanczos."""
    import cv2

    if sum(size) >= sum(maps.shape[:2]):
        large = cv2.resize(np.ascontiguousarray(maps), (size[1], size[0]), interpolation=cv2.INTER_LANCZOS4)
        return np.asarray(large, np.float32).reshape(*size, *maps.shape[2:])
    small = np.empty((*size, maps.shape[2]), np.float32)
    for first in range(0, maps.shape[2], 4):  # OpenCV resizes by area at most four channels at once
        part = np.ascontiguousarray(maps[..., first : first + 4])
        shrunk = cv2.resize(part, (size[1], size[0]), interpolation=cv2.INTER_AREA)
        small[..., first : first + 4] = shrunk.reshape(*size, -1)
    return small


def find_peaks(raw: Maps) -> list[Peak]:
    """The local maxima above 0.1 of the Gaussian-filtered map [H, W] (sigma 3), row by row.

    The filtered value can be above 0.1 only within 12 pixels of a raw one that is. There a quick filter in float32
    finds the candidates, and around these the exact one decides: equal in every bit to the filter over the whole map.
    """
    import cv2
    from scipy.ndimage import gaussian_filter

    high = (raw > PEAK).view(np.uint8)
    if not high.any():
        return []
    height, width = raw.shape
    rows, columns = -(-height // _CELL), -(-width // _CELL)
    padded = np.zeros((rows * _CELL, columns * _CELL), np.uint8)
    padded[:height, :width] = high * np.uint8(255)
    cells = cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA)  # one pixel of a cell gives 1, none 0
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(cv2.dilate(cells, np.ones((3, 3), np.uint8)))
    found: list[tuple[int, int]] = []
    for label in range(1, count):
        left, top, across, down = (int(value) * _CELL for value in boxes[label][:4])
        x0, y0 = max(0, left - RADIUS - 1), max(0, top - RADIUS - 1)
        part = raw[y0 : top + down + RADIUS + 1, x0 : left + across + RADIUS + 1]
        side = 2 * RADIUS + 1
        quick = np.asarray(cv2.GaussianBlur(part, (side, side), SIGMA, borderType=cv2.BORDER_REFLECT), np.float32)
        places = np.argwhere(_maxima(quick, _TOLERANCE))
        sure = len(places) > _MANY  # a flat map: one filter over the part is quicker than one around each place
        if sure:
            places = np.argwhere(_maxima(gaussian_filter(part.astype(np.float64), sigma=SIGMA), 0.0))
        for row, column in places.tolist():
            y, x = y0 + row, x0 + column
            if labels[y // _CELL, x // _CELL] == label and (sure or _is_peak(raw, y, x)):
                found.append((y, x))
    return [Peak(x, y, float(raw[y, x])) for y, x in sorted(found)]


def _is_peak(raw: Maps, y: int, x: int) -> bool:
    from scipy.ndimage import gaussian_filter

    y0, x0 = max(0, y - RADIUS - 1), max(0, x - RADIUS - 1)
    near = raw[y0 : y + RADIUS + 2, x0 : x + RADIUS + 2].astype(np.float64)
    return bool(_maxima(gaussian_filter(near, sigma=SIGMA), 0.0)[y - y0, x - x0])


def _maxima(smooth: Maps | Floats, tolerance: float) -> NDArray[np.bool_]:
    """Above 0.1 and not below any of the four neighbours, but for `tolerance`; zeros lie outside."""
    edge = np.pad(smooth, 1) - tolerance
    found = smooth > PEAK - tolerance
    for other in (edge[:-2, 1:-1], edge[2:, 1:-1], edge[1:-1, :-2], edge[1:-1, 2:]):
        found &= smooth >= other
    return found


class FieldSampler:
    """Values of the fields at pixels of the picture, as cv2.resize to its size would give them (to rounding)."""

    def __init__(self, fields: Maps, size: tuple[int, int]) -> None:
        self.size = size
        self.shrink = sum(size) < sum(fields.shape[:2])
        self.fields = resize_maps(fields, size) if self.shrink else fields

    def __call__(self, x: NDArray[np.intp], y: NDArray[np.intp], channels: tuple[int, int]) -> Floats:
        """[..., 2] for index arrays of one shape."""
        if self.shrink:
            return self.fields[y[..., None], x[..., None], list(channels)].astype(np.float64)
        rows, row_weights = _taps(y, self.fields.shape[0], self.size[0])
        columns, column_weights = _taps(x, self.fields.shape[1], self.size[1])
        rows, columns = rows[..., :, None, None], columns[..., None, :, None]
        values = self.fields[rows, columns, list(channels)].astype(np.float64)
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
