"""What a cell keeps, however many files it is, comes back from a Sweep Graph that `run.py queue` divides."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from graph_lab import GraphLab, node, noise_sweep
from steer.nodes.sweep.folder.manifest import AxisRecord, CellPlan, Grid
from steer.runner.batch.jobs import BatchJob, CellJob, JobOutput
from steer.runner.batch.sweeps import DividedSweep, SweepResults
from steer.runner.comfyui.messages import QueueError

ROOT = Path(__file__).resolve().parents[3]
PNG = b"\x89PNG\r\n\x1a\n"


def results(folder: Path, kind: str) -> tuple[SweepResults, BatchJob]:
    """A sweep of one cell, and its job."""
    cell = CellJob("k" * 64, ("seed 1",), {"seed": 1}, "seed 1")
    job = BatchJob("w seed 1", {"99": node(kind, cell='[["seed 1"]]')}, sweep="w", cells=(cell,), node="99")
    grid = Grid("w", (AxisRecord("seed", ("seed 1",)),), (CellPlan(cell.key, (0,), ("seed 1",)),))
    return SweepResults(folder, DividedSweep("w", grid, (job,))), job


def test_all_files_of_a_cell_lie_beside_each_other(tmp_path: Path):
    found, job = results(tmp_path, "SteerSweepGraph")
    names = ("a.png", "a-2.png", "a.latent", "a-2.latent")
    made, faults = found.save(job, JobOutput(1.0, tuple((name, PNG + name.encode()) for name in names)))
    (own,) = made
    stem = own.removesuffix(".png")
    contents = {path.name.removeprefix(stem): path.read_bytes() for path in tmp_path.glob(f"{stem}*")}
    assert contents == {name.removeprefix("a"): PNG + name.encode() for name in names}
    assert not faults
    assert found.todo() == []


@pytest.mark.parametrize(("kind", "count"), [("SteerSweep", 2), ("SteerSweep", 0), ("SteerSweepGraph", 0)])
def test_a_number_of_files_that_cannot_be(tmp_path: Path, kind: str, count: int):
    found, job = results(tmp_path, kind)
    with pytest.raises(QueueError, match=f"it gave {count} pictures for 1 cells"):
        found.save(job, JobOutput(1.0, tuple((f"{i}.png", PNG) for i in range(count))))


@pytest.mark.server
@pytest.mark.slow
def test_batches_more_pictures_and_latents_are_those_of_one_server(lab: GraphLab, tmp_path: Path):
    def graph(folder: str) -> dict[str, Any]:
        swept = noise_sweep("1-2", folder=folder)
        swept["1"]["inputs"]["batch_size"] = 2
        swept["l"] = node("EmptyLatentImage", width=64, height=64, batch_size=1)
        swept["99"]["inputs"] |= {"images_2": ["1", 0], "latent": ["l", 0]}
        return swept

    lab.sweep(graph("undivided-files"))
    (tmp_path / "w.json").write_text(json.dumps(graph("divided-files")))
    command = [sys.executable, str(ROOT / "run.py"), "queue", "w.json", "--out", "out"]
    command += ["--comfyui-url", lab.server.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr

    def ends(folder: Path) -> list[str]:
        lines = map(json.loads, (folder / "manifest.jsonl").read_text().splitlines())
        stems = [line["file"].removesuffix(".png") for line in lines if line.get("file")]
        assert len(stems) == 2
        return sorted(path.name.removeprefix(stem) for stem in stems for path in folder.glob(f"{stem}*"))

    assert ends(tmp_path / "out" / "w") == ends(lab.output / "undivided-files")
    assert len(ends(tmp_path / "out" / "w")) == 10
