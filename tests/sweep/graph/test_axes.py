"""Zip Axes, Join Axes, Image Axis and rows of LoRAs: as values of a Sweep, and of any widget."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from graph_lab import PROMPT, node, read_pixels, seeds, swaps, values, with_value
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from steer.nodes.axis import Axis, Lora, PictureFile, PoseFile, prompt_axis, seed_axis, zip_axes
from steer.nodes.prompts.swap import WordSwap
from steer.nodes.sweep.graph.order import LOAD, OTHER, SAMPLE, NodeTypes, cost_of, order_axes, total_cost
from steer.nodes.sweep.graph.targets import Target, fit_value, join_fitted
from steer.nodes.sweep.graph.values import choose, fit, resolve
from steer.nodes.sweep.plan.cells import Connected, Settings, check_axes, plan_cells
from steer.nodes.sweep.plan.files import natural_order, read_files

BASE = Settings(PROMPT, "", 1, 2, 6.0, "euler", "normal", 1.0)
MOODS = prompt_axis([WordSwap(("smiling",), None), WordSwap(("smiling",), ("angry",))], ["smiling", "angry"])


@pytest.fixture
def files(comfy, tmp_path: Path):
    """ComfyUI's input folder, empty."""
    import folder_paths

    before = folder_paths.get_input_directory(), folder_paths.get_output_directory()
    (tmp_path / "input").mkdir()
    folder_paths.set_input_directory(str(tmp_path / "input"))
    folder_paths.set_output_directory(str(tmp_path / "output"))
    yield tmp_path / "input"
    folder_paths.set_input_directory(before[0])
    folder_paths.set_output_directory(before[1])


def test_pairs_in_a_sweep_change_together():
    pairs = zip_axes([MOODS, seed_axis([7, 8])])
    assert pairs.labels == ("smiling, seed 7", "angry, seed 8")
    cells = plan_cells(BASE, [pairs, Axis("cfg", (4.0, 5.0), ("cfg 4", "cfg 5"))], repr)
    assert [(cell.settings.positive, cell.settings.seed, cell.settings.cfg) for cell in cells] == [
        (PROMPT, 7, 4.0),
        (PROMPT, 7, 5.0),
        (PROMPT.replace("smiling", "angry"), 8, 4.0),
        (PROMPT.replace("smiling", "angry"), 8, 5.0),
    ]


def test_pairs_of_pairs_have_all_parts():
    three = zip_axes([zip_axes([MOODS, seed_axis([7, 8])]), Axis("cfg", (4.0, 5.0), ("cfg 4", "cfg 5"))])
    assert [part.name for part in three.parts] == ["prompt", "seed", "cfg"]
    assert [choose(three, 1, part).value for part in (2, 3)] == [8, 5.0]


@pytest.mark.parametrize(
    ("axes", "fault"),
    [
        ([zip_axes([seed_axis([1, 2]), seed_axis([3, 4])])], "axis 1: two axes vary the seed"),
        ([zip_axes([seed_axis([1, 2]), MOODS]), seed_axis([1])], "axis 2: two axes vary the seed"),
        ([Axis("number", (1.0,), ("1",))], "cannot vary 'number'.*use Sweep Value and Sweep Graph"),
    ],
)
def test_pairs_that_a_sweep_cannot_have(axes: list[Axis], fault: str):
    with pytest.raises(ValueError, match=fault):
        check_axes(axes, Connected(), 99)


def test_a_sweep_takes_pairs_and_more_axes(files: Path, comfy):
    graph = {
        "1": node("SteerDemoModel"),
        "2": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "3": swaps("angry"),
        "4": seeds("7-8"),
        "z": node("SteerZipAxes", axis_1=["3", 1], axis_2=["4", 1]),
        "c": values("cfg", "4, 6"),
        "j": node("SteerJoinAxes", axis_1=["c", 0], axis_2=["z", 0]),
        "s": node(
            "SteerSweep",
            model=["1", 0],
            clip=["1", 1],
            vae=["1", 2],
            latent=["2", 0],
            more_axes=["j", 0],
            positive=PROMPT,
            negative="",
            seed=0,
            steps=1,
            cfg=6.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
            batch_size=1,
            max_cells=9,
            folder="s",
            on_error="stop",
        ),
    }
    result = comfy.run(graph)
    assert result.error is None, result.message
    names = sorted(path.name.rpartition("-")[0] for path in (files.parent / "output" / "s").glob("*.png"))
    assert names == [f"cfg_{cfg}-{pair}" for cfg in (4, 6) for pair in ("angry,_seed_8", "smiling,_seed_7")]


def test_files_of_a_folder_come_in_natural_order(tmp_path: Path):
    for name in ("pose10.png", "pose2.jpg", "notes.txt", "sub/pose1.png", "k/a.json", "k/b.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    folder = read_files("*", tmp_path)
    assert folder.values == (PictureFile("pose2.jpg"), PictureFile("pose10.png"))
    several = read_files("sub\npose10.png\n\npose*.jpg", tmp_path)
    assert [value.name for value in several.values] == ["sub/pose1.png", "pose10.png", "pose2.jpg"]
    poses = read_files("k", tmp_path)
    assert (poses.name, poses.values, poses.labels) == (
        "pose",
        (PoseFile("k/a.json"), PoseFile("k/b.json")),
        ("a", "b"),
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "it is empty"),
        ("../secret", "lies outside ComfyUI's input folder"),
        ("/etc", "there is no picture or pose 'etc'"),
        ("C:/x", "there is no picture or pose|lies outside"),
        ("a.txt", "is no picture and no pose"),
        ("a.png\nk.json", "pictures and poses together"),
        ("b.png", "there is no picture or pose 'b.png'.*Nearest are: a.png"),
    ],
)
def test_files_that_are_none(tmp_path: Path, text: str, fault: str):
    for name in ("a.txt", "a.png", "k.json"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=fault):
        read_files(text, tmp_path)


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=6))
def test_natural_order_is_that_of_the_numbers(numbers: list[int]):
    names = [f"pose{number}.png" for number in numbers]
    assert sorted(names, key=natural_order) == [f"pose{number}.png" for number in sorted(numbers)]


