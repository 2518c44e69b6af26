"""Sweep in a real graph: it goes on where it was left, refuses what cannot be, and its pictures open as themselves."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from steer.nodes.axis import prompt_axis, seed_axis
from steer.nodes.control.stack import Control
from steer.nodes.prompts.swap import WordSwap
from steer.nodes.sweep.folder.manifest import Manifest
from sweep_lab import MOODS, Lab, node, open_picture, value_axis

pytestmark = pytest.mark.slow


def read_files(lab: Lab, folder: str = "s") -> dict[str, tuple[int, bytes]]:
    """The pictures on the disk: when each was written, and its bytes."""
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in (lab.output / folder).glob("*.png")}


def run(lab: Lab, **inputs: Any) -> Any:
    result = lab.comfy.run(lab.graph(**inputs))
    assert result.error is None, result.message
    return result


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that is encoded."""
    from steer.nodes.sweep.run import comfy_pictures

    texts: list[str] = []
    real = comfy_pictures.encode

    def counted(clip: Any, text: str) -> Any:
        texts.append(text)
        return real(clip, text)

    monkeypatch.setattr(comfy_pictures, "encode", counted)
    return texts


def test_adding_seeds_makes_their_cells_only(lab: Lab, encoded: list[str]):
    run(lab, axis_1=MOODS, axis_2=seed_axis([1, 2, 3]))
    assert encoded == ["girl, smiling, backstreet", "sad", "girl, angry, backstreet"], "each text once"
    before = read_files(lab)
    run(lab, axis_1=MOODS, axis_2=seed_axis([1, 2, 3, 8, 9]))
    after = read_files(lab)
    assert (len(before), len(after)) == (6, 10)
    assert before.items() <= after.items()
    run(lab, axis_1=seed_axis([9, 1]), axis_2=MOODS)
    assert read_files(lab) == after, "the same cells on other axes are the same pictures"


def test_the_sheet_shows_the_wired_order_and_the_report_counts(lab: Lab):
    lab.given["keep"] = None
    graph = lab.graph(axis_1=seed_axis([1, 2]), axis_2=MOODS)
    graph["report"] = node("PreviewAny", source=["sweep", 2])
    result = lab.comfy.run(graph)
    (report,) = result.outputs["report"]["text"]
    assert "2 (seed) x 2 (prompt): 4 cells of 64 x 64" in report
    assert "4 of 4 pictures are there" in report
    manifest = Manifest(lab.output / "s")
    assert manifest.grid is not None
    assert [axis.name for axis in manifest.grid.axes] == ["seed", "prompt"]
    assert [cell.at for cell in manifest.grid.cells] == [(0, 0), (1, 0), (0, 1), (1, 1)], "prompts are slow"
    assert (lab.output / "s" / "index.html").is_file()
    (sheet,) = result.outputs["sweep"]["images"]
    assert sheet["type"] == "temp"


def test_the_cache_holds_once_all_is_there_and_never_hides_what_is_missing(lab: Lab):
    graph = lab.graph(axis_1=MOODS)
    graph["cells"] = node("SteerLoadCells", folder=["sweep", 1], selection="", limit=0)
    graph["shown"] = node("PreviewImage", images=["cells", 0])
    ran = [lab.comfy.run(copy.deepcopy(graph)).executed for _ in range(3)]
    assert {"sweep", "cells", "shown"} <= set(ran[0])
    assert ran[1:] == [[], []]
    path = next(iter((lab.output / "s").glob("angry*.png")))
    before = path.read_bytes()
    path.unlink()
    assert lab.comfy.run(copy.deepcopy(graph)).executed.count("sweep") == 1
    assert path.read_bytes() == before
    other = lab.graph(axis_1=MOODS, axis_2=value_axis("cfg", 3.0))
    print_of = lab.comfy.nodes.NODE_CLASS_MAPPINGS["SteerSweep"].fingerprint_inputs
    seen = []
    for each in (other, graph, other):  # both in one folder, and the last run makes nothing
        lab.comfy.run(copy.deepcopy(each))
        seen.append(print_of(folder="s", cell=""))
    assert len(set(seen)) == 3, "a larger cache would take the state before a run for that after it"
    path.unlink()
    lab.comfy.run(copy.deepcopy(graph))
    assert path.read_bytes() == before


