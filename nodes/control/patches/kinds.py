"""What a MODEL_PATCH is, and whether it fits a MODEL. Pure: it reads layouts only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PatchKind:
    """A kind of MODEL_PATCH that takes a hint.

    title: for messages. family: of the models it is for. mark: a part of its network that no other kind has. node:
    ComfyUI's node that applies it. fits: (diffusion model, network) -> whether it fits; the model may be any.
    has_window: whether that node asks for start and end. takes_vae: whether it asks for a VAE.
    """

    title: str
    family: str
    mark: str
    node: str
    fits: Callable[[Any, Any], bool]
    has_window: bool = False
    takes_vae: bool = True


def _width(weight: Any) -> int:
    return int(weight.shape[0])


def _fits_qwen(model: Any, network: Any) -> bool:
    blocks = getattr(model, "transformer_blocks", None)
    if blocks is None or not hasattr(model, "txt_norm"):
        return False
    return _width(model.img_in.weight) == _width(network.img_in.weight) and len(blocks) <= len(
        network.controlnet_blocks
    )


def _fits_z_image(model: Any, network: Any) -> bool:
    if not all(hasattr(model, name) for name in ("layers", "noise_refiner", "cap_embedder")):
        return False
    embedder = next(iter(network.control_all_x_embedder.values()))
    refined = hasattr(network.control_layers[0], "adaLN_modulation")
    return _width(model.x_embedder.weight) == _width(embedder.weight) and refined


def _fits_anima(model: Any, network: Any) -> bool:
    blocks = getattr(model, "blocks", None)
    if blocks is None or not hasattr(model, "llm_adapter"):
        return False
    return len(blocks) >= int(network.block_count) and int(model.model_channels) == int(network.model_dim)


KINDS = (
    PatchKind(
        "DiffSynth for Qwen-Image",
        "Qwen-Image",
        "controlnet_blocks",
        "QwenImageDiffsynthControlnet",
        _fits_qwen,
    ),
    PatchKind("Fun for Z-Image", "Z-Image", "control_all_x_embedder", "ZImageFunControlnet", _fits_z_image),
    PatchKind(
        "LLLite for Anima",
        "Anima",
        "lllite_conditioning1",
        "AnimaLLLiteApply",
        _fits_anima,
        has_window=True,
        takes_vae=False,
    ),
)
# MODEL_PATCHes of other purposes, by a part of their network: what they are, and their own node.
_OTHERS = {
    "controlnet_patch_embedding": ("a camera control for Wan (Uni3C)", "its own node"),
    "mid_projection": ("a style projector for Flux", "USO Style Reference"),
    "audio_proj": ("a net for speech (MultiTalk)", "its own node"),
    "project_modules": ("an upscaler (SUPIR)", "its own node"),
}
# ComfyUI's classes of models by what artists call them.
_FAMILIES = {
    "QwenImage": "Qwen-Image",
    "Lumina2": "Lumina 2 or Z-Image",
    "ZImagePixelSpace": "Z-Image in pixels",
    "Flux": "Flux.1",
    "Flux2": "Flux.2",
    "SD3": "SD 3",
    "SDXL": "SDXL",
    "SDXLRefiner": "the SDXL refiner",
    "WAN21": "Wan 2.1",
    "WAN22": "Wan 2.2",
    "Anima": "Anima",
    "HunyuanVideo": "Hunyuan Video",
    "HiDream": "HiDream",
    "Chroma": "Chroma",
    "PixArt": "PixArt",
    "AuraFlow": "AuraFlow",
    "LTXV": "LTX Video",
    "CosmosPredict2": "Cosmos Predict 2",
}
_UNETS = {128: "Steer's demo family", 768: "SD 1.x", 1024: "SD 2.x"}  # BaseModel, by the width of its prompts


def find_kind(network: Any) -> PatchKind:
    """The kind of the network of a MODEL_PATCH.

    Raises:
        ValueError: it takes no hint, or is not known.
    """
    for mark, (what, node) in _OTHERS.items():  # first: Uni3C has the mark of DiffSynth, too
        if hasattr(network, mark):
            raise ValueError(f"model_patch: this is {what}, which takes no hint. Use {node} for it.")
    for kind in KINDS:
        if hasattr(network, kind.mark):
            return kind
    known = ", ".join(kind.title for kind in KINDS)
    raise ValueError(
        f"model_patch: {type(network).__name__} is not known here. Known are {known}. Use ComfyUI's own node for it."
    )


def needs_mask(network: Any) -> bool:
    """Whether a patch takes a mask of what is repainted beside its picture."""
    if hasattr(network, "cond_in_channels"):  # LLLite
        return network.cond_in_channels == 4
    return hasattr(network, "img_in") and getattr(network, "additional_in_dim", 0) > 0  # DiffSynth


def name_family(model: Any) -> str:
    """What artists call the family of ComfyUI's model object, such as "Qwen-Image"."""
    known = _FAMILIES.get(type(model).__name__)
    if known is not None:
        return known
    layout = getattr(getattr(model, "model_config", None), "unet_config", {})
    unet = _UNETS.get(layout.get("context_dim", 0)) if type(model).__name__ == "BaseModel" else None
    return unet or type(model).__name__


def check_fits_model(kind: PatchKind, network: Any, model: Any, patch_name: str = "", model_name: str = "") -> None:
    """Check that a patch was made for a model. model: ComfyUI's model object. Names of files are for the message.

    Raises:
        ValueError: it was not.
    """
    if kind.fits(getattr(model, "diffusion_model", None), network):
        return
    of_patch, of_model = (f" '{name}'" if name else "" for name in (patch_name, model_name))
    family = name_family(model)
    size = " of another size" if kind.family in family else ""
    raise ValueError(
        f"model_patch: the patch{of_patch} is {kind.title}, but the model{of_model} is {family}{size}. Choose a patch "
        "and a model of one family."
    )
