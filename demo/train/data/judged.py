"""Scenes as the judges see them: small, with the number of every attribute, and spoilt the way a model spoils them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ...judges.network import JOINTS, labels_of, shrink
from ...scenes import DATA_VERSION, HELD_OUT, render
from ..autoencoder import Autoencoder, pictures_of
from ..common import say

CHUNK = 1000
TWINS = 60  # scenes of a chunk that are also kept as the autoencoder gives them back
TIMES = 3  # so often counts each of these
FIRST = 500_000  # seeds that the model itself was not trained on
SWAPPED = (0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16)  # the joints in a mirror


@dataclass(frozen=True)
class Judged:
    """Scenes for the judges.

    pictures: uint8 [N, 3, 128, 128]. labels: int64 [N, heads], -1 where a scene has no such attribute.
    joints: float32 [N, 18, 3] (x, y in 0..1 of the side; score 0 where unseen).
    """

    pictures: torch.Tensor
    labels: torch.Tensor
    joints: torch.Tensor

    def __len__(self) -> int:
        return len(self.pictures)


def _bytes(pictures: torch.Tensor) -> torch.Tensor:
    return (shrink(pictures).clamp(0, 1) * 255).round().to(torch.uint8)


@torch.no_grad()
def _draw(first: int, size: int, vae: Autoencoder | None) -> Judged:
    """Scenes from seed `first` on; with a `vae`, the first TWINS again as it decodes their somewhat noisy latents."""
    pictures, twins, labels, joints = [], [], [], np.zeros((size, JOINTS, 3), np.float32)
    for i in range(size):
        scene = render(first + i)
        whole = pictures_of(scene.image[None])
        pictures.append(_bytes(whole))
        labels.append(labels_of(scene.attributes))
        if len(scene.joints):
            joints[i] = scene.joints[0] / [*scene.image.shape[1::-1], 1]
        if vae is not None and i < TWINS:
            latent = vae.encode(whole)
            noisy = latent + 0.2 * torch.rand(1) * torch.randn(latent.shape)
            twins.append(_bytes(vae.decode(noisy)))
    order = [*range(size), *TIMES * [*range(len(twins))]]
    return Judged(torch.cat(pictures + TIMES * twins), torch.tensor(labels)[order], torch.from_numpy(joints)[order])


def chunk(folder: Path, index: int, vae: Autoencoder | None, *, held_out: bool = False, size: int = CHUNK) -> Judged:
    """Chunk `index` of the scenes, from the folder or drawn now. Held-out scenes are never spoilt."""
    name = f"v{DATA_VERSION}-{'held-out' if held_out else 'train'}-{index:03d}.npz"
    path = folder / name
    if not path.is_file():
        say(f"drawing {size} scenes: {name}")
        drawn = _draw((HELD_OUT if held_out else FIRST) + index * CHUNK, size, None if held_out else vae)
        scratch = path.with_suffix(".part")
        with scratch.open("wb") as file:
            np.savez(file, pictures=drawn.pictures, labels=drawn.labels, joints=drawn.joints)
        scratch.replace(path)
    with np.load(path) as stored:
        return Judged(*(torch.from_numpy(stored[key]) for key in ("pictures", "labels", "joints")))


def join_batches(parts: list[Judged]) -> Judged:
    """All scenes of the parts, one after another."""
    return Judged(*(torch.cat([getattr(part, key) for part in parts]) for key in ("pictures", "labels", "joints")))


def blur(pictures: torch.Tensor, sigma: float) -> torch.Tensor:
    """A Gaussian blur of `sigma` pixels."""
    if sigma < 0.2:
        return pictures
    x = torch.arange(-3, 4) / sigma
    kernel = torch.exp(-0.5 * x * x)
    kernel = (kernel / kernel.sum()).reshape(1, 1, 1, 7).repeat(3, 1, 1, 1)
    across = F.conv2d(F.pad(pictures, (3, 3, 0, 0), mode="replicate"), kernel, groups=3)
    return F.conv2d(F.pad(across, (0, 0, 3, 3), mode="replicate"), kernel.transpose(2, 3), groups=3)


def spoil_pictures(pictures: torch.Tensor, joints: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures [B, 3, H, W] in 0..1 and their joints [B, 18, 3]: each moved, scaled, tinted, some mirrored or blurred.

    A model's pictures are softer than a drawing, and off in colour and place.
    """
    count = len(pictures)
    scale, shift = 1 + 0.08 * (2 * torch.rand(count, 2) - 1), 0.08 * (2 * torch.rand(count, 2) - 1)
    mirror = torch.rand(count) < 0.5
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = torch.where(mirror, -scale[:, 0], scale[:, 0]), scale[:, 1]
    theta[..., 2] = shift
    grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    moved = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    half = count // 2
    moved = torch.cat([moved[:half], blur(moved[half:], float(1.1 * torch.rand(1)))])
    moved = moved + 0.03 * torch.rand(count, 1, 1, 1) * torch.randn_like(moved)
    grey = moved.mean((1, 2, 3), keepdim=True)
    contrast, light = 1 + 0.15 * (2 * torch.rand(2, count, 1, 1, 1) - 1)
    moved = grey + (moved - grey) * contrast
    colourless = moved.mean(1, keepdim=True)
    colour = 1 + 0.2 * (2 * torch.rand(count, 1, 1, 1) - 1)
    tint = 1 + 0.04 * (2 * torch.rand(count, 3, 1, 1) - 1)
    moved = (colourless + (moved - colourless) * colour) * tint * (0.5 + 0.5 * light)
    place = (2 * joints[..., :2] - 1 - shift[:, None]) / theta[:, None, [0, 1], [0, 1]]
    visible = joints[..., 2:] * (place.abs() < 1).all(-1, keepdim=True)
    placed = torch.cat([(place + 1) / 2, visible], -1)
    return moved.clamp(0, 1), torch.where(mirror[:, None, None], placed[:, SWAPPED], placed)
