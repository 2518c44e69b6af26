"""What could make a sweep lose a picture, show a wrong one or hide a missing one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from steer.nodes.axis import Lora, prompt_axis, seed_axis
from steer.nodes.choices import LORA
from steer.nodes.prompts.swap import WordSwap
from steer.nodes.sweep.folder.manifest import Manifest
from steer.nodes.sweep.folder.saving import remove_unfinished
from sweep_lab import MOODS, PROMPT, SMALL, Lab, node, open_picture, value_axis

pytestmark = pytest.mark.slow


def test_the_schedule_is_that_of_the_connected_sampler(lab: Lab):
    """KSampler gives dpm_2 and some others one sigma less than euler; the widget of a connected one must not count."""
    import comfy.samplers

    sampler = comfy.samplers.sampler_object("dpm_2")
    for number, widget in enumerate(("euler", "uni_pc")):
        graph = lab.graph(axis_1=MOODS, sampler=sampler, sampler_name=widget, steps=4)
        assert lab.comfy.run(graph).error is None
        assert len(list((lab.output / "s").glob("*.png"))) == 2, f"run {number} made a cell again"
    stock = lab.stock(sampler_name="dpm_2", steps=4)
    assert (lab.pictures()[("smiling",)] == stock).all()
    manifest = Manifest(lab.output / "s")
    assert manifest.grid is not None
    state = manifest.state(manifest.grid.cells[0].key)
    assert state is not None
    assert "sampler" not in state.values, "what the widget says is not what made the picture"
    assert state.values["steps"] == 4


def test_a_cell_of_blanks_is_the_whole_sweep(lab: Lab):
    print_of = lab.comfy.nodes.NODE_CLASS_MAPPINGS["SteerSweep"].fingerprint_inputs
    assert len(lab.sweep(axis_1=MOODS, cell=" ")) == 2
    path = next((lab.output / "s").glob("angry*.png"))
    path.unlink()
    assert print_of(folder="s", cell=" ") != print_of(folder="s", cell=" "), "a missing picture is never cached"
    assert len(lab.sweep(axis_1=MOODS, cell=" ")) == 2


def test_a_picture_opened_without_its_folder_makes_itself(lab: Lab):
    """Load Cells and Contact Sheet behind it wait: they have nothing to show, which is no error."""
    made = lab.sweep(axis_1=MOODS)
    for path in (lab.output / "s").iterdir():
        path.unlink()
    graph = lab.graph(axis_1=MOODS, cell="angry", folder=r"moods\first")
    graph["cells"] = node("SteerLoadCells", folder=["sweep", 1], selection="", limit=0)
    graph["behind"] = node("PreviewImage", images=["cells", 0])
    result = lab.comfy.run(graph)
    assert result.error is None, result.message
    (path,) = (lab.output / "moods" / "first").glob("*.png")
    assert (open_picture(path)[0] == made[("angry",)]).all()
    assert not any("moods\\" in entry.name for entry in lab.output.iterdir())


def test_a_list_of_models_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    """ComfyUI would run the Sweep once for each, and their cells would have the same keys."""

    class Two:
        RETURN_TYPES, OUTPUT_IS_LIST, FUNCTION = ("VAE",), (True,), "give"

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {"required": {"vae": ("VAE",)}}

        def give(self, vae: Any) -> tuple[list[Any]]:
            import copy

            return ([vae, copy.copy(vae)],)

    monkeypatch.setitem(lab.comfy.nodes.NODE_CLASS_MAPPINGS, "TestTwo", Two)
    graph = lab.graph(axis_1=MOODS) | {"two": node("TestTwo", vae=["model", 2])}
    graph["sweep"]["inputs"]["vae"] = ["two", 0]
    assert "a list of several comes in" in lab.comfy.run(graph).message
    assert lab.comfy.run(lab.graph(axis_1=MOODS)).error is None, "the next run has one again"


def test_a_model_file_that_was_replaced_behind_comfyuis_cache_is_reported():
    from steer.nodes.sweep.plan.inputs import SweepInputs
    from steer.nodes.sweep.plan.origin import check_files

    def given(version: str) -> SweepInputs:
        parts = (SimpleNamespace(patches_uuid=version), SimpleNamespace(patcher=SimpleNamespace(patches_uuid="c")))
        return SweepInputs(parts[0], parts[1], parts[1], {})

    check_files(given("one"), {"a.safetensors": "10 1", "b.safetensors": "10 1"})
    check_files(given("one"), {"a.safetensors": "10 1"})
    with pytest.raises(ValueError, match=r"'a\.safetensors' was replaced.*Free the model and node cache"):
        check_files(given("one"), {"a.safetensors": "10 2"})
    check_files(given("read again"), {"a.safetensors": "10 2"})


def test_the_files_of_an_axis_change_its_fingerprint(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import folder_paths

    kinds = {kind: ([str(tmp_path / kind)], {".safetensors"}) for kind in ("loras", "checkpoints")}
    for kind, places in kinds.items():
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "anna.safetensors").write_bytes(kind.encode())
        monkeypatch.setitem(folder_paths.folder_names_and_paths, kind, places)
        monkeypatch.setitem(folder_paths.filename_list_cache, kind, ([], {}, 0.0))
        folder_paths.filename_list_cache.pop(kind)
    print_of = lab.comfy.nodes.NODE_CLASS_MAPPINGS["SteerValueAxis"].fingerprint_inputs
    before = print_of(kind=LORA, text="none\nanna.safetensors : 0.8")
    assert before == print_of(kind=LORA, text="none\nanna.safetensors : 0.8")
    (tmp_path / "loras" / "anna.safetensors").write_bytes(b"trained again")
    after = print_of(kind=LORA, text="none\nanna.safetensors : 0.8")
    assert after != before, "also where a checkpoint has the same name"
    assert print_of(kind="cfg", text="4, 8") == print_of(kind="cfg", text=None) == ""
    assert isinstance(Lora("anna.safetensors", 0.8).name, str)


def test_without_a_cache_the_cells_have_the_same_keys(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    """ComfyUI asks nodes for the state of their files only for its cache: --cache-none must not hide new weights."""
    made = lab.sweep(axis_1=MOODS)
    before = {path: path.stat().st_mtime_ns for path in (lab.output / "s").glob("*.png")}
    try:
        lab.comfy.fresh(cached=False)
        assert lab.sweep(axis_1=MOODS).keys() == made.keys()
        assert {path: path.stat().st_mtime_ns for path in (lab.output / "s").glob("*.png")} == before
        demo = lab.comfy.nodes.NODE_CLASS_MAPPINGS["SteerDemoModel"]
        monkeypatch.setattr(demo, "fingerprint_inputs", classmethod(lambda cls: "other weights"))
        lab.sweep(axis_1=MOODS)
        assert len(list((lab.output / "s").glob("*.png"))) == 2 * len(before)
    finally:
        lab.comfy.fresh()


def test_a_retouched_picture_is_left_and_a_torn_one_made_again(lab: Lab):
    axes = {"axis_1": MOODS, "axis_2": seed_axis([1, 2])}
    lab.sweep(**axes)
    retouched, torn, gone, whole = sorted((lab.output / "s").glob("*.png"))
    with Image.open(retouched) as picture:
        picture.convert("L").save(retouched, optimize=True)
    before, expected = retouched.read_bytes(), torn.read_bytes()
    torn.write_bytes(expected[: len(expected) // 2])
    gone.unlink()
    graph = lab.graph(**axes)
    assert lab.comfy.run(graph).error is None
    assert retouched.read_bytes() == before
    assert torn.read_bytes() == expected
    assert gone.is_file()
    assert whole.is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs")
def test_a_sweep_on_a_full_disk_goes_on_where_there_is_room_again(lab: Lab, small_disk: Callable[[str], Path]):
    import folder_paths

    lab.output = small_disk("160k")
    folder_paths.set_output_directory(str(lab.output))
    graph = lab.graph(axis_1=MOODS, axis_2=seed_axis(range(12)), steps=1)
    message = lab.comfy.run(graph).message
    assert "cannot be written (No space left on device). What is finished stays" in message
    before = {path: path.read_bytes() for path in lab.output.glob("s/*.png")}
    assert 4 <= len(before) < 24
    small_disk("4m")
    assert lab.comfy.run(graph).error is None
    after = {path: path.read_bytes() for path in lab.output.glob("s/*.png")}
    assert len(after) == 24
    assert before.items() <= after.items(), "a finished picture was touched"
    manifest = Manifest(lab.output / "s")
    assert manifest.complete
    lines = (lab.output / "s" / "manifest.jsonl").read_text(encoding="ascii").splitlines()
    assert sum('"kind":"cell"' in line.replace(" ", "") for line in lines) == 24, "a cell was made twice"


def test_two_sweeps_never_share_a_folder(lab: Lab):
    graph = lab.graph(axis_1=MOODS)
    other = node("SteerSweep", **graph["sweep"]["inputs"] | {"folder": " s "})
    message = lab.comfy.run(graph | {"other": other}).message
    assert "another Sweep of this workflow (node " in message
    assert "Give each Sweep its own." in message
    assert not list(lab.output.glob("s/*.png"))
    other["inputs"]["cell"] = " "
    assert "another Sweep of this workflow" in lab.comfy.run(graph | {"other": other}).message, "blank is a whole sweep"
    other["inputs"]["folder"] = "t"
    assert lab.comfy.run(graph | {"other": other}).error is None


def test_cells_that_fit_on_no_sheet_are_made_all_the_same(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    from steer.nodes.sweep.run import comfy_sheet

    monkeypatch.setattr(comfy_sheet, "SHEET_MEGAPIXELS", 1e-4)
    result = lab.comfy.run(lab.graph(axis_1=MOODS))
    assert result.error is None, result.message
    assert len(lab.pictures()) == 2
    assert len(result.outputs["sweep"]["images"]) == 1


def test_what_a_killed_server_left_half_written_goes(tmp_path: Path):
    names = {pid: tmp_path / f"angry-0123456789.png.{pid}.part" for pid in (os.getpid(), os.getppid(), 999_999_999)}
    others = [tmp_path / "mine.part", tmp_path / "angry-0123456789.png"]
    for path in [*names.values(), *others]:
        path.write_bytes(b"half")
    remove_unfinished(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([names[os.getppid()], *others]), "another server may be writing"


def test_progress_shows_the_plan_first_then_each_cell(lab: Lab, monkeypatch: pytest.MonkeyPatch):

    from steer.nodes.sweep.run import comfy_run

    lines: list[str] = []
    monkeypatch.setattr(comfy_run, "show_text", lines.append)
    lab.sweep(axis_1=MOODS, axis_2=seed_axis([1, 2]))
    assert lines[0].startswith("2 (prompt) x 2 (seed): 4 cells of 64 x 64")
    assert lines[1:] == [
        f"cell {number} of 4: {name}"
        for number, name in enumerate(("smiling x seed 1", "smiling x seed 2", "angry x seed 1", "angry x seed 2"), 1)
    ] + [f"4 of 4 saved. {SMALL}"]


def test_batches_fit_the_memory_of_a_gpu_and_are_halved_when_they_do_not(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    import comfy.model_management as management
    from steer.nodes.sweep.plan.inputs import SweepInputs
    from steer.nodes.sweep.run import comfy_pictures

    free = 0.0
    with monkeypatch.context() as patch:
        patch.setattr(management, "is_device_cpu", lambda device: False)
        patch.setattr(comfy_pictures, "_free_memory", lambda device: free)
        given = SweepInputs(*_loaded(), {"samples": torch.zeros(1, 4, 8, 8)})
        settings: Any = SimpleNamespace(sampler="euler")

        def ignore(share: float, preview: Any) -> None:
            """No progress is shown."""

        one = float(given.model.memory_required([2, 4, 8, 8])) / comfy_pictures.FREE_SHARE
        found = []
        for free in (0.5 * one, 2.5 * one, 9 * one, 1e15):  # noqa: B007  # the function above reads it
            found.append(comfy_pictures.PictureMaker(given, ignore).batch_size(settings))
        given.model.model.noise_augmentor = None
        assert comfy_pictures.PictureMaker(given, ignore, 8).batch_size(settings) == 1, (
            "it draws its own noise from the seed of the first picture"
        )
        del given.model.model.noise_augmentor
    assert found == sorted(found)
    assert (found[0], found[-1]) == (1, max(comfy_pictures.GPU_BATCHES)), found
    assert len(set(found)) > 2, found

    real, tried = comfy_pictures.PictureMaker._sample, list[int]()

    def sample(self: Any, *arguments: Any) -> torch.Tensor:
        tried.append(len(arguments[-1]))
        if tried[-1] > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, *arguments)

    monkeypatch.setattr(comfy_pictures.PictureMaker, "_sample", sample)
    graph = lab.graph(axis_1=seed_axis(range(5)), batch_size=5)
    graph["report"] = node("PreviewAny", source=["sweep", 2])
    result = lab.comfy.run(graph)
    assert "Out of memory with 5 pictures at once: went on with 2." in result.outputs["report"]["text"][0]
    assert tried == [5, 2, 2, 1]
    assert len(lab.pictures()) == 5


def test_memory_that_is_given_back_on_demand_is_free(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    """By the contract of ComfyUI 0.28: get_free_memory of a MODEL adds what dynamic VRAM can evict for a batch."""
    import comfy.model_management as management
    from comfy.model_patcher import ModelPatcher
    from steer.nodes.sweep.plan.inputs import SweepInputs
    from steer.nodes.sweep.run.comfy_pictures import GPU_BATCHES, PictureMaker

    maker = PictureMaker(SweepInputs(*_loaded(), {"samples": torch.zeros(1, 4, 8, 8)}), lambda share, preview: None)
    settings: Any = SimpleNamespace(sampler="euler")
    monkeypatch.setattr(management, "is_device_cpu", lambda device: False)
    monkeypatch.setattr(management, "get_free_memory", lambda device: 0)
    monkeypatch.setattr(ModelPatcher, "get_free_memory", lambda model, device: 1e15, raising=False)
    assert maker.batch_size(settings) == max(GPU_BATCHES)
    monkeypatch.delattr(ModelPatcher, "get_free_memory")  # as in 0.3.75
    assert maker.batch_size(settings) == 1


def test_what_a_newer_comfyui_calls_out_of_memory_halves_a_batch(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    """By the contract of ComfyUI 0.28: is_oom also knows torch.AcceleratorError, by its code or its message."""
    import comfy.model_management as management
    from steer.nodes.sweep.run.comfy_pictures import PictureMaker

    if not hasattr(management, "is_oom"):
        monkeypatch.setattr(management, "is_oom", lambda error: "out of memory" in str(error), raising=False)
    real, tried, fault = PictureMaker.make, list[int](), "out of memory"

    def make(self: PictureMaker, cells: Sequence[Any]) -> Any:
        tried.append(len(cells))
        if len(cells) > 2:
            raise torch.AcceleratorError(f"CUDA error: {fault}")
        return real(self, cells)

    monkeypatch.setattr(PictureMaker, "make", make)
    lab.sweep(axis_1=seed_axis(range(5)), batch_size=5)
    assert (tried, len(lab.pictures())) == ([5, 2, 2, 1], 5)
    tried.clear()
    fault = "an illegal memory access was encountered"
    result = lab.comfy.run(lab.graph(axis_1=seed_axis(range(5)), batch_size=5, folder="other"))
    assert fault in result.message
    assert tried == [5], "another fault is no reason to try again"


def _loaded() -> tuple[Any, Any, Any]:
    from steer.nodes.demo import comfy_model

    return comfy_model.load_model(), comfy_model.load_clip(), comfy_model.load_vae()


def test_prompts_of_other_lengths_are_cells_of_their_own(lab: Lab):
    """Up to 77 tokens CLIP needs one part, beyond it two: ComfyUI's sampler meets both beside the short negative."""
    long = "angry, " + ", ".join(["standing in a backstreet"] * 30)
    axis = prompt_axis([WordSwap(("smiling",), None), WordSwap(("smiling",), (long,))], ["smiling", "long"])
    pictures = lab.sweep(axis_1=axis)
    assert (pictures[("long",)] == lab.stock(positive=PROMPT.replace("smiling", long))).all()
    assert (pictures[("smiling",)] == lab.stock()).all()


def test_a_latent_of_several_sizes_is_refused(lab: Lab):
    import comfy.nested_tensor

    nested = comfy.nested_tensor.NestedTensor([torch.zeros(1, 4, 8, 8), torch.zeros(1, 4, 16, 8)])
    lab.given["latent"] = {"samples": nested}
    graph = lab.graph(axis_1=value_axis("cfg", 3.0))
    graph["latent"] = node("TestGive", name="latent", version="nested")
    assert "latent: it is of several sizes" in lab.comfy.run(graph).message
