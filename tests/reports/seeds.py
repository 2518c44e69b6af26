"""`python run.py report seeds`: is a batch of eight seeds eight single runs? For every sampler of ComfyUI, full size.

Writes tests/reports/seeds.md. Single runs are stock: RandomNoise and the bare sampler in SamplerCustomAdvanced.
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

from ...nodes.seeds.noise import make_draws
from ...nodes.seeds.rng import COMFYUI
from ...runner.pack import ROOT
from ..support.comfy_inprocess import InProcessComfy
from .parts.generator import weights_label
from .parts.places import output_file

SEEDS = (1, 2, 3, 5, 8, 13, 2**32, 2**64 - 2)  # ddim adds one to its seed
PROMPT = "gorgeous cute Austrian girl, smiling, crop top, Steel gray hair, backstreet"
ALLOWED = 2.0 / 255.0
NUDGE = 1e-6  # about what kernels of another batch size round differently
OUTPUT = ROOT / "tests" / "reports" / "seeds.md"


SENSITIVE = "not within 2/255, and cannot be: a single run alone moves by"


class Nudged:
    """A NOISE, every value of it off by NUDGE times a normal one."""

    def __init__(self, noise: Any) -> None:
        self.noise, self.seed = noise, noise.seed

    def generate_noise(self, latent: dict[str, Any]) -> torch.Tensor:
        noise = self.noise.generate_noise(latent)
        return noise + NUDGE * torch.randn(noise.shape, generator=torch.Generator().manual_seed(0))


@dataclass(frozen=True)
class Row:
    """Largest differences of a batch from its single runs; latents relative to their range, pictures in 1/255.

    `nudged`, measured where `pictures` is above what is allowed: how far single runs alone move when their first noise
    moves by NUDGE.
    """

    sampler: str
    step_noise: str
    latents: float = 0.0
    pictures: float = 0.0
    bare: float = 0.0
    nudged: float = 0.0
    refusal: str = ""

    @property
    def verdict(self) -> str:
        """Whether a batch is its single runs, in words."""
        if self.refusal:
            return f"refused: {self.refusal}"
        if self.pictures > 255.0 * ALLOWED:
            if self.nudged < self.pictures / 2:
                return "NOT EXACT"
            return f"{SENSITIVE} {self.nudged:.2f}/255 when its first noise moves by {NUDGE:g}"
        return "exact" if self.step_noise == "none" else "exact with Per-Image Step Noise"


class Bench:
    """The embedded model and ComfyUI's own nodes around it."""

    def __init__(self, comfy: InProcessComfy, options: argparse.Namespace) -> None:
        self.comfy, self.steps = comfy, options.steps
        self.latent = torch.zeros(1, 4, options.size // 8, options.size // 8)
        self.model, clip, self.vae = comfy.call("SteerDemoModel")
        encode = comfy.nodes.NODE_CLASS_MAPPINGS["CLIPTextEncode"]().encode
        (prompt,), (negative,) = encode(clip, PROMPT), encode(clip, "")
        (self.guider,) = comfy.call("CFGGuider", model=self.model, positive=prompt, negative=negative, cfg=7.0)

    def inputs(self, noise: Any, sampler: Any, batch: int) -> dict[str, Any]:
        """The inputs of SamplerCustomAdvanced for `batch` pictures."""
        (sigmas,) = self.comfy.call(
            "BasicScheduler", model=self.model, scheduler="normal", steps=self.steps, denoise=1.0
        )
        latent = {"samples": self.latent.repeat(batch, 1, 1, 1)}
        return {"noise": noise, "guider": self.guider, "sampler": sampler, "sigmas": sigmas, "latent_image": latent}

    def sample(self, noise: Any, sampler: Any, batch: int) -> torch.Tensor:
        """Latents [B, 4, H/8, W/8] by SamplerCustomAdvanced."""
        return self.comfy.call("SamplerCustomAdvanced", **self.inputs(noise, sampler, batch))[0]["samples"]

    def pictures(self, latents: torch.Tensor) -> torch.Tensor:
        """Decoded one by one, so that the VAE's kernels are the same on both sides."""
        with torch.inference_mode():
            return torch.cat([self.vae.decode(latent[None]) for latent in latents])

    def row(self, name: str) -> Row:
        """Measure one sampler."""
        from comfy.samplers import sampler_object

        from ...nodes.seeds.comfy_noise import PerImageSampler, SeededNoise, step_noise
        from ...nodes.seeds.steps import REFUSED

        sampler, noise = sampler_object(name), SeededNoise(make_draws(SEEDS), COMFYUI)
        if name in REFUSED:
            return Row(name, "none", refusal=REFUSED[name])
        kind = step_noise(sampler)
        alone = torch.cat([self.sample(self.stock_noise(seed), sampler, 1) for seed in SEEDS])
        together = self.sample(noise, PerImageSampler(sampler, SEEDS), len(SEEDS))
        bare = together if kind == "none" else self.sample(noise, sampler, len(SEEDS))
        latents = float((together - alone).abs().max() / (alone.max() - alone.min()))
        expected = self.pictures(alone)
        difference, bare_difference = (
            255.0 * float((self.pictures(each) - expected).abs().max()) for each in (together, bare)
        )
        nudged = 0.0
        if difference > 255.0 * ALLOWED:
            moved = torch.cat([self.sample(Nudged(self.stock_noise(seed)), sampler, 1) for seed in SEEDS])
            nudged = 255.0 * float((self.pictures(moved) - expected).abs().max())
        return Row(name, kind, latents, difference, bare_difference, nudged)

    def stock_noise(self, seed: int) -> Any:
        """The NOISE of RandomNoise."""
        return self.comfy.call("RandomNoise", noise_seed=seed)[0]

    def noise_is_equal(self) -> bool:
        """The first noise of the batch against RandomNoise of each seed, bit for bit."""
        from ...nodes.seeds.comfy_noise import SeededNoise

        alone = [self.stock_noise(seed).generate_noise({"samples": self.latent}) for seed in SEEDS]
        whole = {"samples": self.latent.repeat(len(SEEDS), 1, 1, 1)}
        return torch.equal(SeededNoise(make_draws(SEEDS), COMFYUI).generate_noise(whole), torch.cat(alone))

    def cost_of_watching(self, rounds: int) -> tuple[float, bool]:
        """Time of Reverse Diffusion, every frame kept and none decoded, against SamplerCustomAdvanced; same result?"""
        from comfy.samplers import sampler_object

        times: dict[str, list[float]] = {"stock": [], "watched": []}
        results: dict[str, torch.Tensor] = {}
        for number in range(rounds + 1):
            for name in ("stock", "watched") if number % 2 else ("watched", "stock"):
                inputs = self.inputs(self.stock_noise(1), sampler_object("euler"), 1)
                started = time.perf_counter()
                if name == "stock":
                    output = self.comfy.call("SamplerCustomAdvanced", **inputs)[0]
                else:
                    extra = {"frames": 256, "steps": "", "order": "noise to picture"}
                    output = self.comfy.call("SteerReverseDiffusion", **inputs, **extra)[0]
                if number:
                    times[name].append(time.perf_counter() - started)
                results[name] = output["samples"]
        ratio = min(times["watched"]) / min(times["stock"])  # the least disturbed of each
        return ratio, torch.equal(results["stock"], results["watched"])


def table(rows: list[Row]) -> list[str]:
    """The lines of the table, with its head."""
    lines = [
        "| sampler | step noise | batch is single runs | latents | pictures | pictures without the wrapper |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        numbers = ["-"] * 3 if row.refusal else [f"{row.latents:.1e}", f"{row.pictures:.2f}/255", f"{row.bare:.2f}/255"]
        lines.append(f"| {' | '.join([f'`{row.sampler}`', row.step_noise, row.verdict, *numbers])} |")
    return lines


def setting_of(size: int, steps: int) -> str:
    """What the figures of a row depend on."""
    weights = weights_label(("vae", "text_encoder", "unet"))
    return (
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, Demo Model ({weights}), {size} x {size}, "
        f"{steps} steps, cfg 7"
    )


def read_lines(path: Path, setting: str) -> dict[str, str]:
    """The rows of an earlier part of this report, by sampler.

    Raises:
        ValueError: that part was made in another setting.
    """
    if not path.exists():
        return {}
    text = path.read_text(encoding="utf-8")
    if setting not in text:
        raise ValueError(f"{path} was not made with {setting}. Leave --keep out to measure every row again.")
    return {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report seeds", description=__doc__)
    parser.add_argument("--size", type=int, default=256, help="side of the pictures in pixels")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=9, help="rounds of the timing of Reverse Diffusion")
    parser.add_argument("--only", nargs="*", help="these samplers alone")
    parser.add_argument("--keep", action="store_true", help="keep the other rows of the present report")
    parser.add_argument("--out", type=output_file, default=OUTPUT)
    options = parser.parse_args(argv)
    setting = setting_of(options.size, options.steps)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(InProcessComfy(Path(folder)), options)
        from comfy.samplers import SAMPLER_NAMES

        equal = bench.noise_is_equal()
        lines = read_lines(options.out, setting) if options.keep else {}
        for name in options.only or SAMPLER_NAMES:
            lines[name] = table([bench.row(name)])[-1]
            print(lines[name], flush=True)
        ratio, same = bench.cost_of_watching(options.rounds)
    failed = [name for name, line in lines.items() if "NOT EXACT" in line]
    sensitive = [name for name, line in lines.items() if SENSITIVE in line]
    missing = [name for name in SAMPLER_NAMES if name not in lines]
    parts = " (in parts, with `--keep --only ...`)" if options.keep else ""
    text = [
        "# A batch of eight seeds against eight single runs",
        "",
        f"`python run.py report seeds --size {options.size} --steps {options.steps}`{parts}, "
        f"{datetime.date.today()}, {setting}, seeds {', '.join(map(str, SEEDS))}.",
        "",
        f"- The first noise equals RandomNoise of each seed bit for bit: {'yes' if equal else 'NO'}.",
        f"- Reverse Diffusion, every frame kept: {ratio:.3f}x the time of SamplerCustomAdvanced (at most 1.03), result "
        f"equal bit for bit: {'yes' if same else 'NO'}.",
        f"- Samplers that are not exact: {', '.join(failed) or 'none but those refused'}.",
        *(
            [
                f"- As far from their single runs as these are from themselves, moved by a rounding error: "
                f"{', '.join(sensitive)}."
            ]
            if sensitive
            else []
        ),
        *([f"- Not measured yet: {', '.join(missing)}."] if missing else []),
        "",
        "Differences are the largest of all pictures: kernels for a batch of eight round otherwise than for one.",
        "Latents are relative to their range.",
        "",
        *table([]),
        *(lines[name] for name in SAMPLER_NAMES if name in lines),
        "",
    ]
    options.out.write_text("\n".join(text), encoding="utf-8")
    print("\n".join(text[2:9]))
    return 0 if equal and same and ratio <= 1.03 and not failed else 1
