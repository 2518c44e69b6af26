"""A MODEL of each family at toy size, with prompts and latents of the right shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import torch

from .weights import build_once, fill

UNET: dict[str, Any] = {
    "image_size": 8,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 32,
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
# The numbers of blocks are the published ones, as are the widths of prompts.
SD15 = UNET | {
    "num_res_blocks": [2, 2, 2, 2],
    "channel_mult": [1, 2, 2, 2],
    "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
    "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
    "transformer_depth_middle": 1,
    "context_dim": 768,
}
SDXL = UNET | {
    "num_res_blocks": [2, 2, 2],
    "channel_mult": [1, 2, 2],
    "transformer_depth": [0, 0, 1, 1, 1, 1],
    "transformer_depth_output": [0, 0, 0, 1, 1, 1, 1, 1, 1],
    "transformer_depth_middle": 1,
    "context_dim": 2048,
    "use_linear_in_transformer": True,
    "num_classes": "sequential",
    "adm_in_channels": 2816,
}
SD3: dict[str, Any] = {
    "input_size": None,
    "patch_size": 2,
    "in_channels": 16,
    "out_channels": 16,
    "depth": 2,
    "adm_in_channels": 2048,
    "context_size": 4096,
    "context_embedder_config": {
        "target": "torch.nn.Linear",
        "params": {"in_features": 4096, "out_features": 128},
    },
    "num_patches": 64,
    "pos_embed_max_size": 8,
    "pos_embed_scaling_factor": None,
    "qk_norm": "rms",
}
FLUX: dict[str, Any] = {
    "in_channels": 16,
    "out_channels": 16,
    "vec_in_dim": 768,
    "context_in_dim": 4096,
    "hidden_size": 32,
    "mlp_ratio": 2.0,
    "num_heads": 2,
    "depth": 2,
    "depth_single_blocks": 2,
    "axes_dim": [4, 6, 6],
    "theta": 10000,
    "patch_size": 2,
    "qkv_bias": True,
    "guidance_embed": True,
}
FLUX2 = FLUX | {
    "in_channels": 128,
    "out_channels": 128,
    "vec_in_dim": None,
    "context_in_dim": 15360,
    "axes_dim": [4, 4, 4, 4],
    "theta": 2000,
    "patch_size": 1,
    "qkv_bias": False,
    "global_modulation": True,
    "mlp_silu_act": True,
    "ops_bias": False,
    "default_ref_method": "index",
    "ref_index_scale": 10.0,
}
QWEN: dict[str, Any] = {
    "in_channels": 64,
    "out_channels": 16,
    "num_layers": 4,
    "attention_head_dim": 16,
    "num_attention_heads": 2,
    "joint_attention_dim": 3584,
    "axes_dims_rope": (4, 6, 6),
}
# ZImageControlPatch counts on 30 layers, and the modulation of Z-Image on a width of 256 at least.
ZIMAGE: dict[str, Any] = {
    "patch_size": 2,
    "in_channels": 16,
    "dim": 256,
    "n_layers": 30,
    "n_refiner_layers": 2,
    "n_heads": 2,
    "n_kv_heads": 2,
    "multiple_of": 8,
    "ffn_dim_multiplier": 0.25,
    "qk_norm": True,
    "cap_feat_dim": 2560,
    "axes_dims": [32, 48, 48],
    "axes_lens": [1536, 512, 512],
    "rope_theta": 256.0,
    "z_image_modulation": True,
    "time_scale": 1000.0,
    "pad_tokens_multiple": 32,
}
WAN: dict[str, Any] = {
    "model_type": "t2v",
    "dim": 32,
    "ffn_dim": 64,
    "freq_dim": 32,
    "text_dim": 4096,
    "num_heads": 2,
    "num_layers": 3,
    "in_dim": 16,
    "out_dim": 16,
}
OMNIGEN2: dict[str, Any] = {
    "hidden_size": 96,
    "num_layers": 2,
    "num_refiner_layers": 1,
    "num_attention_heads": 2,
    "num_kv_heads": 1,
    "multiple_of": 32,
    "axes_dim_rope": (16, 16, 16),
    "text_feat_dim": 2048,
}


@dataclass(frozen=True)
class Family:
    """One family of models.

    build: makes its MODEL. width, pooled: of its prompts and pooled prompts; pooled is 0 where it has none. channels:
    of its latents. cell: pixels along a side of a cell of the latent. frames: whether latents have a time axis, as in
    [B, C, T, H, W]. counts: whether its prompts come with an attention mask, by which the model counts its tokens.
    """

    name: str
    build: Callable[[], Any]
    width: int
    pooled: int
    channels: int
    cell: int = 8
    frames: bool = False
    counts: bool = False

    def model(self) -> Any:
        """Its MODEL, a clone that may be patched."""
        return _built(self.build).clone()

    def prompt(self, seed: int, tokens: int = 8) -> list[Any]:
        """CONDITIONING of random tokens [1, tokens, width]."""
        generator = torch.Generator().manual_seed(seed)
        pooled = torch.randn(1, self.pooled, generator=generator) if self.pooled else None
        values = {"pooled_output": pooled} | (
            {"attention_mask": torch.ones(1, tokens, dtype=torch.long)} if self.counts else {}
        )
        return [[torch.randn(1, tokens, self.width, generator=generator), values]]

    def latent(self, height: int = 8, width: int = 8, batch: int = 1) -> dict[str, torch.Tensor]:
        """An empty LATENT of so many cells."""
        shape = (self.channels, 1, height, width) if self.frames else (self.channels, height, width)
        return {"samples": torch.zeros(batch, *shape)}


def _patcher(model: Any) -> Any:
    import comfy.model_management as management
    import comfy.model_patcher

    return comfy.model_patcher.ModelPatcher(
        model, load_device=management.get_torch_device(), offload_device=management.unet_offload_device()
    )


def build(name: str, shape: dict[str, Any], seed: int = 0) -> Any:
    """MODEL of the class `name` of ComfyUI's supported_models, laid out as `shape` says."""
    import comfy.supported_models

    config = getattr(comfy.supported_models, name)(dict(shape))
    config.unet_config = dict(shape)  # some set a number of heads of their own
    config.set_inference_dtype(torch.float32, None)
    model = config.get_model({}, "", device=torch.device("cpu"))
    fill(model.diffusion_model, seed)
    return _patcher(model)


