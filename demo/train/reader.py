"""A small network that reads a scene's attributes off latents, and so tells the UNet in training what it drew.

The squared error of the noise hardly notices which way a brow slants. The reader does: the UNet's own estimate of x0 is
read, and the cross entropy against the scene's attributes is added to its loss (as Berrada et al. 2024 add a decoder's
features). The judges of the report know nothing of it: another network, taught on other pictures.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from ..judges.network import HEADS, AttentionHead, Block, labels_of
from ..networks import PICTURE
from .common import in_channels_last, say
from .data.latents import SceneBatch

RATE = 2e-3
FACE = "expression"
NEAR = 20  # cells to a side of a face seen from near


class Reader(nn.Module):
    """Scores of every attribute from latents [B, 4, 32, 32]; of the expression from the face alone, seen from near."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = nn.Sequential(nn.Conv2d(4, 32, 3, 2, 1), nn.ReLU(), Block(32, 48), Block(48, 64, 2), Block(64, 64))
        self.face = nn.Sequential(
            nn.Conv2d(4, 32, 3, 1, 1), nn.ReLU(), Block(32, 64, 2), Block(64, 64), Block(64, 96, 2), Block(96, 96)
        )
        self.heads = nn.ModuleDict(
            {name: AttentionHead(64, len(values)) for name, values in HEADS.items() if name != FACE}
        )
        self.expression = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(96 * (NEAR // 4) ** 2, len(HEADS[FACE]))
        )

    def forward(self, x: torch.Tensor, faces: torch.Tensor) -> dict[str, torch.Tensor]:
        """`faces` [B, 4], of -1..1: left, top, right, bottom. Where a scene has none the expression says nothing."""
        seen = self.scene(x)
        scores = {name: head(seen) for name, head in self.heads.items()}
        scores[FACE] = self.expression(self.face(near(x, faces)))
        return {name: scores[name] for name in HEADS}


def near(x: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """The faces of latents, [B, 4, NEAR, NEAR]."""
    middle, half = (faces[:, 2:] + faces[:, :2]) / 2, (faces[:, 2:] - faces[:, :2]) / 2
    theta = torch.zeros(len(x), 2, 3)
    theta[:, 0, 0], theta[:, 1, 1], theta[..., 2] = half[:, 0], half[:, 1], middle
    return F.grid_sample(
        x, F.affine_grid(theta, [len(x), 4, NEAR, NEAR], align_corners=False), "bilinear", "border", False
    )


def faces(batch: SceneBatch) -> torch.Tensor:
    """Where the faces are, [B, 4] in -1..1; the whole picture where there is none."""
    boxes = [record["face_box"] or (0, 0, PICTURE, PICTURE) for record in batch.records]
    return torch.tensor(boxes, dtype=torch.float32) / (PICTURE / 2) - 1


def labels(batch: SceneBatch) -> torch.Tensor:
    """Number of every attribute's value, int64 [B, heads]; -1 where a scene has no such attribute."""
    return torch.tensor([labels_of(record["attributes"]) for record in batch.records])


def spoil(x: torch.Tensor) -> torch.Tensor:
    """Latents faded, blurred and grainy: a UNet's early estimates of x0 are all of these."""
    count = len(x)
    share = torch.rand(count, 1, 1, 1) * (torch.rand(count, 1, 1, 1) < 0.5)
    soft = _soft(_soft(x))
    grain = 0.7 * torch.rand(count, 1, 1, 1) ** 2 * torch.randn_like(x)
    return x.lerp(soft, share) * (0.5 + 0.6 * torch.rand(count, 1, 1, 1)) + grain


def _soft(x: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)


def jitter_boxes(boxes: torch.Tensor) -> torch.Tensor:
    """Boxes somewhat off."""
    return boxes + 0.05 * torch.randn(len(boxes), 4)


def reading_loss(
    reader: Reader, x: torch.Tensor, places: torch.Tensor, wanted: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """Cross entropy of what `reader` sees in latents `x` [B, 4, 32, 32], summed over the attributes.

    `places` as from :func:`faces`, `wanted` as from :func:`labels`; `weight` [B] of every picture.
    """
    total = x.new_zeros(())
    for i, scores in enumerate(reader(x, places).values()):
        each = F.cross_entropy(scores, wanted[:, i], ignore_index=-1, reduction="none", label_smoothing=0.02)
        total = total + (each * weight).sum() / len(x)
    return total


def load_reader(path: Path) -> Reader | None:
    """The reader that an earlier run taught, or None where there is no such file."""
    if not path.is_file():
        return None
    from safetensors.torch import load_file

    reader = in_channels_last(Reader())
    reader.load_state_dict(load_file(path))
    return reader.eval().requires_grad_(False)


def teach_reader(batches: Iterator[SceneBatch], test: SceneBatch, minutes: float, path: Path) -> Reader:
    """A reader taught for `minutes` on endless `batches` and kept at `path`; says how well it reads `test`."""
    reader = in_channels_last(Reader())
    optimizer = torch.optim.AdamW(reader.parameters(), RATE, weight_decay=2e-2)
    start, spent, steps = time.monotonic(), 0.0, 0
    while spent < 1:
        batch = next(batches)
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, 1e-2 + steps / 50) * (1.02 - spent)
        places, even = jitter_boxes(faces(batch)), torch.ones(len(batch.latents))
        reading_loss(reader, spoil(batch.latents), places, labels(batch), even).backward()
        optimizer.step()
        optimizer.zero_grad()
        steps, spent = steps + 1, (time.monotonic() - start) / (60 * minutes)
    reader.eval().requires_grad_(False)
    wanted = labels(test)
    for grain in (0.0, 0.5):
        scores = reader(test.latents + grain * torch.randn_like(test.latents), faces(test))
        right = {
            name: 100 * float((found.argmax(1) == wanted[:, i])[wanted[:, i] >= 0].float().mean())
            for i, (name, found) in enumerate(scores.items())
        }
        say(f"reader after {steps} steps, grain {grain}: {', '.join(f'{k} {v:.0f} %' for k, v in right.items())}")
    from safetensors.torch import save_file

    save_file({key: value.contiguous() for key, value in reader.state_dict().items()}, path)
    return reader
