"""A Sweep against the same cells as separately queued stock prompts and as a grid of list outputs of stock nodes.

All on one ComfyUI server with the same model, prompts, steps and seeds; the pictures are compared. Every method is
measured in every round with seeds and a folder of its own, so that nothing comes from a cache. The first picture counts
when its file is there. Memory is what the server's peak rises above its size before the run (Linux only). At the end a
large sweep of small cells: memory after its 50th cell and after its sheet, and the time of a run that finds all but one
done (with all of them there ComfyUI's cache would answer, not the Sweep). Then Sweep Graph: two samplers against the
same prompts queued by hand, and a large sweep of pictures that need no model, against the same jobs by hand.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from steer.runner import setup
from steer.runner.comfyui.client import ComfyClient
from steer.runner.comfyui.process import ComfyServer, has_gpu

from . import _graph
from .seeds import Prompt, memory_mb, node, reset_peak, run_all

MOODS = ("smiling", "angry", "laughing")
PROMPT = "gorgeous cute Austrian girl, {}, crop top, Steel gray hair, backstreet"
LIMIT = 1.0  # of the stock prompts' time on a CPU
SCALE_LIMIT_MB, RESUME_LIMIT_S = 200.0, 5.0


@dataclass
class Method:
    """One way to make the grid, and what was measured of it."""

    name: str
    prompts: Callable[[range, str, argparse.Namespace], list[Prompt]]
    seconds: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)


def models(size: int) -> Prompt:
    return {
        "model": node("SteerDemoModel"),
        "latent": node("EmptyLatentImage", width=size, height=size, batch_size=1),
        "negative": node("CLIPTextEncode", clip=["model", 1], text=""),
    }


def branch(mood: str, seed: object, folder: str, options: argparse.Namespace) -> Prompt:
    """One mood made and saved by stock nodes. seed: one, or a link to a list."""
    return {
        f"text {mood}": node("CLIPTextEncode", clip=["model", 1], text=PROMPT.format(mood)),
        f"sample {mood}": node(
            "KSampler",
            model=["model", 0],
            positive=[f"text {mood}", 0],
            negative=["negative", 0],
            seed=seed,
            cfg=7.0,
            steps=options.steps,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
            latent_image=["latent", 0],
        ),
        f"decode {mood}": node("VAEDecode", samples=[f"sample {mood}", 0], vae=["model", 2]),
        f"save {mood}": node("SaveImage", images=[f"decode {mood}", 0], filename_prefix=f"{folder}/{mood}"),
    }


def stock(seeds: range, folder: str, options: argparse.Namespace) -> list[Prompt]:
    return [models(options.size) | branch(mood, seed, folder, options) for mood in MOODS for seed in seeds]


def listed(seeds: range, folder: str, options: argparse.Namespace) -> list[Prompt]:
    prompt = models(options.size) | {"seeds": node("SteerSeeds", text=f"{seeds[0]}-{seeds[-1]}")}
    for mood in MOODS:
        prompt |= branch(mood, ["seeds", 0], folder, options)
    return [prompt]


def sweep(seeds: range, folder: str, options: argparse.Namespace) -> list[Prompt]:
    return [
        models(options.size)
        | {
            "moods": node(
                "SteerPromptSwap",
                prompt=PROMPT.format(MOODS[0]),
                find=MOODS[0],
                swaps="\n".join(MOODS[1:]),
                include_original=True,
                whole_words=True,
                match_case=False,
            ),
            "seeds": node("SteerSeeds", text=f"{seeds[0]}-{seeds[-1]}"),
            "sweep": node(
                "SteerSweep",
                model=["model", 0],
                clip=["model", 1],
                vae=["model", 2],
                latent=["latent", 0],
                positive=PROMPT.format(MOODS[0]),
                negative="",
                seed=0,
                steps=options.steps,
                cfg=7.0,
                sampler_name="euler",
                scheduler="normal",
                denoise=1.0,
                batch_size=0,
                max_cells=65536,
                folder=folder,
                on_error="stop",
                axis_1=["moods", 1],
                axis_2=["seeds", 1],
            ),
        }
    ]


def run(client: ComfyClient, prompts: list[Prompt], folder: Path, count: int = 1) -> tuple[float, float]:
    """Seconds until all prompts are done, and until `count` pictures are in the folder."""
    arrived: list[float] = []
    over = threading.Event()
    started = time.perf_counter()

    def watch() -> None:
        while not over.wait(0.01):
            if sum(1 for _ in folder.glob("*.png")) >= count:
                arrived.append(time.perf_counter() - started)
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        seconds, _ = run_all(client, prompts)
    finally:
        over.set()
        watcher.join()
    return seconds, arrived[0] if arrived else seconds


def grid(folder: Path) -> list[np.ndarray]:
    """The pictures of each mood in the order of the seeds."""
    found: list[np.ndarray] = []
    for mood in MOODS:
        files = sorted(folder.glob(f"{mood}*.png"), key=lambda path: path.stat().st_mtime_ns)
        for path in files:
            with Image.open(path) as image:
                found.append(np.asarray(image.convert("RGB")).astype(int))
    return found


def measure(client: ComfyClient, pid: int, output: Path, methods: list[Method], options: argparse.Namespace) -> int:
    """Fills in the methods; the largest difference of any picture from its stock twin, in 1/255."""
    worst = 0
    for number in range(options.rounds + 1):
        seeds = range(1 + number * options.seeds, 1 + (number + 1) * options.seeds)
        expected: list[np.ndarray] = []
        for method in methods:
            folder = f"{method.prompts.__name__}-{number}"
            before = reset_peak(pid)
            seconds, first = run(client, method.prompts(seeds, folder, options), output / folder)
            pictures = grid(output / folder)
            expected = expected or pictures
            worst = max(worst, *(int(np.abs(a - b).max()) for a, b in zip(pictures, expected, strict=True)))
            if number:  # the first round loads the model and does not count
                method.seconds.append(seconds)
                method.first.append(first)
                method.peak_mb.append(memory_mb(pid, "VmHWM") - before)
    return worst


def scale(client: ComfyClient, pid: int, output: Path, options: argparse.Namespace) -> bool:
    """A large sweep: does its memory stay, its sheet included, and is a run over finished cells quick?"""
    small = argparse.Namespace(size=64, steps=1)
    seeds = range(1, 1 + -(-options.cells // len(MOODS)))
    prompts = sweep(seeds, "scale", small)
    cells = len(seeds) * len(MOODS)
    sizes: dict[int, float] = {}
    over = threading.Event()

    def watch() -> None:
        """Memory when the 50th cell is there, and the last."""
        for count in (50, cells):
            while not over.wait(0.02):
                if sum(1 for _ in (output / "scale").glob("*.png")) >= count:
                    sizes[count] = memory_mb(pid, "VmRSS")
                    break

    watcher = threading.Thread(target=watch)
    watcher.start()
    seconds, _ = run(client, prompts, output / "scale")
    over.set()
    watcher.join()
    sheet = memory_mb(pid, "VmRSS") - sizes[50]
    growth = sizes[cells] - sizes[50]
    lost = min((output / "scale").glob("*.png"))
    lost.unlink()
    again, _ = run(client, prompts, output / "scale")
    assert lost.is_file(), "the Sweep did not run again"
    count = sum(1 for _ in (output / "scale").glob("*.png"))
    print(
        f"\n{count} cells of 64 x 64, 1 step: {seconds:.1f} s. Memory after the last against after cell 50: "
        f"{growth:+.0f} MB, with the sheet of all of them, which comes then: {sheet:+.0f} MB "
        f"(at most {SCALE_LIMIT_MB:.0f}). A run that finds all but one done: {again:.2f} s "
        f"(at most {RESUME_LIMIT_S:.0f})."
    )
    return max(growth, sheet) <= SCALE_LIMIT_MB and again <= RESUME_LIMIT_S


def measure_graph(client: ComfyClient, folder: Path, gpu: bool, options: argparse.Namespace) -> bool:
    """Sweep Graph: its time against prompts by hand, and its memory, each on a server of its own."""

    @contextmanager
    def servers(home: Path) -> Iterator[tuple[ComfyClient, int, Path]]:
        home.mkdir()
        arguments = ["--output-directory", str(home), "--temp-directory", str(home), *([] if gpu else ["--cpu"])]
        with ComfyServer(setup.COMFYUI, setup.PYTHON, home / "comfyui.log", arguments=arguments) as server:
            assert server.process is not None
            yield ComfyClient(server.url, server.check_alive), server.process.pid, home

    passed = _graph.compare(client, options)
    return (not options.cells or _graph.scale(servers, folder, options.cells)) and passed


def report(methods: list[Method], cells: int, worst: int, gpu: bool) -> bool:
    base = statistics.median(methods[0].seconds)
    print(f"\n{'':38}seconds  time against stock  first picture  memory of the run")
    for method in methods:
        seconds, first, peak = (statistics.median(part) for part in (method.seconds, method.first, method.peak_mb))
        print(f"{method.name:38}{seconds:7.2f}  {seconds / base:17.3f}x  {first:11.2f} s  {peak:14.0f} MB")
    ratio = statistics.median(methods[-1].seconds) / base
    print(f"\nLargest difference of {cells} pictures from the stock ones: {worst}/255 (2 allowed)")
    passed = worst <= 2
    if not gpu:
        print(f"On the CPU, the Sweep against stock prompts: {ratio:.3f}x (at most {LIMIT}x)")
        passed = passed and ratio <= LIMIT and worst == 0
    return passed


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py bench sweep", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--size", type=int, default=256, help="side of the pictures in pixels")
    parser.add_argument("--seeds", type=int, default=8, help=f"cells are this many times {len(MOODS)} moods")
    parser.add_argument("--cells", type=int, default=1000, help="of the large sweeps; 0 leaves them out")
    parser.add_argument("--graph-only", action="store_true", help="Sweep Graph alone")
    options = parser.parse_args(argv)
    gpu = has_gpu(setup.PYTHON)
    setup.link_into(setup.COMFYUI)
    cells = options.seeds * len(MOODS)
    methods = [
        Method(f"{cells} queued stock prompts", stock),
        Method("list outputs of stock nodes", listed),
        Method("Sweep", sweep),
    ]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder)
        arguments = ["--output-directory", folder, "--temp-directory", folder, *([] if gpu else ["--cpu"])]
        with ComfyServer(setup.COMFYUI, setup.PYTHON, output / "comfyui.log", arguments=arguments) as server:
            assert server.process is not None
            client = ComfyClient(server.url, server.check_alive)
            if options.graph_only:
                return 0 if measure_graph(client, output, gpu, options) else 1
            print(
                f"{cells} cells {options.size}x{options.size}, euler, {options.steps} steps, on the "
                f"{'GPU' if gpu else 'CPU'}; median of {options.rounds} alternating rounds"
            )
            worst = measure(client, server.process.pid, output, methods, options)
            passed = report(methods, cells, worst, gpu)
            if options.cells:
                passed = scale(client, server.process.pid, output, options) and passed
            passed = measure_graph(client, output, gpu, options) and passed
    print("passed" if passed else "FAILED")
    return 0 if passed else 1
