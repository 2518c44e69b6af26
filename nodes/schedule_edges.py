"""The sigmas of a schedule as the edges of its steps, and a sigma between two of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch

PercentToSigma = Callable[[float], float]
# Of the way from the lower to the higher sigma, in log sigma. It leaves the evaluations inside a step of dpm_2,
# dpmpp_sde (at 1/2), seeds_2 and seeds_3 (at 1/3 and 2/3) on the side of their step, and meets none of them.
SHARE = 0.25


def read_edges(sigmas: torch.Tensor, needed_by: str = "A timed prompt") -> list[float]:
    """The schedule [N + 1] of N steps as float32 numbers. needed_by: for the message.

    Raises:
        ValueError: it has no step, holds numbers that are no sigmas, or rises.
    """
    if sigmas.ndim != 1 or len(sigmas) < 2:
        raise ValueError("sigmas: the schedule has no step. Connect SIGMAS with at least one.")
    edges = sigmas.float().tolist()
    if not all(math.isfinite(sigma) and sigma >= 0.0 for sigma in edges):
        raise ValueError("sigmas: the schedule holds NaN, infinite or negative values. Check the node that made it.")
    if any(later > sigma for sigma, later in pairwise(edges)):
        raise ValueError(f"sigmas: the schedule rises. {needed_by} needs one that falls, as for making a picture.")
    return edges


def sigma_between(high: float, low: float, share: float = SHARE) -> float:
    """A sigma between two. At the end of a schedule low may be 0: then it is a share of the higher one."""
    return math.exp(share * math.log(high) + (1.0 - share) * math.log(low)) if low > 0.0 else high * share


def to_float32(value: float) -> float:
    """The number as ComfyUI compares it with the sigmas of a sampler."""
    return float(torch.tensor(value, dtype=torch.float32))
