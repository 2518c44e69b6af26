"""DWPose (Yang et al., 2023) where the user has its two ONNX files: YOLOX finds people, the pose network their 133
points.

Run by onnxruntime when that is installed, else by OpenCV's dnn. Sizes, thresholds and order of points as in
comfyui_controlnet_aux.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ..networks.registry import REGISTRY, require
from ..pictures import Bytes
from .people import Floats, Person

log = logging.getLogger(__name__)
Singles: TypeAlias = NDArray[np.float32]
SIDE = 640
STRIDES = (8, 16, 32)
LETTERBOX = 114
BOX_SCORE = 0.3
BOX_OVERLAP = 0.45
POSE_SIZE = (288, 384)  # width, height
BOX_SCALE = 1.25
MEAN = np.array([123.675, 116.28, 103.53], np.float32)
DEVIATION = np.array([58.395, 57.12, 57.375], np.float32)
POINT_SCORE = 0.3
COCO17 = (0, 0, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)  # of OpenPose's 18; the neck is replaced


class OnnxNet(nn.Module):
    """An ONNX file as a module without parameters. backend: the name of what runs it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        try:
            import onnxruntime  # type: ignore  # optional
        except ImportError:
            import cv2

            self.backend = "OpenCV dnn"
            self.net: Any = cv2.dnn.readNetFromONNX(str(path))
        else:
            self.backend = "onnxruntime"
            # Not TensorRT, which would compile each network for minutes.
            providers = [one for one in onnxruntime.get_available_providers() if not one.startswith("Tensorrt")]
            self.net = onnxruntime.InferenceSession(str(path), providers=providers)
        log.info("Steer: %s is run by %s", path.name, self.backend)

    def run(self, x: Singles) -> list[Singles]:
        """The outputs for an input [1, 3, H, W]."""
        if self.backend == "onnxruntime":
            return list(self.net.run(None, {self.net.get_inputs()[0].name: x}))
        self.net.setInput(x)
        return [np.asarray(y, np.float32) for y in self.net.forward(self.net.getUnconnectedOutLayersNames())]


def list_networks(hands: bool, face: bool) -> tuple[str, ...]:
    """Registry names of the networks: always both, because one network finds all parts."""
    return ("dwpose_people", "dwpose")


def build(name: str, folders: Sequence[Path]) -> nn.Module:
    """The network `name` from `folders`.

    Raises:
        NetworkWeightsError: its file is missing or altered.
    """
    return OnnxNet(require(REGISTRY[name], folders))


def find_people(networks: Mapping[str, Any], picture: Bytes, hands: bool = False, face: bool = False) -> list[Person]:
    """The people of uint8 [H, W, 3] RGB, in its pixels."""
    x, ratio = letterbox(picture)
    people = []
    for box in find_boxes(networks["dwpose_people"].run(x)[0][0], ratio):
        crop, centre, size = cut_person(picture, box)
        outputs = networks["dwpose"].run(crop)
        x_axis, y_axis = sorted(outputs, key=lambda output: output.shape[-1])
        people.append(to_person(decode_points(x_axis[0], y_axis[0], centre, size), hands, face))
    return people


def letterbox(picture: Bytes) -> tuple[Singles, float]:
    """[1, 3, 640, 640], the picture at the top left, grey elsewhere; and how much it was scaled."""
    import cv2

    height, width = picture.shape[:2]
    ratio = min(SIDE / height, SIDE / width)
    size = max(1, int(width * ratio)), max(1, int(height * ratio))
    canvas = np.full((SIDE, SIDE, 3), LETTERBOX, np.float32)
    canvas[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(canvas.transpose(2, 0, 1)[None]), ratio


def find_boxes(rows: Singles, ratio: float) -> Floats:
    """YOLOX's raw rows [8400, 85] -> boxes [N, 4] (x0, y0, x1, y1) of people in pixels of the picture, best first."""
    cells = [SIDE // stride for stride in STRIDES]
    grid = np.concatenate([np.stack(np.meshgrid(np.arange(n), np.arange(n)), -1).reshape(-1, 2) for n in cells])
    stride = np.repeat(STRIDES, [n * n for n in cells])[:, None]
    centre, size = (rows[:, :2] + grid) * stride, np.exp(rows[:, 2:4].astype(np.float64)) * stride
    scores = rows[:, 4] * rows[:, 5]
    keep = scores > BOX_SCORE
    boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=1)[keep] / ratio
    return boxes[_suppress(boxes, scores[keep])]


def _suppress(boxes: Floats, scores: Singles) -> list[int]:
    order = [int(index) for index in np.argsort(-scores, kind="stable")]
    kept: list[int] = []
    while order:
        best, *order = order
        kept.append(best)
        low, high = np.maximum(boxes[order, :2], boxes[best, :2]), np.minimum(boxes[order, 2:], boxes[best, 2:])
        both = np.prod(np.clip(high - low + 1, 0, None), axis=1)
        areas = np.prod(boxes[:, 2:] - boxes[:, :2] + 1, axis=1)
        overlap = both / (areas[order] + areas[best] - both)
        order = [index for index, share in zip(order, overlap, strict=True) if share <= BOX_OVERLAP]
    return kept


def cut_person(picture: Bytes, box: Floats) -> tuple[Singles, Floats, Floats]:
    """The network input [1, 3, 384, 288] for one box, and the centre and size of what it shows."""
    import cv2

    centre = (box[:2] + box[2:]) / 2
    width, height = (box[2:] - box[:2]) * BOX_SCALE
    aspect = POSE_SIZE[0] / POSE_SIZE[1]
    size = np.array([width, width / aspect] if width > height * aspect else [height * aspect, height])
    scale = POSE_SIZE[0] / size[0]
    offset = np.array(POSE_SIZE) / 2 - centre * scale
    matrix = np.array([[scale, 0, offset[0]], [0, scale, offset[1]]])
    cut = np.asarray(cv2.warpAffine(picture, matrix, POSE_SIZE, flags=cv2.INTER_LINEAR), np.float32)
    return np.ascontiguousarray(((cut - MEAN) / DEVIATION).transpose(2, 0, 1)[None]), centre, size


def decode_points(x_axis: Singles, y_axis: Singles, centre: Floats, size: Floats) -> Floats:
    """SimCC's answers [133, 576] and [133, 768] -> [133, 3] in pixels of the picture."""
    at = np.stack([x_axis.argmax(1), y_axis.argmax(1)], axis=1) / 2
    scores = np.minimum(x_axis.max(1), y_axis.max(1))
    points = at / np.array(POSE_SIZE) * size + centre - size / 2
    return np.concatenate([points, np.clip(scores, 0, 1)[:, None]], axis=1).astype(np.float64)


def to_person(points: Floats, hands: bool, face: bool) -> Person:
    """COCO-WholeBody's 133 points (body, feet, face, left hand, right hand) -> OpenPose's."""
    body = points[list(COCO17)].copy()
    shoulders = points[[5, 6]]
    body[1] = shoulders.mean(0)
    body[1, 2] = shoulders[:, 2].min() if (shoulders[:, 2] > POINT_SCORE).all() else 0
    left, right = (points[91:112], points[112:133]) if hands else (None, None)
    own_face = np.concatenate([points[23:91], np.zeros((2, 3))]) if face else None
    return Person(_present(body), *(None if p is None else _present(p) for p in (left, right, own_face)))


def _present(points: Floats) -> Floats:
    """Points without a score, or at negative coordinates, become 0, 0, 0."""
    return np.where((points[:, 2:] > 0) & (points[:, :2] >= 0).all(axis=1, keepdims=True), points, 0.0)
