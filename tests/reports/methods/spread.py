"""`python run.py report spread`: what Seed Spread does to the embedded model, over its strength.

Writes tests/reports/spread.md. Pictures of several prompts and seeds at each strength, with the number that Measure
Spread gives and how often the judges see what the prompt names. Asked at the default strength: 1.3 times the spread,
and at most 2 points less following. Beside it stands the spread of drawn scenes of the same words.
"""

from __future__ import annotations

import argparse
import datetime
import tempfile
import time
from collections import defaultdict
from itertools import product
from pathlib import Path
from typing import Any

import torch

from ....demo.judges import network
from ....demo.scenes import HELD_OUT, render
from ....nodes.seeds.choices import COMFYUI
from ....nodes.seeds.noise import make_draws
from ....nodes.seeds.spread import measure_spread
from ....runner.pack import ROOT
from ...support.comfy_inprocess import InProcessComfy
from ..parts.generator import Generator, share, tensor, weights_label
from ..parts.places import output_file
from ..parts.remaining import with_estimate
from ..parts.rows import make_prompt

OUTPUT = ROOT / "tests" / "reports" / "spread.md"
STRENGTHS = (0.0, 2.0, 4.0, 8.0)
WIDER, LESS = 1.3, 2.0
BATCH = 8


class Bench:
    """The embedded model with the sampler of a setting, and the judges."""

    def __init__(self, comfy: InProcessComfy, steps: int, spread_steps: int, cfg: float) -> None:
        from comfy.samplers import sampler_object

        self.comfy, self.steps, self.spread_steps, self.cfg = comfy, steps, spread_steps, cfg
        self.generator, (self.judges, _) = Generator(comfy), network.load()
        self.sampler = sampler_object("euler")
        model = self.generator.model
        (self.sigmas,) = comfy.call("BasicScheduler", model=model, scheduler="normal", steps=steps, denoise=1.0)

    @torch.inference_mode()
    def latents(self, prompt: str, seeds: range, strength: float) -> torch.Tensor:
        """Finished latents [B, 4, 32, 32] of a prompt."""
        from ....nodes.seeds.comfy_noise import SeededNoise

        noise = SeededNoise(make_draws(seeds), COMFYUI)
        positive, _ = self.comfy.call(
            "SteerSeedSpread",
            conditioning=self.generator.encode(prompt),
            noise=noise,
            sigmas=self.sigmas,
            model=self.generator.model,
            strength=strength,
            steps=self.spread_steps,
        )
        (guider,) = self.comfy.call(
            "CFGGuider", model=self.generator.model, positive=positive, negative=self.generator.negative, cfg=self.cfg
        )
        latent = {"samples": torch.zeros(len(seeds), 4, 32, 32)}
        given = {"noise": noise, "guider": guider, "sampler": self.sampler, "sigmas": self.sigmas}
        return self.comfy.call("SamplerCustomAdvanced", latent_image=latent, **given)[0]["samples"]

    @torch.inference_mode()
    def measure(self, number: int, seeds: int, strength: float) -> tuple[float, float, list[bool]]:
        """Spread of latents and pictures, and for each attribute of each picture whether it is there."""
        prompt, attributes = make_prompt(number)
        parts = [range(first, min(first + BATCH, seeds)) for first in range(0, seeds, BATCH)]
        latents = torch.cat([self.latents(prompt, part, strength) for part in parts])
        pictures = torch.cat([self.generator.vae.decode(latent[None]) for latent in latents])
        of_latents, of_pictures, _ = self.comfy.call(
            "SteerMeasureSpread", latent=[{"samples": latents}], images=[pictures]
        )
        verdict = network.judge(self.judges, pictures.movedim(-1, 1))
        right = [each for name, value in attributes.items() for each in verdict.right(name, [value] * seeds)]
        return of_latents, of_pictures, right


