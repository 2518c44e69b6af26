"""ComfyUI's own SamplerCustomAdvanced, called from logic."""

from __future__ import annotations

from typing import Any

import torch

Latent = dict[str, Any]


def sample_custom(noise: Any, guider: Any, sampler: Any, sigmas: torch.Tensor, latent: Latent) -> tuple[Latent, Latent]:
    """Both outputs of the node: the latent, and what the model saw in it last. `sigmas` stays as it is."""
    from comfy_extras.nodes_custom_sampler import SamplerCustomAdvanced  # dozens of schemas: kept out of the start

    schedule = sigmas.clone()  # uni_pc writes into it, and ComfyUI keeps `sigmas` for other nodes and the next run
    output, denoised = SamplerCustomAdvanced.execute(noise, guider, sampler, schedule, latent).result  # type: ignore
    return output, denoised
