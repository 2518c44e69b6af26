"""One small convolutional network that names what a drawn scene shows and finds the joints of its person."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from .. import store

FOLDER = Path(__file__).parent / "weights"
NAME = "judges"
SIDE = 128  # pictures are judged at this size
MAP = 32  # side of the maps of joints
JOINTS = 18  # OpenPose COCO-18
WIDTHS = (24, 48, 80, 128)

# What each head tells apart: an attribute of a scene and its values. The words are those of demo/scenes/words.py.
HEADS: dict[str, tuple[str | int, ...]] = {
    "expression": ("smiling", "angry", "sad", "laughing", "surprised", "neutral"),
    "background": ("backstreet", "meadows", "black background", "office", "beach", "plain", "stage"),
    "hair_color": ("steel gray", "blonde", "brown", "black", "red"),
    "hair_style": ("braided", "long", "short", "bun"),
    "style": ("photo", "animation"),
    "count": (1, 2, 3),
    "room": ("modern office", "classical office", "modern kitchen", "classical kitchen", "empty room"),
}


class Block(nn.Module):
    """Two convolutions beside a shortcut; the first may halve the picture."""

    def __init__(self, n_in: int, n_out: int, stride: int = 1) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False),
            nn.GroupNorm(8, n_out),
            nn.ReLU(),
            nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False),
            nn.GroupNorm(8, n_out),
        )
        self.shortcut = nn.Identity() if n_in == n_out and stride == 1 else nn.Conv2d(n_in, n_out, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features [B, n_out, H / stride, W / stride] of features [B, n_in, H, W]."""
        return F.relu(self.path(x) + self.shortcut(x))


class AttentionHead(nn.Module):
    """A verdict over `count` values, from the mean of all places and from the places that this head looks at."""

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.where = nn.Conv2d(width, 1, 1)
        self.what = nn.Linear(2 * width, count)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores [B, count] of features [B, width, H, W]."""
        weight = self.where(x).flatten(2).softmax(-1)
        looked = (x.flatten(2) * weight).sum(-1)
        return self.what(torch.cat([x.mean((2, 3)), looked], 1))


class Judges(nn.Module):
    """A shared trunk with one head for each attribute and maps for the joints."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = WIDTHS
        self.early = nn.Sequential(nn.Conv2d(3, a, 3, 2, 1), nn.ReLU(), Block(a, b, 2), Block(b, b))
        self.middle = nn.Sequential(Block(b, c, 2), Block(c, c))
        self.late = nn.Sequential(Block(c, d, 2), Block(d, d))
        self.heads = nn.ModuleDict({name: AttentionHead(d, len(values)) for name, values in HEADS.items()})
        self.from_late, self.from_middle, self.from_early = (nn.Conv2d(n, b, 1) for n in (d, c, b))
        self.maps = nn.Sequential(Block(b, b), nn.Conv2d(b, JOINTS, 1))

    def forward(self, pictures: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """(scores of each head [B, values], maps [B, 18, 32, 32] before softmax) of pictures [B, 3, 128, 128], 0..1."""
        early = self.early(pictures * 2 - 1)
        middle = self.middle(early)
        late = self.late(middle)
        scores = {name: head(late) for name, head in self.heads.items()}
        up = F.interpolate(self.from_late(late), scale_factor=2.0) + self.from_middle(middle)
        return scores, self.maps(F.interpolate(up, scale_factor=2.0) + self.from_early(early))


def points(maps: torch.Tensor) -> torch.Tensor:
    """Joints [B, 18, 2] (x, y) in 0..1 of the picture's side: the centre of mass round the peak of each map."""
    batch, count, height, width = maps.shape
    heat = maps.float().flatten(2).softmax(-1).reshape(batch * count, 1, height, width)
    peak = heat.flatten(1).argmax(1)
    rows = torch.arange(height).reshape(1, -1, 1) - (peak // width).reshape(-1, 1, 1)
    columns = torch.arange(width).reshape(1, 1, -1) - (peak % width).reshape(-1, 1, 1)
    near = heat[:, 0] * ((rows.abs() <= 2) & (columns.abs() <= 2))
    total = near.sum((1, 2)).clamp(min=1e-12)
    y, x = ((near * offset).sum((1, 2)) / total for offset in (rows, columns))
    found = torch.stack([peak % width + x + 0.5, peak // width + y + 0.5], -1)
    return found.reshape(batch, count, 2) / torch.tensor([width, height])


@dataclass(frozen=True)
class Verdict:
    """What the judges say about pictures: a value of each attribute for each, and joints [B, 18, 2] in 0..1."""

    values: dict[str, list[str | int]]
    joints: torch.Tensor

    def right(self, name: str, expected: Sequence[str | int]) -> list[bool]:
        """Whether each picture shows the expected value of the attribute `name`."""
        return [found == value for found, value in zip(self.values[name], expected, strict=True)]


def shrink(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures [B, 3, H, W] at the judges' size."""
    return pictures if pictures.shape[-2:] == (SIDE, SIDE) else F.interpolate(pictures, (SIDE, SIDE), mode="area")


@torch.no_grad()
def judge(judges: Judges, pictures: torch.Tensor) -> Verdict:
    """The verdict on pictures [B, 3, H, W] in 0..1."""
    values: dict[str, list[str | int]] = {name: [] for name in HEADS}
    joints = []
    for part in shrink(pictures.float().clamp(0, 1)).split(32):
        scores, maps = judges(part)
        for name, found in scores.items():
            values[name] += [HEADS[name][i] for i in found.argmax(1).tolist()]
        joints.append(points(maps))
    return Verdict(values, torch.cat(joints))


def load(folder: Path = FOLDER) -> tuple[Judges, dict[str, Any]]:
    """The trained judges and their own accuracy on held-out scenes.

    Raises:
        store.WeightsError: the file is missing or damaged.
    """
    tensors, metadata = store.read(NAME, folder)
    judges = Judges()
    judges.load_state_dict({key: value.float() for key, value in tensors.items()})
    return judges.eval().requires_grad_(False), json.loads(metadata["accuracy"])


def labels_of(attributes: dict[str, Any]) -> list[int]:
    """The number of each head's value; -1 where a scene has no such attribute."""
    return [values.index(attributes[name]) if name in attributes else -1 for name, values in HEADS.items()]
