"""Straight lines of a picture: M-LSD (a network) or OpenCV's line segment detector (no weights).

Decoding follows `pred_lines` of controlnet_aux (NAVER's M-LSD, Apache-2.0) bit for bit; lines are returned in pixels of
the picture, so that a hint can be drawn again at any size (lines.draw_lines) instead of being scaled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from ..networks.graph import infer
from ..networks.registry import REGISTRY, read_weights
from ..pictures import Bytes, Placement, Size, resize
from ..report import count_of
from .draw import find_visible, trace
from .mlsd_net import MLSDNet, fold_norm

TOP = 200  # centres looked at, as in controlnet_aux
STRIDE = 32
MAX_DETECT_SIDE = 4096
_PAD = "Set fit to pad, or give the latent the picture's shape."
Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Lines:
    """The lines of one picture.

    segments: float64 [N, 4], x0, y0, x1, y1 in pixels of a picture of `size` (height, width). scores: [N] in 0..1.
    note: why there is none, or how they came about; "" says neither.
    """

    segments: Floats
    scores: Floats
    size: Size
    note: str = ""

    def scale_to(self, height: int, width: int) -> Lines:
        """The same lines in pixels of a picture of another size."""
        sx, sy = width / self.size[1], height / self.size[0]
        return replace(self, segments=self.segments * np.array([sx, sy, sx, sy]), size=(height, width))

    def move(self, placement: Placement) -> Lines:
        """The lines in pixels of a hint's canvas, without those that lie outside."""
        moved = placement.move(self.segments.reshape(-1, 2, 2)).reshape(-1, 4)
        inside = find_visible(moved, *placement.size)
        note = self.note
        if len(inside) and not inside.any():
            note = f"no lines in the hint: {count_of(len(inside), 'line')} cut off. {_PAD}"
        return replace(self, segments=moved[inside], scores=self.scores[inside], size=placement.size, note=note)

    def describe(self) -> str:
        """ "37 lines", or the note."""
        return self.note or count_of(len(self.segments), "line")


def trace_lines(picture: Bytes, note: str) -> Lines:
    """The lines of a ready-made hint uint8 [H, W, 3], as short segments from pixel to pixel."""
    segments = trace(picture)
    return Lines(segments, np.ones(len(segments)), (picture.shape[0], picture.shape[1]), note)


def load_mlsd(kind: str = "mlsd", folders: Sequence[Path] = ()) -> MLSDNet:
    """The network with the shipped weights ("mlsd") or with controlnet_aux's checkpoint ("mlsd_aux") from `folders`.

    Raises:
        NetworkWeightsError: the file is missing or altered.
    """
    tensors, _ = read_weights(REGISTRY[kind], folders)
    net = MLSDNet(enlarge_first=kind == "mlsd")
    net.load_state_dict(tensors if kind == "mlsd" else fold_norm(tensors))
    return net.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def choose_detect_size(height: int, width: int, resolution: int) -> Size:
    """(height, width) for the network: short side `resolution`, each side a multiple of 32, the longer at most 4096."""
    scale = min(resolution / min(height, width), MAX_DETECT_SIDE / max(height, width)) / STRIDE
    return max(1, round(height * scale)) * STRIDE, max(1, round(width * scale)) * STRIDE


def to_input(picture: Bytes) -> torch.Tensor:
    """uint8 [H, W, 3] RGB -> [1, 4, H, W]: the picture and a plane of ones, x / 127.5 - 1, channels last."""
    height, width = picture.shape[:2]
    x = np.empty((1, height, width, 4), np.float32)
    np.divide(picture, np.float32(127.5), out=x[0, ..., :3], dtype=np.float32)
    x[..., 3] = np.float32(1 / 127.5)
    x -= 1
    return torch.from_numpy(x).permute(0, 3, 1, 2)


def decode(output: torch.Tensor, score: float, distance: float) -> tuple[Floats, Floats]:
    """One network output [5 or more, H, W] -> (segments float64 [N, 4] in pixels of the [2H, 2W] input, scores [N]).

    A centre is a 3x3 maximum of sigmoid(output[0]); of the 200 best those above `score` are kept whose end points
    output[1:5] lie more than `distance` pixels of the half-size map apart.
    """
    heat = output[0].sigmoid()
    peaks = F.max_pool2d(heat[None], 3, stride=1, padding=1)[0]
    heat = (heat * (peaks == heat)).reshape(-1)
    scores, index = torch.topk(heat, min(TOP, heat.numel()))
    ends = output[1:5].reshape(4, -1)[:, index].T
    scores, index, ends = scores.cpu().numpy(), index.cpu().numpy(), ends.cpu().numpy()
    width = output.shape[-1]
    centre = np.stack([index % width, index // width] * 2, axis=1)
    length = np.sqrt(np.sum((ends[:, :2] - ends[:, 2:]) ** 2, axis=-1))
    keep = (scores > np.float32(score)) & (length > np.float32(distance))
    return 2 * (centre[keep] + ends[keep].astype(np.float64)), scores[keep].astype(np.float64)


def find_mlsd_lines(
    net: nn.Module, picture: Bytes, score: float = 0.1, distance: float = 0.1, resolution: int = 512
) -> Lines:
    """Lines of uint8 [H, W, 3] RGB. `resolution`: short side in pixels at which the network looks (trained at 512)."""
    height, width = picture.shape[:2]
    size = choose_detect_size(height, width, resolution)
    output = infer(net, to_input(resize(picture, size)))[0]
    segments, scores = decode(output, score, distance)
    note = "" if len(segments) else _why_none(output, score, distance)
    return Lines(segments, scores, size, note).scale_to(height, width)


def _why_none(output: torch.Tensor, score: float, distance: float) -> str:
    segments, _ = decode(output, score, 0.0)
    if len(segments):
        longest = np.hypot(*(segments[:, :2] - segments[:, 2:]).T).max() / 2
        return (
            f"no lines: the longest of {len(segments)} measures {longest:.1f}, and distance_threshold is {distance:g}. "
            "Lower it."
        )
    _, scores = decode(output, 0.0, 0.0)
    best = scores.max() if len(scores) else 0.0
    return (
        f"no lines: the best score is {best:.2f}, and score_threshold is {score:g}. Lower it, or use a picture with "
        "straight edges."
    )


def find_lsd_lines(picture: Bytes, distance: float = 0.1, resolution: int = 512) -> Lines:
    """Lines found by OpenCV's createLineSegmentDetector (von Gioi et al., 2010): many short ones along every edge.

    `distance`: shortest length, 1 is two pixels at `resolution` as for M-LSD. It has no scores; all are 1.
    """
    import cv2

    height, width = picture.shape[:2]
    size = choose_detect_size(height, width, resolution)
    grey = cv2.cvtColor(resize(picture, size), cv2.COLOR_RGB2GRAY)
    found = cv2.createLineSegmentDetector().detect(grey)[0]
    segments = np.zeros((0, 4)) if found is None else np.asarray(found, np.float64).reshape(-1, 4)
    length = np.hypot(segments[:, 0] - segments[:, 2], segments[:, 1] - segments[:, 3])
    segments = segments[length > 2 * distance]
    note = (
        ""
        if len(segments)
        else "no lines: the picture has no straight edge that is long enough. Lower distance_threshold."
    )
    return Lines(segments, np.ones(len(segments)), size, note).scale_to(height, width)
