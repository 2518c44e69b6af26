"""The weights in demo/weights as a starting point, where the checkpoint of an earlier run is not at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from .. import store
from ..networks import LATENT_SCALE, UNET
from .autoencoder import Autoencoder, freeze, load_checkpoint
from .common import Run, average_of, read_state, say
from .data.text import UNKNOWN
from .unet import build_text_encoder, use_plain_attention


def open_autoencoder(checkpoint: Path) -> Autoencoder:
    """The autoencoder of a checkpoint, or the shipped one where there is none; for inference."""
    return load_checkpoint(checkpoint) if checkpoint.is_file() else load_shipped_autoencoder()


def load_shipped_autoencoder() -> Autoencoder:
    """demo/weights/vae.safetensors without the zeros that pad it to the standard layout."""
    model = Autoencoder()
    notes = load_autoencoder(model, awake=False)
    return freeze(model, float(notes["mean"]), float(notes["deviation"]))


def load_autoencoder(network: Autoencoder, awake: bool = True) -> dict[str, str]:
    """Give `network` the shipped weights; returns the file's metadata, and the latents' mean and deviation.

    awake: channels that the shipped ones do not use yet get weights of their own to learn from. Nothing reads them
    yet, so the function stays the same.
    """
    tensors, metadata = store.read("vae")
    scale, shift = float(tensors.pop("vae_scale")), float(tensors.pop("vae_shift"))
    weights = crop_padding(tensors, network)
    for key, value in weights.items():
        if awake and key.endswith("weight"):
            unused = value.flatten(1).abs().amax(1) == 0
            value[unused] = nn.init.kaiming_normal_(torch.empty_like(value), nonlinearity="relu")[unused]
    network.load_state_dict(weights, strict=False)
    return metadata | {"mean": str(-shift * scale), "deviation": str(scale / LATENT_SCALE)}


def load_base(checkpoint: Path) -> tuple[nn.Module, nn.Module, list[int]]:
    """(UNet, text encoder, taught tokens) of a model checkpoint, or the shipped ones where there is none; frozen."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    network, encoder = UNet2DConditionModel(**UNET), build_text_encoder()
    if checkpoint.is_file():
        network.load_state_dict(average_of(checkpoint, "unet"))
        encoder.load_state_dict(average_of(checkpoint, "text_encoder"), strict=False)
        tokens = read_state(checkpoint)[1]["tokens"]
    else:
        load_unet(network)
        tokens = load_text_encoder(encoder)
    return use_plain_attention(network.requires_grad_(False)), encoder.requires_grad_(False), tokens


def crop_padding(tensors: dict[str, torch.Tensor], network: nn.Module) -> dict[str, torch.Tensor]:
    """`tensors` without the zeros that pad them beyond the shapes of `network`."""
    shapes = {key: value.shape for key, value in network.state_dict().items()}
    return {key: value[tuple(slice(n) for n in shapes[key])].float() for key, value in tensors.items()}


def load_unet(network: nn.Module) -> dict[str, str]:
    """Give `network` the shipped UNet's weights; returns the file's metadata."""
    tensors, metadata = store.read("unet")
    network.load_state_dict({key: value.float() for key, value in tensors.items()})
    return metadata


def load_text_encoder(network: nn.Module) -> list[int]:
    """Give `network` the shipped text encoder's weights; returns the taught tokens, in the order of its rows."""
    tensors = store.read("text_encoder")[0]
    tokens, unknown = tensors.pop("tokens").tolist(), tensors.pop("unknown")
    state = network.state_dict()
    prefix = "" if "embeddings.token_embedding.weight" in state else "text_model."
    weights = {prefix + key.removeprefix("text_model."): value.float() for key, value in tensors.items()}
    key = f"{prefix}embeddings.token_embedding.weight"
    table = state[key].clone()
    table[UNKNOWN], table[1 : 1 + len(tokens)] = unknown.float(), weights[key]
    network.load_state_dict(weights | {key: table}, strict=False)
    return tokens


def load_controlnet(network: nn.Module, kind: str) -> dict[str, str]:
    """Give `network` the weights of the shipped ControlNet for hints of `kind`; returns the file's metadata."""
    tensors, metadata = store.read(f"controlnet-{kind}")
    network.load_state_dict(crop_padding(tensors, network))
    return metadata


def go_on(run: Run, metadata: dict[str, Any], **notes: Any) -> None:
    """Let `run`, whose networks hold shipped weights by now, count its steps from theirs."""
    run.step = int(metadata["steps"])
    run.notes |= notes
    with torch.no_grad():
        for average, parameter in zip(run.averages, run.parameters, strict=True):
            average.copy_(parameter)
    say(f"goes on from the shipped weights at step {run.step}")
