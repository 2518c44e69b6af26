"""MODEL_PATCHes of each kind that the ComfyUI at hand has, with random weights."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from .families import BY_NAME, QWEN, ZIMAGE, Family
from .weights import fill


@dataclass(frozen=True)
class PatchKind:
    """A kind of MODEL_PATCH. build: seed -> MODEL_PATCH. node: ComfyUI's node that applies it. inpaint: whether it
    takes a mask."""

    name: str
    family: Family
    build: Callable[[int], Any]
    node: str
    inpaint: bool = False


def _wrap(network: torch.nn.Module, seed: int) -> Any:
    import comfy.model_management as management
    import comfy.model_patcher

    return comfy.model_patcher.ModelPatcher(
        fill(network, seed),
        load_device=management.get_torch_device(),
        offload_device=management.unet_offload_device(),
    )


def _diffsynth(seed: int, mask_channels: int = 0, layers: int = QWEN["num_layers"]) -> Any:
    import comfy.ops
    from comfy_extras.nodes_model_patch import QwenImageBlockWiseControlNet

    operations = comfy.ops.disable_weight_init
    width = QWEN["num_attention_heads"] * QWEN["attention_head_dim"]
    network = QwenImageBlockWiseControlNet(layers, 64, mask_channels, dim=width, operations=operations)
    return _wrap(network, seed)


def style_projector(seed: int) -> Any:
    """A MODEL_PATCH of another purpose: USO's style projector for Flux."""
    import comfy.ops
    from comfy_extras.nodes_model_patch import SigLIPMultiFeatProjModel

    return _wrap(SigLIPMultiFeatProjModel(9, 4, 8, 32, operations=comfy.ops.disable_weight_init), seed)


def _z_image(seed: int, layers: int = 6, **more: Any) -> Any:
    import comfy.ops

    control = importlib.import_module("comfy.ldm.lumina.controlnet")  # 0.3.75 has none
    names = ("dim", "n_heads", "n_kv_heads", "multiple_of", "ffn_dim_multiplier", "qk_norm")
    shape: dict[str, Any] = {name: ZIMAGE[name] for name in names}
    operations = comfy.ops.disable_weight_init
    network = control.ZImage_Control(
        n_control_layers=layers, operations=operations, dtype=torch.float32, **shape, **more
    )
    return _wrap(network, seed)


PATCHES = (
    PatchKind("DiffSynth of Qwen-Image", BY_NAME["Qwen-Image"], _diffsynth, "QwenImageDiffsynthControlnet"),
    PatchKind(
        "DiffSynth inpainting of Qwen-Image",
        BY_NAME["Qwen-Image"],
        lambda seed: _diffsynth(seed, 4),
        "QwenImageDiffsynthControlnet",
        inpaint=True,
    ),
    PatchKind("Fun of Z-Image", BY_NAME["Z-Image"], _z_image, "ZImageFunControlnet"),
    PatchKind(
        "Fun 2.1 of Z-Image",
        BY_NAME["Z-Image"],
        lambda seed: _z_image(seed, 15, additional_in_dim=17, refiner_control=True),
        "ZImageFunControlnet",
    ),
)


def patches_here() -> tuple[PatchKind, ...]:
    """Those that the ComfyUI at hand has a node for."""
    import nodes

    known = getattr(nodes, "NODE_CLASS_MAPPINGS")  # noqa: B009  # the checker takes `nodes` for this pack's
    return tuple(kind for kind in PATCHES if kind.node in known)
