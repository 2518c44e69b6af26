"""`python run.py report ray`: batches on a real Ray, with everything that goes wrong on a cluster done to them.

Writes tests/reports/ray.md. Needs Ray (`--ray` of `queue` says the command that installs it), Linux, and for the worker
with other weights a machine where this user may mount. The suite has no Ray: it tests what the batch rests on.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import io
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ...nodes.sweep.manifest import Manifest
from ...runner import setup
from ...runner import workflow as workflows
from ...runner.client import ComfyClient
from ...runner.pack import ROOT
from ...runner.server import ComfyServer
from ..support.batches import slow_prompt

OUTPUT = ROOT / "tests" / "reports" / "ray.md"
RAY = Path(sys.executable).with_name("ray")
SLIDE = "05-expression-by-place"
SEEDS = "SteerSeeds.text=5, 16, 11, 13"  # three moods x two places x four seeds
JOBS = 12
STEPS = 12  # of the embedded model at 64 x 64, for each of them
LIMIT_S = 900.0


@dataclass(frozen=True)
class Outcome:
    """What a scenario showed, and whether that is what it should."""

    what: str
    told: str
    good: bool


class Queueing:
    """`run.py queue` as a process of its own, its lines as they come."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        command = [sys.executable, str(ROOT / "run.py"), "queue", *arguments]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder, encoding="utf-8"
        )
        self.lines: list[str] = []

    def until(self, word: str, count: int = 1) -> None:
        """Read on until `count` lines began with `word`, or all is over."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if sum(each.startswith(word) for each in self.lines) >= count:
                return

    def end(self) -> int:
        self.until("no line begins so")
        return self.process.wait(LIMIT_S)

    def tail(self) -> str:
        return " / ".join(self.lines[-3:])


def processes(*words: str) -> list[int]:
    """The processes of this machine whose command holds all the words, newest last."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if all(word in command for word in words) and int(path.parent.name) != os.getpid():
                found.append(int(path.parent.name))
    return sorted(found)


def comfyuis() -> list[int]:
    """The ComfyUIs of workers: not their guards, which carry the same command."""
    return [pid for pid in processes("main.py", "steer-worker-") if pid not in processes("guard.py")]


def write_jobs(folder: Path, bad: bool = False) -> list[str]:
    """Files of API prompts: a good one and, with `bad`, one that fails on every worker; their names."""
    (folder / "good.json").write_text(json.dumps(slow_prompt(STEPS)))
    if not bad:
        return ["good.json"]
    failing = slow_prompt(1)
    failing["sixteen"] = {  # channels, which this VAE does not know
        "class_type": "EmptySD3LatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}
    }  # fmt: skip
    failing["d"]["inputs"]["samples"] = ["sixteen", 0]
    (folder / "bad.json").write_text(json.dumps(failing))
    return ["good.json", "bad.json"]


def told_once(out: Path, failed: int = 0) -> tuple[str, bool]:
    """How many jobs of results.jsonl ended well, each once, and how many at last did not."""
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text("utf-8").splitlines()]
    done = Counter(line["key"] for line in lines if not line["error"])
    lost = {line["name"] for line in lines if line["error"] and line["key"] not in done}
    pictures = len(list(out.glob("good*.png")))
    good = len(done) == pictures == JOBS and max(done.values()) == 1 and len(lost) == failed
    names = f", failed: {', '.join(sorted(lost))}" if lost else ""
    return f"{len(done)} of {JOBS} jobs recorded, each {max(done.values())}x, {pictures} pictures{names}", good


def batch(folder: Path, *more: str, bad: bool = False, ray: str = "local") -> Queueing:
    where = ["--ray", ray, "--workers", "2"]
    return Queueing(folder, *write_jobs(folder, bad), *where, "--seeds", f"1-{JOBS}", "--out", "out", *more)


def undisturbed(folder: Path) -> Outcome:
    run = batch(folder)
    code = run.end()
    told, good = told_once(folder / "out")
    again = batch(folder)
    second = again.end()
    good = good and code == second == 0 and any(f"{JOBS} there before" in line for line in again.lines)
    return Outcome("twelve jobs, then the same command again", f"{told}; the second run: {again.lines[-1]}", good)


