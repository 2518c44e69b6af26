"""`python run.py report ray`: batches on a real Ray, while everything that can go wrong on a cluster does.

Writes tests/reports/ray.md. Needs Ray (`--ray` of `queue` says the command that installs it), Linux, and for the worker
with other weights a machine where this user may mount. The suite runs without Ray: it tests the parts of a batch.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from ...runner.pack import ROOT
from ..support.batches import slow_prompt
from .parts.places import output_file
from .parts.ray_batch import Outcome, Queueing, comfyuis, done_once, kill, processes, results, wait_for_none
from .parts.ray_sweeps import beside_a_url, disturbed_sweep, mixed, slide

OUTPUT = ROOT / "tests" / "reports" / "ray.md"
RAY = Path(sys.executable).with_name("ray")
JOBS = 12
STEPS = 12  # of the embedded model at 64 x 64, for each of them


def write_jobs(folder: Path, bad: bool = False) -> list[str]:
    """Files of API prompts: a good one and, with `bad`, one that fails on every worker; their names."""
    (folder / "good.json").write_text(json.dumps(slow_prompt(STEPS)))
    if not bad:
        return ["good.json"]
    failing = slow_prompt(1)
    failing["sixteen"] = {  # channels, which this VAE does not know
        "class_type": "EmptySD3LatentImage",
        "inputs": {"width": 64, "height": 64, "batch_size": 1},
    }
    failing["d"]["inputs"]["samples"] = ["sixteen", 0]
    (folder / "bad.json").write_text(json.dumps(failing))
    return ["good.json", "bad.json"]


def count_results(out: Path, failed: int = 0) -> tuple[str, bool]:
    """How many jobs of results.jsonl ended well, and whether each did so once and `failed` of them did not."""
    lines = results(out)
    done = done_once(lines)
    lost = {line["name"] for line in lines if line["error"] and line["key"] not in done}
    pictures = len(list(out.glob("good*.png")))
    good = len(done) == pictures == JOBS and max(done.values()) == 1 and len(lost) == failed
    names = f", failed: {', '.join(sorted(lost))}" if lost else ""
    return f"{len(done)} of {JOBS} jobs recorded, each {max(done.values())}x, {pictures} pictures{names}", good


def batch(folder: Path, *more: str, bad: bool = False, ray: str = "local") -> Queueing:
    """Start a batch of JOBS seeds on two workers."""
    where = ["--ray", ray, "--workers", "2"]
    return Queueing(folder, *write_jobs(folder, bad), *where, "--seeds", f"1-{JOBS}", "--out", "out", *more)


def undisturbed(folder: Path) -> Outcome:
    """A batch, then the same command again."""
    run = batch(folder)
    code = run.end()
    result, good = count_results(folder / "out")
    again = batch(folder)
    second = again.end()
    good = good and code == second == 0 and any(f"{JOBS} there before" in line for line in again.lines)
    return Outcome("twelve jobs, then the same command again", f"{result}; the second run: {again.lines[-1]}", good)


def disturbed(what: str, disturb: Callable[[], Any], *more: str) -> Callable[[Path], Outcome]:
    """A scenario: a batch that is disturbed after its third job."""

    def scenario(folder: Path) -> Outcome:
        run = batch(folder, *more)
        run.until("done", 3)
        disturb()
        code = run.end()
        result, good = count_results(folder / "out")
        lost = [line for line in run.lines if line.startswith("lost")]
        return Outcome(what, f"{result}; {len(lost)} lines about it; exit {code}", good and code == 0 and bool(lost))

    return scenario


def driver_killed(folder: Path) -> Outcome:
    """The driver is killed; the same command then makes what is missing."""
    run = batch(folder)
    run.until("done", 4)
    run.process.kill()
    run.end()
    left = wait_for_none()
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "out").glob("*.png")}
    code = batch(folder).end()
    result, good = count_results(folder / "out")
    same = all((folder / "out" / name).stat().st_mtime_ns == when for name, when in before.items())
    untouched = f"{len(before)} pictures of the killed run untouched: {same}"
    result = f"{result}; {untouched}; ComfyUIs left behind: {left}; exit {code}"
    return Outcome("SIGKILL of the driver, then the same command", result, good and same and not left and code == 0)


def always_failing(folder: Path) -> Outcome:
    """One of two workflows fails on every worker; the other is still made."""
    run = batch(folder, bad=True)
    code = run.end()
    result, good = count_results(folder / "out", failed=JOBS)
    return Outcome("a second workflow that fails on every worker", f"{result}; exit {code}", good and code == 1)


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
    """A worker whose weights differ is left out."""
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
    result, good = count_results(folder / "out")
    out = [line for line in run.lines if line.startswith("Left out:") and "other weights" in line]
    workers = {line["server"] for line in results(folder / "out")}
    good = good and code == 0 and len(out) == 1 and len(workers) == 1
    return Outcome(what, f"{' '.join(out) or 'NOT NOTICED'} {result}, all by {', '.join(workers)}", good)


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
    "sweep-disturbed": disturbed_sweep,
    "mixed": mixed,
    "beside-a-url": beside_a_url,
}


def earlier(report: Path) -> dict[str, str]:
    """The rows of an earlier report, each by its scenario."""
    lines = report.read_text("utf-8").splitlines() if report.is_file() else []
    found = {line.split("|")[1].strip(): line for line in lines if line.startswith("| ")}
    return {what: line for what, line in found.items() if what != "what"}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report ray", description=__doc__)
    parser.add_argument("--only", nargs="*", choices=list(SCENARIOS), default=list(SCENARIOS))
    parser.add_argument("--out", type=output_file, default=OUTPUT)
    options = parser.parse_args(argv)
    import ray  # type: ignore

    rows, today = earlier(options.out), datetime.date.today()
    outcomes = []
    for name in options.only:
        with tempfile.TemporaryDirectory() as folder:
            started = time.monotonic()
            outcome = SCENARIOS[name](Path(folder))
            seconds = time.monotonic() - started
        cells = (outcome.scenario, outcome.result, f"{seconds:.0f}", str(today), "pass" if outcome.good else "MISS")
        outcomes.append(f"| {' | '.join(cells)} |")
        rows[outcome.scenario] = outcomes[-1]
        print(outcomes[-1], flush=True)
    text = [
        "# Batches on Ray",
        "",
        f"`python run.py report ray`, Ray {ray.__version__}, torch {torch.__version__}, {os.cpu_count()} cores, two "
        "workers on this machine, on the CPU. Each row has its own date: `--only` measures some and keeps the others.",
        "",
        f"Unless said otherwise: {JOBS} pictures of {STEPS} steps at 64 x 64, and what is done to the batch happens "
        "after the third or fourth of them.",
        "",
        "| what | what came of it | seconds | date | |",
        "|---|---|---|---|---|",
        *rows.values(),
        "",
    ]
    options.out.write_text("\n".join(text), encoding="utf-8")
    return 0 if all(line.endswith("pass |") for line in outcomes) else 1
