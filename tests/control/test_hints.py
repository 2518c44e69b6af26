"""The hint check: a sample of what tests/reports/hints.py looks at whole, and what it says."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import cv2
import hint_pictures
import numpy as np
import pytest
from hint_pictures import photograph, photograph_files
from PIL import Image
from recogniser_pictures import REPORTED, judge, samples
from steer.demo.picture_files import NAMES, path_of
from steer.nodes.control.hint_check import check_hints, choose_kind, complain, describe_doubt, describe_photograph
from steer.preprocessors.lines.draw import draw_lines
from steer.preprocessors.pose.people import Person
from steer.preprocessors.pose.skeleton import draw_people
from steer.preprocessors.recognise import Look, recognise, sample_indices

PEOPLE = Path(__file__).resolve().parents[1] / "preprocess" / "data" / "pose" / "people.npz"

COUNTS = {
    "our canny": 8,
    "their canny": 12,
    "our mlsd": 3,
    "our lsd": 8,
    "their mlsd": 10,
    "our pose": 8,
    "their pose": 6,
}


@pytest.mark.slow
def test_hints_and_their_inverses_are_recognised():
    known = [hint for source, count in COUNTS.items() for hint in hint_pictures.hints(source, range(100, 100 + count))]
    wrong = [
        (hint.source, hint.inverted, found)
        for hint in known
        if (found := recognise(hint.picture)) != Look(hint.answer, hint.inverted)
    ]
    assert len(known) == 110
    assert len(wrong) <= 0.03 * len(known), wrong


@pytest.mark.slow
def test_hints_that_were_resized_and_saved_with_losses_are_still_known():
    results = [judge(sample, recognise(sample.picture)) for sample in samples(REPORTED, 40)]
    wrong = [(one.sample.source, one.sample.done, one.found) for one in results if one.verdict == "wrong"]
    assert len(wrong) <= 1, wrong
    assert sum(one.verdict == "right" for one in results) >= 0.9 * len(results)


@pytest.mark.parametrize(("scale", "kind", "quality"), [(0.75, "JPEG", 95), (0.75, "WEBP", 80), (0.3, "JPEG", 75)])
def test_a_skeleton_made_smaller_and_saved_with_losses_is_a_pose(scale: float, kind: str, quality: int):
    with np.load(PEOPLE) as file:
        body = file["api_moonvalley_video_to_video_pose_control-2/0/body"]
    small = cv2.resize(draw_people([Person(body)], 640, 640), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    saved = io.BytesIO()
    Image.fromarray(small).save(saved, kind, quality=quality)
    picture = np.array(Image.open(saved).convert("RGB"))
    assert recognise(picture) == Look("pose")
    assert recognise(255 - picture) == Look("pose", True)
    assert not complain(recognise(picture), "openpose")


def test_doubt_is_said():
    assert "may be Canny edges or straight lines" in describe_doubt(Look("thin"))
    assert "may be soft edges or a depth map" in describe_doubt(Look("other"))
    assert not any(describe_doubt(Look(what)) for what in ("edges", "lines", "pose", "photograph", "empty"))


def test_photographs_are_no_hints():
    looks = [recognise(photograph(index)).what for index in range(0, len(photograph_files()), 8)]
    assert len(looks) >= 25
    assert "pose" not in looks
    assert looks.count("photograph") >= 0.95 * len(looks), looks


@pytest.mark.parametrize("share", [0.5, 0.3, 0.2])
def test_a_skeleton_cut_to_a_part_of_it_is_a_pose(share: float):
    """Its sticks are then broad, but plain."""
    with np.load(PEOPLE) as file:
        bodies = [file[name] for name in file.files if name.endswith("/body")]
    for body in bodies:
        hint, side = draw_people([Person(body)], 640, 640), int(640 * share)
        left, top = np.clip(np.median(body[body[:, 2] > 0, :2], axis=0) - side / 2, 0, 640 - side).astype(int)
        assert recognise(cv2.resize(hint[top : top + side, left : left + side], (512, 512))) == Look("pose")


@pytest.mark.parametrize("seed", range(4))
def test_coloured_things_on_black_are_no_skeleton(seed: int):
    """The first is shaded, as a thing in front of a black cloth. The second stands beside a grey photograph."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[:512, :512]
    thing = np.zeros((512, 512, 3), np.uint8)
    for colour in ((255, 60, 0), (0, 85, 255), (255, 170, 0)):
        x, y = rng.uniform(130, 380, 2)
        away = np.hypot((across - x) / rng.uniform(50, 80), (down - y) / rng.uniform(80, 150))
        round_one = np.sqrt(np.maximum(0, 1 - away**2))[..., None] * np.array(colour)
        thing = np.where(away[..., None] < 1, round_one, thing).astype(np.uint8)
    beside = np.zeros((512, 512, 3), np.uint8)
    grey = cv2.cvtColor(photograph(5 * seed, 256), cv2.COLOR_RGB2GRAY)
    beside[20 : 20 + grey.shape[0], 230 : 230 + grey.shape[1]] = grey[..., None]
    beside[280:400, 40:160] = 20, 45, 240
    cv2.circle(beside, (100, 340), 35, (255, 230, 0), 12)
    assert recognise(thing) == Look("photograph")
    assert recognise(beside) == Look("photograph")


