"""The ControlNet as a network: how it starts, what it adds to the UNet, how it is padded to the standard widths."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ..networks import TAUGHT_HINT_WIDTHS, controlnet_config
from .common import zero_padded
from .unet import use_plain_attention


def build_controlnet(unet: nn.Module) -> nn.Module:
    """A ControlNet that starts as the UNet's encoder.

    Of the two zero layers that usually lie behind one another, the hint encoder's last starts small instead: with both
    at zero neither gets a gradient through the other, and learning begins late.
    """
    from diffusers.models.controlnets.controlnet import ControlNetModel

    network = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=TAUGHT_HINT_WIDTHS)  # type: ignore[arg-type]
    nn.init.normal_(network.controlnet_cond_embedding.conv_out.weight, std=0.02)
    return use_plain_attention(network)


def residuals(
    network: Any, x: torch.Tensor, t: torch.Tensor, context: torch.Tensor, hints: torch.Tensor
) -> dict[str, Any]:
    """What the ControlNet adds to the UNet's features, as arguments of the UNet.

    x: latents [B, 4, 32, 32]. t: timesteps [B]. context: conditioning [B, 77, 128]. hints: [B, 3, 256, 256] in 0..1.
    """
    down, middle = network(x, t, context, hints, return_dict=False)
    return {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}


def pad_hint_encoder(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same ControlNet with a hint encoder of the standard widths; the added channels are zero throughout."""
    from diffusers.models.controlnets.controlnet import ControlNetModel

    with torch.device("meta"):
        shapes = {key: value.shape for key, value in ControlNetModel(**controlnet_config()).state_dict().items()}
    return {key: zero_padded(value, shapes[key]) for key, value in weights.items()}
