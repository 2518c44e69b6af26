"""Control Meter."""

from __future__ import annotations

from typing import Any

import torch

from ...api import io, search_words
from ..choices import CATEGORY


class ControlMeter(io.ComfyNode):
    """Sampling as by SamplerCustomAdvanced, with a chart of how much each control adds."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerControlMeter",
            **search_words("controlnet strength", "control influence", "controlnet plot", "sampler custom"),
            display_name="Control Meter",
            category=CATEGORY,
            description="Samples exactly as SamplerCustomAdvanced does and shows how much each control adds, by step "
            "and layer.",
            inputs=[
                io.Noise.Input("noise", tooltip="As for SamplerCustomAdvanced."),
                io.Guider.Input(
                    "guider", tooltip="As for SamplerCustomAdvanced, with prompts or a model that have a control."
                ),
                io.Sampler.Input("sampler", tooltip="As for SamplerCustomAdvanced."),
                io.Sigmas.Input("sigmas", tooltip="As for SamplerCustomAdvanced."),
                io.Latent.Input("latent_image", tooltip="As for SamplerCustomAdvanced."),
            ],
            outputs=[
                io.Latent.Output(display_name="output", tooltip="The result, as of SamplerCustomAdvanced."),
                io.Latent.Output(display_name="denoised_output", tooltip="As of SamplerCustomAdvanced."),
                io.Image.Output(
                    display_name="chart",
                    tooltip="A line for each control by step. Below it a map: steps from left to right, layers from "
                    "top to bottom.",
                ),
                io.String.Output(display_name="report", tooltip="The same in words, for each control."),
            ],
        )

    @classmethod
    def execute(
        cls, noise: Any, guider: Any, sampler: Any, sigmas: torch.Tensor, latent_image: dict[str, Any]
    ) -> io.NodeOutput:
        from .comfy_meter import sample_metered
        from .plot import draw_shares
        from .readings import collect_shares, write_report

        output, denoised, readings = sample_metered(noise, guider, sampler, sigmas, latent_image)
        shares = collect_shares(readings.collect(), readings.titles, sigmas.tolist())
        chart = draw_shares(shares, "How much each control adds")
        return io.NodeOutput(output, denoised, chart, write_report(shares))