@pytest.mark.parametrize("scale", [0.75, 1.5])
@pytest.mark.parametrize("part", ["face", "left", "right"])
def test_a_face_or_a_hand_without_a_body_are_a_pose(part: str, scale: float):
    """Points of real people; faces are white dots, which are no edges."""
    with np.load(PEOPLE) as file:
        names = [name for name in file.files if name.endswith(f"/{part}")]
        found = [file[name] for name in names]
    if part == "face":  # in smaller ones the dots run together
        names, found = zip(
            *((name, points) for name, points in zip(names, found, strict=True) if np.ptp(points[:, 0]) * scale > 60),
            strict=True,
        )
    assert len(found) >= 3
    for name, points in zip(names, found, strict=True):
        points = points * [scale, scale, 1.0]
        person = Person(np.zeros((18, 3)), face=points) if part == "face" else Person(np.zeros((18, 3)), left=points)
        side = int(640 * scale)
        hint = draw_people([person], side, side, threshold=0.3)
        assert recognise(hint) == Look("pose"), (name, scale)
        assert recognise(255 - hint) == Look("pose", True), (name, scale)


@pytest.mark.parametrize("factor", [0.8, 1.5])
def test_a_face_that_was_resized_is_a_pose(factor: float):
    with np.load(PEOPLE) as file:
        person = Person(np.zeros((18, 3)), face=file["astronaut/0/face"] * [1.5, 1.5, 1])
    hint = draw_people([person], 960, 960)
    assert recognise(cv2.resize(hint, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)) == Look("pose")


def test_specks_and_rings_are_no_face():
    rings, stars, scribble = (np.zeros((256, 256, 3), np.uint8) for _ in range(3))
    for x, y in np.random.default_rng(3).integers(10, 246, (40, 2)).tolist():
        cv2.circle(rings, (x, y), 6, (255, 255, 255), 1)
        cv2.circle(stars, (x, y), int(1 + (x + y) % 7), (255, 255, 255), -1)
    assert recognise(rings).what != "pose"
    assert recognise(stars).what != "pose", "discs of many sizes"
    ends = np.random.default_rng(4).integers(10, 246, (8, 2)).astype(float)
    for start, end in itertools.pairwise(ends):
        for share in np.linspace(0, 1, 400):
            cv2.circle(scribble, tuple((start + (end - start) * share).astype(int).tolist()), 3, (255, 255, 255), -1)
    assert recognise(scribble).what != "pose", "strokes of a round brush are discs side by side"


@pytest.mark.parametrize("level", [0, 128, 255])
def test_one_colour_is_empty(level: int):
    assert recognise(np.full((64, 48, 3), level, np.uint8)) == Look("empty")


def test_straight_lines_made_smaller_are_still_straight():
    lines = draw_lines(np.random.default_rng(1).uniform(0, 512, (30, 4)), 512, 512)
    for side in (160, 256):
        smaller = cv2.resize(lines, (side, side), interpolation=cv2.INTER_LINEAR)
        assert recognise(smaller) == Look("lines")
        assert recognise(255 - smaller) == Look("lines", True)


def test_no_complaint_about_looks_that_cannot_be_distinguished():
    """From a drawing of edges to one of straight lines, the one takes the place of the other column by column."""
    lines = draw_lines(np.random.default_rng(1).uniform(0, 512, (30, 4)), 512, 512)
    edges = cv2.cvtColor(cv2.Canny(cv2.resize(photograph(0), (512, 512)), 100, 200), cv2.COLOR_GRAY2RGB)
    looks = set()
    for share in range(0, 513, 8):
        both = np.concatenate([lines[:, :share], edges[:, share:]], axis=1)
        looks.add(recognise(cv2.resize(both, (256, 256), interpolation=cv2.INTER_LINEAR)))
    assert looks == {Look("edges"), Look("thin"), Look("lines")}
    depth = np.repeat(np.tile(np.arange(256, dtype=np.uint8), (256, 1))[..., None], 3, axis=2)
    assert recognise(depth) == Look("other")
    for kind in ("canny", "mlsd", "any"):
        assert complain(Look("thin"), kind) == complain(recognise(depth), kind) == ""
    assert "thin lines; the net is for a pose skeleton" in complain(Look("thin"), "openpose")


