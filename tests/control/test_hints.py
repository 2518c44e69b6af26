"""The hint check: a sample of what tests/reports/hints.py looks at whole, and what it says."""

from __future__ import annotations

import cv2
import hint_pictures
import numpy as np
import pytest
from hint_pictures import photograph, photograph_files
from steer.nodes.control.hints import Look, check, complaint, recognise, sampled, wanted_by
from steer.preprocessors.lines import draw_lines

COUNTS = {
    "our canny": 8,
    "their canny": 12,
    "our mlsd": 3,
    "our lsd": 8,
    "their mlsd": 10,
    "our pose": 8,
    "their pose": 6,
}


def test_hints_and_their_inverses_are_recognised():
    made = [hint for source, count in COUNTS.items() for hint in hint_pictures.hints(source, range(100, 100 + count))]
    wrong = [(hint.source, hint.inverted, found) for hint in made
             if (found := recognise(hint.picture)) != Look(hint.answer, hint.inverted)]  # fmt: skip
    assert len(made) == 110
    assert len(wrong) <= 0.03 * len(made), wrong


def test_photographs_are_no_hints():
    looks = [recognise(photograph(index)).what for index in range(0, len(photograph_files()), 8)]
    assert len(looks) >= 25
    assert "pose" not in looks
    assert looks.count("photograph") >= 0.95 * len(looks), looks


@pytest.mark.parametrize("level", [0, 128, 255])
def test_one_colour_is_empty(level: int):
    assert recognise(np.full((64, 48, 3), level, np.uint8)) == Look("empty")


def test_what_cannot_be_told_apart_is_not_complained_of():
    lines = draw_lines(np.random.default_rng(1).uniform(0, 512, (30, 4)), 512, 512)
    smaller = cv2.resize(lines, (256, 256), interpolation=cv2.INTER_LINEAR)
    assert recognise(smaller) == Look("thin")
    depth = np.repeat(np.tile(np.arange(256, dtype=np.uint8), (256, 1))[..., None], 3, axis=2)
    assert recognise(depth) == Look("other")
    for wanted in ("canny", "mlsd", "any"):
        assert complaint(recognise(smaller), wanted) == complaint(recognise(depth), wanted) == ""
    assert "thin lines; the net is for a pose skeleton" in complaint(recognise(smaller), "openpose")


@pytest.mark.parametrize(
    ("look", "wanted", "words"),
    [
        (Look("pose"), "canny", "this looks like a pose skeleton; the net is for Canny edges. Put Canny before it"),
        (Look("photograph"), "openpose", "this looks like an ordinary picture; the net is for a pose skeleton"),
        (Look("edges"), "mlsd", "this looks like Canny edges; the net is for the straight lines of M-LSD"),
        (Look("edges", True), "canny", "this looks like Canny edges, inverted (dark on white); ControlNets expect"),
        (Look("empty"), "any", "the hint is one colour only"),
        (Look("edges"), "canny", ""),
        (Look("photograph"), "any", ""),
    ],
)
def test_one_plain_sentence(look: Look, wanted: str, words: str):
    said = complaint(look, wanted)
    assert said.startswith(words)
    assert bool(said) == bool(words)


@pytest.mark.parametrize(
    ("name", "kind", "wanted"),
    [
        ("control_v11p_sd15_canny_fp16.safetensors", "auto", "canny"),
        ("SDXL/control-lora-openposeXL2-rank256.safetensors", "auto", "openpose"),
        ("control_v11p_sd15_mlsd.pth", "auto", "mlsd"),
        ("Demo ControlNet mlsd", "auto", "mlsd"),
        ("controlnet-union-sdxl-promax.safetensors", "auto", "any"),
        ("control_v11p_sd15_scribble.pth", "auto", "any"),
        ("canny_openpose_mix.safetensors", "auto", "any"),
        ("", "auto", "any"),
        ("control_v11p_sd15_canny.pth", "any", "any"),
        ("", "openpose", "openpose"),
    ],
)
def test_what_a_net_is_made_for(name: str, kind: str, wanted: str):
    assert wanted_by(name, kind) == wanted


def test_a_batch_names_its_pictures_and_a_long_one_is_sampled():
    blank, lines = np.zeros((64, 64, 3), np.uint8), draw_lines(np.array([[2, 3, 60, 40]]), 64, 64)
    looks, complaints = check({0: lines, 4: blank, 9: blank}, "mlsd")
    assert [look.what for look in looks] == ["lines", "empty", "empty"]
    assert complaints == ["picture 5, 10: " + complaint(Look("empty"), "mlsd")]
    assert sampled(3) == [0, 1, 2]
    assert sampled(1) == [0]
    assert len(sampled(1000)) == 16
    assert sampled(1000)[-1] == 999
    with pytest.raises(ValueError, match="kind: 'lineart' is unknown"):
        wanted_by("", "lineart")
