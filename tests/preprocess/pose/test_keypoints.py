"""POSE_KEYPOINT: writing, reading back, reading what other packs write, and surviving what nobody should write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from somebody import somebody
from steer.preprocessors.pose.keypoints import KEYS, SIZES, read_frames, write_frame
from steer.preprocessors.pose.people import Person


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def same(a: Person, b: Person) -> bool:
    return all(
        (x is None) == (y is None) and (x is None or np.array_equal(x, y))
        for x, y in zip(a.parts.values(), b.parts.values(), strict=True)
    )


@pytest.mark.parametrize(("height", "width"), [(512, 512), (333, 777), (1024, 96)])
def test_ours_to_a_file_and_back_is_identity(tmp_path: Path, height: int, width: int):
    rng = np.random.default_rng(height)
    frames = [
        [somebody(rng, height, width), somebody(rng, height, width, "body face")],
        [],
        [somebody(rng, height, width, "body")],
    ]
    written = [write_frame(people, height, width) for people in frames]
    path = tmp_path / "pose.json"
    path.write_text(json.dumps(written))
    back = read_frames(json.loads(path.read_text()))
    assert [(frame.height, frame.width) for frame in back] == [(height, width)] * 3
    for people, frame in zip(frames, back, strict=True):
        assert len(people) == len(frame.people)
        assert all(same(a, b) for a, b in zip(people, frame.people, strict=True))
    assert [write_frame(frame.people, height, width) for frame in back] == written


def test_the_written_frame_suits_comfyuis_own_and_controlnet_auxs_readers():
    person = somebody(np.random.default_rng(0), 300, 400, "body face")
    (written,) = write_frame([person], 300, 400)["people"]
    for part, key in KEYS.items():  # comfy_extras/nodes_sdpose.py: np.array(person[key]).reshape(n, 3)
        assert np.array(written[key], np.float32).reshape(SIZES[part], 3).shape == (SIZES[part], 3)
    scores = np.array(written[KEYS["body"]]).reshape(-1, 3)[:, 2]
    assert np.array_equal(scores, person.body[:, 2])
    (whole,) = write_frame([person], 300, 400, whole_scores=True)["people"]  # aux: a point with c < 1.0 is dropped
    for key in KEYS.values():
        assert set(np.array(whole[key]).reshape(-1, 3)[:, 2]) <= {0.0, 1.0}


def aux_frame(points: np.ndarray, scale: tuple[float, float], height: int, width: int) -> dict[str, Any]:
    """As comfyui_controlnet_aux's encode_poses_as_dict writes: scores 0 or 1, absent hands and face null."""
    flat = [
        v for x, y, c in points for v in ((float(x / scale[0]), float(y / scale[1]), 1.0) if c else (0.0, 0.0, 0.0))
    ]
    person = {
        "pose_keypoints_2d": flat,
        "face_keypoints_2d": None,
        "hand_left_keypoints_2d": None,
        "hand_right_keypoints_2d": None,
    }
    return {"people": [person], "canvas_height": height, "canvas_width": width}


def test_controlnet_auxs_dwpose_is_pixels():
    body = somebody(np.random.default_rng(1), 480, 640, "body").body
    (frame,) = read_frames([aux_frame(body, (1, 1), 480, 640)])
    assert np.allclose(frame.people[0].body[:, :2], body[:, :2])
    assert set(frame.people[0].body[:, 2]) == {0.0, 1.0}
    assert frame.people[0].left is frame.people[0].face is None


@pytest.mark.parametrize(
    ("width", "height", "padded"),
    [
        (683, 512, (704, 512)),
        (512, 512, (512, 512)),
        (512, 911, (512, 960)),
        (1280, 720, (1280, 768)),
        (960, 540, (960, 576)),
    ],
)
def test_controlnet_auxs_openpose_is_shares_of_the_padded_picture(width: int, height: int, padded: tuple[int, int]):
    """A 1334x1000 picture at 512 becomes 683x512, padded to 704x512: shares of that, canvas_width 683."""
    body = somebody(np.random.default_rng(2), height, width, "body").body
    (frame,) = read_frames([aux_frame(body, padded, height, width)])
    assert np.allclose(frame.people[0].body[:, :2], body[:, :2])


def test_other_shares_are_of_the_canvas():
    body = somebody(np.random.default_rng(3), 500, 900, "body").body
    written = aux_frame(body, (900, 500), 500, 900)
    scored = json.loads(json.dumps(written))
    scores = scored["people"][0]["pose_keypoints_2d"][2::3]
    scored["people"][0]["pose_keypoints_2d"][2::3] = [score * 0.7 for score in scores]
    bare = {**written, "people": [{"pose_keypoints_2d": written["people"][0]["pose_keypoints_2d"]}]}
    for other in (scored, bare):  # real scores, or not all four parts: not by comfyui_controlnet_aux's OpenPose node
        (frame,) = read_frames(other)
        assert np.allclose(frame.people[0].body[:, :2], body[:, :2])


