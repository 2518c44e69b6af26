"""The networks that the model's training starts with: the UNet and the text encoder, their weights at random."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ..networks import TEXT, UNET
from .data.text import CAPACITY


def build_text_encoder() -> nn.Module:
    """transformers' CLIP text encoder over the rows of the small table (see text.Vocabulary)."""
    from transformers import CLIPTextConfig, CLIPTextModel

    config = CLIPTextConfig(vocab_size=CAPACITY, **TEXT)
    config.bos_token_id, config.eos_token_id, config.pad_token_id = 1, 2, 2  # rows of the small table
    return CLIPTextModel(config)


def build_unet() -> nn.Module:
    """The UNet, its residual branches starting at zero as in the original latent diffusion code: it learns sooner."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    network = UNet2DConditionModel(**UNET)
    for name, module in network.named_modules():
        if name.endswith(("conv2", "proj_out", "conv_out")):
            nn.init.zeros_(module.weight)  # type: ignore[arg-type]
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
    return use_plain_attention(network)


def use_plain_attention(network: Any) -> nn.Module:
    """The network with two matrix products and a softmax for attention, channels last in memory.

    On a CPU the backward pass of these is a quarter faster than the fused kernel's.
    """
    from diffusers.models.attention_processor import AttnProcessor

    network.set_attn_processor(AttnProcessor())
    return network.to(memory_format=torch.channels_last)
