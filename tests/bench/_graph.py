"""Sweep Graph against the same prompts queued by hand, for the bench of Sweep: two samplers, slow and fast axes."""

from __future__ import annotations

import argparse
import copy
import json
import os
import statistics
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from steer.runner.comfyui.client import ComfyClient

from .seeds import Prompt, memory_mb, node, reset_peak

DENOISE = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
SAME_ORDER, OTHER_ORDER = 1.05, 0.8  # the most that Sweep Graph may take of a hand's time
MEMORY_MB, RESUME_S = 50.0, 5.0
CORE_LOOP, CORE_MATH = "StartLoop", "ComfyMathExpression"  # of ComfyUIs from September 2026 on


def two_samplers(seed: object, denoise: object, options: argparse.Namespace) -> Prompt:
    """A picture and a second pass over it. The seed is the first pass's alone, the denoise the second's."""
    shared = {"cfg": 7.0, "steps": options.steps, "sampler_name": "euler", "scheduler": "normal"}
    texts = {"positive": ["plus", 0], "negative": ["minus", 0], "model": ["model", 0]}
    return {
        "model": node("SteerDemoModel"),
        "latent": node("EmptyLatentImage", width=options.size, height=options.size, batch_size=1),
        "plus": node("CLIPTextEncode", clip=["model", 1], text="girl, smiling, backstreet"),
        "minus": node("CLIPTextEncode", clip=["model", 1], text=""),
        "one": node("KSampler", **shared, **texts, latent_image=["latent", 0], seed=seed, denoise=1.0),
        "two": node("KSampler", **shared, **texts, latent_image=["one", 0], seed=1, denoise=denoise),
        "picture": node("VAEDecode", samples=["two", 0], vae=["model", 2]),
    }


def by_hand(seeds: Sequence[int], folder: str, options: argparse.Namespace, *, slow_inside: bool) -> list[Prompt]:
    pairs = [(seed, denoise) for seed in seeds for denoise in DENOISE]
    if slow_inside:
        pairs = [(seed, denoise) for denoise in DENOISE for seed in seeds]
    save = {"save": node("SaveImage", images=["picture", 0], filename_prefix=f"{folder}/hand")}
    return [two_samplers(seed, denoise, options) | save for seed, denoise in pairs]


def graph_sweep(seeds: Sequence[int], folder: str, options: argparse.Namespace) -> Prompt:
    return two_samplers(["s", 0], ["d", 0], options) | {
        "sa": node("SteerSeeds", text=", ".join(map(str, seeds))),
        "da": node("SteerValueAxis", kind="denoise", text=", ".join(map(str, DENOISE))),
        "s": node("SteerSweepValue", axis=["sa", 1], text="", index=0, part=1),
        "d": node("SteerSweepValue", axis=["da", 0], text="", index=0, part=1),
        "sweep": sweep_node(["picture", 0], folder),
    }


def core_loops(seeds: Sequence[int], folder: str, options: argparse.Namespace) -> Prompt:
    """A loop over the denoise within a loop over the seeds. All pictures are saved when the last one is made."""
    steps = {"expression": f"{DENOISE[0]} + 0.1 * a", "values.a": ["inner", 0]}
    return two_samplers(["outer", 3], ["amount", 0], options) | {
        "seeds": node("SteerSeeds", text=", ".join(map(str, seeds))),
        "outer": node(CORE_LOOP, **{"mode": "List", "mode.list": ["seeds", 0], "cache_iterations": False}),
        "inner": node(
            CORE_LOOP,
            **{"mode": "simple", "mode.num_iterations": len(DENOISE), "cache_iterations": False},
            parent_iteration=["outer", 0],
        ),
        "amount": node(CORE_MATH, **steps),
        "inner end": node("EndLoop", output_value=["picture", 0], accumulate=True),
        "outer end": node("EndLoop", output_value=["inner end", 0], accumulate=True),
        "save": node("SaveImage", images=["outer end", 0], filename_prefix=f"{folder}/loop"),
    }


