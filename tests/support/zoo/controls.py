"""CONTROL_NETs of each kind that exists for the families, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from .families import BY_NAME, FLUX, QWEN, SD3, SD15, SDXL, UNET, Family, build, known_flux
from .weights import fill

# A union net's own layers are 320 wide, and so must the UNet be: one level of it.
UNION = UNET | {
    "model_channels": 320,
    "num_heads": 8,
    "num_res_blocks": [1],
    "channel_mult": [1],
    "transformer_depth": [1],
    "transformer_depth_output": [1, 1],
    "transformer_depth_middle": 1,
    "context_dim": 2048,
    "use_linear_in_transformer": True,
    "num_classes": "sequential",
    "adm_in_channels": 2816,
}
WIDE_SDXL = Family("SDXL", lambda: build("SDXL", UNION), 2048, 1280, 4)


@dataclass(frozen=True)
class Kind:
    """A kind of ControlNet. build: seed -> CONTROL_NET. vae: whether it takes its hint as a latent. inpaint: whether it
    also takes a mask."""

    name: str
    family: Family
    build: Callable[[int], Any]
    vae: bool = False
    inpaint: bool = False


def network_of(net: Any) -> torch.nn.Module | None:
    """The network that a CONTROL_NET runs; None of a control LoRA, which makes it when sampling begins."""
    return getattr(net, "control_model", None) or getattr(net, "t2i_model", None)


def _wrap(network: torch.nn.Module, seed: int, **more: Any) -> Any:
    import comfy.controlnet

    return comfy.controlnet.ControlNet(fill(network, seed), load_device=torch.device("cpu"), **more)


def _unet(shape: dict[str, Any], seed: int, **more: Any) -> Any:
    import comfy.cldm.cldm
    import comfy.ops

    rest = {name: value for name, value in shape.items() if name != "out_channels"}
    operations = comfy.ops.disable_weight_init
    return _wrap(comfy.cldm.cldm.ControlNet(hint_channels=3, operations=operations, **rest, **more), seed)


def _lora(seed: int) -> Any:
    """A control LoRA: its own hint layers and outputs, and for the rest low ranks on top of the model's weights."""
    import comfy.controlnet

    weights = _unet(SDXL, seed).control_model.state_dict()
    own = {
        name: value
        for name, value in weights.items()
        if name.startswith(("input_hint_block", "zero_convs", "middle_block_out"))
    }
    generator = torch.Generator().manual_seed(seed)
    for name, value in weights.items():
        if name.endswith("attn2.to_k.weight"):
            rows, columns = value.shape
            own[name.replace(".weight", ".up")] = torch.randn(rows, 2, generator=generator) / 8
            own[name.replace(".weight", ".down")] = torch.randn(2, columns, generator=generator) / 8
    return comfy.controlnet.ControlLora({**own, "lora_controlnet": torch.zeros(0)})


def _adapter(channels: int, xl: bool, seed: int) -> Any:
    import comfy.controlnet
    from comfy.t2i_adapter.adapter import Adapter

    cell = 16 if xl else 8
    network = Adapter([32, 64, 64, 64], 2, 3 * cell * cell, 1, sk=True, use_conv=False, xl=xl)
    device = torch.device("cpu")
    return comfy.controlnet.T2IAdapter(fill(network, seed), channels, 8, "nearest-exact", device)


def _sd3_format(shift: float | None = None) -> Any:
    import comfy.latent_formats

    latent_format = comfy.latent_formats.SD3()
    if shift is not None:
        latent_format.shift_factor = shift
    return latent_format


def _sd3(seed: int, channels: int = 16) -> Any:
    import comfy.cldm.mmdit
    import comfy.ops

    rest = {name: value for name, value in SD3.items() if name not in ("out_channels",)}
    operations = comfy.ops.disable_weight_init
    network = comfy.cldm.mmdit.ControlNet(
        num_blocks=1, control_latent_channels=channels, operations=operations, **rest, out_channels=16
    )
    return _wrap(network, seed, compression_ratio=1, latent_format=_sd3_format(0.0), concat_mask=channels == 17)


def _sd35(seed: int) -> Any:
    import comfy.cldm.dit_embedder
    import comfy.controlnet
    import comfy.ops

    network = comfy.cldm.dit_embedder.ControlNetEmbedder(
        img_size=None,
        patch_size=2,
        in_chans=16,
        num_layers=1,
        main_model_double=2,
        double_y_emb=False,
        attention_head_dim=64,
        num_attention_heads=2,
        adm_in_channels=2048,
        device=torch.device("cpu"),
        dtype=torch.float32,
        operations=comfy.ops.disable_weight_init,
    )
    return comfy.controlnet.ControlNetSD35(
        fill(network, seed), compression_ratio=1, latent_format=_sd3_format(), load_device=torch.device("cpu")
    )


