"""What run.py measures of the slides: at the right nodes, and a promise that does not hold is noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from steer.runner.workflow.prompt import find_nodes
from steer.workflows.source.measure import Measurement, Outputs
from steer.workflows.source.slides import SLIDES

ROOT = Path(__file__).resolve().parents[3]


class FakeProbe:
    """In the place of a probe on a ComfyUI: its pictures and texts are known."""

    def __init__(self, pictures: dict[str, list[np.ndarray]], texts: dict[str, list[str]] | None = None) -> None:
        self.outputs = Outputs(pictures, texts or {})

    def output(self, title: str, number: int = 0) -> list[Any]:
        return [title, number]

    def add(self, kind: str, **inputs: Any) -> str:
        return kind

    def run(self, pictures: Any, texts: Any = None) -> Outputs:
        assert set(pictures) == set(self.outputs.pictures)
        assert set(texts or ()) == set(self.outputs.texts)
        return self.outputs


def drawn(number: int = 0, **attributes: Any) -> np.ndarray:
    from steer.demo.scenes import HELD_OUT, render

    return np.asarray(render(HELD_OUT + number, **attributes).image)


def bundled(name: str) -> np.ndarray:
    image = Image.open(ROOT / "demo" / "pictures" / f"{name}.png").convert("RGB")
    return np.asarray(image.resize((256, 256), Image.Resampling.BOX))


def measure(slide: str, probe: Any) -> list[Measurement]:
    return next(each.promise(probe) for each in SLIDES if slide == each.NAME)


def verdicts(slide: str, probe: FakeProbe) -> list[bool]:
    return [each.holds for each in measure(slide, probe)]


def test_moods_that_are_there_are_seen_and_others_are_named():
    moods = ["smiling", "angry", "laughing"]
    pictures = [drawn(kind="portrait", subject="girl", expression=mood) for mood in moods]
    assert verdicts("04-expression-swap", FakeProbe({"cells": pictures}, {"labels": moods})) == [True, True]
    crossed = FakeProbe({"cells": pictures}, {"labels": [moods[0], moods[2], moods[1]]})
    mood, _ = measure("04-expression-swap", crossed)
    assert not mood.holds
    assert "in 1 of 3" in mood.text
    assert "laughing looks angry" in mood.text
    places = [
        drawn(kind="portrait", subject="girl", expression="smiling", background=place)
        for place in ("beach", "black background", "office")
    ]
    assert verdicts("04-expression-swap", FakeProbe({"cells": places}, {"labels": moods})) == [False, False]


@pytest.mark.slow
def test_a_hint_that_is_followed_differs_from_one_that_is_not():
    import torch
    from steer.preprocessors.canny import canny

    girl, dancer, room = bundled("girl-with-a-pearl-earring"), bundled("dancer"), bundled("empty-room")
    hint = canny(torch.from_numpy(girl.astype(np.float32) / 255)[None], 100, 200).hint[0].numpy()
    edges = [(hint * 255).astype(np.uint8)]
    for slide, good, bad in (
        ("08-canny-same-face-angle", girl, dancer),
        ("09-mlsd-one-room-two-styles", room, girl),
    ):
        assert verdicts(slide, FakeProbe({"with": [good], "without": [bad], "hint": edges})) == [True]
        assert verdicts(slide, FakeProbe({"with": [bad], "without": [good], "hint": edges})) == [False]
        assert verdicts(slide, FakeProbe({"with": [bad], "without": [bad], "hint": edges})) == [False]


def test_a_pose_that_is_taken_differs_from_another():
    poses = ["dancer", "superhero", "astronaut"]
    pictures, labels = [bundled(pose) for pose in poses] * 4, [f"{pose}, superhero" for pose in poses] * 4
    slide = "10-openpose-one-pose-many-people"
    assert verdicts(slide, FakeProbe({"cells": pictures}, {"labels": labels})) == [True, True]
    turned = pictures[1:] + pictures[:1]
    assert verdicts(slide, FakeProbe({"cells": turned}, {"labels": labels})) == [False, True]
    assert verdicts(slide, FakeProbe({"cells": pictures[:3]}, {"labels": labels[:3]})) == [True, False]


@pytest.mark.server
@pytest.mark.parametrize("slide", SLIDES, ids=lambda slide: slide.NAME)
def test_every_slide_is_measured_at_nodes_that_it_has(client, slide: Any):
    from steer.runner.slides.probe import ClientProbe
    from steer.runner.workflow import FOLDER, read_graph, to_prompt

    class Stopped(Exception):
        pass

    class NoClient:
        def run(self, prompt: Any) -> Any:
            raise Stopped

    info = client.get("/object_info")
    prompt = to_prompt(read_graph(FOLDER / f"{slide.NAME}.json"), info)
    probe = ClientProbe(NoClient(), prompt)  # type: ignore
    with pytest.raises(Stopped):
        slide.promise(probe)
    assert probe.prompt.items() > prompt.items(), "the slide itself is untouched, so that nothing of it runs again"
    for node_id in probe.prompt.keys() - prompt.keys():
        for value in probe.prompt[node_id]["inputs"].values():
            if isinstance(value, list):
                assert value[1] < len(info[probe.prompt[value[0]]["class_type"]]["output"])


def test_every_bundled_workflow_is_a_slide_with_a_promise():
    from steer.runner.workflow import list_bundled

    assert [slide.NAME for slide in SLIDES] == [path.stem for path in list_bundled()]


@pytest.mark.server
def test_a_slide_is_measured_from_the_cache(client):
    from steer.runner.slides.probe import ClientProbe
    from steer.runner.slides.promises import measure_promise
    from steer.runner.workflow import list_bundled, read_graph, to_prompt

    path = next(path for path in list_bundled() if path.stem.startswith("01"))
    graph = read_graph(path)
    prompt = to_prompt(graph, client.get("/object_info"))
    prompt[find_nodes(prompt, "KSampler")[0]]["inputs"]["steps"] = 1
    client.run(prompt, graph)
    (found,) = measure_promise(client, path.stem, prompt)
    assert found.holds
    assert "dB" in found.text
    again = ClientProbe(client, prompt)
    again.add("PreviewImage", images=again.output("SteerDemoPicture"))
    before = set(prompt)
    assert not before & set(client.run(again.prompt).executed)
    assert measure_promise(client, "a workflow of somebody", prompt) == []


def test_what_is_added_never_takes_the_place_of_another_node():
    from steer.runner.slides.probe import ClientProbe

    prompt = {"1": {"class_type": "SaveImage", "inputs": {}}, "2": {"class_type": "PreviewAny", "inputs": {}}}
    probe = ClientProbe(None, prompt)  # type: ignore
    picture = probe.add("LoadImage", image="room.png")
    for number in ("1", "2"):
        del probe.prompt[number]
    for _ in range(3):
        probe.add("PreviewImage", images=[picture, 0])
    assert probe.prompt[picture]["class_type"] == "LoadImage"
    assert len(probe.prompt) == 4


@pytest.mark.server
@pytest.mark.parametrize(("seeds", "alone"), [("11-18", 15), ("42, 7", 7)])
def test_the_picture_made_alone_has_one_of_the_seeds_asked_for(client, seeds: str, alone: int):
    from steer.runner.slides.promises import measure_promise
    from steer.runner.workflow import list_bundled, read_graph, to_prompt

    path = next(path for path in list_bundled() if path.stem.startswith("03"))
    prompt = to_prompt(read_graph(path), client.get("/object_info"))
    prompt[find_nodes(prompt, "SteerSeeds")[0]]["inputs"]["text"] = seeds
    prompt[find_nodes(prompt, "BasicScheduler")[0]]["inputs"]["steps"] = 1
    (found,) = measure_promise(client, path.stem, prompt)
    assert f"seed {alone} " in found.text
    assert found.holds, found.text