def disturbed(what: str, disturb: Callable[[], Any], *more: str) -> Callable[[Path], Outcome]:
    def scenario(folder: Path) -> Outcome:
        run = batch(folder, *more)
        run.until("done", 3)
        disturb()
        code = run.end()
        told, good = told_once(folder / "out")
        lost = [line for line in run.lines if line.startswith("lost")]
        return Outcome(what, f"{told}; {len(lost)} lines told of it; exit {code}", good and code == 0 and bool(lost))

    return scenario


def kill(pids: list[int], how: signal.Signals = signal.SIGKILL) -> None:
    os.kill(pids[-1], how)


def driver_killed(folder: Path) -> Outcome:
    run = batch(folder)
    run.until("done", 4)
    run.process.kill()
    run.end()
    limit = time.monotonic() + 60
    while comfyuis() and time.monotonic() < limit:
        time.sleep(0.5)
    left = len(comfyuis())
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "out").glob("*.png")}
    code = batch(folder).end()
    told, good = told_once(folder / "out")
    same = all((folder / "out" / name).stat().st_mtime_ns == when for name, when in before.items())
    what = (
        f"{told}; {len(before)} pictures of the killed run untouched: {same}; ComfyUIs left behind: {left}; exit {code}"
    )
    return Outcome("SIGKILL of the driver, then the same command", what, good and same and not left and code == 0)


def always_failing(folder: Path) -> Outcome:
    run = batch(folder, bad=True)
    code = run.end()
    told, good = told_once(folder / "out", failed=JOBS)
    return Outcome("a second workflow that fails on every worker", f"{told}; exit {code}", good and code == 1)