def _flux(seed: int, latent: bool = True, modes: int = 0, channels: int = 16) -> Any:
    import comfy.latent_formats
    import comfy.ops
    from comfy.ldm.flux.controlnet import ControlNetFlux

    shape = known_flux(FLUX | {"depth": 1, "depth_single_blocks": 1, "guidance_embed": latent is False})
    network = ControlNetFlux(
        latent_input=latent,
        num_union_modes=modes,
        control_latent_channels=channels if latent else None,
        operations=comfy.ops.disable_weight_init,
        **shape,
    )
    more = {"compression_ratio": 1, "latent_format": comfy.latent_formats.Flux()} if latent else {}
    return _wrap(network, seed, extra_conds=["y", "guidance"], concat_mask=channels == 17, **more)


def _qwen(seed: int, mask_channels: int = 0) -> Any:
    import comfy.latent_formats
    import comfy.ops
    from comfy.ldm.qwen_image.controlnet import QwenImageControlNetModel

    network = QwenImageControlNetModel(
        mask_channels, operations=comfy.ops.disable_weight_init, **(QWEN | {"num_layers": 2})
    )
    return _wrap(
        network,
        seed,
        compression_ratio=1,
        latent_format=comfy.latent_formats.Wan21(),
        extra_conds=[],
        concat_mask=mask_channels > 0,
    )


def _qwen_fun(seed: int) -> Any:
    import comfy.controlnet
    import comfy.latent_formats
    import comfy.ldm.qwen_image.controlnet as qwen
    import comfy.ops

    network = getattr(qwen, "QwenImageFunControlNetModel")(  # noqa: B009  # 0.3.75 has none
        control_in_features=132,
        inner_dim=32,
        num_attention_heads=2,
        attention_head_dim=16,
        num_control_blocks=2,
        main_model_double=60,
        injection_layers=(0, 2),
        operations=comfy.ops.disable_weight_init,
    )
    make = getattr(comfy.controlnet, "QwenFunControlNet")  # noqa: B009
    return make(
        fill(network, seed),
        compression_ratio=1,
        latent_format=comfy.latent_formats.Wan21(),
        load_device=torch.device("cpu"),
        extra_conds=[],
    )


def _demo(seed: int) -> Any:
    from steer.nodes.demo.comfy_model import load_controlnet

    return load_controlnet("canny")  # the embedded one, whatever the seed


KINDS = (
    Kind("ControlNet of Steer's demo", BY_NAME["Steer's demo"], _demo),
    Kind("ControlNet of SD 1.5", BY_NAME["SD 1.5"], lambda seed: _unet(SD15, seed)),
    Kind("T2I adapter of SD 1.5", BY_NAME["SD 1.5"], lambda seed: _adapter(3, False, seed)),
    Kind("ControlNet of SDXL", BY_NAME["SDXL"], lambda seed: _unet(SDXL, seed)),
    Kind("Control LoRA of SDXL", BY_NAME["SDXL"], _lora),
    Kind("T2I adapter of SDXL", BY_NAME["SDXL"], lambda seed: _adapter(3, True, seed)),
    Kind("Union of SDXL", WIDE_SDXL, lambda seed: _unet(UNION, seed, union_controlnet_num_control_type=8)),
    Kind("InstantX of SD 3", BY_NAME["SD 3.5"], _sd3, vae=True),
    Kind("AliMama inpainting of SD 3", BY_NAME["SD 3.5"], lambda seed: _sd3(seed, 17), vae=True, inpaint=True),
    Kind("Stability of SD 3.5", BY_NAME["SD 3.5"], _sd35, vae=True),
    Kind("InstantX of Flux.1", BY_NAME["Flux.1"], _flux, vae=True),
    Kind("Union of Flux.1", BY_NAME["Flux.1"], lambda seed: _flux(seed, modes=7), vae=True),
    Kind("XLabs of Flux.1", BY_NAME["Flux.1"], lambda seed: _flux(seed, latent=False)),
    Kind("InstantX of Qwen-Image", BY_NAME["Qwen-Image"], _qwen, vae=True),
    Kind("InstantX inpainting of Qwen-Image", BY_NAME["Qwen-Image"], lambda seed: _qwen(seed, 4), True, True),
    Kind("Fun of Qwen-Image", BY_NAME["Qwen-Image"], _qwen_fun, vae=True),
)


def kinds_here() -> tuple[Kind, ...]:
    """Those that the ComfyUI at hand has."""
    import comfy.controlnet

    has_fun = hasattr(comfy.controlnet, "QwenFunControlNet")
    return tuple(kind for kind in KINDS if has_fun or kind.build is not _qwen_fun)
