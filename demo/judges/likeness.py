"""How like drawn scenes generated pictures are, where no prompt is asked about: shapes, sharpness, grain, colours.

The judges' features see whether limbs melt and elephants are clouds. Beside each figure stands its floor: the same
figure of drawn scenes that are as far from each other as two halves of one set can be.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from .network import Judges, shrink

BLOCK = 8  # pixels of a side: one cell of the latents
LEVELS = 16  # of each colour channel
FLAT_SHARE = 0.25  # of the blocks of a picture, the flattest, whose grain counts
PATCH = 12  # blocks, of 1,024, that are off the palette and touch: what the eye notices as a patch
BATCH = 64


@torch.no_grad()
def features_of(judges: Judges, pictures: torch.Tensor) -> np.ndarray:
    """What the judges' middle and late layers see, as means of all places.

    pictures: [N, 3, H, W] in 0..1. Returns float64 [N, 208].
    """
    rows = []
    for part in shrink(pictures.float().clamp(0, 1)).split(BATCH):
        middle = judges.middle(judges.early(part * 2 - 1))
        rows.append(torch.cat([middle.mean((2, 3)), judges.late(middle).mean((2, 3))], 1))
    return torch.cat(rows).double().numpy()


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Frechet distance of two sets of features [N, D] as normal distributions (Heusel et al. 2017).

    |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a^1/2 C_b C_a^1/2)^1/2)
    """
    means, covariances = [x.mean(0) for x in (a, b)], [np.cov(x, rowvar=False) for x in (a, b)]
    values, vectors = np.linalg.eigh(covariances[0])
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ covariances[1] @ root).clip(0)).sum()
    shift = ((means[0] - means[1]) ** 2).sum()
    return float(shift + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * cross)


def floor_distance(features: np.ndarray, seed: int = 0) -> float:
    """The distance of two random halves of one set [N, D]."""
    order = np.random.default_rng(seed).permutation(len(features))
    half = len(features) // 2
    return frechet_distance(features[order[:half]], features[order[half : 2 * half]])


def _laplacian(pictures: torch.Tensor) -> torch.Tensor:
    """The squared Laplacian [N, H - 2, W - 2] of the grey of pictures [N, 3, H, W]."""
    kernel = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])[None, None]
    return F.conv2d(pictures.float().clamp(0, 1).mean(1, keepdim=True), kernel)[:, 0].square()


def sharpness_of(pictures: torch.Tensor) -> float:
    """Mean energy of the Laplacian of pictures [N, 3, H, W] in 0..1."""
    return float(_laplacian(pictures).mean())


def grain_of(pictures: torch.Tensor) -> float:
    """The same in the flattest blocks of each picture: noise where nothing is drawn."""
    blocks = F.avg_pool2d(_laplacian(pictures)[:, None], BLOCK).flatten(1)
    flattest = blocks.sort(1).values[:, : round(FLAT_SHARE * blocks.shape[1])]
    return float(flattest.mean())


@dataclass(frozen=True)
class Palette:
    """The colours of a set of pictures: bool [LEVELS, LEVELS, LEVELS], true where one is there or one step off."""

    known: np.ndarray

    @classmethod
    def of(cls, pictures: torch.Tensor) -> Palette:
        """The colours of the blocks of pictures [N, 3, H, W] in 0..1."""
        known = np.zeros((LEVELS,) * 3, np.bool_)
        known[tuple(_levels(pictures).reshape(-1, 3).T)] = True
        wide = np.pad(known, 1)
        for axis in range(3):
            wide = wide | np.roll(wide, 1, axis) | np.roll(wide, -1, axis)
        return cls(wide[1:-1, 1:-1, 1:-1])

    def patches(self, pictures: torch.Tensor) -> np.ndarray:
        """Blocks in the largest patch of other colours, int [N], of pictures [N, 3, H, W] in 0..1."""
        strange = ~self.known[tuple(np.moveaxis(_levels(pictures), -1, 0))]
        sizes = []
        for each in strange.astype(np.uint8):
            _, _, stats, _ = cv2.connectedComponentsWithStats(each, connectivity=4)
            sizes.append(int(stats[1:, cv2.CC_STAT_AREA].max(initial=0)))
        return np.array(sizes)

    def share_of_patched(self, pictures: torch.Tensor) -> float:
        """Share of the pictures with a patch of PATCH blocks or more."""
        return float((self.patches(pictures) >= PATCH).mean())


def _levels(pictures: torch.Tensor) -> np.ndarray:
    """The colour of each block as numbers of levels, int [N, rows, columns, 3]."""
    blocks = F.avg_pool2d(pictures.float().clamp(0, 1), BLOCK)
    return (blocks * (LEVELS - 1)).round().long().movedim(1, -1).numpy()
