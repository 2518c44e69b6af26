"""Random weights that are the same in every run."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import torch


def build_once(make: Callable[..., Any]) -> Any:
    """`make` with a cache. What it builds serves every caller, in inference mode or outside of it.

    A weight that is made in inference mode may not be used outside: then the first test would decide for the others.
    """

    @cache
    @wraps(make)
    def build(*args: Any) -> Any:
        with torch.inference_mode(False):
            return make(*args)

    return build


@torch.no_grad()
def fill(network: torch.nn.Module, seed: int) -> torch.nn.Module:
    """`network` with weights of unit gain, so that its output neither vanishes nor explodes."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in network.named_parameters():
        if weight.ndim > 1:
            fan_in = math.prod(weight.shape[1:])
            weight.copy_(torch.randn(weight.shape, generator=generator) / math.sqrt(fan_in))
        else:
            weight.fill_(1.0 if name.endswith(("weight", "scale")) else 0.0)
    for name, table in network.named_buffers():
        if name.endswith("pos_embed"):  # of SD 3, which ComfyUI leaves as memory was
            table.copy_(torch.randn(table.shape, generator=generator))
    return network.eval()


@torch.no_grad()
def fill_wide(network: torch.nn.Module, seed: int) -> torch.nn.Module:
    """The same for networks of published width: each matrix is a window that slides over one row of random numbers.

    So a table of 152,000 embeddings takes the memory of one row, and no two of its rows are equal.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            if weight.ndim == 2:
                rows, columns = weight.shape
                row = torch.randn(rows + columns, generator=generator) / math.sqrt(columns)
                values = row.as_strided((rows, columns), (1, 1))
            else:
                values = torch.full(weight.shape, 1.0 if name in ("weight", "logit_scale") else 0.0)
            setattr(module, name, torch.nn.Parameter(values, requires_grad=False))
    return network.eval()
