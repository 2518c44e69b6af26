"""Drawn hints for the ControlNets' training, varied as a detector's are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ....preprocessors.lines.draw import draw_lines
from ....preprocessors.pose.skeleton import draw_pose
from ...networks import LATENT, PICTURE
from .latents import SceneBatch

Record = dict[str, Any]


def draw_canny_hint(image: np.ndarray, record: Record, rng: np.random.Generator) -> np.ndarray:
    """cv2's edges of the picture, its thresholds varied about 100 and 200."""
    import cv2

    low = 100 * np.exp(rng.uniform(-0.5, 0.5))
    edges = cv2.Canny(np.ascontiguousarray(image), low, 2 * low)
    return np.repeat(edges[..., None], 3, axis=2)


def draw_mlsd_hint(image: np.ndarray, record: Record, rng: np.random.Generator) -> np.ndarray:
    """The room's drawn lines, some left out and all a little off, as a detector finds them."""
    lines = np.array(record["lines"], np.float32).reshape(-1, 4)
    lines = lines[rng.random(len(lines)) > rng.choice([0.0, 0.1, 0.3])]
    return draw_lines(lines + rng.normal(0, 0.7, lines.shape), PICTURE, PICTURE)


def draw_openpose_hint(image: np.ndarray, record: Record, rng: np.random.Generator) -> np.ndarray:
    """The known skeletons, a little off and at times without a joint."""
    people = np.array(record["joints"], np.float32).reshape(-1, 18, 3)
    people[..., :2] += rng.normal(0, 1.0, people[..., :2].shape)
    people[..., 2] *= rng.random(people.shape[:2]) > 0.03
    return draw_pose(people, PICTURE, PICTURE)


# Each draws a hint uint8 [256, 256, 3] of a scene's picture uint8 [256, 256, 3] and its record (see data.Chunk).
HINTS: dict[str, Callable[[np.ndarray, Record, np.random.Generator], np.ndarray]] = {
    "canny": draw_canny_hint,
    "mlsd": draw_mlsd_hint,
    "openpose": draw_openpose_hint,
}


def hints_of(kind: str, batch: SceneBatch, rng: np.random.Generator) -> torch.Tensor:
    """Hints of a batch, float [B, 3, 256, 256] in 0..1."""
    drawn = [HINTS[kind](image, record, rng) for image, record in zip(batch.images, batch.records, strict=True)]
    return torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2).float() / 255


def weigh_hints(hints: torch.Tensor) -> torch.Tensor:
    """Weight [B, 1, 32, 32] with mean 1 that is four times as high where hints [B, 3, 256, 256] are drawn."""
    drawn = F.adaptive_max_pool2d(hints.amax(1, keepdim=True), LATENT)
    weight = 1 + 3 * F.avg_pool2d(drawn, 3, 1, 1)
    return weight / weight.mean((2, 3), keepdim=True)
