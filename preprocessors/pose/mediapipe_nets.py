"""MediaPipe's landmark networks on square crops: detectors with anchors, body, hand and face landmarks.

Crops, anchors, suppression and the refinement by heat map follow the calculators and graph options of MediaPipe
0.10.21 (mediapipe/modules, Apache-2.0). All points are pixels of the picture; no mediapipe package is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from ..networks.graph import infer
from ..pictures import Bytes

Floats: TypeAlias = NDArray[np.float64]
Network: TypeAlias = Callable[[torch.Tensor], list[torch.Tensor]]


@dataclass(frozen=True)
class Crop:
    """A square of a picture: centre x, y and side in pixels; turned by `angle` (radians, clockwise on the screen)."""

    x: float
    y: float
    side: float
    angle: float = 0.0

    def matrix(self, out: int) -> Floats:
        """[2, 3]: pixel of the crop at `out` x `out` -> pixel of the picture."""
        step = self.side / out
        cos, sin = np.cos(self.angle) * step, np.sin(self.angle) * step
        return np.array([[cos, -sin, self.x - (cos - sin) * out / 2], [sin, cos, self.y - (sin + cos) * out / 2]])

    def cut(self, picture: Bytes, out: int) -> NDArray[np.float32]:
        """uint8 [H, W, 3] -> [out, out, 3] in 0..1, black outside the picture."""
        import cv2

        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cut = cv2.warpAffine(picture, self.matrix(out), (out, out), flags=flags)
        return np.divide(cut, np.float32(255), dtype=np.float32)

    def to_picture(self, points: Floats, out: int) -> Floats:
        """[..., 2] pixels of the crop -> pixels of the picture."""
        matrix = self.matrix(out)
        return points @ matrix[:, :2].T + matrix[:, 2]


@dataclass(frozen=True)
class Detection:
    """A detected palm or face: box centre and sides, key points [K, 2], score."""

    x: float
    y: float
    width: float
    height: float
    points: Floats
    score: float


@dataclass(frozen=True)
class DetectorSpec:
    """A detector's input side in pixels and its anchor layers, two anchors a cell each.

    signed: whether the input is -1..1, else 0..1. overlap: boxes that share more of their area are one find.
    """

    side: int
    strides: tuple[int, ...]
    signed: bool
    overlap: float = 0.3


AT_ONCE = 8  # crops that a network looks at together: each takes up to 50 MB meanwhile
PALM = DetectorSpec(192, (8, 16, 16, 16), signed=False)
FACE = DetectorSpec(128, (8, 16, 16, 16), signed=True)


def make_anchors(spec: DetectorSpec) -> Floats:
    """[N, 2] centres in 0..1, as SsdAnchorsCalculator gives with fixed anchor sizes.

    Layers of one stride are joined.
    """
    parts = []
    for stride in sorted(set(spec.strides)):
        cells, each = spec.side // stride, 2 * spec.strides.count(stride)
        centre = (np.arange(cells) + 0.5) / cells
        x, y = np.meshgrid(centre, centre)
        parts.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), each, axis=0))
    return np.concatenate(parts)


def detect(
    net: Network, spec: DetectorSpec, picture: Bytes, crops: Sequence[Crop], score: float
) -> list[list[Detection]]:
    """The detections of each (upright) crop, best first."""
    if not crops:
        return []
    cut = np.stack([crop.cut(picture, spec.side) for crop in crops])
    boxes, logits = run(net, cut * 2 - 1 if spec.signed else cut)
    grid = make_anchors(spec)
    return [
        _detections(spec, crop, grid, box, logit[:, 0], score)
        for crop, box, logit in zip(crops, boxes, logits, strict=True)
    ]


def _detections(
    spec: DetectorSpec, crop: Crop, grid: Floats, boxes: Floats, logits: Floats, limit: float
) -> list[Detection]:
    scores = sigmoid(logits)
    keep = scores > limit
    boxes, scores, grid = boxes[keep] / spec.side, scores[keep], grid[keep]
    boxes[:, :2] += grid
    boxes[:, 4:] += np.tile(grid, boxes.shape[1] // 2 - 2)
    found = []
    for weights, members in _suppress(boxes[:, :4], scores, spec.overlap):
        mean = (boxes[members] * weights[:, None]).sum(0)
        points = crop.to_picture(mean.reshape(-1, 2)[[0, *range(2, len(mean) // 2)]] * spec.side, spec.side)
        size = mean[2:4] * crop.side
        found.append(Detection(points[0, 0], points[0, 1], size[0], size[1], points[1:], float(scores[members[0]])))
    return found


def _suppress(boxes: Floats, scores: Floats, overlap: float) -> list[tuple[Floats, NDArray[np.intp]]]:
    """Weighted non-maximum suppression: for each cluster its members, best first, and their weights (sum 1)."""
    low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    area = np.prod(boxes[:, 2:], axis=1)
    left = np.argsort(-scores, kind="stable")
    clusters = []
    while len(left):
        shared = np.minimum(high[left], high[left[0]]) - np.maximum(low[left], low[left[0]])
        both = np.prod(np.clip(shared, 0, None), axis=1)
        near = both / (area[left] + area[left[0]] - both) > overlap
        near[0] = True
        members = left[near]
        clusters.append((scores[members] / scores[members].sum(), members))
        left = left[~near]
    return clusters


@dataclass(frozen=True)
class Landmarks:
    """points [N, 2] in pixels of the picture; visible [N] in 0..1 (how sure each point is); score of the whole."""

    points: Floats
    visible: Floats
    score: float


BODY_SIDE, HAND_SIDE, FACE_SIDE = 256, 224, 192


def find_body_landmarks(net: Network, picture: Bytes, crops: Sequence[Crop]) -> list[Landmarks]:
    """BlazePose: 33 points and two that span the next crop (33: centre, 34: a point on the circle around the body)."""
    if not crops:
        return []
    values, flags, heat = run(net, np.stack([crop.cut(picture, BODY_SIDE) for crop in crops]))
    found = []
    for crop, value, flag, maps in zip(crops, values, flags, heat, strict=True):
        raw = value.reshape(39, 5)[:35]
        points = _refine(raw[:, :2] / BODY_SIDE, sigmoid(maps[:35])) * BODY_SIDE
        visible = np.minimum(sigmoid(raw[:, 3]), sigmoid(raw[:, 4]))
        found.append(Landmarks(crop.to_picture(points, BODY_SIDE), visible, float(flag.ravel()[0])))
    return found


def _refine(points: Floats, heat: Floats, reach: int = 3, sure: float = 0.5) -> Floats:
    """Each point (in 0..1) moved to the centre of mass of its heat map [N, H, W] in the 7x7 cells around it.

    Only where that map is sure, as MediaPipe's RefineLandmarksFromHeatmapCalculator does.
    """
    out = points.copy()
    height, width = heat.shape[1:]
    for index, (x, y) in enumerate(points):
        column, row = int(x * width), int(y * height)
        if not (0 <= column < width and 0 <= row < height):
            continue
        left, top = max(0, column - reach), max(0, row - reach)
        part = heat[index, top : row + reach + 1, left : column + reach + 1]
        if part.max() < sure:
            continue
        rows, columns = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]]
        out[index] = (part * columns).sum() / part.sum() / width, (part * rows).sum() / part.sum() / height
    return out


def crop_body_again(found: Landmarks) -> Crop:
    """The crop that MediaPipe would use for the next frame; here a second, better look at the same one."""
    return crop_between(found.points[33], found.points[34], 1.25)


def crop_between(centre: Floats, edge: Floats, scale: float) -> Crop:
    """The square around `centre` whose half side is the distance to `edge`, times `scale`; `edge` comes to the top."""
    dx, dy = edge - centre
    return Crop(
        float(centre[0]), float(centre[1]), float(2 * np.hypot(dx, dy) * scale), float(np.arctan2(dy, dx) + np.pi / 2)
    )


def crop_palm(palm: Detection) -> Crop:
    """From a palm to the whole hand: the middle finger points up, moved by half a palm, 2.6 times as large."""
    dx, dy = palm.points[2] - palm.points[0]
    angle = np.arctan2(dy, dx) + np.pi / 2
    shift = 0.5 * palm.height
    x, y = palm.x + np.sin(angle) * shift, palm.y - np.cos(angle) * shift
    return Crop(float(x), float(y), 2.6 * max(palm.width, palm.height), float(angle))


def find_hand_landmarks(net: Network, picture: Bytes, crops: Sequence[Crop]) -> list[tuple[Landmarks, float]]:
    """21 points of each hand, and how sure it is a right one: 0 left, 1 right, mirrored as the network was trained."""
    if not crops:
        return []
    values, flags, sides = run(net, np.stack([crop.cut(picture, HAND_SIDE) for crop in crops]))
    found = []
    for crop, value, flag, side in zip(crops, values, flags, sides, strict=True):
        points = crop.to_picture(value.reshape(21, 3)[:, :2], HAND_SIDE)
        score = float(flag.ravel()[0])
        found.append((Landmarks(points, np.full(21, score), score), float(side.ravel()[0])))
    return found


def crop_face(face: Detection) -> Crop:
    """From a detected face to the crop of its landmarks: eyes level, 1.5 times as large."""
    dx, dy = face.points[1] - face.points[0]
    return Crop(face.x, face.y, 1.5 * max(face.width, face.height), float(np.arctan2(dy, dx)))


def find_face_landmarks(net: Network, picture: Bytes, crops: Sequence[Crop]) -> list[Landmarks]:
    """468 points of each face."""
    if not crops:
        return []
    values, flags = run(net, np.stack([crop.cut(picture, FACE_SIDE) for crop in crops]))
    found = []
    for crop, value, flag in zip(crops, values, flags, strict=True):
        score = float(sigmoid(flag.ravel()[0]))
        points = crop.to_picture(value.reshape(468, 3)[:, :2], FACE_SIDE)
        found.append(Landmarks(points, np.full(468, score), score))
    return found


def run(net: Network, crops: NDArray[np.float32]) -> list[Floats]:
    """[B, H, W, 3] -> the network's outputs as float64 arrays. A crowd's crops go through it a few at a time."""
    x = torch.from_numpy(np.ascontiguousarray(crops, np.float32)).permute(0, 3, 1, 2)
    parts = [[output.cpu() for output in infer(net, part)] for part in x.split(AT_ONCE)]
    return [torch.cat(outputs).double().numpy() for outputs in zip(*parts, strict=True)]


def sigmoid(x: NDArray[np.floating]) -> Floats:
    """1 / (1 + e^-x) of each value, as float64."""
    return 1 / (1 + np.exp(-np.clip(x, -50, 50)))
