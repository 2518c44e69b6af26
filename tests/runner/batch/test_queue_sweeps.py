"""A workflow with a Sweep is divided into its cells, and is the same sweep again when they are put together."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batches import noisy_prompt
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
PROMPT = "girl, smiling, backstreet"


def sweep_prompt(object_info: dict[str, Any], folder: str, batch_size: int, swaps: str = "angry") -> dict[str, Any]:
    """Two moods and three seeds; a picture of its own that needs no sweep; the sheet, saved."""

    def node(kind: str, **values: Any) -> dict[str, Any]:
        inputs = object_info[kind]["input"]
        specs = {**inputs.get("required", {}), **inputs.get("optional", {})}
        given = {name: spec[1]["default"] for name, spec in specs.items() if len(spec) > 1 and "default" in spec[1]}
        return {"class_type": kind, "inputs": given | values}

    sweep = node(
        "SteerSweep",
        model=["m", 0],
        clip=["m", 1],
        vae=["m", 2],
        latent=["l", 0],
        positive=PROMPT,
        steps=2,
        cfg=6.0,
        sampler_name="euler_ancestral",
        scheduler="normal",
        folder=folder,
        batch_size=batch_size,
    )
    outputs = {name: object_info[name]["output_name"].index("axis") for name in ("SteerPromptSwap", "SteerSeeds")}
    sweep["inputs"] |= {"axis_1": ["p", outputs["SteerPromptSwap"]], "axis_2": ["s", outputs["SteerSeeds"]]}
    return {
        "m": node("SteerDemoModel"),
        "l": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "p": node("SteerPromptSwap", prompt=PROMPT, swaps=swaps),
        "s": node("SteerSeeds", text="5-7"),
        "sweep": sweep,
        "sheet": node("SaveImage", images=["sweep", 0], filename_prefix="sheet"),
        **noisy_prompt(seed=77),
    }


def queue(folder: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), "queue", *arguments],
        capture_output=True,
        text=True,
        timeout=180,
        cwd=folder,
        encoding="utf-8",
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def cells(folder: Path) -> dict[tuple[str, ...], Path]:
    """The pictures of a sweep's folder by their labels, in the order of its grid."""
    from steer.nodes.sweep.folder.manifest import Manifest

    manifest = Manifest(folder)
    assert manifest.complete
    assert manifest.grid is not None
    return {cell.labels: folder / str(manifest.finished(cell.key).file) for cell in manifest.grid.cells}


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.server
@pytest.mark.parametrize("batch_size", [1, 3])
def test_divided_and_put_together_it_is_the_sweep_of_one_server(server, client, tmp_path: Path, batch_size: int):
    from steer.nodes.sweep.plan.cell_widget import OneCell, read_cell, read_cells

    object_info = client.get("/object_info")
    prompt = sweep_prompt(object_info, f"whole{batch_size}", batch_size)
    client.run(prompt)
    whole = cells(Path(server.arguments[2]) / f"whole{batch_size}")
    (tmp_path / "w.json").write_text(json.dumps(sweep_prompt(object_info, f"parts{batch_size}", batch_size)))
    batch = ["w.json", "--comfyui-url", server.url, "--out", "out"]
    code, text = queue(tmp_path, *batch)
    assert code == 0, text
    assert text.count("done    ") == 6 // batch_size + 1, "the batches stay together; the other picture is one job"
    divided = cells(tmp_path / "out" / "w")
    assert list(divided) == list(whole)
    assert len(divided) == 6
    for labels, path in divided.items():
        assert np.abs(pixels(path) - pixels(whole[labels])).max() == 0
        with Image.open(path) as image:
            sweep = json.loads(image.info["prompt"])["sweep"]
        assert read_cell(sweep["inputs"]["cell"]) == OneCell("; ".join(labels)), "each opens as its own cell"
    assert (tmp_path / "out" / "w" / "index.html").is_file()
    assert len(list((tmp_path / "out").glob("*.png"))) == 1
    assert not (Path(server.arguments[2]) / f"parts{batch_size}").exists(), "the folder of that ComfyUI is left alone"
    before = {path: path.stat().st_mtime_ns for path in divided.values()}
    gone = divided["smiling", "seed 6"] if ("smiling", "seed 6") in divided else list(divided.values())[1]
    gone.unlink()
    code, text = queue(tmp_path, *batch)
    assert code == 0, text
    assert text.count("done    ") == 1
    last = max(client.get("/history").values(), key=lambda entry: entry["prompt"][0])["prompt"][2]
    assert read_cells(last["sweep"]["inputs"]["cell"]) == [k for k, path in divided.items() if path == gone]
    again = cells(tmp_path / "out" / "w")
    assert {path for path in before if path.stat().st_mtime_ns != before[path]} == {gone}, (
        "finished ones are left alone"
    )
    off = np.abs(pixels(gone) - pixels(whole[next(k for k, v in again.items() if v == gone)])).max()
    assert off <= (0 if batch_size == 1 else 2), "a picture made alone is that of its batch but for rounding"


