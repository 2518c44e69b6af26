"""OpenPose's post-processing against controlnet_aux's, on synthetic heat maps and fields."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
import torch
from cmu_maps import synthetic
from steer.preprocessors.pose import openpose_decode
from steer.preprocessors.pose.openpose_decode import find_people


def of_controlnet_aux(heat: np.ndarray, fields: np.ndarray, picture: np.ndarray) -> Any:
    """The Body of controlnet_aux with a network that answers these maps."""
    body = importlib.import_module("controlnet_aux.open_pose.body")
    estimate = body.Body.__new__(body.Body)

    class Answer(torch.nn.Linear):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return tuple(torch.from_numpy(m.transpose(2, 0, 1).copy())[None] for m in (fields, heat))  # type: ignore[return-value]

    estimate.model = Answer(1, 1)
    candidate, subset = estimate(picture)
    return body.Body.format_body_result(candidate, subset)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(50))
def test_people_equal_controlnet_auxs(seed: int):
    rng = np.random.default_rng(seed)
    size = int(rng.choice([192, 256, 320])), int(rng.choice([192, 256, 333]))
    scale = 0.5 * 368 / size[0]
    cut = int(size[0] * scale), int(size[1] * scale)  # as smart_resize_k truncates
    heat, fields = synthetic(rng, 1 + seed % 6, -(-cut[0] // 8), -(-cut[1] // 8))
    expected = of_controlnet_aux(heat, fields, np.zeros((*size, 3), np.uint8))
    found = find_people(heat, fields, size, cut)
    assert len(found) == len(expected)
    for person, reference in zip(found, expected, strict=True):
        for point, keypoint in zip(person, reference.keypoints, strict=True):
            assert tuple(point) == ((keypoint.x, keypoint.y, keypoint.score) if keypoint is not None else (0, 0, 0))


def test_the_synthetic_sets_hold_one_to_many_people():
    counts = []
    for seed in range(6):
        heat, fields = synthetic(np.random.default_rng(seed), 1 + seed, 23, 29)
        counts.append(len(find_people(heat, fields, (512, 640), (184, 230))))
    assert counts[0] == 1
    assert max(counts) >= 3


def test_the_gaussian_is_exact_at_borders_and_between_close_blobs():
    from scipy.ndimage import gaussian_filter

    raw = np.zeros((90, 70), np.float32)
    for x, y in ((0, 0), (69, 89), (30, 40), (47, 41), (30, 60)):
        raw[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3] = 1
    smooth = gaussian_filter(raw.astype(np.float64), sigma=3)
    edge = np.pad(smooth, 1)
    whole = (smooth > 0.1) & (smooth >= edge[:-2, 1:-1]) & (smooth >= edge[2:, 1:-1])
    whole &= (smooth >= edge[1:-1, :-2]) & (smooth >= edge[1:-1, 2:])
    found = openpose_decode.find_peaks(raw)
    assert [(p.y, p.x) for p in found] == [tuple(p) for p in np.argwhere(whole).tolist()]
    assert len(found) >= 5
    flat = np.full((90, 70), 0.5, np.float32)
    flat[:8, :8] = 0
    smooth = gaussian_filter(flat.astype(np.float64), sigma=3)
    plateau = openpose_decode.find_peaks(flat)
    assert len(plateau) > 1000
    assert all(smooth[p.y, p.x] >= smooth[max(0, p.y - 1) : p.y + 2, p.x].max() for p in plateau)


def test_nobody():
    assert find_people(np.zeros((8, 8, 19), np.float32), np.zeros((8, 8, 38), np.float32), (100, 100), (64, 64)) == []
