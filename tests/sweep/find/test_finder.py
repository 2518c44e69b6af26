"""Expression Finder: the threshold on faces whose mood is known, and the node on the embedded model."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from steer.demo.scenes import HELD_OUT, render
from steer.preprocessors.networks.graph import load_graph
from steer.preprocessors.pose.faces import NETWORKS, Face, find_faces
from sweep_lab import BASE, Lab, node, open_picture

GRID = 33
SOCKETS = {"model": ["model", 0], "clip": ["model", 1], "vae": ["model", 2], "latent": ["latent", 0]}


@cache
def networks() -> dict[str, Any]:
    return {name: load_graph(name) for name in NETWORKS}


@cache
def drawn(seed: int, expression: str) -> np.ndarray:
    return render(HELD_OUT + seed, kind="portrait", expression=expression, subject="girl").image


def look(picture: np.ndarray) -> Any:
    from steer.nodes.sweep.find.mood import FaceView, choose_face

    return FaceView(torch.from_numpy(picture).float() / 255, choose_face(find_faces(networks(), picture)))


def test_on_blended_faces_the_threshold_is_found_within_one_step_in_nine_of_ten():
    """Scenes that turn from one expression to another along a known curve, with another background light each."""
    from steer.nodes.sweep.find.mood import Moods
    from steer.nodes.sweep.find.search import find_first

    right = searched = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        curve = np.sort(rng.uniform(0, 1, GRID)) if seed % 2 else np.linspace(0, 1, GRID) ** rng.uniform(0.4, 2.5)
        curve[0], curve[-1] = 0.0, 1.0
        ends = drawn(seed, "neutral").astype(np.float64), drawn(seed, "laughing").astype(np.float64)
        wanted = float(rng.choice([0.3, 0.5, 0.7]))
        looks: dict[int, Any] = {}

        def make(place: int, curve=curve, ends=ends, rng=rng, looks=looks) -> Any:
            if place not in looks:
                mixed = ends[0] + curve[place] * (ends[1] - ends[0]) + rng.normal(0, 3, ends[0].shape)
                looks[place] = look(mixed.clip(0, 255).astype(np.uint8))
            return looks[place]

        if make(0).face is None and make(GRID - 1).face is None:
            continue
        moods = Moods(make(0), make(GRID - 1))
        searched += 1

        def measure(place: int, moods=moods, make=make, looks=looks) -> float:
            make(place)
            return moods.measure_all(looks)[place]

        search = find_first(GRID, wanted, measure)
        truth = int(np.argmax(curve >= wanted))
        right += search.found is not None and abs(search.found - truth) <= 1
        assert len(looks) <= GRID / 4
    assert searched >= 10, "faces of drawings are found"
    assert right >= 0.9 * searched


def test_shapes_of_mouth_and_brows_are_measured_where_points_are_known():
    from steer.nodes.sweep.find.mood import SHAPE, FaceView, Moods

    picture = torch.rand(64, 64, 3, generator=torch.Generator().manual_seed(0))
    points = np.zeros((70, 3))
    points[:, 2] = 1
    angle = np.linspace(0, 2 * math.pi, 20, endpoint=False)
    points[48:68, 0], points[48:68, 1] = 32 + 8 * np.cos(angle), 46 + 2 * np.sin(angle)
    points[17:27, 0], points[17:27, 1] = np.linspace(18, 46, 10), 18
    points[:17, 0], points[:17, 1] = np.linspace(14, 50, 17), 56

    def face(amount: float, turn: float = 0.0, grow: float = 1.0, shift: float = 0.0) -> FaceView:
        moved = points.copy()
        moved[48:68, 1] = 46 + (2 + 5 * amount) * np.sin(angle)
        moved[17:27, 1] -= 4 * amount
        eyes = np.array([[22.0, 26.0], [42.0, 26.0]])
        rotation = grow * np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
        moved[:, :2] = (moved[:, :2] - 32) @ rotation + 32 + shift
        return FaceView(
            picture, Face((eyes - 32) @ rotation + 32 + shift, (np.array([32.0, 46]) - 32) @ rotation + 32, moved)
        )

    moods = Moods(face(0), face(1), by_shape=True)
    assert moods.method == SHAPE
    looks = {i: face(i / 10, turn=0.02 * i, shift=0.5 * i) for i in range(11)}
    found = moods.measure_all(looks)
    assert [found[i] for i in range(11)] == pytest.approx([i / 10 for i in range(11)], abs=0.02)
    assert moods.stays(face(0.5)) == pytest.approx(1)
    looks[11] = FaceView(picture, None)
    assert moods.measure_all(looks)[11] == pytest.approx(0, abs=1e-6), "by pixels now, which are all the same"


def test_ends_without_a_face_or_without_a_change_are_refused():
    from steer.nodes.sweep.find.mood import FaceView, Moods

    grey = FaceView(torch.full((64, 64, 3), 0.5), None)
    with pytest.raises(ValueError, match="no face was found"):
        Moods(grey, grey)
    picture = look(drawn(0, "neutral"))
    with pytest.raises(ValueError, match="changes nothing of the face"):
        Moods(picture, picture)


@pytest.mark.slow
def test_the_node_makes_a_few_pictures_of_the_sweep_and_no_others(lab: Lab):
    from steer.nodes.prompts.dial import dial_axis, read_dial

    swap = read_dial("smiling", "angry")
    lab.given["axis"] = dial_axis(swap, [i / 16 for i in range(17)])
    graph = {
        "model": node("SteerDemoModel"),
        "latent": lab.latent,
        "axis": node("TestGive", name="axis", version="1"),
        "mask": node("SolidMask", value=1.0, width=64, height=64),
        "find": node(
            "SteerExpressionFinder",
            **BASE,
            **SOCKETS,
            axis=["axis", 0],
            mask=["mask", 0],
            mood=0.5,
            by="pixels of the face",
        ),
        "value": node("PreviewAny", source=["find", 0]),
        "report": node("PreviewAny", source=["find", 5]),
        "save": node("SaveImage", images=["find", 2], filename_prefix="found"),
    }
    result = lab.comfy.run(graph)
    assert result.error is None, result.message
    value = float(result.outputs["value"]["text"][0])
    report = result.outputs["report"]["text"][0]
    assert 0 < value <= 1
    assert report.startswith(f"angry {value:g}: ")
    assert "7 pictures in place of 17" in report or "6 pictures in place of 17" in report
    found = [open_picture(lab.output / each["filename"])[0] for each in result.outputs["save"]["images"]]
    cells = lab.sweep(axis_1=lab.given["axis"])
    swept = {float(label.split()[-1]): pixels for (label,), pixels in cells.items()}
    assert (found[0] == swept[0.0]).all()
    assert (found[-1] == swept[1.0]).all()
    assert any((each == swept[value]).all() for each in found)


def test_what_cannot_be_searched_is_refused_before_a_picture_is_made(lab: Lab):
    from steer.nodes.axis import Axis

    faults = {
        "one value": Axis("cfg", (1.0,), ("cfg 1",)),
        "cannot vary 'number'": Axis("number", (1.0, 2.0), ("1", "2")),
    }
    for words, axis in faults.items():
        lab.given["axis"] = axis
        graph = {
            "model": node("SteerDemoModel"),
            "latent": lab.latent,
            "axis": node("TestGive", name="axis", version=words),
            "find": node(
                "SteerExpressionFinder",
                **BASE,
                **SOCKETS,
                axis=["axis", 0],
                mood=0.5,
                by="pixels of the face",
            ),
            "save": node("PreviewImage", images=["find", 4]),
        }
        assert words in lab.comfy.run(graph).message
