"""Early Pick with a few of many seeds against all of them to the end, in one process, and the ratio of the times.

Both begin at the same noise. The time of Early Pick has in it: the first steps of every seed, their previews by the
VAE, the numbered sheet, what is kept on disk, and the chosen ones to the end. The other makes and decodes every seed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch
from steer.nodes.seeds.choices import COMFYUI
from steer.nodes.seeds.noise import make_draws
from steer.tests.reports.methods.pick import Bench
from steer.tests.support.comfy_inprocess import InProcessComfy

LIMIT = 0.3  # of the time of all seeds to the end, with 64 seeds for 3 of 20 steps and 4 of them to the end


@torch.inference_mode()
def time_picking(bench: Bench, name: str, options: argparse.Namespace, folder: Path) -> float:
    """Seconds of both runs of Early Pick."""
    from comfy.samplers import sampler_object
    from steer.nodes.seeds.comfy_noise import SeededNoise
    from steer.nodes.sweep.pick.comfy_pick import PickJob, finish, make_early
    from steer.nodes.sweep.pick.sheet import draw_sheet
    from steer.nodes.sweep.pick.store import Store

    started = time.perf_counter()
    noise = SeededNoise(make_draws(range(1, options.seeds + 1)), COMFYUI)
    given = {"sampler": sampler_object(name), "sigmas": bench.sigmas(), "latent": bench.latent}
    for run in ("shows", "finishes"):
        job = PickJob(noise, bench.guider, steps=options.early, batch=options.batch, **given)
        store = Store(folder, "run")
        early = make_early(job, store, bench.vae)
        chosen = list(range(options.picked)) if run == "finishes" else []
        draw_sheet(early, [draw.label for draw in job.draws], chosen, 128)
    for latent in finish(job, early, chosen)["samples"]:
        bench.vae.decode(latent[None])
    return time.perf_counter() - started


@torch.inference_mode()
def time_all(bench: Bench, name: str, options: argparse.Namespace) -> float:
    """Seconds of every seed to the end, decoded."""
    started = time.perf_counter()
    for seed in range(1, options.seeds + 1):
        bench.vae.decode(bench.alone(name, seed))
    return time.perf_counter() - started


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py bench pick", description=__doc__)
    parser.add_argument("--seeds", type=int, default=64)
    parser.add_argument("--picked", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--early", type=int, default=3)
    parser.add_argument("--size", type=int, default=256, help="side of the pictures in pixels")
    parser.add_argument("--sampler", default="dpmpp_2m")
    parser.add_argument("--batch", type=int, default=4, help="batch_size of Early Pick; the others are made one by one")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(InProcessComfy(Path(folder) / "comfy"), options)
        bench.alone(options.sampler, 1)  # the weights are in place before the clock runs
        picking = time_picking(bench, options.sampler, options, Path(folder) / "kept")
        whole = time_all(bench, options.sampler, options)
    ratio = picking / whole
    steps = options.seeds * options.early + options.picked * (options.steps - options.early)
    print(
        f"{options.seeds} seeds, {options.early} of {options.steps} steps, {options.picked} to the end, {options.size} "
        f"x {options.size}, {options.sampler}, batches of {options.batch}: {picking:.1f} s against {whole:.1f} s, "
        f"ratio {ratio:.2f} (at most {LIMIT:g}); steps of pictures {steps:,} against {options.seeds * options.steps:,}"
    )
    return 0 if ratio <= LIMIT else 1
