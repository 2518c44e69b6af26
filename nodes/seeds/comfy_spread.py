"""Dealings with ComfyUI: a CONDITIONING with a row for each picture in its first steps, and pictures to compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import comfy.utils
import torch

from ..schedule_edges import read_edges
from ..timed_ranges import find_boundary, set_range
from .comfy_noise import SeededNoise
from .noise import Draw
from .spread import Conditioning, check_strength, spread_rows

SIDE = 64  # pixels of the short side at which pictures are compared: fine grain does not count


def draws_of(noise: Any) -> tuple[Draw, ...]:
    """The draws of a NOISE: those of Seeded Noise, or the one seed of another, whose batch then has one picture.

    Raises:
        ValueError: it has no seed.
    """
    if isinstance(noise, SeededNoise):
        return noise.draws
    seed = getattr(noise, "seed", None)
    if not isinstance(seed, int):
        raise ValueError("noise: this noise has no seed. Connect Seeded Noise or RandomNoise.")
    return (Draw(seed),)


def spread_conditioning(
    conditioning: Conditioning, noise: Any, strength: float, steps: int, sigmas: torch.Tensor, model: Any
) -> tuple[Conditioning, str]:
    """The CONDITIONING whose first `steps` steps have a noisy row for each picture of `noise`, and a report.

    At strength 0 or with no steps it is the one that came in.

    Raises:
        ValueError: the strength, the schedule or the conditioning is not possible.
    """
    check_strength(strength)
    edges = read_edges(sigmas)
    total, draws = len(edges) - 1, draws_of(noise)
    if strength == 0.0 or steps == 0:
        return conditioning, "strength 0: nothing is changed." if steps else "0 steps: nothing is changed."
    percent = None
    if steps < total:
        levels: Any = model.get_model_object("model_sampling")
        percent = find_boundary(edges, steps, lambda share: float(levels.percent_to_sigma(share)))
    result: Conditioning = []
    for cond, values in conditioning:
        noisy = spread_rows(cond, draws, strength)
        result += _limit([noisy, values], end=percent)
        if percent is not None:
            result += _limit([cond, values], start=percent)
    span = f"steps 1-{min(steps, total)} of {total}" if min(steps, total) > 1 else f"step 1 of {total}"
    return result, f"strength {strength:g} in {span}, {len(draws)} pictures, each from its own seed."


def _limit(entry: Sequence[Any], start: float | None = None, end: float | None = None) -> Conditioning:
    """The entry, acting from `start` to `end` within its own range; none where it has no share in that."""
    cond, values = entry
    first, last = values.get("start_percent"), values.get("end_percent")
    if start is not None:
        first = start if first is None else max(first, start)
    if end is not None:
        last = end if last is None else min(last, end)
    if first is not None and last is not None and first >= last:
        return []
    return [[cond, values | set_range(first, last)]]


def join_latents(latents: Sequence[dict[str, Any]]) -> torch.Tensor:
    """The samples [B, C, ...] of several LATENTs of one size, on the CPU.

    Raises:
        ValueError: they have several parts or sizes, or hold what is no number.
    """
    samples = [latent["samples"] for latent in latents]
    if any(each.is_nested for each in samples):
        raise ValueError("latent: it has several parts (video and sound). Measure one of them.")
    return _join([each.cpu().float() for each in samples], "latent")


def join_images(images: Sequence[torch.Tensor]) -> torch.Tensor:
    """IMAGEs [B, H, W, C] of one size as [B, C, h, w] with a short side of SIDE pixels.

    Raises:
        ValueError: they have several sizes, or hold what is no number.
    """
    joined = _join([image[..., :3].cpu().float() for image in images], "images").movedim(-1, 1)
    scale = SIDE / min(joined.shape[-2:])
    if scale >= 1.0:
        return joined
    height, width = (max(1, round(side * scale)) for side in joined.shape[-2:])
    return comfy.utils.common_upscale(joined, width, height, "area", "disabled")


def _join(parts: Sequence[torch.Tensor], name: str) -> torch.Tensor:
    sizes = {tuple(part.shape[1:]) for part in parts}
    if len(sizes) > 1:
        raise ValueError(f"{name}: there are several sizes ({sizes}). Connect pictures of one size.")
    joined = torch.cat(list(parts))
    if not bool(torch.isfinite(joined).all()):
        raise ValueError(f"{name}: it holds NaN or infinite values. Check the node that made it.")
    return joined
