"""`python run.py report variations`: the picture of Seeded Noise's help page, what a straight mix of two noises loses.

Two seeds on the Demo Model and the pictures between them: above with the noise turned (slerp), below mixed straight.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ...nodes.seeds.choices import COMFYUI
from ...nodes.seeds.noise import batch_noise, make_draws
from ...runner.pack import ROOT
from ..support.comfy_inprocess import InProcessComfy
from .parts.places import output_file

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
PROMPT = "gorgeous cute Austrian girl, smiling, crop top, Steel gray hair, backstreet"
WIDTH = 1000
OUTPUT = ROOT / "nodes" / "web" / "docs" / "measured" / "variations.jpg"


class FixedNoise:
    """A NOISE that is known already."""

    seed = 0

    def __init__(self, noise: torch.Tensor) -> None:
        self.noise = noise

    def generate_noise(self, input_latent: dict[str, Any]) -> torch.Tensor:
        return self.noise


def noises(seeds: tuple[int, int], shape: tuple[int, ...]) -> list[torch.Tensor]:
    """[turned, straight], each [strengths, *shape]."""
    count = (len(STRENGTHS), *shape)
    turned = batch_noise(make_draws([seeds[0]], [seeds[1]], list(STRENGTHS)), [count], torch.float32, COMFYUI)[0]
    straight = torch.stack([torch.lerp(turned[0], turned[-1], strength) for strength in STRENGTHS])
    return [turned, straight]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report variations", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs=2, default=(1, 3))
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--out", type=output_file, default=OUTPUT)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        comfy = InProcessComfy(Path(folder))
        model, clip, vae = comfy.call("SteerDemoModel")
        encode = comfy.nodes.NODE_CLASS_MAPPINGS["CLIPTextEncode"]().encode
        (prompt,), (negative,) = encode(clip, PROMPT), encode(clip, "")
        (guider,) = comfy.call("CFGGuider", model=model, positive=prompt, negative=negative, cfg=7.0)
        (sampler,) = comfy.call("KSamplerSelect", sampler_name="euler")
        (sigmas,) = comfy.call("BasicScheduler", model=model, scheduler="normal", steps=options.steps, denoise=1.0)
        pictures, labels = [], []
        for noise in noises(tuple(options.seeds), (4, 32, 32)):
            latent = {"samples": torch.zeros_like(noise)}
            latents = comfy.call(
                "SamplerCustomAdvanced",
                noise=FixedNoise(noise),
                guider=guider,
                sampler=sampler,
                sigmas=sigmas,
                latent_image=latent,
            )[0]["samples"]
            with torch.inference_mode():
                pictures += [vae.decode(each[None]) for each in latents]
            labels += [f"strength {strength:g}, sd {noise[i].std():.2f}" for i, strength in enumerate(STRENGTHS)]
        sheet = comfy.call(
            "SteerContactSheet",
            images=pictures,
            labels=labels,
            title=[""],
            columns=[len(STRENGTHS)],
            column_labels=[""],
            row_labels=["turned (here)\nstraight mix"],
            cell_size=[0],
            gap=[8],
            font_size=[0],
            theme=["light"],
            only_differences=[False],
            max_megapixels=[64.0],
        )[0]
    pixels = (sheet[0].numpy() * 255).round().astype(np.uint8)
    Image.fromarray(pixels).resize((1000, round(WIDTH * pixels.shape[0] / pixels.shape[1]))).save(
        options.out, quality=85
    )
    print(options.out)
    return 0
