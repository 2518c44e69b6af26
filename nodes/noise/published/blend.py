"""Two schedules mixed into one."""

from __future__ import annotations

import torch

from ..choices import BLEND_MEASURES


def blend_sigmas(first: torch.Tensor, second: torch.Tensor, amount: float, measure: str) -> torch.Tensor:
    """(1 - amount) first + amount second, edge by edge, in sigma or in its logarithm. Both [N + 1].

    Amounts 0 and 1 give the two bit for bit. Where either is zero, as at the end, the mix is in sigma.

    Raises:
        ValueError: the two have different numbers of steps, hold no step, rise or are no noise levels, or the amount
            or measure is not possible.
    """
    if measure not in BLEND_MEASURES:
        raise ValueError(f"measure: '{measure}' is not known. Choose one of: {', '.join(BLEND_MEASURES)}.")
    if not 0.0 <= amount <= 1.0:
        raise ValueError(f"amount: {amount:g} is outside 0 to 1. 0 is the first schedule, 1 the second.")
    for name, sigmas in (("sigmas_1", first), ("sigmas_2", second)):
        if sigmas.ndim != 1 or len(sigmas) < 2:
            raise ValueError(f"{name}: the schedule has no step. Connect SIGMAS with at least one.")
        if not bool(torch.isfinite(sigmas).all()) or float(sigmas.min()) < 0.0 or bool((sigmas.diff() > 0.0).any()):
            raise ValueError(f"{name}: the schedule rises, or holds values that are no noise levels. Check its node.")
    if len(first) != len(second):
        raise ValueError(
            f"sigmas_2: it has {len(second) - 1} steps, and sigmas_1 has {len(first) - 1}. Give both the same number."
        )
    if amount in (0.0, 1.0):
        return (second if amount else first).clone()
    a, b = first.double(), second.double()
    mixed = (1.0 - amount) * a + amount * b
    if measure == "log sigma":
        inside = (a > 0.0) & (b > 0.0)
        mixed = torch.where(inside, a ** (1.0 - amount) * b**amount, mixed)
    return mixed.float()
