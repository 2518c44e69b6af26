"""`python run.py report pick`: is a picture of Early Pick the uninterrupted one? For every sampler of ComfyUI.

Writes tests/reports/pick.md. The embedded model at a small size; pictures alone are stock: RandomNoise and the bare
sampler in SamplerCustomAdvanced. Counts are rows that the network computed, both sides of the guidance.
"""

from __future__ import annotations

import argparse
import datetime
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ....nodes.seeds.choices import COMFYUI
from ....nodes.seeds.noise import make_draws
from ....runner.pack import ROOT
from ...support.comfy_inprocess import InProcessComfy
from ..parts.generator import weights_label
from ..parts.places import output_file
from ..parts.remaining import with_estimate

OUTPUT = ROOT / "tests" / "reports" / "pick.md"
PROMPT = "gorgeous cute Austrian girl, smiling, backstreet"
SIDES = 2


@dataclass(frozen=True)
class Row:
    """One sampler. rows: of the network. equal: pictures that are the stock ones bit for bit, of so many."""

    sampler: str
    rows: int = 0
    whole: int = 0
    equal: int = 0
    count: int = 0
    apart: float = 0.0
    refusal: str = ""

    def __str__(self) -> str:
        if self.refusal:
            return f"| `{self.sampler}` | refused: {self.refusal} | | | |"
        share = f"{100 * self.rows / self.whole:.0f} %"
        exact = f"{self.equal} of {self.count}"
        return f"| `{self.sampler}` | {exact} | {self.apart:.1e} | {self.rows:,} of {self.whole:,} | {share} |"


class Bench:
    """The embedded model with a prompt."""

    def __init__(self, comfy: InProcessComfy, options: argparse.Namespace) -> None:
        self.comfy, self.options = comfy, options
        self.model, clip, self.vae = comfy.call("SteerDemoModel")
        encode = comfy.nodes.NODE_CLASS_MAPPINGS["CLIPTextEncode"]().encode
        (prompt,), (negative,) = encode(clip, PROMPT), encode(clip, "")
        (self.guider,) = comfy.call("CFGGuider", model=self.model, positive=prompt, negative=negative, cfg=5.0)
        self.latent = {"samples": torch.zeros(1, 4, options.size // 8, options.size // 8)}

    def sigmas(self) -> torch.Tensor:
        """The whole schedule, new each time."""
        given = {"model": self.model, "scheduler": "normal", "denoise": 1.0}
        return self.comfy.call("BasicScheduler", steps=self.options.steps, **given)[0]

    @torch.inference_mode()
    def row(self, name: str) -> Row:
        """Measure one sampler."""
        from comfy.samplers import sampler_object

        from ....nodes.seeds.comfy_noise import SeededNoise
        from ....nodes.sweep.pick.comfy_pick import PickJob, _sample, finish, make_early
        from ....nodes.sweep.pick.store import Store
        from ....nodes.sweep.pick.tape import Counter

        noise = SeededNoise(make_draws(range(1, self.options.seeds + 1)), COMFYUI)
        given: dict[str, Any] = {"guider": self.guider, "sigmas": self.sigmas(), "latent": self.latent}
        try:
            job = PickJob(noise, sampler=sampler_object(name), batch=1, steps=self.options.early, **given)
        except ValueError as error:
            return Row(name, refusal=str(error).partition("Covered")[0].strip())
        chosen = list(range(0, self.options.seeds, self.options.seeds // self.options.picked))[: self.options.picked]
        found = finish(job, make_early(job, Store(None, ""), self.vae), chosen)["samples"]
        counter = Counter()
        _sample(job, [0], counter)
        alone = torch.cat([self.alone(name, index + 1) for index in chosen])
        equal = sum(torch.equal(a, b) for a, b in zip(found, alone, strict=True))
        apart = float((found - alone).abs().max() / (alone.max() - alone.min()))
        return Row(name, job.rows, counter.calls * SIDES * self.options.seeds, equal, len(chosen), apart)

    def alone(self, name: str, seed: int) -> torch.Tensor:
        """The stock latent of a seed."""
        from comfy.samplers import sampler_object

        (noise,) = self.comfy.call("RandomNoise", noise_seed=seed)
        given = {"noise": noise, "guider": self.guider, "sampler": sampler_object(name), "sigmas": self.sigmas()}
        return self.comfy.call("SamplerCustomAdvanced", latent_image=self.latent, **given)[0]["samples"]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report pick", description=__doc__)
    parser.add_argument("--seeds", type=int, default=64)
    parser.add_argument("--picked", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--early", type=int, default=3)
    parser.add_argument("--size", type=int, default=64, help="side of the pictures in pixels")
    parser.add_argument("--only", nargs="*", help="these samplers alone")
    parser.add_argument("--out", type=output_file, default=OUTPUT)
    options = parser.parse_args(argv)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(InProcessComfy(Path(folder)), options)
        from comfy.samplers import SAMPLER_NAMES

        rows = []
        for name in with_estimate(options.only or SAMPLER_NAMES):
            rows.append(bench.row(name))
            print(rows[-1], flush=True)
    wrong = [row.sampler for row in rows if not row.refusal and row.equal < row.count]
    text = [
        "# Early Pick against uninterrupted runs",
        "",
        f"`{' '.join(['python run.py report pick', *argv])}`, {datetime.date.today()}, "
        f"{time.monotonic() - started:.0f} s, torch {torch.__version__}, {options.size} x {options.size}, cfg 5, batch "
        f"size 1. Weights: {weights_label(('vae', 'text_encoder', 'unet'))}",
        "",
        f"- {options.seeds} seeds for {options.early} of {options.steps} steps, {options.picked} to the end.",
        f"- Samplers whose pictures are not the stock ones bit for bit: {', '.join(wrong) or 'only those refused'}.",
        "",
        "Rows are those that the network computed, with both sides of the guidance, against all seeds to the end.",
        "",
        "| sampler | bit for bit | largest difference | rows | share |",
        "|---|---|---|---|---|",
        *map(str, rows),
        "",
    ]
    options.out.write_text("\n".join(text), encoding="utf-8")
    print("\n".join(text[4:6]))
    return 1 if wrong else 0
