"""A Sweep Graph that `run.py queue` divides into its cells: the same sweep as that of one ComfyUI."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from graph_lab import GraphLab, failing_sweep, moods_and_seeds, noise_sweep, read_pixels, read_texts

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [pytest.mark.server, pytest.mark.slow]


def queue(folder: Path, graph: dict, *arguments: str) -> tuple[int, str]:
    (folder / "w.json").write_text(json.dumps(graph))
    command = [sys.executable, str(ROOT / "run.py"), "queue", "w.json", "--out", "out", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder, encoding="utf-8")
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def cells(folder: Path) -> dict[tuple[str, ...], Path]:
    from steer.nodes.sweep.folder.manifest import Manifest

    manifest = Manifest(folder)
    assert manifest.complete
    assert manifest.grid is not None
    return {cell.labels: folder / str(manifest.finished(cell.key).file) for cell in manifest.grid.cells}


def test_divided_it_is_the_sweep_of_one_server(lab: GraphLab, tmp_path: Path):
    lab.sweep(moods_and_seeds("1-2", folder="undivided"))
    code, text = queue(tmp_path, moods_and_seeds("1-2", folder="divided"), "--comfyui-url", lab.server.url)
    assert code == 0, text
    assert text.count("done    ") == 4
    whole, parts = cells(lab.output / "undivided"), cells(tmp_path / "out" / "w")
    assert list(parts) == list(whole)
    for labels, path in parts.items():
        assert (read_pixels(path) == read_pixels(whole[labels])).all()
        prompt = read_texts(path)["prompt"]
        assert prompt["99"]["inputs"]["cell"] == "; ".join(labels), "each opens as its own cell"
        assert "SteerSweepValue" not in {each["class_type"] for each in prompt.values()}
    assert (tmp_path / "out" / "w" / "index.html").is_file()
    assert not (lab.output / "divided").exists(), "the folder of that ComfyUI is left alone"


def test_more_seeds_and_cells_that_fail(lab: GraphLab, tmp_path: Path):
    url = ("--comfyui-url", lab.server.url)
    for seed_text, made in (("1-2", 2), ("1-4", 2), ("1-4", 0)):
        code, text = queue(tmp_path, noise_sweep(seed_text, folder="x"), *url)
        assert (code, text.count("done    ")) == (0, made), text
    (tmp_path / "other").mkdir()
    code, text = queue(tmp_path / "other", failing_sweep("1\nno\n1-3"), *url)
    assert code == 1
    assert text.count("done    ") == 2
    assert "failed  w no" in text
