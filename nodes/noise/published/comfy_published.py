"""Dealings with ComfyUI: the family of a MODEL, the size of a LATENT, and the schedule that ComfyUI would use."""

from __future__ import annotations

import math
from typing import Any

import comfy.model_sampling
import comfy.samplers
import torch

from ..choices import FROM_MODEL, PUBLISHED
from ..comfy_process import model_noise
from .facts import FACTS

SCHEDULER = "simple"  # that of ComfyUI's own templates for these families
# What newer ComfyUIs write into an empty latent, in their spelling: pixels of the side of a cell.
RATIO = "downscale_ratio_spacial"


def find_families(model: Any) -> list[str]:
    """The families that a MODEL may be, the likeliest first.

    Raises:
        ValueError: its kind is in no row of the table.
    """
    kinds = [kind.__name__ for kind in type(model.model.model_config).__mro__]
    for kind in kinds:  # the model's own class before those that it derives from
        found = [family for family in PUBLISHED if kind in FACTS[family].models]
        if found:
            return found
    raise ValueError(
        f"model: Steer knows no published schedule of its kind ({kinds[0]}). Choose a family, or use BasicScheduler."
    )


def choose_family(family: str, model: Any | None) -> tuple[str, list[str]]:
    """The family to use, and the others that the MODEL may be where it was asked.

    Raises:
        ValueError: it is to come from the model, and there is none, or Steer does not know its kind.
    """
    if family != FROM_MODEL:
        return family, []
    if model is None:
        raise ValueError("family: it is to come from the model, and none is connected. Connect one or choose a family.")
    first, *others = find_families(model)
    return first, others


def pixels_of(latent: dict[str, Any], family: str) -> tuple[int, int]:
    """(height, width) in pixels of the pictures of a LATENT [B, C, ..., h, w].

    Raises:
        ValueError: it is empty or has several parts.
    """
    samples = latent["samples"]
    if samples.is_nested or samples.ndim < 4 or 0 in samples.shape:
        raise ValueError("latent: it is empty or has several parts. Connect the LATENT of one kind of picture.")
    row = FACTS.get(family)
    ratio = int(latent.get(RATIO) or (row.pixels if row else 8))
    return samples.shape[-2] * ratio, samples.shape[-1] * ratio


def default_schedule(family: str, model: Any | None, steps: int, denoise: float) -> tuple[float, torch.Tensor]:
    """mu and sigmas of BasicScheduler with "simple": of the MODEL with its patches, or of its loader's default.

    Raises:
        ValueError: the MODEL is no flow model.
    """
    if model is None:
        mu = FACTS[family].comfy
        levels: Any = comfy.model_sampling.ModelSamplingFlux()
        levels.set_parameters(shift=mu)
    else:
        noise = model_noise(model)
        if noise.kind != "flow":
            raise ValueError(
                f"model: it is no flow model, which '{family}' is. Connect the model of that family, or none."
            )
        mu, levels = math.log(noise.shift), model.get_model_object("model_sampling")
    if denoise <= 0.0:
        return mu, torch.empty(0)
    total = int(steps / denoise)
    sigmas = comfy.samplers.calculate_sigmas(levels, SCHEDULER, total).cpu()
    return mu, sigmas[-(steps + 1) :]
