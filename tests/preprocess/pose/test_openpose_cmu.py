"""The way of the original OpenPose networks against controlnet_aux's OpenposeDetector, with networks that stand in for
the real ones, whose weights may not be passed on."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from cmu_maps import synthetic
from skimage.data import astronaut
from steer.preprocessors.choices import OPENPOSE
from steer.preprocessors.pose import openpose_cmu
from steer.preprocessors.pose.detectors import DETECTORS
from steer.preprocessors.pose.openpose_cmu import find_people
from torch.nn import functional as F


class Body(torch.nn.Linear):
    """Answers the same maps to every picture."""

    def __init__(self, heat: np.ndarray, fields: np.ndarray) -> None:
        super().__init__(1, 1)
        self.maps = tuple(torch.from_numpy(m.transpose(2, 0, 1).copy())[None] for m in (fields, heat))

    def forward(self, x: torch.Tensor) -> Any:
        return self.maps


class Look(torch.nn.Linear):
    """Answers maps that depend on the picture alone: its colours at an eighth of the size, mixed `channels` ways."""

    def __init__(self, channels: int, absent: tuple[int, ...] = ()) -> None:
        super().__init__(1, 1)
        mix = torch.randn(channels, 3, 1, 1, generator=torch.Generator().manual_seed(channels))
        mix[list(absent)] = 0
        self.mix = mix

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(F.avg_pool2d(x, 8), self.mix).abs()


class LookThrice(Look):
    """The face network answers a list, of which the last counts. All points that it knows are above the threshold."""

    def forward(self, x: torch.Tensor) -> Any:
        known = self.mix.any(1)[None].float()
        return [super().forward(-x), super().forward(x) + 0.1 * known]


def of_controlnet_aux(networks: dict[str, torch.nn.Module], picture: np.ndarray) -> list[Any]:
    from controlnet_aux.open_pose import OpenposeDetector
    from controlnet_aux.open_pose.body import Body as AuxBody
    from controlnet_aux.open_pose.face import Face
    from controlnet_aux.open_pose.hand import Hand

    parts = []
    for kind, name in ((AuxBody, "openpose_body"), (Hand, "openpose_hand"), (Face, "openpose_face")):
        part = kind.__new__(kind)
        part.model = networks[name]
        parts.append(part)
    return OpenposeDetector(*parts).detect_poses(picture, include_hand=True, include_face=True)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_bodies_hands_and_faces_are_controlnet_auxs(seed: int):
    picture = np.ascontiguousarray(np.roll(np.pad(astronaut(), ((0, 0), (0, 128), (0, 0)), "reflect"), 90 * seed, 1))
    picture = (picture * 0.6 + np.random.default_rng(seed).uniform(0, 100, picture.shape)).astype(
        np.uint8
    )  # no two maxima
    absent = (3, 40)
    networks: dict[str, torch.nn.Module] = {
        "openpose_body": Body(*synthetic(np.random.default_rng(seed), 3, 23, 29)),
        "openpose_hand": Look(22),
        "openpose_face": LookThrice(71, absent),
    }
    expected = of_controlnet_aux(networks, picture)
    found = find_people(networks, picture, hands=True, face=True)
    assert len(found) == len(expected) > 0
    hands = faces = 0
    size = np.array([640, 512])
    for person, reference in zip(found, expected, strict=True):
        for points, keypoints in ((person.left, reference.left_hand), (person.right, reference.right_hand)):
            assert (points is None) == (keypoints is None)
            if points is not None:
                hands += 1
                theirs = np.array([(point.x, point.y) for point in keypoints]) * size
                seen = (theirs > 0).all(axis=1)  # controlnet_aux puts a missing point at -1 and does not draw it
                assert np.array_equal(points[:, 2] > 0, seen)
                assert np.allclose(points[seen, :2], theirs[seen], atol=1e-3)
        assert (person.face is None) == (reference.face is None)
        if person.face is not None:
            faces += 1
            theirs = np.array([(point.x, point.y) for point in reference.face]) * size
            there = [
                point for point in range(71) if point not in absent
            ]  # controlnet_aux closes the gap: indices shift
            assert len(theirs) == len(there)
            for at, point in zip(theirs, there, strict=True):
                if point < 70 and (at > 0).all():
                    assert np.allclose(person.face[point, :2], at, atol=1e-3)
            assert not person.face[list(absent)].any()
    assert hands
    assert faces


def test_the_node_draws_all_that_controlnet_aux_draws(comfy, monkeypatch: pytest.MonkeyPatch):
    """Of points that the networks are little sure of, too."""
    from controlnet_aux.open_pose import draw_poses
    from steer.nodes.preprocess import comfy_networks

    heat, fields = synthetic(np.random.default_rng(5), 3, 23, 29)
    networks: dict[str, torch.nn.Module] = {
        "openpose_body": Body(heat * 0.3, fields),
        "openpose_hand": Look(22),
        "openpose_face": LookThrice(71),
    }
    picture = np.ascontiguousarray(np.pad(astronaut(), ((0, 0), (0, 128), (0, 0)), "reflect"))
    stand_in = replace(DETECTORS[OPENPOSE], build=lambda name, folders: networks[name])
    monkeypatch.setitem(DETECTORS, OPENPOSE, stand_in)
    monkeypatch.setattr(comfy_networks, "CACHE", comfy_networks.DetectorCache())
    monkeypatch.setattr(comfy_networks, "check_weights", lambda names: None)  # there is no file of these
    options = {
        "detector": OPENPOSE,
        "body": True,
        "xinsir_sticks": False,
        "score_threshold": 0.0,
        "whole_scores": False,
        "resolution": 0,
        "fit": "crop",
        "download": False,
    }
    image = torch.from_numpy(picture)[None] / 255
    hint, keypoints, _ = comfy.call("SteerOpenPose", image=image, hands=False, face=False, **options)
    people = [np.array(person["pose_keypoints_2d"]).reshape(-1, 3) for person in keypoints[0]["people"]]
    assert all((points[:, 2] < 0.3).all() for points in people)
    assert sum((points[:, 2] > 0).sum() for points in people) > 20
    expected = of_controlnet_aux(networks, picture)
    assert len(people) == len(expected)
    drawn = np.asarray(draw_poses(expected, 512, 640, draw_hand=False, draw_face=False))
    found = (hint[0].numpy() * 255).round().astype(np.uint8)
    # a joint on the border between two pixels falls on either side of it
    assert (found != drawn).any(axis=2).mean() < 0.05 * (drawn > 0).any(axis=2).mean()
    _, _, report = comfy.call("SteerOpenPose", image=image, hands=True, face=True, **options)
    assert re.fullmatch(rf"{len(expected)} people, [1-9]\d* hands?, [1-9]\d* faces?", report)


def test_a_crowd_and_a_panorama_take_no_more_memory_than_one_picture(monkeypatch: pytest.MonkeyPatch):
    largest = 0

    def measured(net: torch.nn.Module, x: torch.Tensor) -> Any:
        nonlocal largest
        largest = max(largest, x.numel())
        return net(x)

    monkeypatch.setattr(openpose_cmu, "infer", measured)
    networks: dict[str, torch.nn.Module] = {
        "openpose_body": Body(*synthetic(np.random.default_rng(2), 12, 46, 92)),
        "openpose_hand": Look(22),
    }
    crowd = np.random.default_rng(0).integers(0, 255, (512, 1024, 3), np.uint8)
    hands = [hand for person in find_people(networks, crowd, hands=True) for hand in (person.left, person.right)]
    assert sum(hand is not None for hand in hands) > 4
    find_people(networks, np.zeros((64, 8192, 3), np.uint8))
    assert largest <= 3 * 736 * 1024


@pytest.mark.parametrize("name", ["openpose_body", "openpose_hand", "openpose_face"])
def test_the_networks_take_the_published_names(name: str, monkeypatch: pytest.MonkeyPatch):
    """The files of lllyasviel/Annotators name the CMU layers without the blocks that controlnet_aux groups them by."""
    from controlnet_aux.open_pose import face, model

    net = {"openpose_body": model.bodypose_model, "openpose_hand": model.handpose_model, "openpose_face": face.FaceNet}
    state = net[name]().state_dict()
    published = state if name == "openpose_face" else {key.split(".", 1)[1]: value for key, value in state.items()}
    monkeypatch.setattr(openpose_cmu, "read_weights", lambda weight, folders: (published, {}))
    built = openpose_cmu.build(name, []).state_dict()
    assert all(torch.equal(built[key], value) for key, value in state.items())
    assert openpose_cmu.list_networks(name == "openpose_hand", name == "openpose_face")[-1] == name