def test_a_picture_goes_to_an_image_input(files: Path, comfy):
    pixels = np.random.default_rng(3).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(files / "a.png")
    graph = {"f": node("SteerImageAxis", files="a.png"), "save": node("SaveImage", filename_prefix="x")}
    graph = with_value(graph, "v", "f")
    graph["save"]["inputs"]["images"] = ["v", 2]
    result = comfy.run(graph)
    assert result.error is None, result.message
    assert (read_pixels(files.parent / "output" / "x_00001_.png") == pixels).all()


def test_a_pose_goes_to_pose_render(files: Path, comfy):
    points = [60.0, 30.0, 1.0] + [60.0, 60.0, 1.0] + [0.0] * 48
    (files / "p.json").write_text(
        json.dumps({"people": [{"pose_keypoints_2d": points}], "canvas_width": 128, "canvas_height": 128})
    )
    graph = {"f": node("SteerImageAxis", files="p.json")}
    inputs = comfy.nodes.NODE_CLASS_MAPPINGS["SteerPoseRender"].INPUT_TYPES()["required"]
    widgets = {name: spec[1]["default"] for name, spec in inputs.items() if len(spec) > 1 and "default" in spec[1]}
    keypoints = next(name for name, spec in inputs.items() if spec[0] == "POSE_KEYPOINT")
    graph = with_value(graph | {"r": node("SteerPoseRender", **widgets)}, "v", "f", ("r", keypoints))
    result = comfy.run(graph | {"save": node("SaveImage", images=["r", 0], filename_prefix="pose")})
    assert result.error is None, result.message
    assert read_pixels(files.parent / "output" / "pose_00001_.png").max() > 0


NAME = Target("9", "lora_name", "Load LoRA", "COMBO", ("ink.safetensors", "detail.safetensors"))
STRENGTH = Target("9", "strength_model", "Load LoRA", "FLOAT", low=-10.0, high=10.0)
ROWS = Axis(
    "LoRA",
    (None, Lora("ink.safetensors", 0.5), (Lora("detail.safetensors", 0.8), Lora("ink.safetensors", 0.3))),
    ("no LoRA", "ink 0.5", "detail 0.8 + ink 0.3"),
)


@pytest.mark.parametrize(
    ("index", "part", "name", "strength"),
    [
        (0, 1, "ink.safetensors", 0.0),
        (1, 1, "ink.safetensors", 0.5),
        (1, 2, "ink.safetensors", 0.0),
        (2, 1, "detail.safetensors", 0.8),
        (2, 2, "ink.safetensors", 0.3),
        (2, 3, "ink.safetensors", 0.0),
    ],
)
def test_rows_of_loras_give_names_and_strengths(index: int, part: int, name: str, strength: float):
    value = resolve(choose(ROWS, index, part), "")
    assert (fit(value, ROWS, NAME), fit(value, ROWS, STRENGTH)) == (name, strength)


@given(st.integers(0, 2**64 - 1))
def test_whole_numbers_stay_exact(number: int):
    for value in (number, str(number)):
        assert fit_value(value, Target("1", "seed", "K", "INT")) == number


def test_one_value_for_several_targets():
    whole, real, text = (Target("1", kind, "K", kind) for kind in ("INT", "FLOAT", "STRING"))
    assert join_fitted([4, 4.0], [whole, real]) == 4
    assert isinstance(join_fitted([4.0, 4], [real, whole]), int)
    with pytest.raises(ValueError, match="which take different kinds"):
        join_fitted([4, "4"], [whole, text])


def test_costs_by_types():
    assert cost_of(NodeTypes(frozenset(), frozenset({"MODEL", "CLIP", "VAE"}))) == LOAD
    assert cost_of(NodeTypes(frozenset({"MODEL", "CONDITIONING", "LATENT"}), frozenset({"LATENT"}))) == SAMPLE
    assert cost_of(NodeTypes(frozenset(), frozenset({"INT"}))) == OTHER


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_order_costs_least_of_all(sizes: list[int], dice):
    nodes = [f"n{number}" for number in range(6)]
    costs = {name: dice.choice([0.2, 2.0, 30.0, 60.0]) for name in nodes}
    behind = [{name for name in nodes if dice.random() < 0.5} for _ in sizes]
    best = min(total_cost(order, sizes, behind, costs) for order in itertools.permutations(range(len(sizes))))
    assert total_cost(order_axes(sizes, behind, costs), sizes, behind, costs) == best


def test_what_only_the_second_sampler_sees_changes_fastest():
    costs = {"load": 60.0, "one": 30.0, "two": 30.0}
    behind = [{"two"}, {"one", "two"}, {"load", "one", "two"}]
    assert order_axes([3, 3, 2], behind, costs) == (2, 1, 0)
