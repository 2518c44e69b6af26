"""CLIPs of ComfyUI's own classes: the published widths, three thin layers, no vision tower.

Flux.2 has ready conditioning in its place: ComfyUI 0.3.75 cannot build Mistral at another size.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import torch

from .families import Family
from .weights import build_once, fill_wide

# ComfyUI reads the last layer but one of some, and wants three for that.
CLIP = {"num_hidden_layers": 3, "intermediate_size": 32}
T5 = {"num_layers": 1, "d_ff": 16, "d_kv": 8, "num_heads": 2}
QWEN = {
    "num_hidden_layers": 3,
    "intermediate_size": 32,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
}
OPTIONS = {
    "clip_l_model_config": CLIP,
    "clip_g_model_config": CLIP,
    "t5xxl_model_config": T5,
    "umt5xxl_model_config": T5 | {"vocab_size": 32128},
    "qwen25_7b_model_config": QWEN,
    "qwen3_4b_model_config": QWEN,
}


def _sd15() -> tuple[Any, Any]:
    import comfy.sd1_clip

    return comfy.sd1_clip.SD1Tokenizer, comfy.sd1_clip.SD1ClipModel


def _sdxl() -> tuple[Any, Any]:
    import comfy.sdxl_clip

    return comfy.sdxl_clip.SDXLTokenizer, comfy.sdxl_clip.SDXLClipModel


def _sd3() -> tuple[Any, Any]:
    import comfy.text_encoders.sd3_clip as sd3

    return sd3.SD3Tokenizer, sd3.sd3_clip()


def _flux() -> tuple[Any, Any]:
    import comfy.text_encoders.flux as flux

    return flux.FluxTokenizer, flux.flux_clip()


def _qwen() -> tuple[Any, Any]:
    import comfy.text_encoders.qwen_image as qwen

    return qwen.QwenImageTokenizer, qwen.te()


def _z_image() -> tuple[Any, Any]:
    import comfy.text_encoders.z_image as z_image

    return z_image.ZImageTokenizer, z_image.te()


def _wan() -> tuple[Any, Any]:
    """umT5 behind the tokenizer of T5: its own comes in the file of its weights."""
    import comfy.sd1_clip
    import comfy.text_encoders.flux as flux
    import comfy.text_encoders.wan as wan

    class Tokenizer(comfy.sd1_clip.SD1Tokenizer):
        def __init__(self, embedding_directory: Any = None, tokenizer_data: dict[str, Any] | None = None) -> None:
            super().__init__(embedding_directory, {}, clip_name="umt5xxl", tokenizer=flux.T5XXLTokenizer)

    return Tokenizer, wan.te()


TARGETS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "SD 1.5": _sd15,
    "SDXL": _sdxl,
    "SD 3.5": _sd3,
    "Flux.1": _flux,
    "Qwen-Image": _qwen,
    "Z-Image": _z_image,
    "Wan 2.1": _wan,
}


class ReadyPrompts:
    """In the place of a CLIP: a random CONDITIONING of the family's shape for each text."""

    def __init__(self, family: Family) -> None:
        self.family = family

    def tokenize(self, text: str, **_: Any) -> str:
        return text

    def encode_from_tokens_scheduled(self, tokens: str, *_: Any, **__: Any) -> list[Any]:
        return self.family.prompt(zlib.crc32(tokens.encode()))


@build_once
def clip_of(family: Family) -> Any:
    """CLIP of a family."""
    if family.name == "Steer's demo":
        from steer.nodes.demo.comfy_model import load_clip

        return load_clip()
    if family.name not in TARGETS:
        return ReadyPrompts(family)
    import comfy.sd
    import comfy.supported_models_base

    tokenizer, model = TARGETS[family.name]()
    target = comfy.supported_models_base.ClipTarget(tokenizer, _in_little_memory(model))
    return comfy.sd.CLIP(target, model_options=dict(OPTIONS))


def _in_little_memory(model: Any) -> Any:
    """`model`, built without memory and then filled: nothing of the published size lies there, even for a moment."""

    def build(device: Any, dtype: Any, model_options: dict[str, Any]) -> Any:
        built = model(device=torch.device("meta"), dtype=torch.float32, model_options=model_options)
        for part in built.modules():
            if hasattr(part, "visual"):
                del part.visual
        return fill_wide(built, 5)

    return build
