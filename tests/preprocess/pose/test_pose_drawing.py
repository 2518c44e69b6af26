"""Pose and line drawing, pixel by pixel against the reference packages."""

from __future__ import annotations

import math
import sys
import types

import cv2
import numpy as np
import pytest
from steer.demo.networks import PICTURE
from steer.demo.train.data.hints import HINTS
from steer.preprocessors.lines.draw import draw_lines
from steer.preprocessors.pose.people import Person
from steer.preprocessors.pose.skeleton import (
    COLORS,
    HAND_COLORS,
    HAND_EDGES,
    LIMBS,
    choose_stick_factor,
    draw_people,
    draw_pose,
)


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
        [2, 3],
        [2, 6],
        [3, 4],
        [4, 5],
        [6, 7],
        [7, 8],
        [2, 9],
        [9, 10],
        [10, 11],
        [2, 12],
        [12, 13],
        [13, 14],
        [2, 1],
        [1, 15],
        [15, 17],
        [1, 16],
        [16, 18],
    ]
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
    for _ in range(200):
        people = skeletons(rng, int(rng.integers(2, 5)), 160, 200, 0.2)
        assert np.array_equal(draw_pose(people, 160, 200), reference_v11(people, 160, 200))


def test_stick_scale_follows_the_xinsir_card():
    expected = {499: 1, 500: 2, 999: 2, 1000: 3, 2000: 4, 3000: 5, 4000: 6, 5000: 7, 9000: 7}
    assert {side: choose_stick_factor(side, 64) for side in expected} == expected
    person = np.zeros((1, 18, 3))
    person[0, 0] = 300, 300, 1
    thick = draw_pose(person, 600, 600, stick_scale=True)
    thin = draw_pose(person, 600, 600)
    assert thick[300, 308].tolist() == list(COLORS[0])
    assert not thick[300, 309].any()
    assert thin[300, 304].tolist() == list(COLORS[0])
    assert not thin[300, 305].any()


def test_bad_people_are_refused():
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


def stand_in_for_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """controlnet_aux draws hands with matplotlib's hsv_to_rgb alone; the table it yields was taken from matplotlib
    3.10."""
    colors = types.ModuleType("matplotlib.colors")
    colors.hsv_to_rgb = lambda hsv: np.array(HAND_COLORS[round(hsv[0] * 20)], float) / 255  # type: ignore[attr-defined]  # stand-in
    package = types.ModuleType("matplotlib")
    package.colors = colors  # type: ignore[attr-defined]  # stand-in
    monkeypatch.setitem(sys.modules, "matplotlib", package)
    monkeypatch.setitem(sys.modules, "matplotlib.colors", colors)


def random_person(rng: np.random.Generator, height: int, width: int) -> Person:
    def points(count: int, missing: float) -> np.ndarray:
        array = np.ones((count, 3))
        array[:, 0] = rng.uniform(0, width, count)
        array[:, 1] = rng.uniform(0, height, count)
        array[:, :2] = array[:, :2] / [width, height] * [float(width), float(height)]
        array[rng.random(count) < missing] = 0
        return array

    hands = [points(21, 0.0) if rng.random() < 0.7 else None for _ in range(2)]
    return Person(points(18, rng.uniform(0, 0.6)), *hands, points(70, 0.0) if rng.random() < 0.7 else None)


def test_body_hands_and_face_equal_controlnet_aux_on_500_people(monkeypatch: pytest.MonkeyPatch):
    from controlnet_aux.open_pose import PoseResult, draw_poses
    from controlnet_aux.open_pose.body import BodyResult, Keypoint

    stand_in_for_matplotlib(monkeypatch)
    rng = np.random.default_rng(3)
    for _ in range(500):
        height, width = int(rng.integers(64, 300)), int(rng.integers(64, 300))
        person = random_person(rng, height, width)
        back = {
            part: None if p is None else [Keypoint(x / width, y / height) if c else None for x, y, c in p]
            for part, p in person.parts.items()
        }
        # hand both drawings the same rounded pixels
        rounded = Person(
            **{
                part: None if p is None else np.array([[k.x * width, k.y * height, 1] if k else [0, 0, 0] for k in p])
                for part, p in back.items()
            }
        )
        pose = PoseResult(BodyResult(back["body"], 1.0, 18), back["left"], back["right"], back["face"])  # type: ignore[arg-type]
        assert np.array_equal(draw_people([rounded], height, width), draw_poses([pose], height, width))


def test_several_people_are_bodies_then_hands_then_faces():
    """ControlNet v1.1 annotator/openpose/__init__.py draw_pose."""
    rng = np.random.default_rng(4)
    for _ in range(100):
        people = [random_person(rng, 120, 160) for _ in range(3)]
        expected = reference_v11(np.stack([person.body for person in people]), 120, 160)
        for hand in (hand for person in people for hand in (person.left, person.right) if hand is not None):
            at = [(int(x), int(y)) for x, y, _ in hand]
            for index, (a, b) in enumerate(HAND_EDGES):
                if min(*at[a], *at[b]) > 0:
                    cv2.line(expected, at[a], at[b], HAND_COLORS[index], 2)
            for x, y in at:
                if min(x, y) > 0:
                    cv2.circle(expected, (x, y), 4, (0, 0, 255), -1)
        for face in (person.face for person in people if person.face is not None):
            for x, y, _ in face.astype(int):
                if min(x, y) > 0:
                    cv2.circle(expected, (int(x), int(y)), 3, (255, 255, 255), -1)
        assert np.array_equal(draw_people(people, 120, 160), expected)


def test_the_embedded_models_training_poses_are_drawn_by_the_same_code():
    class Still:
        """A random generator that moves no joint and loses none."""

        def normal(self, mean: float, deviation: float, shape: tuple[int, ...]) -> np.ndarray:
            return np.full(shape, mean)

        def random(self, shape: tuple[int, ...]) -> np.ndarray:
            return np.ones(shape)

    people = skeletons(np.random.default_rng(5), 2, PICTURE, PICTURE, 0.2).astype(np.float32)
    trained = HINTS["openpose"](np.zeros((PICTURE, PICTURE, 3), np.uint8), {"joints": people.tolist()}, Still())  # type: ignore[arg-type]
    assert trained.any()
    assert np.array_equal(trained, draw_people([Person(body) for body in people], PICTURE, PICTURE))


def test_parts_and_threshold_can_be_left_out():
    person = random_person(np.random.default_rng(6), 100, 100)
    assert not draw_people([person], 100, 100, body=False, hands=False, face=False).any()
    assert not draw_people([person], 100, 100, threshold=1.0).any()
    only_face = draw_people([person], 100, 100, body=False, hands=False)
    assert set(np.unique(only_face)) <= {0, 255}
