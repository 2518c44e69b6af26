"""Encoded scenes: what the UNet and the ControlNets are trained on. Encoded once, kept on disk, taken in by chunks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..autoencoder import Autoencoder, pictures_of
from ..common import autocast, say
from ..shipped import open_autoencoder
from .chunks import Chunk, chunk, held_out


@dataclass(frozen=True)
class SceneBatch:
    """Latents float [B, 4, 32, 32], emphasis float [B, 1, 32, 32] with mean 1, and each scene's record and picture."""

    latents: torch.Tensor
    emphasis: torch.Tensor
    records: list[dict[str, Any]]
    images: list[np.ndarray]


def encode(vae: Autoencoder, images: np.ndarray) -> np.ndarray:
    """Latents float16 [N, 4, 32, 32] of pictures uint8 [N, 256, 256, 3]."""
    parts = []
    for i in range(0, len(images), 40):
        with torch.no_grad(), autocast():
            parts.append(vae.encode(pictures_of(images[i : i + 40])).half())
    return torch.cat(parts).numpy()


class LatentScenes:
    """Scenes of a folder as latents of one autoencoder. Call :meth:`grow` to take in the next chunk."""

    def __init__(self, folder: Path, autoencoder: Path, *, first: int = 0) -> None:
        self.folder, self.vae = folder, open_autoencoder(autoencoder)
        encoder = [*self.vae.taesd_encoder.state_dict().values(), self.vae.mean, self.vae.deviation]
        weights = b"".join(value.float().numpy().tobytes() for value in encoder)
        self.label = hashlib.sha256(weights).hexdigest()[:8]
        self.chunks: list[Chunk] = []
        self.latents: list[np.ndarray] = []
        self.by_kind: dict[str, list[tuple[int, int]]] = {}
        self.first = first

    def _encoded(self, source: Chunk, stem: str) -> np.ndarray:
        path = self.folder / f"{stem}.latents-{self.label}.npy"
        if not path.is_file():
            say(f"encoding {len(source.images)} scenes: {stem}")
            scratch = path.with_suffix(".part")
            with scratch.open("wb") as file:
                np.save(file, encode(self.vae, source.images))
            scratch.replace(path)
        return np.load(path)

    def grow(self) -> list[str]:
        """Take in the next chunk, encoding it if need be, and return its captions."""
        index = self.first + len(self.chunks)
        source = chunk(self.folder, index)
        self.latents.append(self._encoded(source, f"train-{index:03d}"))
        self.chunks.append(source)
        for i, record in enumerate(source.records):
            self.by_kind.setdefault(record["kind"], []).append((len(self.chunks) - 1, i))
        return [caption for record in source.records for caption in record["captions"]]

    def test(self, count: int) -> SceneBatch:
        """The first `count` held-out scenes."""
        source = held_out(self.folder)
        return self._batch([source], [self._encoded(source, "held-out")], [(0, i) for i in range(count)])

    def batches(self, size: int, shares: dict[str, float], rng: np.random.Generator) -> Iterator[SceneBatch]:
        """Endless batches with kinds in the given shares, from the chunks taken in so far."""
        kinds, odds = list(shares), np.array(list(shares.values()))
        while True:
            places = []
            for kind in rng.choice(kinds, size, p=odds / odds.sum()):
                choices = self.by_kind[kind]
                places.append(choices[rng.integers(len(choices))])
            yield self._batch(self.chunks, self.latents, places)

    @staticmethod
    def _batch(chunks: list[Chunk], latents: list[np.ndarray], places: list[tuple[int, int]]) -> SceneBatch:
        return SceneBatch(
            torch.from_numpy(np.stack([latents[c][i] for c, i in places])).float(),
            torch.from_numpy(np.stack([chunks[c].emphasis[i] for c, i in places])).float()[:, None],
            [chunks[c].records[i] for c, i in places],
            [chunks[c].images[i] for c, i in places],
        )


def first_chunks(folder: Path, autoencoder: Path, chunks: int) -> LatentScenes:
    """The first so many chunks of a folder's scenes."""
    scenes = LatentScenes(folder, autoencoder)
    for _ in range(chunks):
        scenes.grow()
    return scenes
