"""Seed Spread and Measure Spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ..api import io, search_words, ui
from .choices import MAX_SPREAD, MAX_SPREAD_STEPS

CATEGORY = "Steer/Seeds"


class SeedSpread(io.ComfyNode):
    """CONDITIONING that differs from picture to picture in the first steps, by each picture's own seed."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerSeedSpread",
            **search_words("variety", "diversity", "seed variance", "all seeds look the same", "conditioning noise"),
            display_name="Seed Spread",
            category=CATEGORY,
            description="Makes the pictures of different seeds differ more: noise on the prompt in the first steps.",
            inputs=[
                io.Conditioning.Input("conditioning", tooltip="The positive prompt, encoded."),
                io.Noise.Input(
                    "noise", tooltip="The same Seeded Noise that the sampler node gets. RandomNoise for one picture."
                ),
                io.Sigmas.Input("sigmas", tooltip="The schedule of the sampler."),
                io.Model.Input("model", tooltip="The model that makes the picture, with its patches."),
                io.Float.Input(
                    "strength",
                    default=4.0,
                    min=0.0,
                    max=MAX_SPREAD,
                    step=0.05,
                    tooltip="How much noise. 0 changes nothing. Too much and the picture no longer follows the prompt.",
                ),
                io.Int.Input(
                    "steps",
                    default=1,
                    min=0,
                    max=MAX_SPREAD_STEPS,
                    tooltip="The first so many steps see the noise. They decide what the picture is of. The others see "
                    "the prompt as it is.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(
                    display_name="conditioning", tooltip="For the sampler, with one row for each picture."
                ),
                io.String.Output(display_name="report", tooltip="The steps, the strength and the number of pictures."),
            ],
        )

    @classmethod
    def execute(
        cls, conditioning: Any, noise: Any, sigmas: torch.Tensor, model: Any, strength: float, steps: int
    ) -> io.NodeOutput:
        from .comfy_spread import spread_conditioning

        return io.NodeOutput(*spread_conditioning(conditioning, noise, strength, steps, sigmas, model))


class MeasureSpread(io.ComfyNode):
    """How different pictures are, as a number."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerMeasureSpread",
            **search_words("variety", "diversity", "seed variance", "all seeds look the same"),
            display_name="Measure Spread",
            category=CATEGORY,
            description="How different the pictures of several seeds are: 0 all equal, 1 as different as noise.",
            is_input_list=True,
            is_output_node=True,
            inputs=[
                io.Latent.Input("latent", optional=True, tooltip="Optional: the finished latents, at least two."),
                io.Image.Input("images", optional=True, tooltip="Optional: the finished pictures, at least two."),
                io.String.Input(
                    "labels",
                    optional=True,
                    force_input=True,
                    tooltip="Optional: a label for each picture, such as those of Seeded Noise.",
                ),
            ],
            outputs=[
                io.Float.Output(display_name="latent_spread", tooltip="Of the latents, from 0 to about 1."),
                io.Float.Output(display_name="image_spread", tooltip="Of the pictures, seen at 64 pixels."),
                io.String.Output(display_name="report", tooltip="Both, and the two pictures that are most alike."),
            ],
        )

    @classmethod
    def execute(
        cls,
        latent: Sequence[Any] | None = None,
        images: Sequence[torch.Tensor] | None = None,
        labels: Sequence[str] | None = None,
    ) -> io.NodeOutput:
        from comfy_execution.graph_utils import ExecutionBlocker

        from .comfy_spread import join_images, join_latents
        from .spread import measure_spread, write_spread

        names = [name for name in labels or () if name is not None]
        batches = [part for part in latent or () if part is not None]
        pictures = [part for part in images or () if part is not None]
        values: list[Any] = [ExecutionBlocker(None), ExecutionBlocker(None)]  # nodes behind what is not there wait
        lines = []
        if batches:
            spread = measure_spread(join_latents(batches))
            values[0] = spread.share
            lines.append(write_spread("latents", spread, names))
        if pictures:
            spread = measure_spread(join_images(pictures))
            values[1] = spread.share
            lines.append(write_spread("pictures", spread, names))
        if not lines:
            raise ValueError("images: nothing is connected. Connect pictures or latents, at least two.")
        report = "\n".join(lines)
        return io.NodeOutput(*values, report, ui=ui.PreviewText(report))