def test_comfyuis_sdpose_with_feet_real_scores_and_hands_named_the_other_way_round():
    person = somebody(np.random.default_rng(4), 700, 500)
    (written,) = write_frame([person], 700, 500)["people"]
    written["foot_keypoints_2d"] = [1.0] * 18
    left, right = KEYS["left"], KEYS["right"]
    written[left], written[right] = written[right], written[left]
    (frame,) = read_frames([{"canvas_width": 500, "canvas_height": 700, "people": [written]}])
    assert same(frame.people[0], person)


def test_cmu_openpose_body_25_without_a_canvas():
    body25 = np.arange(75, dtype=float).reshape(25, 3) + 1
    body25[:, 2] = 0.7
    written = {
        "version": 1.3,
        "people": [
            {
                "person_id": [-1],
                "pose_keypoints_2d": body25.ravel().tolist(),
                "face_keypoints_2d": [],
                "hand_left_keypoints_2d": [],
                "hand_right_keypoints_2d": [],
                "pose_keypoints_3d": [],
            }
        ],
    }
    (frame,) = read_frames(json.dumps(written))
    assert (frame.height, frame.width) == (0, 0)
    body = frame.people[0].body
    assert np.array_equal(body[8], body25[9])  # right hip: BODY_25 has the middle of the hips at 8
    assert np.array_equal(body[14], body25[15])  # right eye
    assert np.array_equal(body[17], body25[18])  # left ear


def test_nested_triples_short_faces_and_coco_17():
    body17 = np.stack([np.arange(17) * 10 + 5, np.arange(17) * 7 + 3, np.full(17, 0.8)], axis=1)
    face68 = np.stack([np.arange(68) + 1, np.arange(68) + 2, np.full(68, 0.9)], axis=1)
    (frame,) = read_frames(
        {
            "people": [{"pose_keypoints_2d": body17.tolist(), "face_keypoints_2d": face68.tolist()}],
            "canvas_height": 200,
            "canvas_width": 300,
        }
    )
    person = frame.people[0]
    assert np.array_equal(person.body[4], body17[10])
    assert np.allclose(person.body[1], (body17[5] + body17[6]) / 2)
    assert person.face is not None
    assert person.face.shape == (70, 3)
    assert not person.face[68:].any()


@pytest.mark.parametrize("count", [71, 70, 69, 61, 68, 3, 478])
def test_a_face_of_any_length_leaves_body_and_hands(count: int):
    """comfyui_controlnet_aux skips the face points it did not see and adds one: up to 71, and which is not said."""
    person = somebody(np.random.default_rng(5), 300, 400, "body left right")
    (written,) = write_frame([person], 300, 400)["people"]
    face = np.stack([np.arange(count) % 300 + 1.0, np.arange(count) % 200 + 2.0, np.ones(count)], axis=1)
    written[KEYS["face"]] = face.ravel().tolist()
    (read,) = read_frames({"people": [written], "canvas_height": 300, "canvas_width": 400})[0].people
    assert same(Person(read.body, read.left, read.right), person)
    if count > 71:
        assert read.face is None
        return
    assert read.face is not None
    assert read.face.shape == (70, 3)
    assert np.array_equal(read.face[read.face[:, 2] > 0], face[:70])
    assert bool(read.face[:68, 2].all()) == (count in (68, 70, 71)), "only whole faces are taken to be in order"


def test_numpys_numbers_are_numbers():
    body = somebody(np.random.default_rng(6), 200, 300, "body").body
    frame = {
        "people": [{"pose_keypoints_2d": body.astype(np.float32)}],
        "canvas_height": np.int64(200),
        "canvas_width": np.float32(300),
    }
    (read,) = read_frames([frame])
    assert (read.height, read.width) == (200, 300)
    assert type(read.height) is type(read.width) is int
    assert np.allclose(read.people[0].body, body)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (None, "list of frames"),
        ([], "no frame"),
        ("nonsense", "not JSON"),
        ([1], "frame 1"),
        ([{"annotations": []}], "annotations of a data set"),
        ([{"animals": []}], "animals"),
        ([{"people": 3}], "people"),
        ([{"people": [3]}], "person 1"),
        ([{"people": [{"pose_keypoints_3d": [1.0] * 4}]}], "'pose_keypoints_3d' only"),
        ([{"keypoints": [[1, 2]] * 60, "width": 9, "height": 9}], "60 points"),
        ([{"people": [{"pose_keypoints_2d": [1.0] * 53}]}], "triples"),
        ([{"people": [{"pose_keypoints_2d": [1.0] * 57}]}], "19 points"),
        ([{"people": [{"pose_keypoints_2d": "abc"}]}], "list of numbers"),
        ([{"people": [{"pose_keypoints_2d": ["a"] * 54}]}], "where a number"),
        ([{"people": [], "canvas_width": -3, "canvas_height": 4}], "canvas_width"),
        ([{"people": [{"pose_keypoints_2d": [0.5] * 54}]}], "shares"),
        ("[" * 100_000, "not JSON"),
        ([{"people": [{"pose_keypoints_2d": nested(5000)}]}], "where a number"),
        ([{"people": [], "canvas_width": nested(5000)}], "canvas_width"),
    ],
)
def test_what_is_wrong_is_said(value: Any, word: str):
    with pytest.raises(ValueError, match=word) as caught:
        read_frames(value)
    assert str(caught.value).startswith("keypoints: ")
