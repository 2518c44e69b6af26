"""Keypoints in other units, forms and orders than Steer writes: the same people, or an error with format and remedy."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from steer.preprocessors.pose.keypoints import KEYS, PoseFrame, describe_units, read_frames

BODY = KEYS["body"]


def body(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """[18, 3] pixels of somebody who covers a good part of the picture; a few points are absent."""
    low, high = np.sort(rng.uniform(0.02, 0.98, (2, 2)), axis=0)
    high = np.minimum(np.maximum(high, low + 0.15), 1.0)
    points = np.concatenate([rng.uniform(low, high, (18, 2)) * (width, height), rng.uniform(0.3, 1, (18, 1))], axis=1)
    points[rng.random(18) < 0.15] = 0
    points[:6, 2] = 0.9
    return points


def written(points: np.ndarray, unit: str, height: int, width: int) -> list[float]:
    scaled = points.copy()
    if unit != "pixels":
        scaled[:, :2] /= (width, height)
    if unit == "signed":
        scaled[:, :2] = scaled[:, :2] * 2 - 1
    scaled[points[:, 2] == 0] = 0
    return scaled.ravel().tolist()


@settings(max_examples=60)
@given(
    st.integers(0, 10**6),
    st.sampled_from(["pixels", "shares", "signed"]),
    st.booleans(),
    st.sampled_from([1.02, -0.03, 1.3, 2.5]),
)
def test_units_are_found_whatever_lies_outside_and_whether_or_not_the_canvas_is_said(
    seed: int, unit: str, says_canvas: bool, outside: float
):
    """A wrist at 1.02 of the picture is a wrist outside, and no sign that all the rest is pixels."""
    rng = np.random.default_rng(seed)
    height, width = (int(side) for side in rng.integers(64, 3000, 2))
    file, expected = [], []
    for _ in range(3):
        people = [body(rng, height, width) for _ in range(2)]
        people[0][4, :2] = (outside * width, 0.5 * height)
        file.append({"people": [{BODY: written(points, unit, height, width)} for points in people]})
        expected.append(people)
        if says_canvas:
            file[-1] |= {"canvas_width": width, "canvas_height": height}
    frames = read_frames(file, (height, width))
    assert {frame.height for frame in frames} == {height if says_canvas else 0}
    for frame, people in zip(frames, expected, strict=True):
        for person, points in zip(frame.people, people, strict=True):
            inside = np.where((points[:, :2] >= 0).all(axis=1)[:, None], points, 0)
            np.testing.assert_allclose(person.body, inside, atol=1e-6 * max(height, width))
    assert ("read as" in describe_units(frames)) is (unit == "signed")


def test_a_frame_with_one_point_has_the_units_of_the_file():
    rng = np.random.default_rng(3)
    lone = np.zeros((18, 3))
    lone[0] = 0.7, 0.5, 0.9
    file = [{"people": [{BODY: written(points, "pixels", 500, 400)}]} for points in (body(rng, 500, 400), lone)]
    assert np.allclose(read_frames(file, (500, 400))[1].people[0].body, lone)


def test_bodies_in_shares_and_hands_in_pixels():
    """As an editor wrote them: each part is in the units that it can be in."""
    rng = np.random.default_rng(4)
    points, hand = body(rng, 600, 800), np.concatenate([rng.uniform(100, 500, (21, 2)), np.ones((21, 1))], axis=1)
    points[7, :2], points[4] = hand[0, :2], 0
    points[7, 2] = 1
    person = {BODY: written(points, "shares", 600, 800), KEYS["left"]: hand.ravel().tolist()}
    (frame,) = read_frames({"people": [person], "canvas_width": 800, "canvas_height": 600})
    assert np.allclose(frame.people[0].body, points)
    assert np.allclose(frame.people[0].left, hand)


def test_shares_without_any_canvas_name_the_remedy():
    file = {"people": [{BODY: written(body(np.random.default_rng(5), 500, 400), "shares", 500, 400)}]}
    with pytest.raises(ValueError, match=r"^keypoints: frame 1 is in shares .* Set width and height"):
        read_frames(file)


def test_a_canvas_of_0_is_one_that_its_writer_does_not_know():
    points = body(np.random.default_rng(6), 500, 400)
    file = {"people": [{BODY: written(points, "shares", 500, 400)}], "canvas_width": 0, "canvas_height": 0.0}
    (frame,) = read_frames(file, (500, 400))
    assert frame.height == 0
    assert np.allclose(frame.people[0].body, points)
    with pytest.raises(ValueError, match="Set width and height"):
        read_frames(file)


def flat(points: np.ndarray) -> list[float]:
    return points.ravel().tolist()


def one(frames: list[PoseFrame]) -> np.ndarray:
    (frame,) = frames
    (person,) = frame.people
    return person.body


def test_the_same_person_in_the_forms_that_others_write():
    points = body(np.random.default_rng(6), 500, 400)
    points[:, 2] = np.where(points[:, 2] > 0, 1.0, 0.0)
    pairs = points[:, :2].tolist()
    nulls = [pair if any(pair) else None for pair in pairs]
    canvas = {"width": 400, "height": 500}
    forms: list[Any] = [
        {"people": [{"pose_keypoints": flat(points)}]},  # OpenPose's first versions
        {"people": [{BODY: flat(points)}], **canvas},
        {"people": {"person0": {BODY: flat(points)}}},
        {"people": [{BODY: pairs}]},
        {"people": [{BODY: nulls}]},
        {"people": [{BODY: flat(points[:, :2])}]},
        {"people": [{BODY: [{"x": x, "y": y, "score": s} for x, y, s in points.tolist()]}]},
        {"keypoints": [pairs], **canvas},  # the editors
        {"keypoints": pairs, **canvas},
        {"keypoints": points.tolist(), **canvas},
        [{"keypoints": flat(points), "image_id": "a.png", "score": 2.9, "box": [1, 2, 3, 4]}],  # AlphaPose
        [{"keypoints": pairs, "keypoint_scores": points[:, 2].tolist(), "bbox": [[1, 2, 3, 4]]}],  # MMPose
        {"instance_info": [{"frame_id": 1, "instances": [{"keypoints": points.tolist()}]}]},
        {"frames": [{"people": [{BODY: flat(points)}]}]},
        {BODY: flat(points)},
    ]
    for form in forms:
        assert np.allclose(one(read_frames(form)), points), form
        assert np.allclose(one(read_frames(copy.deepcopy(form), (500, 400))), points), form


def test_people_of_one_picture_stay_together_and_the_points_of_two_in_one_list_are_two():
    rng = np.random.default_rng(7)
    people = [body(rng, 500, 400) for _ in range(3)]
    alpha = [{"keypoints": flat(points), "image_id": name} for points, name in zip(people, "aab", strict=True)]
    assert [len(frame.people) for frame in read_frames(alpha)] == [2, 1]
    both = {"keypoints": [*people[0][:, :2].tolist(), *people[1][:, :2].tolist()], "width": 400, "height": 500}
    assert len(read_frames(both)[0].people) == 2


# Where nose, neck, right wrist, left ankle and left ear lie; None: the middle of the shoulders.
LAYOUTS = {17: (0, None, 10, 15, 3), 26: (0, 18, 10, 15, 3), 133: (0, None, 10, 15, 3), 136: (0, 18, 10, 15, 3)}


@pytest.mark.parametrize("width", [2, 3])
@pytest.mark.parametrize("count", LAYOUTS)
def test_whole_bodies_of_others_come_into_openposes_order(count: int, width: int):
    rng = np.random.default_rng(count)
    points = np.concatenate([rng.uniform(50, 900, (count, 2)), rng.uniform(0.3, 1, (count, 1))], axis=1)[:, :width]
    person = read_frames({"people": [{BODY: flat(points)}], "canvas_width": 900, "canvas_height": 900})[0].people[0]
    nose, neck, wrist, ankle, ear = LAYOUTS[count]
    middle = (points[5] + points[6]) / 2 if neck is None else points[neck]
    for joint, expected in ((0, points[nose]), (1, middle), (4, points[wrist]), (13, points[ankle]), (17, points[ear])):
        assert np.allclose(person.body[joint, :width], expected)
    if count > 26:
        first = 23 if count == 133 else 26
        parts = (points[first : first + 68], points[first + 68 : first + 89], points[first + 89 : first + 110])
        assert person.face is not None
        hands = sorted(flat(hand[:, :width]) for hand in (person.left, person.right) if hand is not None)
        assert np.allclose(person.face[:68, :width], parts[0])
        assert np.allclose(hands, sorted(flat(hand) for hand in parts[1:]))


def test_a_null_frame_and_a_null_person_are_nobody():
    points = {BODY: flat(body(np.random.default_rng(8), 500, 400))}
    said = {"canvas_width": 400, "canvas_height": 500}
    frames = read_frames([{"people": [points, None], **said}, None, {"people": None, **said}, {"people": [{}], **said}])
    assert [len(frame.people) for frame in frames] == [1, 0, 0, 0]
    assert [frame.is_missing for frame in frames] == [False, True, False, False]


def test_pose_render_takes_its_size_for_that_of_the_canvas(comfy):
    """A file in shares that says no canvas is drawn as one that says it."""
    points = body(np.random.default_rng(9), 192, 128)
    widgets = {"width": 128, "height": 192, "fit": "crop", "body": True, "hands": True, "face": True}
    widgets |= {"xinsir_sticks": False, "score_threshold": 0.3}
    pictures = {}
    for unit in ("pixels", "shares", "signed"):
        file = [{"people": [{BODY: written(points, unit, 192, 128)}]}, None]
        picture, report = comfy.call("SteerPoseRender", keypoints=file, **widgets)
        pictures[unit] = picture
        assert report.startswith("picture 1: 1 person, 0 hands, 0 faces\npicture 2: nobody")
    assert pictures["pixels"].shape == (2, 192, 128, 3)
    assert bool(pictures["pixels"][0].any())
    for unit in ("shares", "signed"):
        assert float((pictures[unit] != pictures["pixels"]).float().mean()) < 0.01, unit
    with pytest.raises(ValueError, match="Set width and height"):
        comfy.call("SteerPoseRender", keypoints=file, **widgets | {"width": 0})
