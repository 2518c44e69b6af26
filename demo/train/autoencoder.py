"""The autoencoder's networks, in TAESD's layout with narrower stages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..networks import DECODER_WIDTHS, ENCODER_WIDTHS
from .common import average_of, read_state

CROP = 16  # side of a training crop, in latent cells


SHARES = {"portrait": 0.4, "interior": 0.3, "figure": 0.2, "savanna": 0.1}  # rooms have the most fine lines


def conv(n_in: int, n_out: int, **options: int | bool) -> nn.Conv2d:
    return nn.Conv2d(n_in, n_out, 3, padding=1, **options)  # type: ignore[arg-type]


class Clamp(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x / 3) * 3


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(conv(width, width), nn.ReLU(), conv(width, width), nn.ReLU(), conv(width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.conv(x) + x)


def encoder(widths: tuple[int, int, int, int] = ENCODER_WIDTHS) -> nn.Sequential:
    """Picture [B, 3, H, W] in 0..1 -> latent [B, 4, H/8, W/8]."""
    full, half, quarter, eighth = widths
    layers: list[nn.Module] = [conv(3, full), Block(full)]
    for before, after in ((full, half), (half, quarter), (quarter, eighth)):
        layers += [conv(before, after, stride=2, bias=False), Block(after), Block(after), Block(after)]
    return nn.Sequential(*layers, conv(eighth, 4))


def decoder(widths: tuple[int, int, int, int] = DECODER_WIDTHS) -> nn.Sequential:
    """Latent [B, 4, h, w] -> picture [B, 3, 8h, 8w], about 0..1."""
    full, half, quarter, eighth = widths
    layers: list[nn.Module] = [Clamp(), conv(4, eighth), nn.ReLU()]
    for before, after in ((eighth, quarter), (quarter, half), (half, full)):
        layers += [
            Block(before),
            Block(before),
            Block(before),
            nn.Upsample(scale_factor=2),
            conv(before, after, bias=False),
        ]
    return nn.Sequential(*layers, Block(full), conv(full, 3))


class Autoencoder(nn.Module):
    """Latents of `encode` and `decode` are ComfyUI's: about zero mean and unit variance, as the UNet sees them."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.taesd_encoder, self.taesd_decoder = encoder(), decoder()
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("deviation", torch.ones(()))

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        return (self.taesd_encoder(pictures) - self.mean) / self.deviation

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return self.taesd_decoder(latents * self.deviation + self.mean)


def load(checkpoint: Path) -> Autoencoder:
    """The averaged autoencoder of a checkpoint, scaled to unit variance, for inference."""
    model, notes = Autoencoder(), read_state(checkpoint)[1]
    model.load_state_dict(average_of(checkpoint, "vae"), strict=False)
    return inference(model, notes.get("mean", 0.0), notes.get("deviation", 1.0))


def inference(model: Autoencoder, mean: float, deviation: float) -> Autoencoder:
    """`model`, frozen, with latents of this mean and deviation scaled to zero and one."""
    model.mean.fill_(mean)
    model.deviation.fill_(deviation)
    return model.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def pictures_of(images: np.ndarray) -> torch.Tensor:
    """uint8 [N, H, W, 3] -> float [N, 3, H, W] in 0..1, channels last in memory."""
    return torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 255
