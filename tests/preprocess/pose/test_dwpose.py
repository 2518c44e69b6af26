"""DWPose's decoding on answers made by hand, and its networks in an ONNX file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from onnx_answers import onnx_file
from steer.preprocessors.networks.registry import REGISTRY
from steer.preprocessors.pose import dwpose
from steer.preprocessors.pose.keypoints import read_frames, write_frame


class Answers:
    """Stands for a network: gives the same outputs to every input."""

    def __init__(self, *outputs: np.ndarray) -> None:
        self.outputs = list(outputs)
        self.seen: list[np.ndarray] = []

    def run(self, x: np.ndarray) -> list[np.ndarray]:
        self.seen.append(x)
        return self.outputs


def yolox(*boxes: tuple[float, float, float, float, float], kind: int = 0) -> np.ndarray:
    """Raw rows whose decoding gives these boxes (centre x, y, width, height in the 640 picture; score)."""
    rows = np.zeros((8400, 85), np.float32)
    for number, (x, y, w, h, score) in enumerate(boxes):
        column, row = 10 + number, 20
        at = row * 80 + column
        rows[at, :4] = x / 8 - column, y / 8 - row, np.log(w / 8), np.log(h / 8)
        rows[at, 4], rows[at, 5 + kind] = 1, score
    return rows


def simcc(x: np.ndarray, y: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Answers with peaks at the given pixels of the 288 x 384 crop."""
    x_axis, y_axis = np.zeros((133, 576), np.float32), np.zeros((133, 768), np.float32)
    index = np.arange(133)
    x_axis[index, (x * 2).astype(int)] = score
    y_axis[index, (y * 2).astype(int)] = 1
    return x_axis[None], y_axis[None]


def test_boxes_are_people_in_picture_pixels_without_doubles():
    rows = yolox((100, 200, 50, 100, 0.9), (102, 201, 52, 98, 0.8), (400, 200, 40, 80, 0.5), (300, 100, 9, 9, 0.2))
    boxes = dwpose.find_boxes(rows, 0.5)
    assert np.allclose(boxes, [[150, 300, 250, 500], [760, 320, 840, 480]], atol=0.01)
    assert len(dwpose.find_boxes(yolox((100, 200, 50, 100, 0.9), kind=1), 1.0)) == 0


def test_a_picture_is_letterboxed():
    x, ratio = dwpose.letterbox(np.full((200, 400, 3), 7, np.uint8))
    assert ratio == 1.6
    assert x.shape == (1, 3, 640, 640)
    assert (x[0, :, :320] == 7).all()
    assert (x[0, :, 320:] == 114).all()


def test_points_come_back_to_where_the_crop_was_cut():
    """A bright pixel of the picture lies in the crop where the points' way back says."""
    picture = np.zeros((300, 500, 3), np.uint8)
    picture[118:123, 203:208] = 255
    x, centre, size = dwpose.cut_person(picture, np.array([150.0, 60.0, 250.0, 220.0]))
    assert x.shape == (1, 3, 384, 288)
    row, column = np.unravel_index(x[0, 0].argmax(), (384, 288))
    axes = simcc(np.full(133, float(column)), np.full(133, float(row)), np.full(133, 0.7))
    points = dwpose.decode_points(axes[0][0], axes[1][0], centre, size)
    assert np.allclose(points[:, :2], [205, 120], atol=3)
    assert np.allclose(points[:, 2], 0.7)


def test_the_whole_way_gives_openposes_order_and_a_readable_frame():
    picture = np.full((640, 640, 3), 90, np.uint8)
    index = np.arange(133.0)
    score = np.full(133, 0.8)
    score[5] = 0.2  # left shoulder: not sure enough for a neck
    networks = {
        "dwpose_people": Answers(yolox((320, 320, 200, 300, 0.9))[None]),
        "dwpose": Answers(*simcc(40 + index, 60 + index * 2, score)),
    }
    (person,) = dwpose.find_people(networks, picture, hands=True, face=True)
    assert person.body[1, 2] == 0
    x = person.body[[0, 2, 5, 14, 15], 0]
    assert np.array_equal(np.argsort(x), [0, 4, 3, 2, 1])  # nose, left eye, right eye, left shoulder, right shoulder
    assert person.left is not None
    assert person.right is not None
    assert person.face is not None
    assert person.left[0, 0] < person.right[0, 0]
    assert not person.face[68:].any()
    (frame,) = read_frames([write_frame([person], 640, 640)])
    assert np.allclose(frame.people[0].body, person.body)
    (bare,) = dwpose.find_people(networks, picture)
    assert bare.left is bare.face is None


def test_the_node_runs_onnx_files_that_lie_in_its_folders(comfy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from steer.nodes.preprocess import comfy_networks

    index = np.arange(133.0)
    x_axis, y_axis = simcc(40 + index, 60 + index * 2, np.full(133, 0.8))
    people = onnx_file(tmp_path / "yolox_l.onnx", (640, 640), rows=yolox((320, 320, 200, 300, 0.9))[None])
    points = onnx_file(tmp_path / "dw-ll_ucoco_384.onnx", (384, 288), y_axis=y_axis, x_axis=x_axis)
    monkeypatch.setitem(REGISTRY, "dwpose_people", people)
    monkeypatch.setitem(REGISTRY, "dwpose", points)
    monkeypatch.setattr(comfy_networks, "CACHE", comfy_networks.DetectorCache())
    monkeypatch.setattr(comfy_networks, "list_weight_folders", lambda: [tmp_path])
    hint, keypoints, report = comfy.call(
        "SteerOpenPose",
        image=torch.full((2, 640, 640, 3), 0.4),
        detector="dwpose",
        body=True,
        hands=True,
        face=True,
        xinsir_sticks=False,
        score_threshold=0.3,
        whole_scores=False,
        resolution=0,
        fit="crop",
        download=False,
    )
    assert report == "1 person, 2 hands, 1 face"
    expected = dwpose.find_people(
        {"dwpose_people": Answers(yolox((320, 320, 200, 300, 0.9))[None]), "dwpose": Answers(x_axis, y_axis)},
        np.full((640, 640, 3), 102, np.uint8),
        hands=True,
        face=True,
    )
    for frame in read_frames(keypoints):
        assert np.allclose(frame.people[0].body, expected[0].body, atol=1e-3)
    assert hint.any()
