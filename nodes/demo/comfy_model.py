"""Builds ComfyUI's own MODEL, CLIP, VAE and CONTROL_NET from the embedded weights.

The weights are of the SD 1.x architecture at smaller sizes, so ComfyUI's classes run them as they are. Only its
detection is not used: it knows the published sizes alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import comfy.cldm.cldm
import comfy.controlnet
import comfy.model_management as management
import comfy.model_patcher
import comfy.ops
import comfy.sd
import comfy.sd1_clip
import comfy.supported_models
import comfy.supported_models_base
import comfy.utils
import folder_paths
import torch

from ...demo import store
from ...demo.networks import CONTROL_KINDS, HINT_WIDTHS, TEXT, VOCABULARY, comfy_unet_config
from .comfy_size import watch_size
from .comfy_words import watched_tokenizer

Tensors = dict[str, torch.Tensor]


def _rename_keys(tensors: Tensors, names: dict[str, str]) -> Tensors:
    """`tensors` under ComfyUI's names.

    Raises:
        KeyError: a tensor has none, so that nothing is left out silently.
    """
    return {names[key]: value for key, value in tensors.items()}


def build_model(tensors: Tensors) -> comfy.model_patcher.ModelPatcher:
    """MODEL from the weights of a diffusers UNet2DConditionModel of the embedded size."""
    shape, device = comfy_unet_config(), management.get_torch_device()
    config = comfy.supported_models.SD15(dict(shape))
    config.unet_config = dict(shape)  # SD15 sets the number of heads to its own
    weights = _rename_keys(tensors, comfy.utils.unet_to_diffusers(shape))
    kinds = list(config.supported_inference_dtypes)
    size = comfy.utils.calculate_parameters(weights)
    dtype = management.unet_dtype(model_params=size, supported_dtypes=kinds, weight_dtype=torch.float16)
    config.set_inference_dtype(dtype, management.unet_manual_cast(dtype, device, kinds))
    offload = management.unet_offload_device()
    model = config.get_model(weights, "", device=offload)
    model.load_model_weights(weights, "")
    return comfy.model_patcher.ModelPatcher(model, load_device=device, offload_device=offload)


def build_clip(tensors: Tensors, disable_dynamic: bool = False) -> comfy.sd.CLIP:
    """CLIP from the embedded text encoder, over ComfyUI's own SD 1.x tokenizer, which says what words it does not know.

    The file holds one embedding for each taught token and one, trained as "a word I do not know", for all others.
    disable_dynamic: its weights lie in memory as a whole. Older ComfyUIs have no other way.
    """
    tensors = dict(tensors)
    taught, unknown = tensors.pop("tokens").long(), tensors.pop("unknown")
    key = "text_model.embeddings.token_embedding.weight"
    table = unknown.expand(VOCABULARY, -1).clone()
    table[taught] = tensors[key]
    target = comfy.supported_models_base.ClipTarget(watched_tokenizer(taught.tolist()), comfy.sd1_clip.SD1ClipModel)
    knows_dynamic = "disable_dynamic" in inspect.signature(comfy.sd.CLIP).parameters
    options: dict[str, Any] = {"disable_dynamic": disable_dynamic} if knows_dynamic else {}
    clip = comfy.sd.CLIP(
        target,
        embedding_directory=folder_paths.get_folder_paths("embeddings"),
        parameters=comfy.utils.calculate_parameters(tensors),
        model_options={"clip_l_model_config": dict(TEXT)},
        **options,
    )
    projection = torch.eye(TEXT["hidden_size"])  # SD 1.x has none
    _check_complete(clip.load_sd(tensors | {key: table, "text_projection.weight": projection}))
    return clip


def _check_complete(result: Any) -> None:
    """Raises ValueError if PyTorch's load_state_dict reported missing or unexpected tensors."""
    missing, unexpected = result
    if missing or unexpected:
        raise ValueError(f"The demo model does not fit this ComfyUI: missing {missing}, unexpected {unexpected}.")


def build_controlnet(tensors: Tensors) -> comfy.controlnet.ControlNet:
    """CONTROL_NET from the weights of a diffusers ControlNetModel of the embedded size."""
    shape, device = comfy_unet_config(), management.get_torch_device()
    names = comfy.utils.unet_to_diffusers(shape)
    hint_layers = ["conv_in", *(f"blocks.{i}" for i in range(2 * len(HINT_WIDTHS) - 2)), "conv_out"]
    for end in ("weight", "bias"):
        names[f"controlnet_mid_block.{end}"] = f"middle_block_out.0.{end}"
        for i in range(sum(layers + 1 for layers in shape["num_res_blocks"])):
            names[f"controlnet_down_blocks.{i}.{end}"] = f"zero_convs.{i}.0.{end}"
        for i, layer in enumerate(hint_layers):
            names[f"controlnet_cond_embedding.{layer}.{end}"] = f"input_hint_block.{2 * i}.{end}"
    del shape["out_channels"]
    kinds = [torch.float16, torch.bfloat16, torch.float32]
    dtype = management.unet_dtype(model_params=-1, supported_dtypes=kinds, weight_dtype=torch.float16)
    cast = management.unet_manual_cast(dtype, device)
    network = comfy.cldm.cldm.ControlNet(
        hint_channels=3,
        dtype=dtype,
        device=management.unet_offload_device(),
        operations=comfy.ops.pick_operations(dtype, cast),
        **shape,
    )
    _check_complete(network.load_state_dict(_rename_keys(tensors, names), strict=False))
    return comfy.controlnet.ControlNet(network, load_device=device, manual_cast_dtype=cast)


def load_model() -> comfy.model_patcher.ModelPatcher:
    """The embedded MODEL.

    Raises:
        WeightsError: its file is missing or damaged.
    """
    model = build_model(store.read("unet")[0])
    watch_size(model)
    _name_loader(model, lambda disable_dynamic=False: load_model())  # it is never dynamic
    return model


def load_clip(disable_dynamic: bool = False) -> comfy.sd.CLIP:
    """The embedded CLIP. disable_dynamic: see build_clip.

    Raises:
        WeightsError: its file is missing or damaged.
    """
    clip = build_clip(store.read("text_encoder")[0], disable_dynamic)
    _name_loader(clip.patcher, lambda disable_dynamic=False: load_clip(disable_dynamic).patcher)
    return clip


def load_vae() -> comfy.sd.VAE:
    """The embedded VAE.

    Raises:
        WeightsError: its file is missing or damaged.
    """
    vae = comfy.sd.VAE(sd=store.read("vae")[0])
    # ComfyUI's own loader of a VAE does not heed it either.
    _name_loader(vae.patcher, lambda disable_dynamic=False: load_vae().patcher)
    return vae


def _name_loader(patcher: Any, load: Callable[..., Any]) -> None:
    """Say how to load the same again: a ComfyUI that knows several GPUs makes its copy for another GPU in this way."""
    if hasattr(patcher, "cached_patcher_init"):
        patcher.cached_patcher_init = (load, ())


def load_controlnet(kind: str) -> comfy.controlnet.ControlNet:
    """The embedded CONTROL_NET for hints of `kind`, one of CONTROL_KINDS.

    Raises:
        ValueError: the kind is unknown.
        WeightsError: its file is missing or damaged.
    """
    if kind not in CONTROL_KINDS:
        raise ValueError(f"kind: there is no demo ControlNet '{kind}'. Choose {', '.join(CONTROL_KINDS)}.")
    return build_controlnet(store.read(f"controlnet-{kind}")[0])
