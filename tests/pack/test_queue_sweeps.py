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

pytestmark = pytest.mark.server
ROOT = Path(__file__).resolve().parents[2]
PROMPT = "girl, smiling, backstreet"


def sweep_prompt(object_info: dict[str, Any], folder: str, batch_size: int, swaps: str = "angry") -> dict[str, Any]:
    """Two moods and three seeds; a picture of its own that needs no sweep; the sheet, saved."""

    def node(kind: str, **values: Any) -> dict[str, Any]:
        inputs = object_info[kind]["input"]
        specs = {**inputs.get("required", {}), **inputs.get("optional", {})}
        given = {name: spec[1]["default"] for name, spec in specs.items() if len(spec) > 1 and "default" in spec[1]}
        return {"class_type": kind, "inputs": given | values}

    sweep = node(
        "SteerSweep", model=["m", 0], clip=["m", 1], vae=["m", 2], latent=["l", 0], positive=PROMPT, steps=2, cfg=6.0,
        sampler_name="euler_ancestral", scheduler="normal", folder=folder, batch_size=batch_size,
    )  # fmt: skip
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
        [sys.executable, str(ROOT / "run.py"), "queue", *arguments], capture_output=True, text=True, timeout=180,
        cwd=folder, encoding="utf-8",
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def cells(folder: Path) -> dict[tuple[str, ...], Path]:
    """The pictures of a sweep's folder by their labels, in the order of its grid."""
    from steer.nodes.sweep.manifest import Manifest

    manifest = Manifest(folder)
    assert manifest.complete
    assert manifest.grid is not None
    return {cell.labels: folder / str(manifest.finished(cell.key).file) for cell in manifest.grid.cells}


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_divided_and_put_together_it_is_the_sweep_of_one_server(server, client, tmp_path: Path, batch_size: int):
    from steer.nodes.sweep.freeze import read_cell

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
        assert read_cell(sweep["inputs"]["cell"]) == labels, "each opens as its own cell"
    assert (tmp_path / "out" / "w" / "index.html").is_file()
    assert len(list((tmp_path / "out").glob("*.png"))) == 1
    before = {path: path.stat().st_mtime_ns for path in divided.values()}
    gone = divided["smiling", "seed 6"] if ("smiling", "seed 6") in divided else list(divided.values())[1]
    gone.unlink()
    code, text = queue(tmp_path, *batch)
    assert code == 0, text
    assert text.count("done    ") == 1
    again = cells(tmp_path / "out" / "w")
    assert {path for path in before if path.stat().st_mtime_ns != before[path]} == {gone}, (
        "finished ones are left alone"
    )
    assert (pixels(gone) == pixels(whole[next(k for k, v in again.items() if v == gone)])).all()


def test_more_seeds_make_the_new_cells_only_and_a_sweep_that_cannot_be_is_told(server, client, tmp_path: Path):
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
