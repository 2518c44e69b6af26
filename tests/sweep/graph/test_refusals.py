"""What a Sweep Graph refuses before anything is queued, in words that say what is wrong, where, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from graph_lab import (
    Graph,
    moods_and_seeds,
    node,
    noise_graph,
    noise_sweep,
    seeds,
    tiny_graph,
    values,
    with_graph,
    with_value,
)


@pytest.fixture
def refused(comfy, tmp_path: Path):
    """What a graph says. Nothing of it may be written, and without a server nothing can be queued."""
    import folder_paths

    before = folder_paths.get_output_directory()
    folder_paths.set_output_directory(str(tmp_path))

    def run(graph: Graph) -> str:
        result = comfy.run(graph)
        assert result.error is not None
        assert "a sweep needs ComfyUI's server" not in result.message, "it went as far as the queue"
        assert not list(tmp_path.rglob("*.png"))
        return result.message

    yield run
    folder_paths.set_output_directory(before)


def edited(graph: Graph, **inputs: dict[str, Any]) -> Graph:
    return graph | {
        number: node(graph[number]["class_type"], **graph[number]["inputs"] | new) for number, new in inputs.items()
    }


def to_widget(kind: str, text: str, name: str) -> Graph:
    graph = with_value(tiny_graph() | {"a": values(kind, text)}, "11", "a", ("9", name))
    return with_graph(graph, ["10", 0])


def test_nothing_varies(refused):
    assert refused(with_graph(noise_graph(), ["2", 0])).startswith("images: no Sweep Value feeds them")


def test_a_value_wired_to_nothing(refused):
    graph = with_value(noise_sweep("1-2") | {"b": seeds("1-2")}, "12", "b")
    assert refused(graph).startswith("value: the Sweep Value (node 12) is wired to nothing.")


def test_a_value_behind_the_sweep_graph(refused):
    graph = noise_sweep("1-2") | {"b": seeds("1-2"), "i": node("ImageAddNoise", image=["99", 0], seed=1, strength=0.1)}
    graph = with_value(graph, "12", "b", ("i", "seed"))
    graph["12"]["inputs"]["text"] = ["99", 1]
    graph["p"] = node("PreviewImage", images=["i", 0])
    assert refused(graph).startswith("images: the Sweep Value (node 12) lies behind a Sweep Graph")


def test_two_sweeps_with_one_folder(refused):
    graph = noise_sweep("1-2", folder="one")
    graph = with_graph(graph, ["2", 0], number="98", folder=" ./one".strip("./ "))
    assert "has the folder 'one' too. Give each its own." in refused(graph)


def test_a_sweep_within_a_sweep(refused):
    graph = noise_sweep("1-2", folder="inner")
    graph = graph | {"x": node("ImageAddNoise", image=["99", 0], seed=["11", 0], strength=0.1)}
    assert "another Sweep Graph (node 99) feeds them" in refused(
        with_graph(graph, ["x", 0], number="98", folder="outer")
    )


@pytest.mark.parametrize(
    ("kind", "text", "name", "fault"),
    [
        ("text", "euler\nsamba", "seed", "value: 'euler' is no number for seed of KSampler (node 9)."),
        ("number", "1, 1.5", "steps", "value: '1.5' is no whole number for steps of KSampler (node 9)."),
        ("number", "0.5, 1.5", "denoise", "value: 1.5 is outside 0 to 1 for denoise of KSampler (node 9)."),
        ("text", "eular\nheun", "sampler_name", "value: sampler_name: ComfyUI has no 'eular'. Nearest are: euler"),
        (
            "number",
            "1, 2",
            "latent_image",
            "value: '1' cannot go into latent_image of KSampler (node 9): it takes LATENT",
        ),
        ("text", "nan\n1", "cfg", "value: 'nan' is no number for cfg"),
    ],
)
def test_a_value_that_the_widget_does_not_take(refused, kind: str, text: str, name: str, fault: str):
    assert refused(to_widget(kind, text, name)).startswith(fault)


def test_too_many_cells(refused):
    graph = noise_sweep("1-1000", "0-1[101]", max_cells=65536)
    assert refused(graph).startswith("max_cells: 1000 (seed) x 101 (number) = 101,000 cells, more than 65,536.")


def test_two_values_that_are_one(refused):
    assert "are the same picture. A value is there twice" in refused(to_widget("text", "4\n4.0", "cfg"))


def test_words_to_swap(refused):
    assert refused(edited(moods_and_seeds(), **{"5": {"text": ""}})).startswith("text: it is empty. Write the prompt")
    assert refused(edited(moods_and_seeds(), **{"5": {"text": "a cat"}})).startswith(
        "find: 'smiling' is not in the prompt"
    )
    graph = moods_and_seeds() | {"t": node("StringConcatenate", string_a="a", string_b="b", delimiter="")}
    assert refused(edited(graph, **{"5": {"text": ["t", 0]}})).startswith("text: it comes from node t, whose text")


def test_parts_of_pairs(refused):
    graph = tiny_graph() | {"s": values("sampler", "euler, heun"), "t": values("steps", "1, 2")}
    graph["z"] = node("SteerZipAxes", axis_1=["s", 0], axis_2=["t", 0])
    three = with_value(graph, "11", "z", ("9", "sampler_name"), part=3)
    assert refused(with_graph(three, ["10", 0])).startswith("part: 3 is not one of the 2 parts of 'sampler + steps'.")
    plain = with_value(graph, "11", "s", ("9", "sampler_name"), part=2)
    assert refused(with_graph(plain, ["10", 0])).startswith("part: the axis 'sampler' has one value at a time")
    uneven = graph | {"t": values("steps", "1")}
    uneven = with_value(uneven, "11", "z", ("9", "sampler_name"))
    assert refused(with_graph(uneven, ["10", 0])).startswith("axes: pairs need the same number of values")


def test_join_axes_with_an_axis_that_no_value_has(refused):
    graph = noise_sweep("1-2") | {"b": seeds("5-6"), "j": node("SteerJoinAxes", axis_1=["b", 1])}
    assert refused(edited(graph, **{"99": {"axes": ["j", 0]}})).startswith(
        "axes: the axis of node b goes to no Sweep Value"
    )


def test_cells_and_folders(refused):
    assert refused(noise_sweep("1-2", cell="seed 9")).startswith("cell: no label holds 'seed 9'.")
    assert refused(noise_sweep("1-2", folder="../x")).startswith(
        "folder: it has an empty part, . or .. between slashes."
    )
    several = noise_sweep("1-2", cell='[["seed 1"], ["seed 2"]]')
    assert refused(several).startswith("cell: the cells of a Sweep Graph are made one by one. Name one.")


def test_an_image_axis_of_nothing(refused):
    graph = with_value(noise_graph() | {"a": node("SteerImageAxis", files="no/such/folder")}, "11", "a")
    graph["2"]["inputs"]["image"] = ["11", 2]
    assert "there is no picture or pose 'no/such/folder'" in refused(with_graph(graph, ["2", 0]))


def test_comfyui_itself_refuses_loops_and_muted_nodes(comfy):
    loop = noise_sweep("1-2")
    loop["1"] = node("ImageInvert", image=["2", 0])
    assert not comfy.validate(loop)[0]
    muted = noise_sweep("1-2")
    del muted["99"]["inputs"]["images"]  # as the frontend sends a graph whose last node is muted
    valid, _, _, faults = comfy.validate(muted)
    assert not valid
    assert faults["99"]["errors"][0]["type"] == "required_input_missing"


def test_in_a_plain_run_one_value_for_a_number_and_a_text_is_refused(comfy):
    graph = with_value(tiny_graph() | {"a": seeds("1-2")}, "11", "a", ("9", "seed"), ("7", "text"))
    graph["p"] = node("PreviewImage", images=["10", 0])
    message = comfy.run(graph).message
    assert "which take different kinds. Wire a Sweep Value to each, with the same axis" in message
