"""What is connected to a Sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ...control.stack import ControlStack


@dataclass(frozen=True)
class SweepInputs:
    """What is connected to a sweep. latent: LATENT of one picture. sampler, sigmas, control: None if they are not."""

    model: Any
    clip: Any
    vae: Any
    latent: dict[str, Any]
    control: ControlStack | None = None
    sampler: Any = None
    sigmas: torch.Tensor | None = None