def spread_of_drawings(number: int, seeds: int) -> float:
    """The spread of held-out scenes with the attributes of a prompt: what seeds could differ by."""
    from ....nodes.seeds.comfy_spread import join_images

    attributes: dict[str, Any] = dict(make_prompt(number)[1])
    kind = "savanna" if "count" in attributes else "portrait"
    scenes = (render(HELD_OUT + 1000 * number + i, kind=kind, **attributes) for i in range(seeds))
    return measure_spread(join_images([tensor(scene.image).movedim(1, -1) for scene in scenes])).share


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report spread", description=__doc__)
    parser.add_argument("--seeds", type=int, default=64)
    parser.add_argument("--prompts", type=int, default=10)
    parser.add_argument("--steps", type=int, nargs="+", default=[20, 4], help="one table for each")
    parser.add_argument("--spread-steps", type=int, default=1)
    parser.add_argument("--cfg", type=float, default=5.0)
    parser.add_argument("--strengths", type=float, nargs="+", default=STRENGTHS)
    parser.add_argument("--out", type=output_file, default=OUTPUT)
    options = parser.parse_args(argv)
    started, lines = time.monotonic(), []
    with tempfile.TemporaryDirectory() as folder:
        comfy = InProcessComfy(Path(folder))
        default = next(
            slot.default
            for slot in comfy.nodes.NODE_CLASS_MAPPINGS["SteerSeedSpread"].GET_SCHEMA().inputs
            if slot.id == "strength"
        )
        drawn = sum(spread_of_drawings(number, options.seeds) for number in range(options.prompts)) / options.prompts
        for steps in options.steps:
            lines += table(Bench(comfy, steps, options.spread_steps, options.cfg), options, default, drawn)
    text = [
        "# Seed Spread on the embedded model",
        "",
        f"`{' '.join(['python run.py report spread', *argv])}`, {datetime.date.today()}, "
        f"{time.monotonic() - started:.0f} s, 256 x 256, euler normal, cfg {options.cfg:g}, {options.prompts} prompts "
        f"of {options.seeds} seeds each, noise in the first {options.spread_steps} step(s). Weights: "
        f"{weights_label(('vae', 'text_encoder', 'unet'))}",
        "",
        "Spread is that of Measure Spread, mean of the prompts: 0 all equal, 1 as different as noise.",
        "",
        *lines,
    ]
    options.out.write_text("\n".join(text), encoding="utf-8")
    return 0


def table(bench: Bench, options: argparse.Namespace, default: float, drawn: float) -> list[str]:
    """The table of a number of steps, with the verdict on the default strength. drawn: the spread of drawn scenes."""
    found: dict[float, dict[str, Any]] = defaultdict(lambda: {"latents": [], "pictures": [], "right": []})
    for number, strength in with_estimate(product(range(options.prompts), options.strengths)):
        latents, pictures, right = bench.measure(number, options.seeds, strength)
        row = found[strength]
        row["latents"].append(latents)
        row["pictures"].append(pictures)
        row["right"] += right
        print(bench.steps, number, strength, f"{latents:.3f} {pictures:.3f} {share(right):.1f}", flush=True)
    means = {
        strength: (*(sum(row[name]) / len(row[name]) for name in ("latents", "pictures")), share(row["right"]))
        for strength, row in found.items()
    }
    lines = [
        f"## {bench.steps} steps",
        "",
        "| strength | spread of latents | of pictures | against strength 0 | prompts followed |",
        "|---|---|---|---|---|",
    ]
    base = means[0.0]
    for strength, (latents, pictures, right) in means.items():
        ratio = f"{latents / base[0]:.2f} x, {pictures / base[1]:.2f} x"
        lines.append(f"| {strength:g} | {latents:.3f} | {pictures:.3f} | {ratio} | {right:.1f} % |")
    lines.append(f"| drawn scenes of the same words | | {drawn:.3f} | {drawn / base[1]:.2f} x | |")
    if default in means:
        _, pictures, right = means[default]
        wider, less = pictures / base[1], base[2] - right
        verdict = "pass" if wider >= WIDER and less <= LESS else "MISS"
        lines += ["", f"Default strength {default:g}: {wider:.2f} x the spread of pictures (asked: {WIDER:g}), "]
        lines[-1] += (
            f"{abs(less):.1f} points {'less' if less > 0 else 'more'} following (asked: at most {LESS:g} less). "
        )
        lines[-1] += verdict
    return [*lines, ""]
