"""Noise in, noise out: what the UNet's and the ControlNets' training share of DDPM (Ho et al. 2020) and DDIM."""

from __future__ import annotations

import itertools
from typing import Any

import torch

from ..networks import BETA_END, BETA_START, LATENT, TRAIN_STEPS
from .common import autocast
from .data.latents import SceneBatch

GAMMA = 5.0
OFFSET = 0.1  # deviation of the mean of each channel's noise


def alpha_bars() -> torch.Tensor:
    """Stable Diffusion's cumulative product of 1 - beta, float32 [1000]."""
    betas = torch.linspace(BETA_START**0.5, BETA_END**0.5, TRAIN_STEPS, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float()


def add_noise(
    batch: SceneBatch, bars: torch.Tensor, power: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """(x_t [B, 4, 32, 32], noise [B, 4, 32, 32], t int64 [B], weight [B, 1, 32, 32]) of a batch; bars: alpha_bars().

    The weight over the signal-to-noise ratio r is 5 / r where it is high (min-SNR, Hang et al. 2023) and sqrt(5 / r)
    where it is low (debiased loss, Yu et al. 2023): there the words decide what the picture shows, and without it those
    steps hardly count. The steps t are evenly spread; a `power` below 1 moves them towards noise.

    The noise of each channel has a mean of its own (offset noise, Guttenberg 2023). Even at t = 999 a trace of x0 is
    left, and its mean over all cells betrays how bright the picture is. A network that trusts it takes pure noise,
    whose mean is zero, for a picture neither dark nor bright, and paints a day where the words ask for a black
    background.
    """
    x, count = batch.latents, len(batch.latents)
    place = ((torch.randperm(count) + torch.rand(count)) / count) ** power
    t = (place * TRAIN_STEPS).long().clamp(max=TRAIN_STEPS - 1)
    noise = torch.randn_like(x) + OFFSET * torch.randn(count, x.shape[1], 1, 1)
    bar = bars[t][:, None, None, None]
    ratio = bar / (1 - bar)
    weight = torch.minimum(GAMMA / ratio, (GAMMA / ratio).sqrt())
    return bar.sqrt() * x + (1 - bar).sqrt() * noise, noise, t, weight * batch.emphasis


@torch.no_grad()
def sample(
    network: Any,
    context: torch.Tensor,
    empty: torch.Tensor,
    noise: torch.Tensor,
    *,
    steps: int = 20,
    guidance: float = 5.0,
    extra: Any = None,
    first: int = TRAIN_STEPS - 1,
) -> torch.Tensor:
    """Latents [B, 4, 32, 32] by DDIM (Song et al. 2021) with classifier-free guidance.

    context, empty: conditioning [B, 77, 128] of the prompts and of the empty one. `extra(x, t, context)` gives further
    arguments of the UNet. `noise` may be latents that are noised to timestep `first`.
    """
    bars = torch.cat([torch.ones(1), alpha_bars()])
    times = torch.linspace(first, 0, steps + 1).round().long()
    x, both = noise, torch.cat([context, empty])
    for now, later in itertools.pairwise(times):
        twice = torch.cat([x, x]).to(memory_format=torch.channels_last)
        with autocast():
            t = now.expand(len(twice))
            with_text, without = (
                network(twice, t, both, **(extra(twice, t, both) if extra else {})).sample.float().chunk(2)
            )
        eps = without + guidance * (with_text - without)
        a, b = bars[now + 1], bars[later + 1] if later > 0 else bars[0]
        x0 = (x - (1 - a).sqrt() * eps) / a.sqrt()
        x = b.sqrt() * x0 + (1 - b).sqrt() * eps
    return x


def noise_of(seeds: list[int]) -> torch.Tensor:
    """Each seed's own starting noise, [B, 4, 32, 32], as ComfyUI draws it for a single picture."""
    return torch.cat(
        [torch.randn(1, 4, LATENT, LATENT, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    )