def test_a_failing_cell_is_a_blank_until_it_is_mended(lab: Lab, monkeypatch: pytest.MonkeyPatch):

    from steer.nodes.sweep.run import comfy_pictures

    real = comfy_pictures.encode

    def broken(clip: Any, text: str) -> Any:
        if "angry" in text:
            raise RuntimeError("the encoder broke")
        return real(clip, text)

    axes = {"axis_1": MOODS, "axis_2": seed_axis([1, 2])}
    graph = lab.graph(**axes)
    with monkeypatch.context() as patch:
        patch.setattr(comfy_pictures, "encode", broken)
        assert lab.comfy.run(graph).error is None
        before = read_files(lab)
        assert len(before) == 2
        result = lab.comfy.run(graph | lab.graph(**axes, folder="stopped", on_error="stop"))
        assert "The cell 'angry x seed 1' failed: the encoder broke" in result.message
        (lab.output / "s").rename(lab.output / "kept")
        everything = lab.comfy.run(lab.graph(axis_1=prompt_axis([WordSwap(("smiling",), ("angry",))], ["angry"])))
        assert "All cells failed. angry: the encoder broke" in everything.message
    assert lab.comfy.run(lab.graph(**axes, folder="kept")).error is None
    assert len(read_files(lab, "kept")) == 4
    assert before.items() <= read_files(lab, "kept").items()