def known_flux(shape: dict[str, Any]) -> dict[str, Any]:
    """`shape` with what the FluxParams of the ComfyUI at hand ask for."""
    from comfy.ldm.flux.model import FluxParams

    names = {one.name for one in fields(FluxParams)}
    more = {"txt_ids_dims": [3] if shape["patch_size"] == 1 else []} if "txt_ids_dims" in names else {}
    return {name: value for name, value in shape.items() if name in names} | more


def _embedded() -> Any:
    from steer.nodes.demo.comfy_model import load_model

    return load_model()


@build_once
def _built(make: Callable[[], Any]) -> Any:
    return make()


def forget() -> None:
    """Let go of every MODEL, as before the end of a program: ComfyUI's objects cannot end after its modules."""
    import gc

    import comfy.model_management

    _built.cache_clear()
    comfy.model_management.unload_all_models()
    gc.collect()


FAMILIES = (
    Family("Steer's demo", _embedded, 128, 0, 4),
    Family("SD 1.5", lambda: build("SD15", SD15), 768, 768, 4),
    Family("SDXL", lambda: build("SDXL", SDXL), 2048, 1280, 4),
    Family("SD 3.5", lambda: build("SD3", SD3), 4096, 2048, 16),
    Family("Flux.1", lambda: build("Flux", known_flux(FLUX)), 4096, 768, 16),
    Family("Flux.2", lambda: build("Flux2", known_flux(FLUX2)), 15360, 0, 128, cell=16),
    Family("Qwen-Image", lambda: build("QwenImage", QWEN), 3584, 0, 16, frames=True),
    Family("Z-Image", lambda: build("ZImage", ZIMAGE), 2560, 0, 16),
    Family("Wan 2.1", lambda: build("WAN21_T2V", WAN), 4096, 0, 16, frames=True),
)
BY_NAME = {family.name: family for family in FAMILIES}
# An edit model with prompts as wide as those of SDXL; it has no control of its own, and no column in the matrix.
OMNI = Family("OmniGen2", lambda: build("Omnigen2", OMNIGEN2), 2048, 0, 16, counts=True)
