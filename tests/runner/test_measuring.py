"""What run.py measures of the slides: asked of the right nodes, and told apart when it is not so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from steer.runner.workflow.prompt import find_nodes

ROOT = Path(__file__).resolve().parents[2]


class Shown:
    """In the place of a probe that has run: pictures and texts that are known."""

    def __init__(self, pictures: dict[str, list[np.ndarray]], texts: dict[str, list[str]] | None = None) -> None:
        self._pictures, self._texts = pictures, texts or {}

    def pictures(self, name: str) -> list[np.ndarray]:
        return self._pictures[name]

    def texts(self, name: str) -> list[str]:
        return self._texts[name]


def drawn(number: int = 0, **attributes: Any) -> np.ndarray:
    from steer.demo.scenes import HELD_OUT, render

    return np.asarray(render(HELD_OUT + number, **attributes).image)


def bundled(name: str) -> np.ndarray:
    image = Image.open(ROOT / "demo" / "pictures" / f"{name}.png").convert("RGB")
    return np.asarray(image.resize((256, 256), Image.Resampling.BOX))


def kept(slide: str, shown: Shown) -> list[bool]:
    from steer.runner.slides.promises import SLIDES

    return [each.kept for each in SLIDES[slide][1](shown)]  # type: ignore[arg-type]


def test_moods_that_are_there_are_seen_and_others_are_named():
    from steer.runner.slides.promises import SLIDES

    moods = ["smiling", "angry", "laughing"]
    pictures = [drawn(kind="portrait", subject="girl", expression=mood) for mood in moods]
    assert kept("04-expression-swap", Shown({"cells": pictures}, {"labels": moods})) == [True, True]
    crossed = Shown({"cells": pictures}, {"labels": [moods[0], moods[2], moods[1]]})
    mood, _ = SLIDES["04-expression-swap"][1](crossed)  # type: ignore[arg-type]
    assert not mood.kept
    assert "in 1 of 3" in mood.text
    assert "laughing looks angry" in mood.text
    places = [
        drawn(kind="portrait", subject="girl", expression="smiling", background=place)
        for place in ("beach", "black background", "office")
    ]
    assert kept("04-expression-swap", Shown({"cells": places}, {"labels": moods})) == [False, False]


def test_hints_that_are_followed_are_told_from_those_that_are_not():
    import torch
    from steer.preprocessors.canny import canny

    girl, dancer, room = bundled("girl-with-a-pearl-earring"), bundled("dancer"), bundled("empty-room")
    hint = canny(torch.from_numpy(girl.astype(np.float32) / 255)[None], 100, 200).hint[0].numpy()
    edges = [(hint * 255).astype(np.uint8)]
    for slide, good, bad in (
        ("08-canny-same-face-angle", girl, dancer),
        ("09-mlsd-one-room-two-styles", room, girl),
        ("10-openpose-one-pose-many-people", dancer, drawn(3, kind="figure")),
    ):
        assert kept(slide, Shown({"with": [good], "without": [bad], "hint": edges})) == [True]
        assert kept(slide, Shown({"with": [bad], "without": [good], "hint": edges})) == [False]
        assert kept(slide, Shown({"with": [bad], "without": [bad], "hint": edges})) == [False]


@pytest.mark.server
def test_every_slide_is_measured_at_nodes_that_it_has(client):
    from steer.runner import workflow as workflows
    from steer.runner.slides.promises import SLIDES, Probe

    info = client.get("/object_info")
    assert set(SLIDES) == {path.stem for path in workflows.list_bundled()}
    for path in workflows.list_bundled():
        prompt = workflows.to_prompt(workflows.read_workflow(path), info)
        probe = Probe(prompt)
        SLIDES[path.stem][0](probe)
        assert probe.prompt.items() > prompt.items(), "the slide itself is untouched, so that nothing of it runs again"
        for number in probe.prompt.keys() - prompt.keys():
            for value in probe.prompt[number]["inputs"].values():
                if isinstance(value, list):
                    assert value[1] < len(info[probe.prompt[value[0]]["class_type"]]["output"])


@pytest.mark.server
def test_a_slide_is_measured_from_the_cache(client):
    from steer.runner import workflow as workflows
    from steer.runner.slides.promises import Probe, measure

    path = next(path for path in workflows.list_bundled() if path.stem.startswith("01"))
    graph = workflows.read_workflow(path)
    prompt = workflows.to_prompt(graph, client.get("/object_info"))
    prompt[find_nodes(prompt, "KSampler")[0]]["inputs"]["steps"] = 1
    client.run(prompt, graph)
    (found,) = measure(client, path.stem, prompt)
    assert found.kept
    assert "dB" in found.text
    again = Probe(prompt)
    again.ask("picture", [again.node("ImageScale"), 0])
    before = set(prompt)
    assert not before & set(client.run(again.prompt).executed)
    assert measure(client, "a workflow of somebody", prompt) == []


def test_what_is_added_never_takes_the_place_of_another_node():
    from steer.runner.slides.promises import Probe

    probe = Probe({"1": {"class_type": "SaveImage", "inputs": {}}, "2": {"class_type": "PreviewAny", "inputs": {}}})
    picture = probe.add("LoadImage", image="room.png")
    for number in ("1", "2"):
        del probe.prompt[number]
    for name in ("with", "hint", "without"):
        probe.ask(name, [picture, 0])
    assert probe.prompt[picture]["class_type"] == "LoadImage"
    assert len(probe.prompt) == 4


@pytest.mark.server
@pytest.mark.parametrize(("seeds", "alone"), [("11-18", 15), ("42, 7", 7)])
def test_the_picture_made_alone_has_one_of_the_seeds_asked_for(client, seeds: str, alone: int):
    from steer.runner import workflow as workflows
    from steer.runner.slides.promises import measure

    path = next(path for path in workflows.list_bundled() if path.stem.startswith("03"))
    prompt = workflows.to_prompt(workflows.read_workflow(path), client.get("/object_info"))
    prompt[find_nodes(prompt, "SteerSeeds")[0]]["inputs"]["text"] = seeds
    prompt[find_nodes(prompt, "BasicScheduler")[0]]["inputs"]["steps"] = 1
    (found,) = measure(client, path.stem, prompt)
    assert f"seed {alone} " in found.text
    assert found.kept, found.text
