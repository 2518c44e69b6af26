"""How different the pictures of several seeds are, and noise on the conditioning that makes them more so.

A distilled model answers a prompt with nearly one picture, whatever the seed. Noise on the conditioning of the first
steps opens it again. Here each picture draws that noise from its own seed alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from .choices import COMFYUI, MAX_SPREAD
from .noise import Draw, batch_noise

Conditioning = list[Any]


def spread_seed(seed: int) -> int:
    """The seed of the noise on a picture's conditioning: not that of its latent noise, which it would repeat."""
    return int.from_bytes(hashlib.sha256(f"steer seed spread {seed}".encode()).digest()[:8], "big")


def spread_draws(draws: Sequence[Draw]) -> list[Draw]:
    """The draws for the conditioning of the pictures of `draws`; those between two seeds stay between the two."""
    return [Draw(spread_seed(draw.seed), spread_seed(draw.variation_seed), draw.strength) for draw in draws]


def spread_rows(cond: torch.Tensor, draws: Sequence[Draw], strength: float) -> torch.Tensor:
    """cond [1 or B, tokens, width] as one row for each picture, [B, tokens, width], with noise from its own seed.

    A channel moves by `strength` times its standard deviation over the tokens: large where the prompt says much.

    Raises:
        ValueError: cond has another number of rows than 1 or B.
    """
    count = len(draws)
    if cond.shape[0] not in (1, count):
        raise ValueError(
            f"conditioning: it has {cond.shape[0]} rows, and the noise has {count} seeds. Connect the conditioning of "
            "one prompt, or one row for each seed."
        )
    shape = (count, *cond.shape[1:])
    rows = cond.float().expand(shape)
    scale = rows.std(dim=1, keepdim=True, correction=0)
    (noise,) = batch_noise(spread_draws(draws), [shape], torch.float32, COMFYUI)
    return (rows + strength * scale * noise.to(rows.device)).to(cond.dtype)


def check_strength(strength: float) -> None:
    """Check the strength of the noise.

    Raises:
        ValueError: it is outside 0 to MAX_SPREAD.
    """
    if not 0.0 <= strength <= MAX_SPREAD:
        raise ValueError(f"strength: {strength:g} is outside 0 to {MAX_SPREAD:g}. 0 changes nothing.")


@dataclass(frozen=True)
class Spread:
    """How different several pictures are.

    share: the root mean square distance of two of them, against that of independent noise with the same standard
    deviation in each channel. 0: all are equal, about 1: nothing is common to them. closest: indices of the two most
    alike, and their distance on the same scale.
    """

    count: int
    share: float
    closest: tuple[int, int, float]


def measure_spread(items: torch.Tensor, channel: int = 1) -> Spread:
    """The spread of `items` [B >= 2, ...]. channel: the dimension of the channels.

    With v the variance over all of the batch and all places, mean of the channels, and d the mean square distance of
    two items at a place: share = sqrt(d / (2 v)). For independent items without a common shape d is 2 v.

    Raises:
        ValueError: there are fewer than two.
    """
    if len(items) < 2:
        raise ValueError("there is one picture. A spread needs at least two of different seeds.")
    flat = items.movedim(channel, 1).flatten(2).double()  # [B, C, places]
    others = [dimension for dimension in range(flat.ndim) if dimension != 1]
    variance = float(flat.var(dim=others, correction=0).mean())
    centred = (flat - flat.mean(dim=0)).flatten(1)
    squares = centred.square().sum(1)
    distances = (squares[:, None] + squares[None, :] - 2.0 * centred @ centred.T).clamp(min=0.0) / centred.shape[1]
    distances.fill_diagonal_(torch.inf)
    near = int(distances.argmin())
    first, second = sorted(divmod(near, len(items)))
    count = len(items)
    mean = float(2.0 * squares.sum() / (centred.shape[1] * (count - 1)))
    scale = 2.0 * variance if variance > 0.0 else 1.0
    return Spread(count, (mean / scale) ** 0.5, (first, second, (float(distances.min()) / scale) ** 0.5))


def write_spread(what: str, spread: Spread, labels: Sequence[str] = ()) -> str:
    """ "latents: 0.62 of independent noise, 8 pictures; the two most alike are 3 and 7 (0.31)"."""
    first, second, distance = spread.closest
    names = [labels[i] if len(labels) == spread.count else str(i + 1) for i in (first, second)]
    return (
        f"{what}: {spread.share:.2f} of independent noise, {spread.count} pictures; the two most alike are {names[0]} "
        f"and {names[1]} ({distance:.2f})."
    )