@contextlib.contextmanager
def cluster(weights: Path) -> Iterator[str]:
    """A head and a second node on this machine; the second sees `weights` where the first sees demo/weights.

    Ray lets a second machine in only with the token of the first.
    """
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    port = "6391"
    address = f"127.0.0.1:{port}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True}
    try:
        subprocess.run([RAY, "start", "--head", f"--port={port}", "--num-cpus=1", "--include-dashboard=false"], **quiet)
        mounted = f'mount --bind "{weights}" "{ROOT}/demo/weights" && "{RAY}" start --address={address} --num-cpus=1'
        subprocess.run(["unshare", "--mount", "bash", "-c", mounted], **quiet)
        yield address
    finally:
        subprocess.run([RAY, "stop", "--force"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        del os.environ["RAY_AUTH_MODE"], os.environ["RAY_AUTH_TOKEN"]


def other_weights(folder: Path) -> Outcome:
    what = "a worker on a node with other weights"
    weights = folder / "weights"
    shutil.copytree(ROOT / "demo" / "weights", weights)
    with (weights / "unet.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    try:
        with cluster(weights) as address:
            run = batch(folder, ray=address)
            code = run.end()
    except (OSError, subprocess.CalledProcessError) as error:
        return Outcome(what, f"not tried, this machine does not let us mount: {error}", False)
    if not (folder / "out" / "results.jsonl").is_file():
        return Outcome(what, f"nothing was begun: {run.tail()}; exit {code}", False)
    told, good = told_once(folder / "out")
    out = [line for line in run.lines if line.startswith("Left out:") and "other weights" in line]
    workers = {json.loads(line)["server"] for line in (folder / "out" / "results.jsonl").read_text().splitlines()}
    good = good and code == 0 and len(out) == 1 and len(workers) == 1
    return Outcome(what, f"{' '.join(out) or 'NOT NOTICED'} {told}, all by {', '.join(workers)}", good)


def cells(folder: Path) -> dict[tuple[str, ...], np.ndarray]:
    manifest = Manifest(folder)
    assert manifest.grid is not None
    found = {}
    for cell in manifest.grid.cells:
        record = manifest.finished(cell.key)
        if record is not None and record.file is not None:
            picture = Image.open(io.BytesIO((folder / record.file).read_bytes())).convert("RGB")
            found[cell.labels] = np.asarray(picture, np.int16)
    return found


def slide(folder: Path) -> Outcome:
    """The whole sweep on one ComfyUI with all cores, then divided over two workers on Ray."""
    (folder / "user").mkdir()
    path = next(path for path in workflows.bundled() if path.stem == SLIDE)
    places = [word for kind in ("output", "user", "temp") for word in (f"--{kind}-directory", str(folder / kind))]
    with ComfyServer(setup.COMFYUI, setup.PYTHON, folder / "log", arguments=["--cpu", *places]) as server:
        client = ComfyClient(server.url, server.check_alive)
        graph = workflows.apply(workflows.read(path), client.get("/object_info"), workflows.Setting.parse(SEEDS))
        started = time.monotonic()
        client.run(workflows.to_prompt(graph, client.get("/object_info")), graph)
        single = time.monotonic() - started
    whole = cells(next((folder / "output" / "sweeps").iterdir()))
    run = Queueing(folder, str(path), "--set", SEEDS, "--ray", "local", "--workers", "2", "--out", "out")
    run.until("05")  # the workers are up
    started = time.monotonic()
    code = run.end()
    divided = time.monotonic() - started
    parts = cells(folder / "out" / SLIDE)
    same = whole.keys() == parts.keys() and len(whole) == 24
    off = max(int(np.abs(whole[key] - parts[key]).max()) for key in whole) if same else 255
    told = (f"{len(parts)} cells, at most {off}/255 off; {single:.0f} s on one ComfyUI with all cores, {divided:.0f} s "
            f"on two workers: {divided / single:.2f}x the time on {os.cpu_count()} cores; exit {code}")  # fmt: skip
    return Outcome(f"{SLIDE} with 24 cells", told, same and off <= 2 and code == 0)


SCENARIOS: dict[str, Callable[[Path], Outcome]] = {
    "slide": slide,
    "undisturbed": undisturbed,
    "comfyui-killed": disturbed("SIGKILL of one worker's ComfyUI", lambda: kill(comfyuis())),
    "worker-killed": disturbed("SIGKILL of one Ray worker", lambda: kill(processes("ray::ComfyWorker"))),
    "comfyui-stopped": disturbed(
        "one worker's ComfyUI stopped (SIGSTOP)", lambda: kill(comfyuis(), signal.SIGSTOP), "--patience", "15"
    ),
    "driver-killed": driver_killed,
    "failing": always_failing,
    "weights": other_weights,
}


def earlier(report: Path) -> dict[str, str]:
    """The rows of an earlier report by what they tell of."""
    lines = report.read_text("utf-8").splitlines() if report.is_file() else []
    found = {line.split("|")[1].strip(): line for line in lines if line.startswith("| ")}
    return {what: line for what, line in found.items() if what != "what"}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report ray", description=__doc__)
    parser.add_argument("--only", nargs="*", choices=list(SCENARIOS), default=list(SCENARIOS))
    parser.add_argument("--out", type=Path, default=OUTPUT)
    options = parser.parse_args(argv)
    import ray  # pyright: ignore[reportMissingImports]

    rows = earlier(options.out)
    outcomes = []
    for name in options.only:
        with tempfile.TemporaryDirectory() as folder:
            started = time.monotonic()
            outcome = SCENARIOS[name](Path(folder))
            seconds = time.monotonic() - started
        outcomes.append(f"| {outcome.what} | {outcome.told} | {seconds:.0f} | {'pass' if outcome.good else 'MISS'} |")
        rows[outcome.what] = outcomes[-1]
        print(outcomes[-1], flush=True)
    text = [
        "# Batches on Ray",
        "",
        f"`{' '.join(['python run.py report ray', *argv])}`, {datetime.date.today()}, Ray {ray.__version__}, torch "
        f"{torch.__version__}, {os.cpu_count()} cores, two workers on this machine, on the CPU.",
        "",
        f"Unless said otherwise: {JOBS} pictures of {STEPS} steps at 64 x 64, and what is done to the batch happens "
        "after the third or fourth of them. Scenarios that `--only` left out are as an earlier run found them.",
        "",
        "| what | what came of it | seconds | |",
        "|---|---|---|---|",
        *rows.values(),
        "",
    ]
    options.out.write_text("\n".join(text), encoding="utf-8")
    return 0 if all(line.endswith("pass |") for line in outcomes) else 1
