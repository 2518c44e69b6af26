"""Latents as the UNet makes them, of scenes that are known: what the decoder gets to see in use.

A UNet this small leaves seams soft and flat colours uneven where an encoded picture has neither. A decoder that has
only met encoded latents passes that on to the picture. So scenes are noised part of the way and sampled back, with
their caption and, to keep what was lost in its place, a hint of each; the drawing is what the decoder should make of
it.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ...networks import CONTROL_KINDS, LATENT
from ..autoencoder import SHARES, pictures_of
from ..common import autocast
from ..control import build_controlnet, residuals
from ..diffusion import alpha_bars, sample
from ..options import TOKENIZER
from ..shipped import load_base, load_controlnet
from .hints import hints_of
from .latents import LatentScenes, SceneBatch
from .text import Vocabulary

SHIPPED = Path("shipped weights, not a checkpoint")  # a path where no checkpoint lies
HINTS = {"interior": "mlsd", "portrait": "canny", "savanna": "canny", "figure": "openpose"}
FROM = (150, 600)  # timesteps that scenes are noised to
STEPS = 4
GUIDANCE = 3.0
AT_ONCE = 4  # scenes of one kind that are sampled together, before every third batch: it takes as long as a step
KEPT, BEGUN = 160, 32  # newest samples that crops are taken from, and how many there are to begin with


class SampledScenes:
    """Scenes sampled by the shipped weights, more of them as :meth:`batch` is called; crops come from the newest."""

    def __init__(self, scenes: LatentScenes, seed: int) -> None:
        self.unet, self.encoder, tokens = load_base(SHIPPED)
        self.controlnets = {kind: build_controlnet(self.unet).requires_grad_(False) for kind in CONTROL_KINDS}
        for kind, network in self.controlnets.items():
            load_controlnet(network, kind)
        self.words, self.bars = Vocabulary(TOKENIZER, tokens), alpha_bars()
        self.rng = np.random.default_rng([seed, 1])
        self.kept: deque[tuple[SceneBatch, int, torch.Tensor]] = deque(maxlen=KEPT)
        self.calls = 0
        self.by_kind = {kind: scenes.batches(AT_ONCE, {kind: 1.0}, self.rng) for kind in SHARES}
        while len(self.kept) < BEGUN:
            self._sample()

    @torch.no_grad()
    def _sample(self) -> None:
        kind = str(self.rng.choice(list(SHARES), p=list(SHARES.values())))
        batch = next(self.by_kind[kind])
        captions = [record["captions"][0] for record in batch.records]
        hint, network = HINTS[kind], self.controlnets[HINTS[kind]]
        hints = hints_of(hint, batch, self.rng).repeat(2, 1, 1, 1).to(memory_format=torch.channels_last)
        first = int(self.rng.integers(*FROM))
        bar = self.bars[first]
        noised = bar.sqrt() * batch.latents + (1 - bar).sqrt() * torch.randn_like(batch.latents)
        with autocast():
            words = self.words.batch(captions + [""] * AT_ONCE)
            context, empty = self.encoder(words).last_hidden_state.chunk(2)
        x = sample(
            self.unet,
            context,
            empty,
            noised,
            steps=STEPS,
            guidance=GUIDANCE,
            first=first,
            extra=lambda x, t, c: residuals(network, x, t, c, hints),
        )
        self.kept.extend((batch, i, latent) for i, latent in enumerate(x))

    def batch(self, size: int, side: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Latents [N, 4, side, side], pictures [N, 3, 8 side, 8 side], emphasis [N, 1, 8 side, 8 side]; rooms first."""
        self.calls += 1
        if self.calls % 3 == 0:
            self._sample()
        chosen: list[Any] = [self.kept[i] for i in self.rng.integers(len(self.kept), size=size)]
        latents, images, weights = [], [], []
        for source, i, latent in sorted(chosen, key=lambda entry: entry[0].records[entry[1]]["kind"] != "interior"):
            y, x = self.rng.integers(0, LATENT - side + 1, 2)
            latents.append(latent[:, y : y + side, x : x + side])
            images.append(source.images[i][8 * y : 8 * (y + side), 8 * x : 8 * (x + side)])
            weights.append(source.emphasis[i, :, y : y + side, x : x + side])
        return (
            torch.stack(latents),
            pictures_of(np.stack(images)),
            F.interpolate(torch.stack(weights), scale_factor=8.0),
        )
