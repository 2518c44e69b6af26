"""The noise of a batch in which every picture depends on its own seed alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

from .choices import MAX_SEED, MAX_SEEDS
from .rng import STREAMS, Stream

Value = TypeVar("Value")
Shape = Sequence[int]

# Below this sine of the angle two noises count as one: the weights of slerp would be 0 / 0.
_PARALLEL = 1e-6


@dataclass(frozen=True)
class Draw:
    """One picture's noise: that of `seed`, turned by `strength` (0..1) towards that of `variation_seed`.

    Raises:
        ValueError: a seed is outside 0..MAX_SEED, or the strength outside 0..1.
    """

    seed: int
    variation_seed: int = 0
    strength: float = 0.0

    def __post_init__(self) -> None:
        for name, seed in (("seeds", self.seed), ("variation_seed", self.variation_seed)):
            if not 0 <= seed <= MAX_SEED:
                raise ValueError(f"{name}: {seed} is no seed. Use a whole number from 0 to {MAX_SEED}.")
        if not 0.0 <= self.strength <= 1.0:
            raise ValueError(f"variation_strength: {self.strength} is outside 0 to 1.")

    @property
    def lead(self) -> int:
        """The seed that makes this picture alone at strengths 0 and 1, and the one it comes from in between."""
        return self.variation_seed if self.strength == 1.0 else self.seed

    @property
    def label(self) -> str:
        """ "seed 7", or "seed 7 + 0.25 of 99" between two seeds."""
        if 0.0 < self.strength < 1.0:
            return f"seed {self.seed} + {self.strength:g} of {self.variation_seed}"
        return f"seed {self.lead}"


def make_draws(
    seeds: Sequence[int], variation_seeds: Sequence[int] = (0,), strengths: Sequence[float] = (0.0,)
) -> tuple[Draw, ...]:
    """One Draw per picture.

    Raises:
        ValueError: a list has neither one entry for all pictures nor one for each.
    """
    lists = {"seeds": seeds, "variation_seed": variation_seeds, "variation_strength": strengths}
    count = max(map(len, lists.values()))
    for name, values in lists.items():
        if len(values) not in (1, count):
            raise ValueError(
                f"{name}: it has {len(values)} values for {count} pictures. Give one for all, or one for each."
            )
    columns = (list(values) * (count if len(values) == 1 else 1) for values in lists.values())
    return tuple(Draw(int(seed), int(other), float(strength)) for seed, other, strength in zip(*columns, strict=True))


def make_ladder(draws: Sequence[Draw], strengths: Sequence[float]) -> tuple[Draw, ...]:
    """Each of the draws at each of the strengths: all of the first, then of the next.

    Raises:
        ValueError: these are more than MAX_SEEDS pictures.
    """
    count = len(draws) * len(strengths)
    if count > MAX_SEEDS:
        raise ValueError(
            f"ladder: {len(draws)} seeds at {len(strengths)} strengths are {count:,} pictures; the limit is "
            f"{MAX_SEEDS:,}. Use fewer of either."
        )
    return tuple(Draw(draw.seed, draw.variation_seed, strength) for draw in draws for strength in strengths)


def split_batches(values: Sequence[Value], size: int) -> Iterator[Sequence[Value]]:
    """The values in batches of at most `size`; 0 = all in one."""
    size = size or len(values)
    for start in range(0, len(values), size):
        yield values[start : start + size]


def batch_noise(draws: Sequence[Draw], shapes: Sequence[Shape], dtype: torch.dtype, rng: str) -> list[torch.Tensor]:
    """Standard normal noise [B, ...] for each of `shapes`, item i from draws[i] as if it were made alone.

    Several shapes are the parts of one latent (video and sound); each item's stream runs through them in order.

    Raises:
        ValueError: rng is unknown, or a shape's first dimension is not the number of draws.
    """
    if rng not in STREAMS:
        raise ValueError(f"rng: '{rng}' is not known. Choose one of: {', '.join(STREAMS)}.")
    for shape in shapes:
        if shape[0] != len(draws):
            raise ValueError(
                f"latent: it holds {shape[0]} pictures, but the noise has {len(draws)} seeds. Connect batch_size of "
                "Seeded Noise to the node that makes the latent (Empty Latent Image, Repeat Latent Batch)."
            )
    items = [_draw_item(draw, [(1, *shape[1:]) for shape in shapes], dtype, rng) for draw in draws]
    return [torch.cat(parts) for parts in zip(*items, strict=True)]


def _draw_item(draw: Draw, shapes: Sequence[Shape], dtype: torch.dtype, rng: str) -> list[torch.Tensor]:
    def noise(seed: int) -> list[torch.Tensor]:
        stream: Stream = STREAMS[rng](seed)
        return [stream(shape, dtype) for shape in shapes]

    if draw.strength in (0.0, 1.0):
        return noise(draw.lead)
    pairs = zip(noise(draw.seed), noise(draw.variation_seed), strict=True)
    return [slerp(base, other, draw.strength) for base, other in pairs]


def slerp(base: torch.Tensor, other: torch.Tensor, strength: float) -> torch.Tensor:
    """`base` turned by `strength` of the angle w to `other`, each taken as one vector.

    direction = (sin((1 - s) w) b + sin(s w) o) / sin w  (Shoemake 1985), length = (1 - s) |base| + s |other|,
    so that the root mean square lies between those of the ends, near 1 for noise; a straight mix would lose
    sqrt((1 - s)^2 + s^2). Strengths 0 and 1 give the ends bit for bit.

    Raises:
        ValueError: the vectors are opposite, or one is zero.
    """
    if strength in (0.0, 1.0):
        return (other if strength else base).clone()
    a, b = base.double(), other.double()
    lengths = torch.linalg.vector_norm(a), torch.linalg.vector_norm(b)
    if not (lengths[0] > 0 and lengths[1] > 0):
        raise ValueError("variation_strength: one of the two noises is zero everywhere, so there is nothing to turn.")
    a, b = a / lengths[0], b / lengths[1]
    angle = 2.0 * torch.atan2(torch.linalg.vector_norm(a - b), torch.linalg.vector_norm(a + b))
    sine = torch.sin(angle)
    if sine < _PARALLEL:
        if angle > 1.0:
            raise ValueError("variation_strength: the two noises are exactly opposite. Choose another variation seed.")
        direction = (1.0 - strength) * a + strength * b
    else:
        direction = (torch.sin((1.0 - strength) * angle) * a + torch.sin(strength * angle) * b) / sine
    return (((1.0 - strength) * lengths[0] + strength * lengths[1]) * direction).to(base.dtype)