def sweep_node(images: list[Any], folder: str) -> dict[str, Any]:
    return node("SteerSweepGraph", images=images, folder=folder, max_cells=65536, on_error="stop", cell="")


def noise_sweep(cells: int, folder: str) -> Prompt:
    """Pictures that take milliseconds, so that what is measured is the sweep."""
    return {
        "plain": node("EmptyImage", width=64, height=64, batch_size=1, color=0xC06020),
        "noise": node("ImageAddNoise", image=["plain", 0], seed=["s", 0], strength=0.2),
        "sa": node("SteerSeeds", text=f"1-{cells}"),
        "s": node("SteerSweepValue", axis=["sa", 1], text="", index=0, part=1),
        "sweep": sweep_node(["noise", 0], folder),
    }


def post(client: ComfyClient, prompt: Prompt) -> str:
    body = json.dumps({"prompt": prompt}).encode()
    request = urllib.request.Request(f"{client.url}/prompt", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(json.load(answer)["prompt_id"])


def wait(client: ComfyClient, job: str) -> dict[str, Any]:
    """The entry of a job in the history, when it has ended well."""
    while job not in (found := client.get(f"/history/{job}")):
        time.sleep(0.05)  # rarely: each question takes time from the sampler's threads
    if found[job]["status"]["status_str"] != "success":
        raise RuntimeError(f"A prompt failed: {found[job]['status']['messages'][-1]}")
    return found[job]


def time_hand(client: ComfyClient, prompts: Sequence[Prompt]) -> float:
    started = time.perf_counter()
    jobs = [post(client, prompt) for prompt in prompts]
    wait(client, jobs[-1])
    return time.perf_counter() - started


def time_sweep(client: ComfyClient, prompt: Prompt) -> float:
    """From the one Run to the sheet."""
    started = time.perf_counter()
    entry = wait(client, post(client, prompt))
    jobs = [job for output in entry["outputs"].values() for job in output.get("jobs", ())]
    if jobs:
        wait(client, jobs[-1])
    return time.perf_counter() - started


def compare(client: ComfyClient, options: argparse.Namespace) -> bool:
    """24 cells of two samplers, each method in each round with seeds of its own.

    Asked is the median of the rounds' ratios: a machine that is slower for a minute is so for all of a round.
    """
    ways: dict[str, Callable[[Sequence[int], str], float]] = {
        "24 prompts by hand, the slow axis inside": lambda seeds, folder: time_hand(
            client, by_hand(seeds, folder, options, slow_inside=True)
        ),
        "24 prompts by hand, the slow axis outside": lambda seeds, folder: time_hand(
            client, by_hand(seeds, folder, options, slow_inside=False)
        ),
        "Sweep Graph": lambda seeds, folder: time_sweep(client, graph_sweep(seeds, folder, options)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(options.rounds + 1):
        for place, (name, run) in enumerate(ways.items()):
            first = 1000 * place + 4 * number
            took = run(range(first, first + 4), f"two-{place}-{number}")
            if number:
                seconds[name].append(took)
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    own = medians["Sweep Graph"]
    print(f"\nTwo samplers, 24 cells of {options.size}x{options.size}, {options.steps} steps each")
    for name, took in medians.items():
        print(f"{name:46}{took:8.2f} s")
    other, same = (
        statistics.median(mine / hand for mine, hand in zip(seconds["Sweep Graph"], seconds[name], strict=True))
        for name in list(ways)[:2]
    )
    print(f"Sweep Graph against the same order: {same:.3f}x (at most {SAME_ORDER}x)")
    print(f"Sweep Graph against the other order: {other:.3f}x (below {OTHER_ORDER}x)")
    print(compare_with_loops(client, options, own))
    return same <= SAME_ORDER and other < OTHER_ORDER


def compare_with_loops(client: ComfyClient, options: argparse.Namespace, own: float) -> str:
    """The row of ComfyUI's own loop nodes, or why there is none. own: seconds of Sweep Graph."""
    if not {CORE_LOOP, CORE_MATH} <= set(client.get("/object_info")):
        return "This ComfyUI has no loop nodes of its own: not compared."
    seconds = []
    try:
        for number in range(options.rounds):
            seeds = range(5000 + 4 * number, 5004 + 4 * number)
            seconds.append(time_hand(client, [core_loops(seeds, f"two-loops-{number}", options)]))
    except (urllib.error.HTTPError, RuntimeError) as error:
        return f"ComfyUI's own loop nodes refuse the graph: {error}"
    took = statistics.median(seconds)
    return f"ComfyUI's own loop nodes: {took:.2f} s; Sweep Graph takes {own / took:.3f}x of it"


def scale(servers: Callable[[Path], Any], folder: Path, cells: int) -> bool:
    """Memory and time over many cells, beside the same jobs queued by hand on a fresh server."""
    with servers(folder / "sweep") as (client, pid, output):
        own = _grow(pid, output / "scale", cells, lambda: time_sweep(client, noise_sweep(cells, "scale")))
        started = time.perf_counter()
        wait(client, post(client, noise_sweep(cells, "scale")))
        shown = time.perf_counter() - started
        min((output / "scale").glob("*.png")).unlink()
        started = time.perf_counter()
        entry = wait(client, post(client, noise_sweep(cells, "scale")))
        again = time.perf_counter() - started
        wait(client, next(o["jobs"][-1] for o in entry["outputs"].values() if "jobs" in o))
        history = client.get("/history")
        jobs = [entry["prompt"][2] for entry in history.values() if "plain" in entry["prompt"][2]]
    prompts = [_by_hand(job) for job in jobs if "noise" in job and "sa" not in job]
    with servers(folder / "hand") as (client, pid, output):
        hand = _grow(pid, output / "scale", cells, lambda: time_hand(client, prompts))
    growth = own["growth"] - hand["growth"]
    print(
        f"\n{cells} cells of 64 x 64 without a model. Memory from cell 50 on: Sweep Graph {own['growth']:+.0f} MB, "
        f"the same jobs by hand {hand['growth']:+.0f} MB, so {growth:+.0f} MB beside the history (at most "
        f"{MEMORY_MB:.0f}).\n"
        f"A cell takes {1000 * own['early']:.1f} ms at the beginning and {1000 * own['late']:.1f} ms at the end; by "
        f"hand {1000 * hand['early']:.1f} and {1000 * hand['late']:.1f} ms.\n"
        f"A Run that finds all of {cells} done shows their sheet after {shown:.2f} s; one that finds all but one done "
        f"queues that one after {again:.2f} s (at most {RESUME_S:.0f})."
    )
    return growth <= MEMORY_MB and max(again, shown) <= RESUME_S


def _by_hand(job: Prompt) -> Prompt:
    prompt = copy.deepcopy(job)
    del prompt["sweep"]
    return prompt | {"save": node("SaveImage", images=["noise", 0], filename_prefix="scale/cell")}


def _count(folder: Path) -> int:
    return sum(name.endswith(".png") for name in os.listdir(folder)) if folder.is_dir() else 0


def _grow(pid: int, folder: Path, cells: int, run: Callable[[], float]) -> dict[str, float]:
    """Run; memory (MB) from the 50th picture to the end, and seconds a cell in the first and the last tenth."""
    times: dict[int, float] = {}
    sizes: dict[int, float] = {}
    over = threading.Event()
    marks = (50, 50 + cells // 10, cells - cells // 10, cells)

    def watch() -> None:
        for count in marks:
            while not over.is_set() and _count(folder) < count:
                time.sleep(0.05)
            times[count], sizes[count] = time.perf_counter(), memory_mb(pid, "VmRSS")

    reset_peak(pid)
    watcher = threading.Thread(target=watch)
    watcher.start()
    run()
    over.set()
    watcher.join()
    tenth = cells // 10
    return {
        "growth": sizes[marks[3]] - sizes[marks[0]],
        "early": (times[marks[1]] - times[marks[0]]) / tenth,
        "late": (times[marks[3]] - times[marks[2]]) / tenth,
    }
