"""The autoencoder's networks, in TAESD's layout with narrower stages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..networks import DECODER_WIDTHS, ENCODER_WIDTHS
from .common import average_of, in_channels_last, read_state

CROP = 16  # side of a training crop, in latent cells

SHARES = {"portrait": 0.4, "interior": 0.3, "figure": 0.2, "savanna": 0.1}  # rooms have the most fine lines


def conv(n_in: int, n_out: int, **options: int | bool) -> nn.Conv2d:
    """A convolution of 3 x 3 that keeps the size."""
    return nn.Conv2d(n_in, n_out, 3, padding=1, **options)  # type: ignore[arg-type]


class Clamp(nn.Module):
    """Holds latents softly within -3..3, as TAESD does."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Latents of the same shape."""
        return torch.tanh(x / 3) * 3


class TaesdBlock(nn.Module):
    """Three convolutions of `width` channels beside a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(conv(width, width), nn.ReLU(), conv(width, width), nn.ReLU(), conv(width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features [B, width, H, W] of the same shape."""
        return F.relu(self.conv(x) + x)


def build_encoder(widths: tuple[int, int, int, int] = ENCODER_WIDTHS) -> nn.Sequential:
    """From pictures [B, 3, H, W] in 0..1 to latents [B, 4, H/8, W/8]."""
    full, half, quarter, eighth = widths
    layers: list[nn.Module] = [conv(3, full), TaesdBlock(full)]
    for before, after in ((full, half), (half, quarter), (quarter, eighth)):
        layers += [conv(before, after, stride=2, bias=False), TaesdBlock(after), TaesdBlock(after), TaesdBlock(after)]
    return nn.Sequential(*layers, conv(eighth, 4))


def build_decoder(widths: tuple[int, int, int, int] = DECODER_WIDTHS) -> nn.Sequential:
    """From latents [B, 4, h, w] to pictures [B, 3, 8h, 8w], about 0..1."""
    full, half, quarter, eighth = widths
    layers: list[nn.Module] = [Clamp(), conv(4, eighth), nn.ReLU()]
    for before, after in ((eighth, quarter), (quarter, half), (half, full)):
        layers += [
            TaesdBlock(before),
            TaesdBlock(before),
            TaesdBlock(before),
            nn.Upsample(scale_factor=2),
            conv(before, after, bias=False),
        ]
    return nn.Sequential(*layers, TaesdBlock(full), conv(full, 3))


class Autoencoder(nn.Module):
    """Latents of `encode` and `decode` are ComfyUI's: about zero mean and unit variance, as the UNet sees them."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.taesd_encoder, self.taesd_decoder = build_encoder(), build_decoder()
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("deviation", torch.ones(()))

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        """Latents [B, 4, H/8, W/8] of pictures [B, 3, H, W] in 0..1."""
        return (self.taesd_encoder(pictures) - self.mean) / self.deviation

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Pictures [B, 3, 8h, 8w], about 0..1, of latents [B, 4, h, w]."""
        return self.taesd_decoder(latents * self.deviation + self.mean)


def load_checkpoint(checkpoint: Path) -> Autoencoder:
    """The averaged autoencoder of a checkpoint, scaled to unit variance, for inference."""
    model, notes = Autoencoder(), read_state(checkpoint)[1]
    model.load_state_dict(average_of(checkpoint, "vae"), strict=False)
    return freeze(model, notes.get("mean", 0.0), notes.get("deviation", 1.0))


def freeze(model: Autoencoder, mean: float, deviation: float) -> Autoencoder:
    """`model`, frozen, with latents of this mean and deviation scaled to zero and one."""
    model.mean.fill_(mean)
    model.deviation.fill_(deviation)
    return in_channels_last(model.eval().requires_grad_(False))


def pictures_of(images: np.ndarray) -> torch.Tensor:
    """float [N, 3, H, W] in 0..1, channels last in memory, of uint8 [N, H, W, 3]."""
    return torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 255
