"""A perceptual loss for straight lines: what M-LSD sees in a decoded picture, against what it sees in the drawing.

A seam of two pale walls, two pixels wide, hardly counts in any error of colours; blurred, it is lost to the eye and to
a detector. The loss asks for M-LSD's own features there, as perceptual losses ask for those of a classifier.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from ...preprocessors.lines.mlsd import load_mlsd
from ..networks import LATENT
from .autoencoder import CROP, Autoencoder, pictures_of
from .common import autocast
from .data.latents import SceneBatch

ENLARGED = 2  # M-LSD is trained on pictures of 512 px
CENTRES, ENDS = 0.5, 0.05  # weights of the centres' scores and of the end points' places beside the features
OFF_A_LINE = 0.02  # weight of places that are no line's centre
LATEST = 500  # estimates of x0 from timesteps of this and more are too vague to look for lines in them
CROPS = 4  # so many of a batch: M-LSD and the decoder take as long as the UNet


def mlsd_input(pictures: torch.Tensor) -> torch.Tensor:
    """M-LSD's input [N, 4, 2H, 2W] of pictures float [N, 3, H, W] in 0..1."""
    large = F.interpolate(pictures, scale_factor=ENLARGED, mode="bilinear", align_corners=False)
    ones = torch.full_like(large[:, :1], 1 / 127.5 - 1)
    return torch.cat([2 * large - 1, ones], 1).contiguous(memory_format=torch.channels_last)


class LineLoss:
    """How differently M-LSD sees decoded and drawn pictures, both float [N, 3, H, W] in 0..1; H, W multiples of 8."""

    def __init__(self) -> None:
        self.net = load_mlsd()

    def __call__(self, decoded: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            drawn_features = self.net.features(mlsd_input(drawn))
            expected = self.net.block23(drawn_features)
        features = self.net.features(mlsd_input(decoded))
        found = self.net.block23(features)
        unlike = (features - drawn_features).abs().mean() / drawn_features.abs().mean()
        centre = expected[:, 0].sigmoid()
        total = centre.sum().clamp(min=1.0)
        score = F.binary_cross_entropy_with_logits(found[:, 0], centre, centre + OFF_A_LINE, reduction="sum")
        sure = F.binary_cross_entropy_with_logits(expected[:, 0], centre, centre + OFF_A_LINE, reduction="sum")
        ends = F.smooth_l1_loss(found[:, 1:], expected[:, 1:], reduction="none", beta=2.0)
        return unlike + CENTRES * (score - sure) / total + ENDS * (centre[:, None] * ends).sum() / total


def estimates_loss(
    straight: LineLoss, vae: Autoencoder, batch: SceneBatch, x0: torch.Tensor, t: torch.Tensor, rng: np.random.Generator
) -> torch.Tensor:
    """How differently M-LSD sees crops of decoded estimates of x0 [B, 4, 32, 32] and of the drawings; a scalar.

    Only rooms at timesteps t [B] below LATEST count, and CROPS of them at most. The consistency loss of ControlNet++
    (Li et al. 2024): the error of the noise hardly counts a line two pixels wide.
    """
    rooms = [i for i in range(len(t)) if t[i] < LATEST and batch.records[i]["kind"] == "interior"]
    latents, pictures = [], []
    for i in rng.permutation(rooms)[:CROPS].astype(int):
        y, x = rng.integers(0, LATENT - CROP + 1, 2)
        latents.append(x0[i, :, y : y + CROP, x : x + CROP])
        pictures.append(batch.images[i][8 * y : 8 * (y + CROP), 8 * x : 8 * (x + CROP)])
    if not latents:
        return x0.new_zeros(())
    with autocast():
        decoded = vae.decode(torch.stack(latents).contiguous(memory_format=torch.channels_last))
    return straight(decoded.float(), pictures_of(np.stack(pictures)))
