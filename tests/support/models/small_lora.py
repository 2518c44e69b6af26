"""LoRAs of the embedded model, for tests: large enough changes, in a file of a few kilobytes."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

# Of the model and of the text encoder, whose prompts change with it.
ENDS = ("attn2.to_k.weight", "0.mlp.fc1.weight")


def write_lora(path: Path, seed: int = 0) -> Path:
    """Random weights for every layer that ends in one of ENDS."""
    import comfy.lora
    from steer.nodes.demo.comfy_model import load_clip, load_model

    model, text = load_model().model, load_clip().cond_stage_model
    keys = comfy.lora.model_lora_keys_clip(text, comfy.lora.model_lora_keys_unet(model, {}))
    assert all(any(str(key).endswith(end) for key in keys.values()) for end in ENDS)
    weights = {**model.state_dict(), **text.state_dict()}
    lora, generator = {}, torch.Generator().manual_seed(seed)
    for key, target in {target: key for key, target in keys.items() if str(target).endswith(ENDS)}.items():
        shape = weights[key].shape
        lora[f"{target}.lora_up.weight"] = torch.randn(shape[0], 2, generator=generator)
        lora[f"{target}.lora_down.weight"] = torch.randn(2, shape[1], generator=generator)
    save_file(lora, path)
    return path