@pytest.mark.server
def test_more_seeds_make_the_new_cells_only_and_a_sweep_that_cannot_be_is_named(server, client, tmp_path: Path):
    object_info = client.get("/object_info")
    prompt = sweep_prompt(object_info, "more", 1)
    batch = ["w.json", "--comfyui-url", server.url, "--out", "out"]
    for seeds, made in (("5-6", 4 + 1), ("5-7", 2)):
        prompt["s"]["inputs"]["text"] = seeds
        (tmp_path / "w.json").write_text(json.dumps(prompt))
        code, text = queue(tmp_path, *batch)
        assert (code, text.count("done    ")) == (0, made), text
    assert len(cells(tmp_path / "out" / "w")) == 6
    bad = sweep_prompt(object_info, "bad", 1)
    bad["p"]["inputs"]["prompt"] = "no such word"
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    code, text = queue(tmp_path, "bad.json", *batch)
    assert code == 1, text
    assert text.count("failed  bad") == 1
    assert "smiling" in text


def planned(batches: list[list[str]], models: tuple[tuple[str, str], ...] = ()) -> Any:
    """A sweep over seeds that a ComfyUI plans so."""
    from steer.runner.batch.jobs import BatchJob
    from steer.runner.batch.sweeps import divide

    names = [name for batch in batches for name in batch]
    listed = [
        [
            {"key": f"key of {name}", "at": [names.index(name)], "labels": [name], "name": [name], "values": {}}
            for name in batch
        ]
        for batch in batches
    ]
    plan = json.dumps({"title": "t", "axes": [{"name": "prompt", "labels": names}], "batches": listed})
    sweep = {
        "s": {"class_type": "SteerSweep", "inputs": {"model": ["m", 0]}},
        "m": {"class_type": "Loader", "inputs": {"name": "a.pt"}},
    }
    (plan,), rest = divide(BatchJob("w", sweep, models=models), lambda job: ["another text", plan], [])
    assert rest is None
    return plan


def test_the_workflow_that_cells_open_as_has_the_other_sweeps_set_aside():
    from steer.runner.batch.jobs import BatchJob
    from steer.runner.batch.sweeps import divide

    prompt = {
        name: {"class_type": "SteerSweep", "inputs": {"model": source}}
        for name, source in {"1": ["m", 0], "2": ["m", 0], "3": ["1", 0]}.items()
    }
    nodes = [{"id": int(name), "type": "SteerSweep", "widgets_values": [7, ""]} for name in prompt]
    batch = [{"key": "k", "at": [0], "labels": ["a"], "name": ["a"], "values": {}}]
    plan_text = json.dumps({"title": "t", "axes": [{"name": "seed", "labels": ["a"]}], "batches": [batch]})
    plans, _ = divide(BatchJob("w", prompt, {"nodes": nodes}), lambda job: [plan_text], [])
    found = {}
    for plan in plans:
        (job,) = plan.jobs
        assert job.workflow is not None
        found[job.node] = [node["widgets_values"][-1] for node in job.workflow["nodes"]]
    assert found == {"1": ["", "-", "-"], "2": ["-", "", "-"], "3": ["", "-", ""]}


