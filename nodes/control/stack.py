"""A control stack: what several ControlNets are told, one after another. Sweep and ControlNet Guide share it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch

# The socket type of a control stack in ComfyUI: a tuple of Control, the first applied first.
CONTROL_STACK_TYPE = "STEER_CONTROL_STACK"

MODES = ("balanced", "prompt", "control")


@dataclass(frozen=True)
class Control:
    """One ControlNet with its hint, ready to be applied.

    net: a ComfyUI CONTROL_NET. hint: IMAGE [B, H, W, C] in 0..1 at the size of the picture to be made.
    strength: multiplies what the net adds; 0 leaves it out. start_percent, end_percent: the part of sampling in which
    it acts, in ComfyUI's meaning. mode: one of MODES. mask: where it acts, MASK [B, H, W], or None for everywhere.
    vae: for nets that take the hint as a latent. name: what tells it apart in labels, such as "canny".
    """

    net: Any
    hint: torch.Tensor
    strength: float = 1.0
    start_percent: float = 0.0
    end_percent: float = 1.0
    mode: str = MODES[0]
    mask: torch.Tensor | None = None
    vae: Any = None
    name: str = ""


ControlStack = tuple[Control, ...]


def with_values(stack: Iterable[Control], **values: Any) -> ControlStack:
    """`stack` with the given fields set in every entry, as a sweep over control strength, start or end does."""
    return tuple(replace(control, **values) for control in stack)
