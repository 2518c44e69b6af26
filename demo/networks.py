"""The shapes of the embedded model's networks, shared by training and by the nodes that load it.

One table per network, in the words of the library that defines it. Nothing here imports that library.
"""

from __future__ import annotations

from typing import Any

# Side of a training picture and of its latent, in pixels and latent cells.
PICTURE = 256
LATENT = PICTURE // 8

# A TAESD has 64 channels in every stage. These are the channels that are really used at full, half,
# quarter and eighth resolution; the exported file is padded with zeros to 64.
ENCODER_WIDTHS = (24, 40, 64, 64)
DECODER_WIDTHS = (48, 64, 64, 64)

# diffusers.UNet2DConditionModel. No attention at 32x32, where it costs most and text matters least.
# "attention_head_dim" is, by an old naming slip of diffusers, the NUMBER of heads.
UNET: dict[str, Any] = {
    "sample_size": LATENT,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": (64, 128, 256),
    "layers_per_block": 1,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "cross_attention_dim": 128,
    "attention_head_dim": 4,
    "norm_num_groups": 32,
}

# transformers.CLIPTextConfig, without vocab_size: the file holds only the rows of the taught tokens.
TEXT: dict[str, Any] = {
    "hidden_size": 128,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 77,
    "hidden_act": "quick_gelu",
    "bos_token_id": 49406,
    "eos_token_id": 49407,
    "pad_token_id": 49407,
}

# Size of CLIP's vocabulary, and the tokens that open, close and pad a prompt.
VOCABULARY = 49408
START, END = 49406, 49407

# diffusers.ControlNetModel: widths of the hint encoder. ComfyUI's ControlNet has exactly these. Training uses narrower
# ones, which cost a third, and pads them with zeros: the full encoder would cost more than the UNet itself.
HINT_WIDTHS = (16, 32, 96, 256)
TAUGHT_HINT_WIDTHS = (8, 24, 48, 96)
CONTROL_KINDS = ("canny", "mlsd", "openpose")

# Noise of Stable Diffusion 1.x: the square root of beta rises linearly over 1000 steps.
BETA_START, BETA_END, TRAIN_STEPS = 0.00085, 0.012, 1000

# ComfyUI multiplies a VAE's latents by this before its UNet sees them (comfy.latent_formats.SD15).
LATENT_SCALE = 0.18215


def controlnet_config() -> dict[str, Any]:
    """The diffusers.ControlNetModel that fits :data:`UNET`."""
    shared = (
        "in_channels",
        "block_out_channels",
        "layers_per_block",
        "down_block_types",
        "cross_attention_dim",
        "attention_head_dim",
        "norm_num_groups",
    )
    return {name: UNET[name] for name in shared} | {"conditioning_embedding_out_channels": HINT_WIDTHS}


def comfy_unet_config() -> dict[str, Any]:
    """:data:`UNET` in the words of ComfyUI's UNetModel (and of comfy.utils.unet_to_diffusers)."""
    widths, layers = UNET["block_out_channels"], UNET["layers_per_block"]
    depth = [int(kind.startswith("CrossAttn")) for kind in UNET["down_block_types"]]
    return {
        "image_size": UNET["sample_size"],
        "in_channels": UNET["in_channels"],
        "out_channels": UNET["out_channels"],
        "model_channels": widths[0],
        "num_res_blocks": [layers] * len(widths),
        "channel_mult": [width // widths[0] for width in widths],
        "transformer_depth": [d for d in depth for _ in range(layers)],
        "transformer_depth_output": [d for d in depth for _ in range(layers + 1)],
        "transformer_depth_middle": 1,
        "context_dim": UNET["cross_attention_dim"],
        "num_heads": UNET["attention_head_dim"],
        "num_head_channels": -1,
        "use_spatial_transformer": True,
        "use_linear_in_transformer": False,
        "adm_in_channels": None,
        "legacy": False,
        "use_checkpoint": False,
        "use_temporal_attention": False,
        "use_temporal_resblock": False,
    }
