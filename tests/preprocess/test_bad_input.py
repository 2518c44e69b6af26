"""Every preprocessor in ComfyUI, given what no one should give it: a right answer, or an error that says what to do,
and the next prompt runs."""

from __future__ import annotations

import shutil
import socket
import time
from pathlib import Path
from typing import Any, NoReturn

import cv2
import numpy as np
import pytest
import torch
from pose_photos import photo
from steer.preprocessors.lines.draw import draw_lines
from steer.preprocessors.networks import registry
from steer.preprocessors.networks.registry import REGISTRY, SHIPPED_FOLDER

_LINES = {
    "score_threshold": 0.1,
    "distance_threshold": 0.1,
    "detect_resolution": 64,
    "resolution": 0,
    "fit": "crop",
    "download": False,
}
_POSE = {
    "body": True,
    "hands": True,
    "face": True,
    "xinsir_sticks": False,
    "score_threshold": 0.3,
    "whole_scores": False,
    "resolution": 0,
    "fit": "crop",
    "download": False,
}
NODES: dict[str, tuple[str, dict[str, Any]]] = {
    "canny": ("SteerCanny", {"low_threshold": 100, "high_threshold": 200, "auto": False, "resolution": 0}),
    "mlsd": ("SteerMLSD", _LINES | {"detector": "mlsd"}),
    "lsd": ("SteerMLSD", _LINES | {"detector": "lsd (no network)"}),
    "openpose": ("SteerOpenPose", _POSE | {"detector": "mediapipe"}),
}
STANDING = "api_moonvalley_video_to_video_pose_control-2"


def crowded() -> np.ndarray:
    return draw_lines(np.random.default_rng(0).uniform(0, 512, (4000, 4)), 512, 512)


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


ODD = {
    "1x1": noise(1, 1, 1, 3),
    "8192x64": noise(1, 64, 8192, 3),
    "64x8192": noise(1, 8192, 64, 3),
    "RGBA": noise(2, 40, 30, 4),
    "grey": noise(1, 33, 65, 1),
    "all black": torch.zeros(1, 64, 64, 3),
    "all white": torch.ones(1, 64, 64, 3),
    "half precision": noise(1, 40, 30, 3).half(),
    "4,000 lines": torch.from_numpy(crowded())[None].float() / 255,
    "4,000 lines, grey": torch.from_numpy(crowded())[None].float() / 512 + 0.3,
}


@pytest.mark.slow
@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("kind", NODES)
def test_odd_pictures_give_a_hint_and_a_report(comfy, kind: str, what: str):
    node, widgets = NODES[kind]
    image = ODD[what]
    before = image.clone()
    hint, second, *_, report = comfy.call(node, image=image, **widgets)
    assert hint.shape == (*image.shape[:3], 3)
    assert hint.dtype == torch.float32
    assert bool(((hint >= 0) & (hint <= 1)).all())
    assert isinstance(report, str)
    assert report
    assert kind == "canny" or len(second) == len(image)
    assert torch.equal(image, before), "it belongs to other nodes too"


BROKEN = {
    "NaN": (torch.full((1, 8, 8, 3), torch.nan), "NaN"),
    "infinite": (torch.full((1, 8, 8, 3), torch.inf), "NaN or infinite"),
    "empty batch": (torch.zeros(0, 8, 8, 3), "empty"),
    "no width": (torch.zeros(1, 8, 0, 3), "empty"),
    "two channels": (torch.zeros(1, 8, 8, 2), "2 channels"),
    "a latent": (torch.zeros(1, 4, 8, 8), "8 channels"),
    "one picture without a batch": (torch.zeros(8, 8, 3), "expected pictures"),
    "whole numbers": (torch.zeros(1, 8, 8, 3, dtype=torch.uint8), "expected pictures"),
}


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("kind", NODES)
def test_broken_pictures_are_refused_plainly(comfy, kind: str, what: str):
    node, widgets = NODES[kind]
    image, words = BROKEN[what]
    with pytest.raises(ValueError, match=words) as caught:
        comfy.call(node, image=image, **widgets)
    assert str(caught.value).startswith("image: ")


def prompt(kind: str, **widgets: Any) -> dict[str, Any]:
    node, defaults = NODES[kind]
    return {
        "grey": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0x808080}},
        "hint": {"class_type": node, "inputs": {"image": ["grey", 0]} | defaults | widgets},
        "show": {"class_type": "PreviewImage", "inputs": {"images": ["hint", 0]}},
    }


