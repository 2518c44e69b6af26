"""VAEs with random weights: ComfyUI's TAESD and Wan VAE at toy size, and an average of blocks for Flux.2."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from .families import Family
from .weights import build_once, fill


class BlockMean(torch.nn.Module):
    """An autoencoder that averages blocks of pixels: [B, 3, H, W] <-> [B, channels, H / cell, W / cell]."""

    def __init__(self, channels: int, cell: int) -> None:
        super().__init__()
        self.cell = cell
        self.down = torch.nn.Conv2d(3, channels, 1)
        self.up = torch.nn.Conv2d(channels, 3, 1)

    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.down(F.avg_pool2d(pixels, self.cell))

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        return F.interpolate(self.up(latent), scale_factor=self.cell)


def vae_of(family: Family) -> Any:
    """VAE for the latents of a family."""
    return _wan() if family.frames else _taesd(family.channels) if family.cell == 8 else _blocks(family)


@build_once
def _taesd(channels: int) -> Any:
    import comfy.sd
    from comfy.taesd.taesd import TAESD

    return comfy.sd.VAE(sd=dict(fill(TAESD(latent_channels=channels), 3).state_dict()))


@build_once
def _wan() -> Any:
    import comfy.sd
    from comfy.ldm.wan.vae import WanVAE

    shape: dict[str, Any] = {
        "dim": 8,
        "z_dim": 16,
        "dim_mult": [1, 2, 4, 4],
        "num_res_blocks": 2,
        "attn_scales": [],
        "temperal_downsample": [False, True, True],
        "dropout": 0.0,
    }
    return comfy.sd.VAE(sd=dict(fill(WanVAE(**shape), 3).state_dict()))


@build_once
def _blocks(family: Family) -> Any:
    """ComfyUI's VAE around the average: its class has no toy size for Flux.2."""
    import comfy.model_patcher

    vae = _taesd(16)
    own = object.__new__(type(vae))
    own.__dict__.update(vae.__dict__)
    own.first_stage_model = fill(BlockMean(family.channels, family.cell), 3)
    own.latent_channels, own.downscale_ratio, own.upscale_ratio = family.channels, family.cell, family.cell
    devices = {"load_device": vae.patcher.load_device, "offload_device": vae.patcher.offload_device}
    own.patcher = comfy.model_patcher.ModelPatcher(own.first_stage_model, **devices)
    return own
