"""MoveNet MultiPose: the people of a picture as COCO-17 points. The network finds at most six at a time.

The convolutions are run by graph.py; what the original graph does after them is written out here (CenterNet's decoding,
Zhou et al., "Objects as Points", 2019, with the distance-weighted choice of key points of MoveNet).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from ..networks.graph import infer
from ..pictures import Bytes

Floats: TypeAlias = NDArray[np.float64]
Network: TypeAlias = Callable[[torch.Tensor], list[torch.Tensor]]
MAX_PEOPLE = 6
POINTS = 17
_SMALLEST_PART = 256
_STRIDE = 4  # of the maps
_MULTIPLE = 32  # of the input's sides
_PEAK_TOLERANCE = 1.0132789611816406e-06  # these three constants are the graph's own, in 16-bit precision
_SEEN = 0.126953125
_REACH = 0.300048828125


@dataclass(frozen=True)
class FoundPerson:
    """points: [17, 3], x and y in pixels and score, in COCO's order. score: of the whole person."""

    points: Floats
    score: float


def to_movenet_input(picture: Bytes, side: int) -> tuple[torch.Tensor, float]:
    """uint8 [H, W, 3] -> ([1, 3, h, w] in -1..1, the scale).

    The longer side becomes `side` pixels long; both are padded with black to multiples of 32.
    """
    import cv2

    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    padded = [-(-length // _MULTIPLE) * _MULTIPLE for length in (size[1], size[0])]
    canvas = np.zeros((*padded, 3), np.float32)
    canvas[: size[1], : size[0]] = small
    x = torch.from_numpy(canvas).permute(2, 0, 1)[None]
    return x * 0.007843017578125 - 1, scale  # the graph's own 16-bit 1 / 127.5


def decode_movenet(heads: list[torch.Tensor]) -> torch.Tensor:
    """The six maps (centre, box size, box offset, heat, regression, offset) -> [6, 56] as the original graph gives.

    A row: 17 times (y, x, score), box y0, x0, y1, x1 (all as shares of the input's sides), score; best first.
    """
    centre, box_scale, box_offset, heat, regress, offset = (head[0] for head in heads)
    centre, heat = centre[0].sigmoid(), heat.sigmoid()
    height, width = centre.shape
    peak = (centre - F.max_pool2d(centre[None], 3, 1, 1)[0]).abs() < _PEAK_TOLERANCE
    scores, index = torch.topk((centre * peak).flatten(), MAX_PEOPLE)
    cy, cx = index // width, index % width
    position = torch.stack([cy, cx]).float()
    middle = position + box_offset[:, cy, cx]
    half = box_scale[:, cy, cx].clamp(min=0) / 2
    limit = torch.tensor([height, width], device=centre.device, dtype=torch.float32)[:, None]
    low, high = (torch.minimum(edge, limit).clamp(min=0) for edge in (middle - half, middle + half))
    expected = regress[:, cy, cx].T.reshape(MAX_PEOPLE, POINTS, 2) + position.T[:, None]
    best, py, px = _points(heat, expected, low, high)
    joint = torch.arange(POINTS, device=centre.device).expand(MAX_PEOPLE, -1)
    shift = offset.reshape(POINTS, 2, height, width)[joint, :, py, px]
    size = limit[:, 0] * _STRIDE
    place = (torch.stack([py, px], -1) + shift) * (_STRIDE / size)
    seen = best > _SEEN
    whole = scores * (best * seen).sum(1) / seen.sum(1).clamp(min=1)
    box = torch.cat([low, high]).T * _STRIDE / size.repeat(2)
    return torch.cat([torch.cat([place, best[..., None]], -1).flatten(1), box.clamp(0, 1), whole[:, None]], 1)


def _points(
    heat: torch.Tensor, expected: torch.Tensor, low: torch.Tensor, high: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """For each person and joint the best map position (score, y, x).

    That is the place of the highest heat, less with the distance from where the regression expects the joint, and only
    inside the person's box.
    """
    height, width = heat.shape[1:]
    y = torch.arange(height, device=heat.device, dtype=torch.float32)
    x = torch.arange(width, device=heat.device, dtype=torch.float32)
    dy = (y - expected[..., :1]) ** 2
    dx = (x - expected[..., 1:]) ** 2
    weight = torch.exp(-(dy[..., :, None] + dx[..., None, :]) / (min(height, width) * _REACH))
    inside_y = (y >= low[0, :, None]) & (y < high[0, :, None])
    inside_x = (x >= low[1, :, None]) & (x < high[1, :, None])
    inside = inside_y[:, None, :, None] & inside_x[:, None, None, :]
    weighted = (heat * weight * inside).flatten(2)
    index = weighted.argmax(-1)
    best = weighted.amax(0).gather(1, index.T).T  # the graph takes the score over all persons, not this one's
    return best, index // width, index % width


def find_movenet_people(
    net: Network,
    picture: Bytes,
    sides: tuple[int, ...] = (256, 512),
    score: float = 0.2,
    crowds: int = 2,
    crowd: int = MAX_PEOPLE,
) -> list[FoundPerson]:
    """People of uint8 [H, W, 3] with a score above `score`, best first.

    The network is run once for each of `sides` (length of the longer side): small ones see people who fill the picture,
    larger ones those further away. Where it finds `crowd` people, by default as many as it can, the picture is looked
    at again in four overlapping parts, up to `crowds` times over. Two findings of one person are merged.
    """
    found: list[FoundPerson] = []
    crowded = False
    for side in sides:
        part = _run(net, picture, side, score)
        crowded = crowded or len(part) >= crowd
        found += part
    if crowded and crowds and min(picture.shape[:2]) >= _SMALLEST_PART:
        for y, x, part in _quarters(picture):
            offset = np.array([x, y, 0])
            people = find_movenet_people(net, part, sides[-1:], score, crowds - 1, crowd)
            found += [FoundPerson(person.points + offset, person.score) for person in people]
    return merge_findings(found)


def _quarters(picture: Bytes) -> list[tuple[int, int, Bytes]]:
    """(top, left, part) of four parts of 0.6 of each side."""
    height, width = (round(0.6 * length) for length in picture.shape[:2])
    tops, lefts = (0, picture.shape[0] - height), (0, picture.shape[1] - width)
    return [(y, x, picture[y : y + height, x : x + width]) for y in tops for x in lefts]


def _run(net: Network, picture: Bytes, side: int, score: float) -> list[FoundPerson]:
    x, scale = to_movenet_input(picture, side)
    with torch.inference_mode():
        rows = decode_movenet(infer(net, x)).cpu().double().numpy()
    size = np.array([x.shape[3], x.shape[2]]) / scale
    people = []
    for row in rows[rows[:, 55] > score]:
        yxs = row[:51].reshape(POINTS, 3)
        people.append(FoundPerson(np.concatenate([yxs[:, 1::-1] * size, yxs[:, 2:]], axis=1), float(row[55])))
    return people


def merge_findings(found: list[FoundPerson], same: float = 0.3) -> list[FoundPerson]:
    """The best finding of each person.

    Two are the same person when their points lie on average (weighted by both scores) closer than `same` of the
    person's extent (square root of the area).
    """
    kept: list[FoundPerson] = []
    for person in sorted(found, key=lambda f: -f.score):
        if all(_apart(person, other) > same for other in kept):
            kept.append(person)
    return kept


def _apart(a: FoundPerson, b: FoundPerson) -> float:
    weight = a.points[:, 2] * b.points[:, 2] + 1e-9
    distance = np.hypot(*(a.points[:, :2] - b.points[:, :2]).T)
    extent = min(_extent(a), _extent(b))
    return float((weight * distance).sum() / weight.sum() / extent)


def _extent(found: FoundPerson) -> float:
    seen = found.points[found.points[:, 2] > _SEEN]
    if len(seen) < 2:
        return 1.0
    return max(1.0, float(np.sqrt(np.prod(np.maximum(np.ptp(seen[:, :2], axis=0), 1.0)))))
