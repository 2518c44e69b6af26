"""Reverse Diffusion."""

from __future__ import annotations

from typing import Any

import torch

from ..api import io, search_words
from .choices import ORDERS
from .inputs import CATEGORY


class ReverseDiffusion(io.ComfyNode):
    """Sampling as by SamplerCustomAdvanced, with strips of x_t and x0 at chosen steps."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerReverseDiffusion",
            **search_words("sampler custom", "preview steps", "denoising steps", "x0"),
            display_name="Reverse Diffusion",
            category=CATEGORY,
            description="Samples exactly as SamplerCustomAdvanced does and shows how the picture comes out of noise.",
            inputs=[
                io.Noise.Input("noise", tooltip="As for SamplerCustomAdvanced."),
                io.Guider.Input("guider", tooltip="As for SamplerCustomAdvanced."),
                io.Sampler.Input("sampler", tooltip="As for SamplerCustomAdvanced."),
                io.Sigmas.Input("sigmas", tooltip="As for SamplerCustomAdvanced."),
                io.Latent.Input("latent_image", tooltip="As for SamplerCustomAdvanced."),
                io.Int.Input(
                    "frames",
                    default=8,
                    min=2,
                    max=256,
                    tooltip="How many moments to show, evenly from the first noise to the result. At "
                    "most one for each step.",
                ),
                io.String.Input(
                    "steps",
                    default="",
                    tooltip="Shows these steps instead, such as 0, 2, 5, 20: 0 is the first noise, the "
                    "last is the result.",
                ),
                io.Combo.Input(
                    "order",
                    options=list(ORDERS),
                    default=ORDERS[0],
                    tooltip="'picture to noise' matches the strips of Forward Diffusion.",
                ),
            ],
            outputs=[
                io.Latent.Output(display_name="output", tooltip="The result, as of SamplerCustomAdvanced."),
                io.Latent.Output(display_name="denoised_output", tooltip="As of SamplerCustomAdvanced."),
                io.Latent.Output(
                    display_name="x_t strip",
                    tooltip="What the model got at the chosen steps, scaled to the range of pictures. All frames "
                    "of the first picture, then of the next.",
                ),
                io.Latent.Output(
                    display_name="x0 strip", tooltip="The picture that the model expected, for the same frames."
                ),
                io.String.Output(
                    display_name="labels", is_output_list=True, tooltip="Step, timestep, sigma and SNR of every frame."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        noise: Any,
        guider: Any,
        sampler: Any,
        sigmas: torch.Tensor,
        latent_image: dict[str, Any],
        frames: int,
        steps: str,
        order: str,
    ) -> io.NodeOutput:
        from .comfy_process import noise_process, replace_samples, sample_recorded, strip_latents
        from .reverse import check_order, choose_steps, frame_label, order_frames

        total = max(0, len(sigmas) - 1)
        chosen = choose_steps(steps, frames, total)
        check_order(order)
        output, denoised, recorded = sample_recorded(noise, guider, sampler, sigmas, latent_image, chosen)
        recorded = order_frames(recorded, order)
        x_t, x0 = strip_latents(guider.model_patcher, recorded)
        process = noise_process(guider.model_patcher)
        labels = [frame_label(frame, total, process) for frame in recorded] * output["samples"].shape[0]
        return io.NodeOutput(output, denoised, replace_samples(output, x_t), replace_samples(output, x0), labels)
