"""A real Stable Diffusion UNet of ComfyUI with random weights, small enough for a test: 8x8 latents in milliseconds."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch

CONTEXT, TOKENS = 32, 8
UNET: dict[str, Any] = {
    "image_size": 8,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 32,
    "num_res_blocks": [1],
    "channel_mult": [1],
    "transformer_depth": [1],
    "transformer_depth_output": [1, 1],
    "transformer_depth_middle": 1,
    "context_dim": CONTEXT,
    "num_heads": 2,
    "num_head_channels": -1,
    "use_spatial_transformer": True,
    "use_linear_in_transformer": False,
    "adm_in_channels": None,
    "legacy": False,
    "use_checkpoint": False,
    "use_temporal_attention": False,
    "use_temporal_resblock": False,
}

# Attention in the middle alone reads the prompt, too, and halves the time: for tests of many samplers.
QUICK: dict[str, Any] = UNET | {"transformer_depth": [0], "transformer_depth_output": [0, 0]}


def tiny_model(kind: Literal["eps", "v", "flow"] = "eps", seed: int = 0, unet: dict[str, Any] = UNET) -> Any:
    """A MODEL (ModelPatcher). v and flow are the same network read differently, by ComfyUI's own nodes."""
    import comfy.model_management
    import comfy.model_patcher
    import comfy.supported_models
    from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete, ModelSamplingSD3

    config = comfy.supported_models.SD15(dict(unet))
    config.set_inference_dtype(torch.float32, None)
    model = config.get_model({}, "", device=torch.device("cpu"))
    fill(model.diffusion_model, seed)
    device = comfy.model_management.get_torch_device()
    patcher = comfy.model_patcher.ModelPatcher(
        model, load_device=device, offload_device=comfy.model_management.unet_offload_device()
    )
    if kind == "v":
        return ModelSamplingDiscrete().patch(patcher, "v_prediction", False)[0]
    if kind == "flow":
        return ModelSamplingSD3().patch(patcher, 3.0)[0]
    return patcher


@torch.no_grad()
def fill(network: torch.nn.Module, seed: int) -> None:
    """Weights of unit gain, so that the output neither vanishes nor explodes."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in network.named_parameters():
        if weight.ndim > 1:
            fan_in = math.prod(weight.shape[1:])
            weight.copy_(torch.randn(weight.shape, generator=generator) / math.sqrt(fan_in))
        else:
            weight.fill_(1.0 if name.endswith("weight") else 0.0)


def tiny_conditioning(seed: int, batch: int = 1) -> list[Any]:
    """CONDITIONING of random tokens [batch, TOKENS, CONTEXT]."""
    generator = torch.Generator().manual_seed(seed)
    return [[torch.randn(batch, TOKENS, CONTEXT, generator=generator), {}]]


def tiny_guider(model: Any, cfg: float = 4.0) -> Any:
    """A GUIDER with a prompt and a negative prompt."""
    import comfy.samplers

    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(tiny_conditioning(1), tiny_conditioning(2))
    guider.set_cfg(cfg)
    return guider


def sigmas_of(model: Any, steps: int, scheduler: str = "normal") -> torch.Tensor:
    """SIGMAS as BasicScheduler makes them; fresh, because uni_pc writes into the schedule it is given."""
    import comfy.samplers

    return comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), scheduler, steps).cpu()