def test_cancel_keeps_what_is_done(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    import comfy.model_management
    from steer.nodes.sweep.run.comfy_pictures import PictureMaker

    real = PictureMaker.make
    count = 0

    def make(self: PictureMaker, cells: Sequence[Any]) -> Any:
        nonlocal count
        count += 1
        if count == 3:
            comfy.model_management.interrupt_current_processing()  # as the Cancel button does
        return real(self, cells)

    with monkeypatch.context() as patch:
        patch.setattr(PictureMaker, "make", make)
        result = lab.comfy.run(lab.graph(axis_1=seed_axis(range(5))))
    assert result.interrupted
    before = read_files(lab)
    assert len(before) == 2
    assert (lab.output / "s" / "index.html").is_file()
    run(lab, axis_1=seed_axis(range(5)))
    assert len(read_files(lab)) == 5
    assert before.items() <= read_files(lab).items()


def test_a_cell_alone_is_its_picture_and_leaves_the_sweep_as_it_was(lab: Lab):
    pictures = lab.sweep(axis_1=MOODS, axis_2=seed_axis([3, 30]))
    before, manifest = read_files(lab), (lab.output / "s" / "manifest.jsonl").read_bytes()
    asked = {("angry", "seed 3"): json.dumps(["angry", "seed 3"]), ("smiling", "seed 30"): "smiling; seed 30"}
    for labels, text in asked.items():
        result = run(lab, axis_1=MOODS, axis_2=seed_axis([3, 30]), cell=text)
        (image,) = result.outputs["sweep"]["images"]
        assert (image["type"], image["subfolder"]) == ("output", "s")
        assert (open_picture(lab.output / "s" / image["filename"])[0] == pictures[labels]).all()
    assert before.items() <= read_files(lab).items()
    assert (lab.output / "s" / "manifest.jsonl").read_bytes() == manifest


def test_cells_made_for_another_are_halved_fail_one_by_one_and_touch_no_folder(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import folder_paths
    from steer.nodes.sweep.plan.cell_widget import write_cells
    from steer.nodes.sweep.run.comfy_pictures import PictureMaker

    axes = {"axis_1": MOODS, "axis_2": seed_axis([1, 2, 3, 4])}
    pictures = lab.sweep(**axes)
    for path in (lab.output / "s").glob("*.png"):
        path.write_bytes(path.read_bytes() + b"retouched")
    before = {path: path.read_bytes() for path in (lab.output / "s").iterdir()}
    real, tried = PictureMaker.make, list[int]()

    def make(self: PictureMaker, cells: Sequence[Any]) -> Any:
        tried.append(len(cells))
        if len(cells) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        found = list(real(self, cells))
        return [found[i] * (float("nan") if cell.seed in bad else 1.0) for i, cell in enumerate(cells)]

    monkeypatch.setattr(PictureMaker, "make", make)
    monkeypatch.setattr(folder_paths, "temp_directory", str(tmp_path / "temp"))
    labels = [("angry", f"seed {seed}") for seed in (1, 2, 3, 4)]
    bad = [2]
    result = run(lab, **axes, cell=write_cells(labels))
    assert tried == [4, 2, 2]
    shown = result.outputs["sweep"]
    assert {image["type"] for image in shown["images"]} == {"temp"}
    for image, which in zip(shown["images"], (labels[0], *labels[2:]), strict=True):
        pixels, texts = open_picture(tmp_path / "temp" / image["subfolder"] / image["filename"])
        assert abs(pixels - pictures[which]).max() <= 2
        assert texts["prompt"]["sweep"]["inputs"]["cell"] == "; ".join(which)
    (faults,) = (json.loads(text)["faults"] for text in shown["text"])
    assert list(faults) == ["1"]
    assert "NaN" in faults["1"]
    bad = [1, 2, 3, 4]
    assert "NaN" in lab.comfy.run(lab.graph(**axes, steps=3, cell=write_cells(labels))).message
    assert {path: path.read_bytes() for path in (lab.output / "s").iterdir()} == before


def test_every_picture_holds_the_prompt_that_makes_it(lab: Lab):
    lab.sweep(axis_1=MOODS, axis_2=seed_axis([3, 4]))
    for path in list((lab.output / "s").glob("*.png")):
        pixels, texts = open_picture(path)
        result = lab.comfy.run(texts["prompt"])
        assert result.error is None, result.message
        (image,) = result.outputs["sweep"]["images"]
        assert (open_picture(lab.output / "s" / image["filename"])[0] == pixels).all()


def test_a_dropped_picture_leaves_the_other_sweeps_of_its_workflow_alone(lab: Lab):
    graph = lab.graph(axis_1=MOODS)
    graph["other"] = node("SteerSweep", **graph["sweep"]["inputs"] | {"folder": "t", "seed": 6})
    graph["sheet"] = node("PreviewImage", images=["other", 0])
    graph["cells"] = node("SteerLoadCells", folder=["other", 1], selection="", limit=0)
    graph["shown"] = node("PreviewImage", images=["cells", 0])
    graph["report"] = node("PreviewAny", source=["other", 2])
    workflow = {"nodes": [{"id": name, "type": "SteerSweep", "widgets_values": [6, ""]} for name in ("sweep", "other")]}
    assert lab.comfy.run(graph, {"workflow": workflow}).error is None
    folders = lab.output / "s", lab.output / "t"
    pictures = [next(folder.glob("angry*.png")) for folder in folders]
    (pixels, texts), (_, texts_of_other) = map(open_picture, pictures)
    cells = [[one["widgets_values"][-1] for one in text["workflow"]["nodes"]] for text in (texts, texts_of_other)]
    assert cells == [["angry", "-"], ["-", "angry"]]
    lab.comfy.fresh()
    assert len(lab.comfy.run(copy.deepcopy(texts["prompt"])).outputs["shown"]["images"]) == 2, "what is there is shown"
    for path in folders[1].iterdir():
        path.unlink()
    lab.comfy.fresh()
    result = lab.comfy.run(texts["prompt"])
    assert result.error is None, result.message
    (image,) = result.outputs["sweep"]["images"]
    assert (open_picture(folders[0] / image["filename"])[0] == pixels).all()
    assert not list(folders[1].iterdir())
    assert "Empty it, and the sweep runs" in result.outputs["report"]["text"][0]
    assert not {"sheet", "shown"} & result.outputs.keys()


@pytest.mark.parametrize("folder", ["../x", "/x", "a\0b", "a%b", "x" * 300, "CON"])
def test_folders_that_are_refused(lab: Lab, folder: str):
    assert lab.refused(axis_1=MOODS, folder=folder).startswith("folder: ")
    assert not list(lab.output.parent.rglob("*.png"))


def test_bad_input_is_reported_before_anything_is_made(lab: Lab):
    hint = torch.zeros(1, 64, 64, 3)
    cases: list[tuple[str, dict[str, Any]]] = [
        ("max_cells: 10000 (seed) = 10,000 cells, more than 256", {"axis_1": seed_axis(range(10_000))}),
        ("axis 2: two axes vary the seed", {"axis_1": seed_axis([1]), "axis_2": seed_axis([2])}),
        ("'seed 3' is there twice", {"axis_1": seed_axis([3, 3])}),
        ("'eulr'", {"sampler_name": "eulr"}),
        ("scheduler: ComfyUI has no 'x'", {"axis_1": value_axis("scheduler", "x")}),
        ("checkpoint: ComfyUI", {"axis_1": value_axis("checkpoint", "gone.safetensors")}),
        ("find: 'frowning' is not in the prompt", {"axis_1": prompt_axis([WordSwap(("frowning",), ("x",))], ["x"])}),
        ("nothing in the prompt switches", {"axis_1": value_axis("switch time", "0.5")}),
        ("positive, character 1 ('[a:b'): this bracket is not closed", {"positive": "[a:b"}),
        ("no control is connected", {"axis_1": value_axis("control end", 0.5)}),
        (
            "start_percent: 0.5 lies after end_percent 0.25",
            {"axis_1": value_axis("control start", 0.1, 0.5), "control": (Control(None, hint, end_percent=0.25),)},
        ),
        (
            "axis 1: it varies steps, but sigmas are connected",
            {"axis_1": value_axis("steps", 3), "sigmas": torch.tensor([1.0, 0.0])},
        ),
        ("cell: 'sad' names", {"axis_1": MOODS, "cell": '["sad"]'}),
        ("cell: no label holds 'sad'", {"axis_1": MOODS, "cell": "sad"}),
        ("names 2 of them of the 4 cells", {"axis_1": MOODS, "axis_2": seed_axis([1, 2]), "cell": "angry"}),
        ("on_error: 'hope' ", {"on_error": "hope"}),
    ]
    for words, inputs in cases:
        message = lab.refused(**inputs)
        assert words.replace('"', "") in message.replace('"', "").replace("[sad]", "sad"), message
    for name in ("clip", "vae"):
        graph = lab.graph()
        lab.given["nothing"] = None
        graph["nothing"] = node("TestGive", name="nothing", version="")
        graph["sweep"]["inputs"][name] = ["nothing", 0]
        assert f"{name}: there is none" in lab.comfy.run(graph).message
    lab.latent = node("EmptyLatentImage", width=64, height=64, batch_size=3)
    assert "latent: it holds 3 pictures, and a cell makes one" in lab.refused()
    assert not (lab.output / "s").exists()


def test_axes_have_the_titles_of_their_nodes_on_the_page(lab: Lab):
    graph = lab.graph(axis_1=MOODS, axis_3=seed_axis([1]))
    graph["axis_1"]["_meta"] = {"title": "Moods"}
    assert lab.comfy.run(graph).error is None
    manifest = Manifest(lab.output / "s")
    assert manifest.grid is not None
    assert [(axis.name, axis.title) for axis in manifest.grid.axes] == [("prompt", "Moods"), ("seed", "")]


def test_an_empty_latent_that_no_step_fills_says_so_and_a_picture_comes_out_as_it_is(lab: Lab):
    graph = lab.graph(axis_1=value_axis("denoise", 0.0, 1.0)) | {"report": node("PreviewAny", source=["sweep", 2])}
    (report,) = lab.comfy.run(graph).outputs["report"]["text"]
    assert "- denoise 0.0: denoise: 0 makes no step, and the latent is empty, so there is no picture." in report
    assert len(read_files(lab)) == 1
    lab.latent = node("VAEEncode", pixels=["picture", 0], vae=["model", 2])
    graph = lab.graph(denoise=0.0, folder="kept") | {
        "picture": node("EmptyImage", width=64, height=64, batch_size=1, color=0xFF0000)
    }
    assert lab.comfy.run(graph).error is None
    assert len(read_files(lab, "kept")) == 1


def test_a_sweep_without_an_axis_is_one_picture(lab: Lab):
    ((labels, pixels),) = lab.sweep().items()
    assert labels == ()
    assert (pixels == lab.stock()).all()


def test_a_folder_of_another_sweep_loses_nothing(lab: Lab):
    lab.sweep(axis_1=MOODS)
    first = read_files(lab)
    manifest = Path(lab.output / "s" / "manifest.jsonl")
    torn = manifest.read_bytes()[:-20]
    manifest.write_bytes(torn)
    run(lab, axis_1=seed_axis([1, 2]), positive="a cat")
    assert len(read_files(lab)) == 4
    assert first.items() <= read_files(lab).items()
    assert manifest.read_bytes().startswith(torn[: torn.rfind(b"\n") + 1])
    kinds = [json.loads(line)["kind"] for line in manifest.read_bytes().splitlines()]
    assert kinds == ["grid", "run", "cell", "grid", "run", "cell", "cell"], "the torn line is cut, all others stay"


def test_unknown_words_of_the_demo_model_stand_in_the_report(lab: Lab):
    note = "prompt: the Demo Model does not know: sailor, harbour. Use the words that its help page lists"
    graph = lab.graph(axis_1=MOODS, positive="sailor, [smiling:angry:0.4], girl, smiling", negative="harbour")
    graph["report"] = node("PreviewAny", source=["sweep", 2])
    (report,) = lab.comfy.run(graph).outputs["report"]["text"]
    assert f"{note}, or a checkpoint." in report.splitlines()
    graph = lab.graph(axis_1=MOODS, folder="known") | {"report": node("PreviewAny", source=["sweep", 2])}
    assert "does not know" not in lab.comfy.run(graph).outputs["report"]["text"][0]