@pytest.mark.parametrize("how", ["altered", "cut off", "another network's"])
@pytest.mark.parametrize(("kind", "name"), [("mlsd", "mlsd"), ("openpose", "palm_detection")])
def test_a_spoilt_weight_file_is_an_error_of_the_node_and_the_next_prompt_runs(
    comfy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, name: str, how: str
):
    from steer.nodes.preprocess import comfy_networks

    for one in REGISTRY.values():
        if one.shipped:
            shutil.copy(SHIPPED_FOLDER / one.file, tmp_path)
    file = REGISTRY[name].file
    content = bytearray((SHIPPED_FOLDER / file).read_bytes())
    content[-1] ^= 1
    spoilt = {
        "altered": content,
        "cut off": content[:-1000],
        "another network's": (SHIPPED_FOLDER / REGISTRY["hand_landmark"].file).read_bytes(),
    }
    (tmp_path / file).write_bytes(spoilt[how])
    monkeypatch.setattr(comfy_networks, "CACHE", comfy_networks.DetectorCache())
    with monkeypatch.context() as during:
        during.setattr(registry, "SHIPPED_FOLDER", tmp_path)
        failed = comfy.run(prompt(kind))
    assert failed.error is not None
    assert failed.error["node_id"] == "hint"
    for part in (str(tmp_path / file), f"{REGISTRY[name].size:,}", "python run.py weights build"):
        assert part in failed.message
    assert comfy.run(prompt(kind)).error is None


@pytest.mark.parametrize(
    ("kind", "detector", "file"),
    [
        ("mlsd", "mlsd (controlnet_aux weights)", "mlsd_large_512_fp32.pth"),
        ("openpose", "openpose (non-commercial)", "body_pose_model.pth"),
        ("openpose", "dwpose", "yolox_l.onnx"),
    ],
)
@pytest.mark.parametrize("download", [False, True])
def test_with_the_network_refused_a_missing_weight_fails_within_a_second(
    comfy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, detector: str, file: str, download: bool
):

    from steer.nodes.preprocess import comfy_networks

    tries: list[tuple[Any, ...]] = []

    def refused(*address: Any, **more: Any) -> NoReturn:
        tries.append(address)
        raise ConnectionRefusedError("[Errno 111] Connection refused")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(comfy_networks, "list_weight_folders", lambda: [tmp_path])
    node, widgets = NODES[kind]
    started = time.perf_counter()
    with pytest.raises(ValueError, match=file) as caught:
        comfy.call(node, image=torch.zeros(1, 8, 8, 3), **widgets | {"detector": detector, "download": download})
    assert time.perf_counter() - started < 1
    assert len(tries) == download, "no retries, and none at all unless download is on"
    said = ["huggingface.co", "Connection refused", "Check the network"] if download else ["MB", "`download`", "hf dow"]
    for part in [str(tmp_path), *said]:
        assert part in str(caught.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.slow
def test_forty_people_are_all_drawn(comfy):
    one = photo(STANDING, 400)[:, 120:280]
    crowd = torch.from_numpy(np.tile(one, (4, 10, 1)))[None].float() / 255
    hint, keypoints, report = comfy.call("SteerOpenPose", image=crowd, **NODES["openpose"][1])
    people = keypoints[0]["people"]
    assert 36 <= len(people) <= 44
    assert report.startswith(f"{len(people)} people, ")
    drawn = cv2.resize(hint[0].amax(-1).numpy(), (10, 4), interpolation=cv2.INTER_AREA)
    assert (drawn > 0.001).sum() >= 36


@pytest.mark.parametrize("part", ["left half", "above the hips", "the legs"])
def test_half_a_person_is_drawn_where_it_is(comfy, part: str):
    whole = photo(STANDING)
    box = {
        "left half": (slice(None), slice(0, 350)),
        "above the hips": (slice(0, 330), slice(None)),
        "the legs": (slice(330, None), slice(None)),
    }[part]
    image = torch.from_numpy(np.ascontiguousarray(whole[box]))[None].float() / 255
    height, width = image.shape[1:3]
    hint, keypoints, report = comfy.call("SteerOpenPose", image=image, **NODES["openpose"][1])
    assert report.startswith(("1 person", "no person"))
    assert bool(hint.any()) == report.startswith("1 person") == bool(keypoints[0]["people"])
    assert part == "the legs" or hint.any()
    for person in keypoints[0]["people"]:
        points = np.array(person["pose_keypoints_2d"]).reshape(-1, 3)
        assert (points[:, :2] >= 0).all()
        assert (points[:, :2] < (width, height)).all()
