"""The nodes OpenPose and Pose Render in ComfyUI's executor."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from pose_photos import PHOTOS, photo
from steer.preprocessors.lines.draw import draw_lines
from steer.preprocessors.networks import registry
from steer.preprocessors.networks.registry import REGISTRY
from steer.preprocessors.pictures import fit_points
from steer.preprocessors.pose.keypoints import read_frames, write_frame
from steer.preprocessors.pose.people import Person
from steer.preprocessors.pose.skeleton import draw_people
from steer.preprocessors.recognise import POSE, Look, recognise_exact

DATA = Path(__file__).resolve().parents[1] / "data" / "pose"
DEFAULTS = {
    "detector": "mediapipe",
    "body": True,
    "hands": False,
    "face": False,
    "xinsir_sticks": False,
    "score_threshold": 0.0,
    "whole_scores": False,
    "resolution": 0,
    "fit": "crop",
    "download": False,
}
RENDER = {
    "width": 0,
    "height": 0,
    "fit": "crop",
    "body": True,
    "hands": True,
    "face": True,
    "xinsir_sticks": False,
    "score_threshold": 0.3,
}
STANDING = "api_moonvalley_video_to_video_pose_control-2"


def image(*names: str, side: int = 640) -> torch.Tensor:
    return torch.stack([torch.from_numpy(photo(name, side)).float() / 255 for name in names])


@pytest.fixture(scope="module")
def standing() -> torch.Tensor:
    return image(STANDING)


def as_bytes(hint: torch.Tensor) -> np.ndarray:
    return (hint.numpy() * 255).round().astype(np.uint8)


def test_hint_keypoints_and_report_belong_together(comfy, standing: torch.Tensor):
    hint, keypoints, report = comfy.call("SteerOpenPose", image=standing, **DEFAULTS | {"hands": True, "face": True})
    assert hint.shape == (1, 640, 640, 3)
    assert report == "1 person, 2 hands, 1 face"
    (frame,) = read_frames(json.loads(json.dumps(keypoints)))
    assert (frame.height, frame.width) == (640, 640)
    assert np.array_equal(as_bytes(hint[0]), draw_people(frame.people, 640, 640, threshold=0.3))
    scores = frame.people[0].body[:, 2]
    assert ((scores > 0) & (scores < 1)).any(), "real scores"


def test_switches_load_only_their_networks(comfy, standing: torch.Tensor, monkeypatch: pytest.MonkeyPatch):
    from steer.nodes.preprocess import comfy_networks

    loaded: list[str] = []

    class Recorder(comfy_networks.DetectorCache):
        def get(self, name: str, build: Any) -> Any:
            loaded.append(name)
            return super().get(name, build)

    monkeypatch.setattr(comfy_networks, "CACHE", Recorder())
    comfy.call("SteerOpenPose", image=standing, **DEFAULTS)
    assert loaded == ["movenet", "pose_landmark"]
    loaded.clear()
    comfy.call("SteerOpenPose", image=standing, **DEFAULTS | {"face": True})
    assert loaded == ["movenet", "pose_landmark", "face_detection", "face_landmark"]


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_render_of_the_keypoints_is_the_hint_at_any_size(comfy, standing: torch.Tensor, fit: str):
    options = DEFAULTS | {"hands": True, "face": True, "fit": fit}
    latent = {"samples": torch.zeros(1, 4, 64, 32)}
    direct, _, _ = comfy.call("SteerOpenPose", image=standing, latent=latent, **options)
    _, keypoints, _ = comfy.call("SteerOpenPose", image=standing, **options)
    rendered, report = comfy.call("SteerPoseRender", keypoints=keypoints, latent=latent, **RENDER | {"fit": fit})
    assert direct.shape == rendered.shape == (1, 512, 256, 3)
    assert torch.equal(direct, rendered)
    assert report.startswith("1 person")


@pytest.mark.parametrize(("says", "side"), [({}, 256), ({"downscale_ratio_spacial": 16}, 512)])
def test_a_latent_may_say_how_many_pixels_a_cell_has(comfy, says: dict[str, int], side: int):
    latent = {"samples": torch.zeros(1, 4, 32, 32), **says}
    body = np.tile([50.0, 50.0, 1.0], (18, 1))
    hint, _ = comfy.call("SteerPoseRender", keypoints=[write_frame([Person(body)], 100, 100)], latent=latent, **RENDER)
    assert hint.shape == (1, side, side, 3)


def test_render_draws_every_frame_of_others_keypoints_too(comfy):
    body = np.zeros((18, 3))
    body[1], body[2] = (100, 50, 1), (150, 60, 1)
    pixels = {
        "people": [{"pose_keypoints_2d": body.ravel().tolist(), "face_keypoints_2d": None}],
        "canvas_width": 300,
        "canvas_height": 200,
    }
    shares = json.loads(json.dumps(pixels))
    shares["people"][0]["pose_keypoints_2d"] = (body / [300, 200, 1]).ravel().tolist()
    hints, report = comfy.call(
        "SteerPoseRender", keypoints=[pixels, shares, {**pixels, "people": []}], **RENDER | {"width": 600}
    )
    assert hints.shape == (3, 400, 600, 3)
    assert torch.equal(hints[0], hints[1])
    assert hints[0].any()
    assert not hints[2].any()
    assert report == "picture 1: 1 person, 0 hands, 0 faces\npicture 2: 1 person, 0 hands, 0 faces\npicture 3: nobody"


def test_xinsir_sticks_are_thicker(comfy, standing: torch.Tensor):
    thin, _, _ = comfy.call("SteerOpenPose", image=standing, **DEFAULTS | {"resolution": 1024})
    thick, _, _ = comfy.call("SteerOpenPose", image=standing, **DEFAULTS | {"resolution": 1024, "xinsir_sticks": True})
    assert (thick.amax(-1) > 0).sum() > 2 * (thin.amax(-1) > 0).sum()


def test_whole_scores_for_controlnet_auxs_render_nodes(comfy, standing: torch.Tensor):
    _, keypoints, _ = comfy.call("SteerOpenPose", image=standing, **DEFAULTS | {"whole_scores": True})
    assert set(np.array(keypoints[0]["people"][0]["pose_keypoints_2d"]).reshape(-1, 3)[:, 2]) <= {0.0, 1.0}


def test_a_pose_hint_that_was_saved_as_jpeg_is_noticed(comfy, standing: torch.Tensor):
    hint, _, _ = comfy.call("SteerOpenPose", image=standing, **DEFAULTS)
    saved = cv2.imdecode(cv2.imencode(".jpg", as_bytes(hint[0]))[1], cv2.IMREAD_COLOR)
    _, _, report = comfy.call("SteerOpenPose", image=torch.from_numpy(saved)[None] / 255, **DEFAULTS)
    assert report.startswith("no person found")
    assert "this picture looks like a pose skeleton already" in report


def test_a_lower_score_threshold_draws_what_the_detector_is_not_sure_of(comfy):
    unsure = image("video_wan2_2_14B_s2v-1")
    drawn = {}
    for threshold in (0.0, 0.3, 0.02):
        hint, keypoints, _ = comfy.call("SteerOpenPose", image=unsure, **DEFAULTS | {"score_threshold": threshold})
        scores = np.array(keypoints[0]["people"][0]["pose_keypoints_2d"]).reshape(-1, 3)[:, 2]
        assert ((scores > 0.02) & (scores < 0.3)).any(), "keypoints has them all"
        drawn[threshold] = hint
    assert torch.equal(drawn[0.0], drawn[0.3]), "0 is the detector's own limit"
    assert (drawn[0.02].amax(-1) > 0).sum() > (drawn[0.3].amax(-1) > 0).sum()
    _, keypoints, _ = comfy.call("SteerOpenPose", image=unsure, **DEFAULTS | {"whole_scores": True})
    whole = np.array(keypoints[0]["people"][0]["pose_keypoints_2d"]).reshape(-1, 3)[:, 2]
    assert np.array_equal(whole > 0, scores > 0.3), "what is not drawn is not called sure"


def test_a_pose_hint_passes_through_with_a_note(comfy, standing: torch.Tensor):
    for options in (DEFAULTS, DEFAULTS | {"hands": True, "face": True}):
        hint, _, _ = comfy.call("SteerOpenPose", image=standing, **options)
        again, keypoints, report = comfy.call("SteerOpenPose", image=hint, **options)
        assert torch.equal(again, hint)
        assert report.startswith("passed on as it is: this is a pose hint already; its keypoints are not known")
        assert keypoints[0]["people"] == []
        larger, _, report = comfy.call("SteerOpenPose", image=hint, **options | {"resolution": 960})
        assert larger.shape == (1, 960, 960, 3)
        assert report.startswith("brought from 640x640 to 960x960, pixel by pixel: this is a pose hint already")


def people_of_photos() -> list[Person]:
    with np.load(DATA / "people.npz") as file:
        parts = {key.rsplit("/", 1)[0]: {} for key in file}
        for key in file:
            parts[key.rsplit("/", 1)[0]][key.rsplit("/", 1)[1]] = file[key]
    return [Person(**one) for one in parts.values()]


@pytest.mark.parametrize("names", ["body left right face", "body left right", "left right", "left", "face"])
def test_hints_of_any_parts_are_hints(names: str):
    seen = 0
    for person in people_of_photos():
        parts = {name: part * [2, 2, 1] for name, part in person.parts.items() if part is not None}
        parts = {name: part for name, part in parts.items() if name in names.split()}
        if parts and not (names == "face" and np.ptp(parts["face"][:, 0]) < 100):  # its dots run together
            seen += 1
            assert recognise_exact(draw_people([Person(**parts)], 1280, 1280)) == Look(POSE)
    assert seen >= 4


def test_photographs_and_other_drawings_are_no_pose_hints():
    canvas = np.zeros((512, 512, 3), np.uint8)
    ends = np.random.default_rng(0).integers(0, 512, (30, 2, 2))
    strokes, discs, dot = canvas.copy(), canvas.copy(), canvas.copy()
    for start, end in ends.tolist():
        cv2.line(strokes, start, end, (255, 255, 255), 7)
        cv2.circle(discs, start, 12, (255, 255, 255), -1)
    cv2.circle(dot, (100, 100), 3, (255, 255, 255), -1)
    lines = draw_lines(ends.reshape(-1, 4), 512, 512)
    edges = np.repeat(cv2.Canny(photo(STANDING), 100, 200)[..., None], 3, axis=2)
    for picture in (*map(photo, PHOTOS), canvas, strokes, discs, dot, lines, edges):
        assert recognise_exact(picture) != Look(POSE)
    assert not any(recognise_exact(photo(name)) for name in PHOTOS)


def someone(x: float, score: float = 0.8, **parts: np.ndarray) -> Person:
    body = np.zeros((18, 3))
    body[[1, 2, 5]] = [[x, 100, score], [x - 20, 100, score], [x + 20, 100, score]]
    return Person(body, **parts)


def dots(count: int, x: float, score: float) -> np.ndarray:
    return np.stack([np.full(count, x), np.arange(count) + 50.0, np.full(count, score)], axis=1)


@pytest.mark.parametrize(
    ("people", "changes", "said"),
    [
        ([someone(150), someone(350)], {}, "2 people, 0 hands, 0 faces"),
        ([someone(150), someone(350)], {"width": 100, "height": 200}, "1 person, 0 hands, 0 faces"),
        ([someone(350)], {"width": 100, "height": 200}, "nobody in the hint: 1 person cut off. Set fit to pad"),
        ([someone(350)], {"width": 100, "height": 200, "fit": "pad"}, "1 person, 0 hands, 0 faces"),
        (
            [someone(150, 0.2), someone(350, 0.25)],
            {},
            "nothing drawn: 2 people found, but the best score of a point is "
            "0.25, and score_threshold is 0.3. Lower it.",
        ),
        ([someone(150), someone(350, 0.2)], {}, "1 person, 0 hands, 0 faces"),
        ([someone(150)], {"body": False}, "nothing drawn: 1 person found, but not the parts that are turned on"),
        ([someone(150, left=dots(21, 160, 0.9), right=dots(21, 130, 0.1))], {}, "1 person, 1 hand, 0 faces"),
        ([someone(150, face=dots(70, 150, 0.9)), someone(160)], {"body": False}, "1 person, 0 hands, 1 face"),
        ([someone(150, left=dots(21, 390, 0.9))], {"width": 200, "height": 200}, "1 person, 0 hands, 0 faces"),
    ],
)
def test_only_what_is_drawn_is_counted(comfy, people: list[Person], changes: dict[str, Any], said: str):
    frame = write_frame(people, 200, 400)
    options = RENDER | {"width": 400, "height": 200} | changes
    hint, report = comfy.call("SteerPoseRender", keypoints=[frame], **options)
    assert report.startswith(said)
    assert bool(hint.any()) == said[0].isdigit()


def test_people_whom_the_fit_cuts_off_are_neither_counted_nor_handed_on(comfy, standing: torch.Tensor):
    wide = torch.nn.functional.pad(standing, (0, 0, 0, 1280), value=0.5)
    latent = {"samples": torch.zeros(1, 4, 32, 16)}
    hint, keypoints, report = comfy.call("SteerOpenPose", image=wide, latent=latent, **DEFAULTS)
    assert not hint.any()
    assert keypoints[0]["people"] == []
    assert report.startswith("nobody in the hint: 1 person cut off")


def test_hands_without_a_point_are_none():
    zeros = np.zeros((21, 3))
    person = someone(150, left=zeros, right=dots(21, 500, 0.9)).move(fit_points((200, 400), (200, 400), "crop"))
    assert person.left is None
    assert person.right is None, "it lies outside"


def test_nobody_is_explained(comfy):
    hint, keypoints, report = comfy.call("SteerOpenPose", image=torch.full((1, 64, 96, 3), 0.5), **DEFAULTS)
    assert not hint.any()
    assert keypoints == [{"people": [], "canvas_height": 64, "canvas_width": 96}]
    assert "no person" in report


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"image": torch.full((1, 8, 8, 3), float("nan"))}, "NaN"),
        ({"image": torch.zeros(0, 8, 8, 3)}, "empty"),
        ({"detector": "what"}, "unknown"),
        ({"fit": "what"}, "unknown"),
    ],
)
def test_bad_input_is_refused_plainly(comfy, changes: dict[str, Any], word: str):
    with pytest.raises(ValueError, match=word):
        comfy.call("SteerOpenPose", **{"image": torch.zeros(1, 8, 8, 3)} | DEFAULTS | changes)


@pytest.mark.parametrize(
    ("keypoints", "changes", "word"),
    [
        ([], {}, "no frame"),
        ([{"people": []}], {}, "canvas_width"),
        ([{"people": [], "canvas_width": 8, "canvas_height": 8}], {"fit": "what"}, "fit"),
        ([{"people": [], "canvas_width": 60000, "canvas_height": 8}], {"height": 16384}, "at most"),
        (
            [{"people": [], "canvas_width": 8, "canvas_height": 8}],
            {"width": 8, "latent": {"samples": torch.zeros(1, 4, 8, 8)}},
            "latent",
        ),
    ],
)
def test_bad_keypoints_are_refused_plainly(comfy, keypoints: Any, changes: dict[str, Any], word: str):
    with pytest.raises(ValueError, match=word):
        comfy.call("SteerPoseRender", keypoints=keypoints, **RENDER | changes)


@pytest.mark.parametrize(
    ("detector", "files"),
    [
        ("openpose (non-commercial)", ("body_pose_model.pth", "hand_pose_model.pth", "facenet.pth")),
        ("dwpose", ("yolox_l.onnx", "dw-ll_ucoco_384.onnx")),
    ],
)
def test_missing_weights_are_named_at_once_all_of_them(
    comfy, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, detector: str, files: tuple[str, ...]
):

    from steer.nodes.preprocess import comfy_networks

    present, *missing = files
    weight = next(one for one in REGISTRY.values() if one.file == present)
    (tmp_path / present).write_bytes(b"")
    os.truncate(tmp_path / present, weight.size)  # it takes no room, and is not read: others are missing
    monkeypatch.setattr(registry, "sha256_of", lambda path: pytest.fail("it was read"))
    monkeypatch.setattr(comfy_networks, "list_weight_folders", lambda: [tmp_path])
    monkeypatch.setattr(comfy_networks, "CACHE", comfy_networks.DetectorCache())
    options = DEFAULTS | {"detector": detector, "hands": True, "face": True}
    with pytest.raises(ValueError, match=".*\n?.*".join(missing)) as caught:
        comfy.call("SteerOpenPose", image=torch.zeros(1, 8, 8, 3), **options)
    assert present not in str(caught.value)
