"""The MoveNet and MediaPipe chain against the original networks, and its manners with several people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from pose_photos import PHOTOS, photo
from skimage.data import astronaut
from steer.demo.scenes import HELD_OUT, render
from steer.preprocessors.lines.mlsd import find_mlsd_lines, load_mlsd
from steer.preprocessors.networks.graph import ConvGraph, load_graph
from steer.preprocessors.pose.mediapipe import PERSON_SURE, drop_unsure, find_people, list_networks
from steer.preprocessors.pose.mediapipe_nets import PALM, Crop, crop_between, make_anchors
from steer.preprocessors.pose.movenet import (
    FoundPerson,
    decode_movenet,
    find_movenet_people,
    merge_findings,
    to_movenet_input,
)
from steer.preprocessors.pose.people import WRISTS, Person

DATA = Path(__file__).resolve().parents[1] / "data" / "pose"


@pytest.fixture(scope="session")
def networks() -> dict[str, ConvGraph]:
    return {name: load_graph(name) for name in list_networks(True, True)}


@pytest.fixture(scope="session")
def found(networks: Mapping[str, ConvGraph]) -> dict[str, list[Person]]:
    return {name: find_people(networks, photo(name), hands=True, face=True) for name in PHOTOS}


def test_movenet_equals_the_original_graph_in_tensorflow_js(networks: Mapping[str, ConvGraph]):
    expected = np.array(json.loads((DATA / "movenet.json").read_text())).reshape(6, 56)
    x, _ = to_movenet_input(astronaut(), 256)
    with torch.inference_mode():
        rows = decode_movenet(networks["movenet"](x)).numpy()
    certain = expected[:, 55] > 0.05  # below that the six places are taken by noise
    assert certain.sum() == 1
    assert np.abs(rows[certain] - expected[certain]).max() < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", PHOTOS)
def test_points_equal_those_of_the_original_networks(found: Mapping[str, list[Person]], name: str):
    with np.load(DATA / "people.npz") as file:
        expected = {key.removeprefix(f"{name}/"): file[key] for key in file if key.startswith(f"{name}/")}
    own = {
        f"{i}/{part}": points
        for i, person in enumerate(found[name])
        for part, points in (person.parts | {"body": drop_unsure(person.body)}).items()
        if points is not None
    }
    assert own.keys() == expected.keys()
    height, width = photo(name).shape[:2]
    for key, points in own.items():
        theirs = expected[key]
        in_own, in_theirs = points[:, 2] > 0, theirs[:, 2] > 0
        # A point at the picture's edge counts as outside or not by a fraction of a pixel, and each network's view hangs
        # on the points of the one before it, so rounding (torch's threads and vector width) decides such points.
        apart = np.where(in_own[:, None], points, theirs)[in_own != in_theirs, :2]
        assert (np.minimum(apart, (width, height) - apart).min(1) < 0.01 * 640).all(), key
        both = in_own & in_theirs
        assert both.sum() >= 0.9 * in_theirs.sum(), key
        assert np.abs(points[both, :2] - theirs[both, :2]).max() < 0.01 * 640, key
        assert np.abs(points[both, 2] - theirs[both, 2]).max() < 0.1, key


def test_hands_belong_to_their_wrists(found: Mapping[str, list[Person]]):
    hands = 0
    for people in found.values():
        for person in people:
            for side, hand in (("left", person.left), ("right", person.right)):
                wrist, other = person.body[WRISTS[side]], person.body[WRISTS["left" if side == "right" else "right"]]
                if hand is not None and wrist[2]:
                    hands += 1
                    away = np.hypot(*(hand[0, :2] - wrist[:2]))
                    assert away < 0.06 * 640
                    assert not other[2] or away < np.hypot(*(hand[0, :2] - other[:2]))
    assert hands >= 9


def test_two_people_side_by_side_are_found_as_each_alone(
    networks: Mapping[str, ConvGraph], found: Mapping[str, list[Person]]
):
    names = ("api_moonvalley_video_to_video_pose_control-2", "video_wan_vace_flf2v-1")
    both = find_people(networks, np.concatenate([photo(name) for name in names], axis=1), hands=True, face=True)
    assert len(both) == 2
    both.sort(key=lambda person: person.body[1, 0])
    for number, (name, person) in enumerate(zip(names, both, strict=True)):
        alone = found[name][0]
        for part, points in person.parts.items():
            expected = alone.parts[part]
            assert points is not None
            assert expected is not None
            seen = (points[:, 2] > 0) & (expected[:, 2] > 0)
            assert seen.mean() > 0.7
            moved = points[seen, :2] - np.array([640 * number, 0])
            assert np.median(np.hypot(*(moved - expected[seen, :2]).T)) < 0.02 * 640, (name, part)


def test_switches_load_only_their_networks(networks: Mapping[str, ConvGraph]):
    body = {name: networks[name] for name in list_networks(False, False)}
    assert set(body) == {"movenet", "pose_landmark"}
    people = find_people(body, photo(PHOTOS[0]))
    assert len(people) == 1
    assert people[0].left is people[0].right is people[0].face is None


class Elsewhere(torch.nn.Module):
    """`net` as if its weights lay on another device: it takes only what was moved there, without gradients."""

    DEVICE = torch.device("meta")

    def __init__(self, net: torch.nn.Module, moved: list[torch.Tensor]) -> None:
        super().__init__()
        self.net, self.moved = net, moved

    def parameters(self, recurse: bool = True) -> Iterator[torch.nn.Parameter]:
        yield torch.nn.Parameter(torch.empty(1, device=self.DEVICE))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        assert any(x is other for other in self.moved), "the input stayed where it was"
        assert torch.is_inference_mode_enabled()
        self.moved.clear()
        return self.net(x)


def test_every_networks_input_goes_to_the_device_of_its_weights(
    networks: Mapping[str, ConvGraph], monkeypatch: pytest.MonkeyPatch
):
    picture = photo("api_moonvalley_video_to_video_pose_control-2")
    moved: list[torch.Tensor] = []
    to = torch.Tensor.to

    def recorded(x: torch.Tensor, *where: Any, **more: Any) -> torch.Tensor:
        if where[:1] != (Elsewhere.DEVICE,):
            return to(x, *where, **more)
        moved.append(x)
        return x

    monkeypatch.setattr(torch.Tensor, "to", recorded)
    elsewhere = {name: Elsewhere(net, moved) for name, net in networks.items()}
    (person,) = find_people(elsewhere, picture, hands=True, face=True)
    assert all(points is not None for points in person.parts.values()), "all six networks ran"
    find_mlsd_lines(Elsewhere(load_mlsd(), moved), picture, resolution=64)


def test_half_a_person_has_no_point_outside_the_picture(networks: Mapping[str, ConvGraph]):
    picture = photo("api_moonvalley_video_to_video_pose_control-2")
    height, width = picture.shape[0], 350
    (person,) = find_people(networks, np.ascontiguousarray(picture[:, :width]), hands=True, face=True)
    for points in person.parts.values():
        if points is not None:
            assert (points[:, :2] >= 0).all()
            assert (points[:, 0] < width).all()
            assert (points[:, 1] < height).all()


@pytest.mark.parametrize("size", [(1, 1), (64, 8192), (300, 200)])
def test_nobody(networks: Mapping[str, ConvGraph], size: tuple[int, int]):
    grey = np.full((*size, 3), 127, np.uint8)
    assert find_people(networks, grey, hands=True, face=True) == []


def test_what_neither_network_is_sure_of_is_nobody(networks: Mapping[str, ConvGraph]):
    """MoveNet takes the top of a pagoda and the lamps of drawn rooms for people, just above its limit."""
    pagoda = cv2.imread(str(DATA.parent / "mlsd" / "china.png"))[..., ::-1].copy()
    rooms = [render(HELD_OUT + seed, kind="interior").image for seed in (9, 22)]
    for picture in (pagoda, *rooms):
        seen = find_movenet_people(networks["movenet"], picture)
        assert len(seen) == 1
        assert seen[0].score < PERSON_SURE
        assert find_people(networks, picture) == []


def test_one_person_seen_twice_is_one():
    points = np.concatenate([np.random.default_rng(0).uniform(0, 100, (17, 2)), np.full((17, 1), 0.9)], axis=1)
    near, far = points + np.array([3, 3, 0]), points + np.array([300, 0, 0])
    found = merge_findings([FoundPerson(near, 0.5), FoundPerson(points, 0.8), FoundPerson(far, 0.6)])
    assert [f.score for f in found] == [0.8, 0.6]


def test_a_crop_and_back_is_where_it_was():
    crop = Crop(120.0, 80.0, 60.0, 0.7)
    points = np.random.default_rng(0).uniform(0, 256, (20, 2))
    there = crop.to_picture(points, 256)
    assert np.allclose(np.hypot(*(there[1:] - there[0]).T), np.hypot(*(points[1:] - points[0]).T) * 60 / 256)
    assert np.allclose(crop.to_picture(np.array([128.0, 128.0]), 256), [120, 80])
    upright = crop_between(np.array([50.0, 50.0]), np.array([50.0, 30.0]), 1.0)
    assert np.isclose(upright.angle, 0)
    assert upright.side == 40
    marked = np.zeros((100, 100, 3), np.uint8)
    cv2.circle(marked, (50, 35), 2, (255, 255, 255), -1)
    row, column = np.unravel_index(
        crop_between(np.array([50.0, 50.0]), np.array([50.0, 30.0]), 1.0).cut(marked, 64)[..., 0].argmax(), (64, 64)
    )
    assert row < 20
    assert abs(column - 32) < 6


def test_anchors_are_mediapipes():
    grid = make_anchors(PALM)
    assert grid.shape == (2016, 2)
    assert grid[0].tolist() == [0.5 / 24, 0.5 / 24] == grid[1].tolist()
    assert grid[2].tolist() == [1.5 / 24, 0.5 / 24]
    assert grid[1152].tolist() == [0.5 / 12, 0.5 / 12] == grid[1157].tolist()


@pytest.mark.slow
def test_forty_people(networks: Mapping[str, ConvGraph]):
    """MoveNet sees six at a time; a crowd is looked at in parts."""
    one = photo("api_moonvalley_video_to_video_pose_control-2", 400)[:, 120:280]
    crowd = np.tile(one, (4, 10, 1))
    found = find_movenet_people(networks["movenet"], crowd)
    cells = {(int(y // 400), int(x // 160)) for x, y in (f.points[[5, 6, 11, 12], :2].mean(0) for f in found)}
    assert len(cells) >= 36
    assert len(found) <= 44