def test_cells_that_failed_are_named_and_only_what_is_missing_is_in_the_next_jobs(tmp_path: Path):
    from steer.nodes.sweep.plan.cell_widget import read_cells
    from steer.runner.batch.jobs import JobOutput
    from steer.runner.batch.pool import JobEnd
    from steer.runner.batch.results import Batch
    from steer.runner.batch.sweeps import SweepResults

    plan = planned([["seed 1", "seed 2", "seed 3"], ["seed 4"]])
    batch = Batch(tmp_path)
    sweep = batch.sweeps["w"] = SweepResults(tmp_path / "w", plan)
    first, second = sweep.todo()
    faults = json.dumps({"faults": {"1": "it came out as NaN"}})
    lines = batch.end(JobEnd(first, "here", JobOutput(1.0, (("a.png", b"1"), ("b.png", b"3")), ("{", faults))))
    assert "failed  w seed 2: it came out as NaN" in lines.splitlines()
    assert batch.failed == ["w seed 2"]
    assert "for 1 cells" in batch.end(JobEnd(second, "here", JobOutput(1.0, (("a.png", b"1"), ("b.png", b"3")))))
    again = SweepResults(tmp_path / "w", plan)
    assert [path.read_bytes() for path in sorted((tmp_path / "w").glob("*.png"))] == [b"1", b"3"]
    todo = again.todo()
    assert [read_cells(job.prompt[job.node]["inputs"]["cell"]) for job in todo] == [[("seed 2",)], [("seed 4",)]]
    assert [job.name for job in todo] == ["w seed 2", "w seed 4"]
    again.save(todo[0], JobOutput(1.0, (("a.png", b"2"),)))
    assert [job.name for job in again.todo()] == ["w seed 4"]


@pytest.mark.parametrize("label", ["", "x" * 200, "e\u0301" * 60, "angry; seed 3"])
def test_a_cell_has_the_file_name_that_sweep_gives_it_and_keeps_an_older_one(tmp_path: Path, label: str):
    from steer.nodes.sweep.folder.manifest import CellRecord, Manifest
    from steer.nodes.sweep.folder.saving import file_stem
    from steer.runner.batch.jobs import JobOutput
    from steer.runner.batch.sweeps import SweepResults

    plan = planned([[label]])
    (job,) = plan.jobs
    (cell,) = job.cells
    files, _ = SweepResults(tmp_path / "new", plan).save(job, JobOutput(1.0, (("a.png", b"1"),)))
    assert files == [f"{file_stem((label,), cell.key)}.png"]
    SweepResults(tmp_path / "old", plan)
    (tmp_path / "old" / "as older versions named it.png").write_bytes(b"1")
    Manifest(tmp_path / "old").record(CellRecord(cell.key, "as older versions named it.png", None, {}, 1.0))
    assert SweepResults(tmp_path / "old", plan).todo() == []


def test_names_of_cells_keep_what_differs():
    long = "a girl on a street in the rain, with an umbrella, " * 4
    plan = planned([[f"{long}{mood}, best quality, detailed, sharp"] for mood in ("smiling", "angry")])
    assert [job.name for job in plan.jobs] == ["w ...smiling...", "w ...angry..."]
    many = [f"{n}{long}{n % 7}{long}{n}" for n in range(50)]
    titles = [job.name for job in planned([[name] for name in many]).jobs]
    assert len(set(titles)) == 50
    (alone,) = planned([[long]]).jobs
    assert alone.name.startswith("w a girl on a street")
    assert max(map(len, titles)) < 80
    assert planned([[f"seed {n}" for n in range(9)]]).jobs[0].name == "w seed 0, seed 1, seed 2, seed 3 and 5 more"


def test_a_model_that_was_trained_again_makes_other_cells():
    plain, one, other = (
        planned([["seed 1"]], models)
        for models in ((("not.pt", "1"),), (("a.pt", "1"), ("not.pt", "2")), (("a.pt", "2"),))
    )
    keys = [plan.jobs[0].cells[0].key for plan in (plain, one, other)]
    assert keys[0] == "key of seed 1"
    assert len(set(keys)) == 3
    assert [plan.grid.cells[0].key for plan in (plain, one, other)] == keys


def test_a_full_disk_leaves_the_exit_code_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    from steer.runner.batch import command
    from steer.runner.batch.results import Batch
    from steer.runner.batch.sweeps import SweepResults

    batch = Batch(tmp_path)
    batch.sweeps = {name: SweepResults(tmp_path / name, planned([["seed 1"]])) for name in ("a", "b")}
    batch.failed = ["a seed 1"]

    def full(self: SweepResults) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SweepResults, "write_page", full)
    assert command.run_batch(batch, []) == command.SOMETHING_FAILED
    output = capsys.readouterr().out
    assert all(f"the page of {name} cannot be written" in output for name in "ab")
    assert "1 failed" in output
