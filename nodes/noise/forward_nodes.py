"""Forward Diffusion, of pictures and of latents."""

from __future__ import annotations

from typing import Any

import torch

from ..api import io, search_words
from .inputs import CATEGORY, frame_inputs, model_type_input


class ForwardDiffusion(io.ComfyNode):
    """Noised versions of pictures side by side, each with its timestep, sigma and signal-to-noise ratio."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerForwardDiffusion",
            **search_words("add noise", "diffusion process", "noise strip"),
            display_name="Forward Diffusion",
            category=CATEGORY,
            description="Shows how pictures turn into noise: the forward process of a diffusion model, in pixel space.",
            inputs=[
                io.Image.Input("image", tooltip="One or more pictures. Every picture of a batch gets its own strip."),
                io.Sigmas.Input(
                    "sigmas", tooltip="The noise levels to choose frames from, for example of Noise Schedule."
                ),
                io.Model.Input(
                    "model", optional=True, tooltip="Optional. Its model type and its timesteps are then used."
                ),
                *frame_inputs(),
                model_type_input(),
                io.Boolean.Input(
                    "captions",
                    default=True,
                    tooltip="Writes timestep, sigma and signal-to-noise ratio under each frame.",
                ),
                io.Int.Input(
                    "columns",
                    default=0,
                    min=0,
                    max=256,
                    tooltip="Frames in a row of the filmstrip. 0: one row, wrapped at 8192 pixels.",
                ),
                io.Boolean.Input("dark", default=False, tooltip="Dark background."),
            ],
            outputs=[
                io.Image.Output(
                    display_name="filmstrip",
                    tooltip="All frames side by side, clean first. Every picture begins a new row.",
                ),
                io.Image.Output(
                    display_name="frames", tooltip="The frames as a batch: all of the first picture, then of the next."
                ),
                io.String.Output(
                    display_name="labels", is_output_list=True, tooltip="The caption of every frame, in the same order."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        image: torch.Tensor,
        sigmas: torch.Tensor,
        frames: int,
        spacing: str,
        seed: int,
        model_type: str,
        captions: bool,
        columns: int,
        dark: bool,
        model: Any = None,
    ) -> io.NodeOutput:
        from ..comfy_progress import track_progress
        from .comfy_process import noise_process
        from .filmstrip import filmstrip
        from .forward import caption_parts, check_image, frame_sigmas, noise_pictures, picture_noise
        from .process import check_sigmas

        process = noise_process(model, model_type)
        levels = frame_sigmas(check_sigmas(sigmas, "sigmas", process), frames, spacing, process).tolist()
        pictures = check_image(image)
        eps = picture_noise(pictures, seed)
        noised = []
        for sigma in track_progress(levels, len(levels)):
            frame = noise_pictures(pictures, sigma, eps, process)
            noised.append(frame if sigma == 0.0 else frame.clamp(0.0, 1.0))
        rows = torch.stack(noised, dim=1)  # [B, F, H, W, C]
        parts = [caption_parts(sigma, process) for sigma in levels]
        strip = filmstrip(list(rows), parts if captions else None, columns, dark)
        return io.NodeOutput(strip, rows.flatten(0, 1), [", ".join(part) for part in parts] * len(pictures))


class ForwardDiffusionLatent(io.ComfyNode):
    """Noised versions of latents, as the connected model's sampler would begin with them."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerForwardDiffusionLatent",
            **search_words("add noise", "noise latent"),
            display_name="Forward Diffusion (Latent)",
            category=CATEGORY,
            description="Adds noise to latents level by level, exactly as the model's sampler does.",
            inputs=[
                io.Model.Input("model", tooltip="Decides how latent and noise are mixed, and the scale of the latent."),
                io.Latent.Input("latent", tooltip="One or more latents, for example from VAE Encode."),
                io.Sigmas.Input(
                    "sigmas", tooltip="The noise levels to choose frames from, for example of Noise Schedule."
                ),
                *frame_inputs(),
                io.Boolean.Input(
                    "unit_range",
                    default=True,
                    tooltip="On: noised latents are scaled back to the range of clean ones, so that VAE "
                    "Decode shows them well. Off: x0 + sigma * noise, as samplers hold them. "
                    "Flow models need no scaling.",
                ),
            ],
            outputs=[
                io.Latent.Output(
                    display_name="frames", tooltip="The frames as a batch: all of the first latent, then of the next."
                ),
                io.String.Output(
                    display_name="labels", is_output_list=True, tooltip="The caption of every frame, in the same order."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        latent: dict[str, Any],
        sigmas: torch.Tensor,
        frames: int,
        spacing: str,
        seed: int,
        unit_range: bool,
    ) -> io.NodeOutput:
        from .comfy_process import noise_latents, noise_process, replace_samples
        from .forward import caption_parts, frame_sigmas
        from .process import check_sigmas

        process = noise_process(model)
        levels = frame_sigmas(check_sigmas(sigmas, "sigmas", process), frames, spacing, process).tolist()
        noised = noise_latents(model, latent["samples"], levels, seed, unit_range)
        labels = [", ".join(caption_parts(sigma, process)) for sigma in levels]
        return io.NodeOutput(replace_samples(latent, noised.flatten(0, 1)), labels * noised.shape[0])
