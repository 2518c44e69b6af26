"""Muon (Jordan et al. 2024): momentum whose update of every matrix is made orthogonal.

torch.optim.Muon takes plain matrices only and multiplies in bfloat16, which many processors emulate. This one takes
kernels of convolutions as matrices [out, in x height x width], and multiplies in bfloat16 only where that is faster.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # coefficients of the quintic iteration, from the paper
ITERATIONS = 5
LIKE_ADAM = 0.2  # root mean square of an AdamW update (Liu et al. 2025), so that both share one learning rate


def is_matrix(name: str, parameter: torch.Tensor) -> bool:
    """Whether Muon is for this weight: inner matrices and kernels; not embeddings, and not the first or last layer."""
    outer = ("embedding", "conv_in", "conv_out")
    return parameter.ndim >= 2 and min(parameter.shape[:2]) > 1 and not any(part in name for part in outer)


def orthogonal(update: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """The nearest matrix to `update` [M, N] whose singular values are all about 1 (between 0.7 and 1.2).

    The result has the dtype that it multiplies in.
    """
    a, b, c = NEWTON_SCHULZ
    x = update.T if update.shape[0] > update.shape[1] else update
    x = (x / (x.norm() + 1e-7)).to(dtype)
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if update.shape[0] > update.shape[1] else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, made orthogonal and scaled to the size of an AdamW update; decoupled weight decay."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 1e-2,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.dtype = dtype  # of the products

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            momentum, rate = group["momentum"], group["lr"]
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                average = state["momentum"].lerp_(parameter.grad, 1 - momentum)
                update = orthogonal(parameter.grad.lerp(average, momentum).flatten(1), self.dtype)
                size = LIKE_ADAM * max(update.shape) ** 0.5
                parameter.mul_(1 - rate * group["weight_decay"])
                parameter.add_(update.reshape(parameter.shape).to(parameter.dtype), alpha=-rate * size)
