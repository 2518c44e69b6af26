"""One cell of a graph, and the plan of a sweep, in a single run: with ComfyUI's cache and without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from graph_lab import node, noise_sweep, read_pixels, read_texts, with_graph


@pytest.fixture(params=[True, False], ids=["cache", "cache-none"])
def output(comfy, tmp_path: Path, request):
    import folder_paths

    before = folder_paths.get_output_directory(), folder_paths.get_temp_directory()
    folder_paths.set_output_directory(str(tmp_path / "output"))
    folder_paths.set_temp_directory(str(tmp_path / "temp"))
    comfy.fresh(cached=request.param)
    yield tmp_path / "output"
    folder_paths.set_output_directory(before[0])
    folder_paths.set_temp_directory(before[1])


def noise(comfy, output: Path, seed: int, strength: float) -> Path:
    graph = noise_sweep("1")
    graph["2"]["inputs"] |= {"seed": seed, "strength": strength}
    del graph["99"], graph["11"], graph["a"]
    name = f"hand-{seed}-{strength}"
    result = comfy.run(graph | {"s": node("SaveImage", images=["2", 0], filename_prefix=name)})
    assert result.error is None
    return output / f"{name}_00001_.png"


def test_one_cell_is_made_in_the_run_itself(comfy, output: Path):
    graph = noise_sweep("3-5", "0.2, 0.4", cell="seed 4; strength 0.4")
    result = comfy.run(graph)
    assert result.error is None, result.message
    (path,) = (output / "g").glob("*.png")
    assert path.name.startswith("seed_4-strength_0.4-")
    assert (read_pixels(path) == read_pixels(noise(comfy, output, 4, 0.4))).all()
    assert "manifest.jsonl" not in {each.name for each in path.parent.iterdir()}


def test_the_plan_names_every_cell(comfy, output: Path):
    outputs = comfy.run(noise_sweep("3-5", "0.2, 0.4", cell="?")).outputs
    (text,) = [text for each in outputs.values() for text in each["text"]]
    plan = json.loads(text)
    assert [axis["name"] for axis in plan["axes"]] == ["seed", "strength"]
    cells = [cell for (cell,) in plan["batches"]]
    assert len({cell["key"] for cell in cells}) == 6
    assert cells[0]["values"] == {"seed": 3, "strength": 0.2}
    assert not output.exists()


def test_a_cell_of_a_divided_sweep_goes_into_the_temp_folder(comfy, output: Path):
    graph = noise_sweep("3-5", "0.2, 0.4", cell='[["seed 4", "strength 0.4"]]')
    info = {"workflow": {"nodes": [{"id": 99, "type": "SteerSweepGraph", "widgets_values": ["g", 256, "blank", ""]}]}}
    result = comfy.run(graph, info)
    ((image,),) = [each["images"] for each in result.outputs.values()]
    assert image["type"] == "temp"
    texts = read_texts(output.parent / "temp" / image["subfolder"] / image["filename"])
    assert texts["prompt"]["2"]["inputs"]["seed"] == 4
    assert texts["prompt"]["99"]["inputs"]["cell"] == "seed 4; strength 0.4"
    assert texts["workflow"]["nodes"][0]["widgets_values"] == ["g", 256, "blank", "seed 4; strength 0.4"]


def test_a_sweep_that_is_set_aside_makes_nothing(comfy, output: Path):
    result = comfy.run(noise_sweep("3-5", cell="-") | {"p": node("PreviewImage", images=["99", 0])})
    assert result.error is None
    assert "2" not in result.executed
    assert not output.exists()


def test_a_picture_that_comes_out_as_nan_is_refused(comfy, output: Path, monkeypatch: pytest.MonkeyPatch):
    import torch

    class Broken:
        RETURN_TYPES = ("IMAGE",)
        FUNCTION = "give"

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {"required": {"image": ("IMAGE", {})}}

        def give(self, image: torch.Tensor) -> tuple[torch.Tensor]:
            return (image * float("nan"),)

    monkeypatch.setitem(comfy.nodes.NODE_CLASS_MAPPINGS, "TestBroken", Broken)
    graph = noise_sweep("3-5", cell="seed 4") | {"b": node("TestBroken", image=["2", 0])}
    assert "the picture came out as NaN" in comfy.run(with_graph(graph, ["b", 0], cell="seed 4")).message
