"""What the report of batches on Ray does with Sweeps: divided, disturbed, mixed with others, beside a named ComfyUI."""

from __future__ import annotations

import io
import json
import os
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from ....nodes.sweep.folder.manifest import MANIFEST, Manifest
from ....runner import workflow as workflows
from ...support.batches import slow_prompt
from .._served import served
from .ray_batch import Outcome, Queueing, comfyuis, done_once, kill, results, wait_for_none

SLIDE = "05-expression-by-place"
OTHER = "04-expression-swap"
MOODS = "Moods.swaps=angry\nlaughing\nsad\nsurprised\nneutral"  # six moods x four places
CELLS = 24
RAY = ("--ray", "local", "--out", "out")
Cells = dict[tuple[str, ...], np.ndarray]


def bundled(name: str) -> Path:
    """The file of a bundled workflow."""
    return next(path for path in workflows.list_bundled() if path.stem == name)


def cells(folder: Path) -> Cells:
    """The pictures of a sweep's folder by their labels."""
    manifest = Manifest(folder)
    assert manifest.grid is not None
    found = {}
    for cell in manifest.grid.cells:
        record = manifest.finished(cell.key)
        if record is not None and record.file is not None:
            picture = Image.open(io.BytesIO((folder / record.file).read_bytes())).convert("RGB")
            found[cell.labels] = np.asarray(picture, np.int16)
    return found


def recorded(folder: Path) -> Counter[str]:
    """How often the manifest of a sweep records each cell as made, by its key."""
    lines = [json.loads(line) for line in (folder / MANIFEST).read_text("utf-8").splitlines()]
    return Counter(line["key"] for line in lines if line["kind"] == "cell" and not line["error"])


def largest_difference(ours: Cells, whole: Cells) -> int:
    """The largest difference of two sweeps' pictures in 1/255; 255 where they do not have the same cells."""
    if ours.keys() != whole.keys():
        return 255
    return max(int(np.abs(whole[key] - ours[key]).max()) for key in whole)


def alone(folder: Path, name: str, *settings: str) -> tuple[Cells, float]:
    """The pictures of a bundled sweep made on one ComfyUI, and the seconds that took."""
    with served(folder) as client:
        info = client.get("/object_info")
        graph = workflows.read_workflow(bundled(name))
        for setting in settings:
            graph = workflows.Setting.parse(setting).apply(workflows.Workflow(graph, info)).data
        started = time.monotonic()
        client.run(workflows.to_prompt(graph, info), graph)
        seconds = time.monotonic() - started
    return cells(next((folder / "output" / "sweeps").iterdir())), seconds


def slide(folder: Path) -> Outcome:
    """The whole sweep on one ComfyUI with all cores, then divided over two workers on Ray."""
    whole, single = alone(folder / "alone", SLIDE, MOODS)
    run = Queueing(folder, str(bundled(SLIDE)), "--set", MOODS, *RAY, "--workers", "2")
    run.until("05")  # the workers are up
    started = time.monotonic()
    code = run.end()
    divided = time.monotonic() - started
    parts = cells(folder / "out" / SLIDE)
    difference = largest_difference(parts, whole)
    result = (
        f"{len(parts)} cells, at most {difference}/255 off; {single:.0f} s on one ComfyUI with all cores, "
        f"{divided:.0f} s on two workers: {divided / single:.2f}x the time on {os.cpu_count()} cores; "
        f"exit {code}"
    )
    return Outcome(f"{SLIDE} with {CELLS} cells", result, difference <= 2 and len(parts) == CELLS and code == 0)


def disturbed_sweep(folder: Path) -> Outcome:
    """A worker's ComfyUI is killed, later the driver; the same command then makes what is missing."""
    light = ("--set", MOODS, "--set", "SteerSweep.steps=8", "--set", "SteerSweep.batch_size=1")
    command = (str(bundled(SLIDE)), *light, *RAY, "--workers", "2")
    whole, _ = alone(folder / "alone", SLIDE, *light[1::2])
    run = Queueing(folder, *command)
    run.until("done", 4)
    kill(comfyuis())
    run.until("done", 10)
    run.process.kill()
    run.end()
    left = wait_for_none()
    before = recorded(folder / "out" / SLIDE)
    again = Queueing(folder, *command)
    code = again.end()
    parts, once = cells(folder / "out" / SLIDE), recorded(folder / "out" / SLIDE)
    difference = largest_difference(parts, whole)
    result = (
        f"{sum(before.values())} cells recorded when it was killed, {sum(once.values())} at the end, each "
        f"{max(once.values())}x; {len(parts)} pictures, at most {difference}/255 off those of one ComfyUI; "
        f"ComfyUIs left behind: {left}; exit {code}"
    )
    good = len(once) == len(parts) == CELLS and set(once.values()) == {1} and 10 <= len(before) < CELLS
    good = good and difference <= 2 and not left and code == 0
    return Outcome(f"{SLIDE} with {CELLS} cells: SIGKILL of a ComfyUI, then of the driver, then again", result, good)


def mixed(folder: Path) -> Outcome:
    """Two sweeps as they ship and three plain workflows in one batch."""
    names = (SLIDE, OTHER)
    plain = []
    for seed in range(3):
        plain.append(f"plain-{seed}.json")
        (folder / plain[-1]).write_text(json.dumps(slow_prompt(12, seed)))
    command = (*(str(bundled(name)) for name in names), *plain, *RAY, "--workers", "2")
    code = Queueing(folder, *command).end()
    wholes = {name: alone(folder / f"alone-{name}", name)[0] for name in names}
    parts = {name: cells(folder / "out" / name) for name in names}
    difference = max(largest_difference(parts[name], wholes[name]) for name in names)
    lines = [line for line in results(folder / "out") if line["name"].startswith("plain")]
    once = done_once(lines)
    again = Queueing(folder, *command)
    second = again.end()
    counts = ", ".join(f"{name}: {len(parts[name])} of {len(wholes[name])} cells" for name in names)
    result = (
        f"{counts}, at most {difference}/255 off those of one ComfyUI; plain: {len(once)} of {len(plain)}, each "
        f"{max(once.values())}x; exit {code}; the second run: {again.lines[-1]}"
    )
    good = difference <= 2 and len(once) == len(plain) and set(once.values()) == {1} and code == second == 0
    return Outcome("two sweeps and three plain workflows mixed", result, good and again.lines[-1].startswith("0 done"))


def beside_a_url(folder: Path) -> Outcome:
    """One worker that Ray places and one ComfyUI that runs already, named by its URL."""
    (folder / "good.json").write_text(json.dumps(slow_prompt(12)))
    with served(folder / "running") as client:
        url = client.url
        code = Queueing(folder, "good.json", "--seeds", "1-12", *RAY, "--workers", "1", "--comfyui-url", url).end()
    lines = results(folder / "out")
    once, shares = done_once(lines), Counter(line["server"] for line in lines if not line["error"])
    named = ", ".join(f"{'the named one' if name == url else name}: {n}" for name, n in sorted(shares.items()))
    result = f"{len(once)} of 12 jobs recorded, each {max(once.values())}x; {named}; exit {code}"
    good = len(once) == 12 and set(once.values()) == {1} and set(shares) == {url, "worker 1"} and code == 0
    return Outcome("one worker of Ray beside a ComfyUI named by its URL", result, good)