@pytest.mark.parametrize(
    ("look", "kind", "words"),
    [
        (Look("pose"), "canny", "this looks like a pose skeleton; the net is for Canny edges. Put Canny before it"),
        (Look("photograph"), "openpose", "this looks like an ordinary picture; the net is for a pose skeleton"),
        (Look("edges"), "mlsd", "this looks like Canny edges; the net is for the straight lines of M-LSD"),
        (Look("edges", True), "canny", "this looks like Canny edges, inverted (dark on white); ControlNets expect"),
        (Look("empty"), "any", "the hint is one colour only"),
        (Look("edges"), "depth", "this looks like Canny edges; the net is for a depth map. Connect such a hint, or"),
        (Look("pose"), "tile", "this looks like a pose skeleton; the net is for an ordinary picture. Connect such a"),
        (Look("pose"), "scribble or soft edges", "this looks like a pose skeleton; the net is for scribbles or soft"),
        (Look("edges"), "scribble or soft edges", ""),
        (Look("photograph"), "depth", ""),  # a map may look like one
        (Look("other"), "normal", ""),
        (Look("photograph"), "low quality", ""),
        (Look("edges"), "canny", ""),
        (Look("photograph"), "any", ""),
    ],
)
def test_one_plain_sentence(look: Look, kind: str, words: str):
    sentence = complain(look, kind)
    assert sentence.startswith(words)
    assert bool(sentence) == bool(words)


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("control_v11p_sd15_canny_fp16.safetensors", "auto", "canny"),
        ("SDXL/control-lora-openposeXL2-rank256.safetensors", "auto", "openpose"),
        ("control_v11p_sd15_mlsd.pth", "auto", "mlsd"),
        ("Demo ControlNet mlsd", "auto", "mlsd"),
        ("controlnet-union-sdxl-promax.safetensors", "auto", "any"),
        ("control_v11p_sd15_scribble.pth", "auto", "scribble or soft edges"),
        ("control_v11f1p_sd15_depth_fp16.safetensors", "auto", "depth"),
        ("control_v11f1e_sd15_tile.pth", "auto", "tile"),
        ("Qwen-Image-DiffSynth-ControlNet-Depth.safetensors", "auto", "depth"),
        ("control_v11p_sd15s2_lineart_anime.pth", "auto", "any"),
        ("", "segment", "segment"),
        ("canny_openpose_mix.safetensors", "auto", "any"),
        ("", "auto", "any"),
        ("control_v11p_sd15_canny.pth", "any", "any"),
        ("", "openpose", "openpose"),
    ],
)
def test_what_a_net_is_made_for(name: str, kind: str, expected: str):
    assert choose_kind(name, kind) == expected


def test_a_net_for_any_picture_may_get_dark_lines_on_white():
    page = 255 - draw_lines(np.random.default_rng(1).uniform(0, 256, (20, 4)), 256, 256)
    assert recognise(page).inverted
    assert check_hints({0: page}, choose_kind("", "any"), any_tone=True)[1] == []
    assert check_hints({0: page}, choose_kind("tile.safetensors", "auto"))[1] == []
    assert len(check_hints({0: page}, choose_kind("canny.safetensors", "auto"))[1]) == 1


def test_a_batch_names_its_pictures_and_a_long_one_is_sampled():
    blank, lines = np.zeros((64, 64, 3), np.uint8), draw_lines(np.array([[2, 3, 60, 40]]), 64, 64)
    looks, complaints = check_hints({0: lines, 4: blank, 9: blank}, "mlsd")
    assert [look.what for look in looks] == ["lines", "empty", "empty"]
    assert complaints == ["picture 5, 10: " + complain(Look("empty"), "mlsd")]
    assert sample_indices(3) == [0, 1, 2]
    assert sample_indices(1) == [0]
    assert len(sample_indices(1000)) == 16
    assert sample_indices(1000)[-1] == 999
    with pytest.raises(ValueError, match="kind: 'lineart' is unknown"):
        choose_kind("", "lineart")


def edges_at(picture: np.ndarray, side: int) -> np.ndarray:
    """The Canny hint of a picture at a size, as the node gives it by default."""
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    return np.repeat(cv2.Canny(small, 100, 200)[..., None], 3, axis=2)


def test_a_photographs_edges_are_more_than_the_embedded_model_knows():
    for name in NAMES:
        drawing = np.asarray(Image.open(path_of(name)).convert("RGB"))
        assert describe_photograph(edges_at(drawing, 256)) == "", name
    rich = [describe_photograph(edges_at(photograph(i), 256)) for i in range(12)]
    assert sum(map(bool, rich)) >= 4, "about half of the photographs that were looked at"
    assert all("rich in edges" in text for text in rich if text)
    assert describe_photograph(edges_at(photograph(0), 512)) == "", "another size is not judged"
