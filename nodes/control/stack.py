"""A control stack: several ControlNets, applied one after another. Sweep and ControlNet Guide share it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch

from .choices import MODES


@dataclass(frozen=True)
class Control:
    """One ControlNet with its hint, ready to be applied.

    net: a ComfyUI CONTROL_NET. hint: IMAGE [B, H, W, C] in 0..1 at the size of the picture to be made.
    strength: multiplies what the net adds; 0 leaves it out. start_percent, end_percent: the part of sampling in which
    it acts, in ComfyUI's meaning. mode: one of MODES. mask: where it acts, MASK [B, H, W], or None for everywhere; of a
    net for inpainting, what is repainted.
    vae: for nets that take the hint as a latent. name: in labels, such as "canny".
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


def check_control(control: Control) -> None:
    """Check that strength, range and mode mean something.

    Raises:
        ValueError: one does not.
    """
    if not math.isfinite(control.strength):
        raise ValueError(f"strength: {control.strength} is not a number. Use 0 for no effect, 1 for the usual one.")
    for name in ("start_percent", "end_percent"):
        value = getattr(control, name)
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"{name}: {value} lies outside 0 to 1, where 0 is the first step and 1 the last.")
    if control.start_percent > control.end_percent:
        raise ValueError(
            f"start_percent: {control.start_percent:g} lies after end_percent {control.end_percent:g}, so the "
            "ControlNet would never act. Exchange them, or set strength to 0 to leave it out."
        )
    if control.mode not in MODES:
        raise ValueError(f"mode: '{control.mode}' is unknown. Choose one of {', '.join(MODES)}.")
