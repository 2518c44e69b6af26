"""Random ControlNets of ComfyUI: the whole SD 1.x layout (13 residuals) made narrow, and the embedded model's."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import torch
from tiny_model import CONTEXT, UNET, fill, tiny_model

# SD 1.5's own numbers but for the widths: 2 blocks on each of 4 levels, attention on the first 3.
SD15: dict[str, Any] = UNET | {
    "num_res_blocks": [2, 2, 2, 2],
    "channel_mult": [1, 2, 2, 2],
    "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
    "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
}


def sd15_model(seed: int = 0) -> Any:
    """A MODEL with all blocks of SD 1.5."""
    return tiny_model(seed=seed, unet=SD15)


def sd15_controlnet(seed: int = 1, context: int = CONTEXT, channels: int = 3, **more: Any) -> Any:
    """A CONTROL_NET with all blocks of SD 1.5, for prompts of width `context`. more: of ComfyUI's ControlNet."""
    import comfy.cldm.cldm
    import comfy.controlnet
    import comfy.ops

    shape = {name: value for name, value in SD15.items() if name != "out_channels"} | {"context_dim": context}
    network = comfy.cldm.cldm.ControlNet(hint_channels=channels, operations=comfy.ops.disable_weight_init, **shape)
    fill(network, seed)
    return comfy.controlnet.ControlNet(network.eval(), load_device=torch.device("cpu"), **more)


def inpainting_controlnet(seed: int = 1) -> Any:
    """One that gets a mask beside its hint, as AliMama's do, but without a VAE."""
    return sd15_controlnet(seed, channels=4, concat_mask=True)


def demo_controlnet(seed: int = 1) -> Any:
    """A CONTROL_NET of the embedded model's layout with random weights, loaded as the shipped ones are."""
    from diffusers.models.controlnets.controlnet import ControlNetModel
    from steer.demo.networks import controlnet_config
    from steer.nodes.demo.comfy_model import build_controlnet

    network = ControlNetModel(**controlnet_config())
    fill(network, seed)
    return build_controlnet(dict(network.state_dict()))


# One level, as wide as a union net's own layers are.
UNION: dict[str, Any] = UNET | {"model_channels": 320, "num_heads": 8}


def union_model(seed: int = 0) -> Any:
    """A MODEL that union_controlnet() fits."""
    return tiny_model(seed=seed, unet=UNION)


def union_controlnet(seed: int = 1, types: int = 6) -> Any:
    """A union CONTROL_NET with so many types of hint, as xinsir's for SDXL has them."""
    import comfy.cldm.cldm
    import comfy.controlnet
    import comfy.ops

    shape = {name: value for name, value in UNION.items() if name != "out_channels"}
    network = comfy.cldm.cldm.ControlNet(
        hint_channels=3, union_controlnet_num_control_type=types, operations=comfy.ops.disable_weight_init, **shape
    )
    fill(network, seed)
    return comfy.controlnet.ControlNet(network.eval(), load_device=torch.device("cpu"))


def flux_controlnet(modes: int = 0) -> Any:
    """The network of a Flux ControlNet made narrow, with its published widths of prompts. modes: of a union."""
    import comfy.ops
    from comfy.ldm.flux.controlnet import ControlNetFlux
    from comfy.ldm.flux.model import FluxParams

    shape: dict[str, Any] = {
        "in_channels": 16,
        "out_channels": 16,
        "vec_in_dim": 768,
        "context_in_dim": 4096,
        "hidden_size": 16,
        "mlp_ratio": 1.0,
        "num_heads": 2,
        "depth": 1,
        "depth_single_blocks": 1,
        "axes_dim": [2, 2, 4],
        "theta": 10,
        "patch_size": 2,
        "qkv_bias": True,
        "guidance_embed": False,
    }
    if "txt_ids_dims" in {field.name for field in fields(FluxParams)}:  # of newer ComfyUIs
        shape["txt_ids_dims"] = []
    operations = comfy.ops.disable_weight_init
    return ControlNetFlux(
        latent_input=True, num_union_modes=modes, control_latent_channels=16, operations=operations, **shape
    )
