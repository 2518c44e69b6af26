"""Pose and line drawing, pixel by pixel against the reference packages."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from steer.preprocessors.lines import draw_lines
from steer.preprocessors.pose import COLORS, LIMBS, draw_pose, from_keypoints, stick_factor, to_keypoints


def skeletons(rng: np.random.Generator, people: int, height: int, width: int, missing: float) -> np.ndarray:
    array = np.ones((people, 18, 3))
    array[..., 0] = rng.uniform(0, width, (people, 18))
    array[..., 1] = rng.uniform(0, height, (people, 18))
    array[..., 2] = rng.random((people, 18)) >= missing
    return array


def reference_v11(people: np.ndarray, height: int, width: int) -> np.ndarray:
    """ControlNet v1.1 annotator/openpose/util.py draw_bodypose, written out over its candidate/subset tables."""
    candidate = people.reshape(-1, 3)
    subset = [[18 * p + i if people[p, i, 2] else -1 for i in range(18)] for p in range(len(people))]
    canvas = np.zeros((height, width, 3), np.uint8)
    limb_seq = [
        [2, 3], [2, 6], [3, 4], [4, 5], [6, 7], [7, 8], [2, 9], [9, 10], [10, 11], [2, 12], [12, 13], [13, 14],
        [2, 1], [1, 15], [15, 17], [1, 16], [16, 18],
    ]  # fmt: skip
    for i in range(17):
        for person in subset:
            index = [person[k - 1] for k in limb_seq[i]]
            if -1 in index:
                continue
            y = candidate[index, 0]
            x = candidate[index, 1]
            length = ((x[0] - x[1]) ** 2 + (y[0] - y[1]) ** 2) ** 0.5
            angle = math.degrees(math.atan2(x[0] - x[1], y[0] - y[1]))
            shape = cv2.ellipse2Poly((int(np.mean(y)), int(np.mean(x))), (int(length / 2), 4), int(angle), 0, 360, 1)
            cv2.fillConvexPoly(canvas, shape, COLORS[i])
    canvas = (canvas * 0.6).astype(np.uint8)
    for i in range(18):
        for person in subset:
            if person[i] != -1:
                x, y = candidate[person[i]][:2]
                cv2.circle(canvas, (int(x), int(y)), 4, COLORS[i], thickness=-1)
    return canvas


def test_one_person_equals_controlnet_aux():
    from controlnet_aux.open_pose.body import Keypoint
    from controlnet_aux.open_pose.util import draw_bodypose

    rng = np.random.default_rng(0)
    for _ in range(200):
        height, width = int(rng.integers(64, 400)), int(rng.integers(64, 400))
        person = skeletons(rng, 1, height, width, rng.uniform(0, 0.5))
        unit = person[0].copy()
        unit[:, 0] /= width
        unit[:, 1] /= height
        # the reference multiplies back by the size: hand both the same rounded pixels
        person[0, :, 0], person[0, :, 1] = unit[:, 0] * float(width), unit[:, 1] * float(height)
        points = [Keypoint(x, y) if seen else None for x, y, seen in unit]
        expected = draw_bodypose(np.zeros((height, width, 3), np.uint8), points)  # type: ignore[arg-type]  # None = absent
        assert np.array_equal(draw_pose(person, height, width), expected)


def test_overlapping_people_follow_the_v11_order():
    rng = np.random.default_rng(1)
    for _ in range(60):
        people = skeletons(rng, int(rng.integers(2, 5)), 160, 200, 0.2)
        assert np.array_equal(draw_pose(people, 160, 200), reference_v11(people, 160, 200))


def test_stick_scale_follows_the_xinsir_card():
    expected = {499: 1, 500: 2, 999: 2, 1000: 3, 2000: 4, 3000: 5, 4000: 6, 5000: 7, 9000: 7}
    assert {side: stick_factor(side, 64) for side in expected} == expected
    person = np.zeros((1, 18, 3))
    person[0, 0] = 300, 300, 1
    thick = draw_pose(person, 600, 600, stick_scale=True)
    thin = draw_pose(person, 600, 600)
    assert thick[300, 308].tolist() == list(COLORS[0])
    assert not thick[300, 309].any()
    assert thin[300, 304].tolist() == list(COLORS[0])
    assert not thin[300, 305].any()


def test_keypoints_round_trip():
    rng = np.random.default_rng(2)
    people = skeletons(rng, 3, 300, 500, 0.3)
    people[people[..., 2] == 0] = 0
    frame = to_keypoints(people, 300, 500)
    assert frame["canvas_width"] == 500
    assert len(frame["people"][0]["pose_keypoints_2d"]) == 54
    back, height, width = from_keypoints(frame)
    assert np.array_equal(back, people)
    assert (height, width) == (300, 500)
    empty, _, _ = from_keypoints(to_keypoints(np.zeros((0, 18, 3)), 10, 20))
    assert empty.shape == (0, 18, 3)


def test_bad_people_are_refused():
    with pytest.raises(ValueError, match="canvas_height"):
        from_keypoints({"people": []})
    with pytest.raises(ValueError, match="18 x 3"):
        from_keypoints({"people": [{"pose_keypoints_2d": [1.0] * 75}], "canvas_width": 9, "canvas_height": 9})
    with pytest.raises(ValueError, match=r"\[P, 18, 3\]"):
        draw_pose(np.zeros((17, 3)), 10, 10)


def test_tables():
    assert len(LIMBS) == 17
    assert len(COLORS) == 18 == len(set(COLORS))
    assert {j for limb in LIMBS for j in limb} == set(range(18))


def test_lines_are_one_white_pixel_wide_and_truncated():
    canvas = draw_lines(np.array([[2.9, 5.9, 20.2, 5.1], [7.5, 8.0, 7.5, 30.0]]), 40, 50)
    expected = np.zeros((40, 50, 3), np.uint8)
    expected[5, 2:21] = 255
    expected[8:31, 7] = 255
    assert canvas.dtype == np.uint8
    assert np.array_equal(canvas, expected)
    assert not draw_lines(np.zeros((0, 4)), 8, 8).any()
    with pytest.raises(ValueError, match=r"\[N, 4\]"):
        draw_lines(np.zeros((3, 2)), 8, 8)
