"""Noise schedules computed by the schedulers of diffusers, as the sigmas of ComfyUI's samplers.

A schedule is the falling list of noise levels between which a sampler steps, in ComfyUI's units: for eps and v
models sigma = sqrt((1 - alpha_bar) / alpha_bar), for flow models the share of noise (1 = all noise). diffusers does the
arithmetic; this module maps names to its classes, hands over the noise table of a connected model, and reads the
step edges out of the result.
"""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from .choices import BETA_SCHEDULES, DEFAULT, MAX_STEPS, SIGMA_SPACINGS, TIMESTEP_SPACINGS

# alpha_bar that stands for "no signal left": exactly zero would need an infinite sigma. The value of
# comfy.model_sampling.rescale_zero_terminal_snr_sigmas, so that sigma_max is ComfyUI's 4518.76 (diffusers: 2**-24).
ZERO_SNR_ALPHA_BAR = 4.8973451890853435e-08

_SIGMA_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "karras": {"use_karras_sigmas": True},
    "exponential": {"use_exponential_sigmas": True},
    "beta": {"use_beta_sigmas": True},
}


@dataclass(frozen=True)
class Family:
    """One scheduler: diffusers' class, the options that never change, and where its noise levels come from.

    source: "betas" reads a table of noise levels by timestep, "range" only the smallest and largest sigma,
    "flow" the shift of a flow model. Which further options a class takes is read from its own signature.
    """

    scheduler: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    source: Literal["betas", "range", "flow"] = "betas"
    sigma_options: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: _SIGMA_OPTIONS)


FAMILIES: Mapping[str, Family] = {
    "DDPM": Family("DDPMScheduler"),
    "DDIM": Family("DDIMScheduler"),
    # Without the Runge-Kutta warm-up, whose half steps are no step edges; as every Stable Diffusion release sets it.
    "PNDM": Family("PNDMScheduler", {"skip_prk_steps": True}),
    "LMS": Family("LMSDiscreteScheduler"),
    "Euler": Family("EulerDiscreteScheduler"),
    "Euler ancestral": Family("EulerAncestralDiscreteScheduler"),
    "Heun": Family("HeunDiscreteScheduler"),
    "KDPM2": Family("KDPM2DiscreteScheduler"),
    "KDPM2 ancestral": Family("KDPM2AncestralDiscreteScheduler"),
    "DPM++ 2M": Family("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++"}),
    "DPM++ 2M SDE": Family("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    # lower_order_final is what the class switches to by itself, with a warning, for schedules that end at zero.
    "DPM++ singlestep": Family("DPMSolverSinglestepScheduler", {"lower_order_final": True}),
    "DPM++ SDE": Family("DPMSolverSDEScheduler"),
    "UniPC": Family("UniPCMultistepScheduler"),
    "DEIS": Family("DEISMultistepScheduler"),
    "LCM": Family("LCMScheduler"),
    "TCD": Family("TCDScheduler"),
    "EDM Euler": Family(
        "EDMEulerScheduler",
        source="range",
        sigma_options={"karras": {"sigma_schedule": "karras"}, "exponential": {"sigma_schedule": "exponential"}},
    ),
    "Flow-match Euler": Family("FlowMatchEulerDiscreteScheduler", source="flow"),
}


@dataclass(frozen=True)
class ModelNoise:
    """What a model says about its own noise. Sigmas are in ComfyUI's units.

    kind "betas": `sigmas` [T], rising, is the noise level of every training timestep. "range": only sigma_min and
    sigma_max are defined (EDM models). "flow": `shift` is alpha in sigma = alpha t / (1 + (alpha - 1) t).
    """

    kind: Literal["betas", "range", "flow"]
    sigma_min: float
    sigma_max: float
    sigmas: torch.Tensor | None = None
    shift: float = 1.0


@dataclass(frozen=True)
class ScheduleOptions:
    """The settings of a noise schedule; the names are diffusers' own."""

    scheduler: str = "Euler"
    steps: int = 20
    denoise: float = 1.0
    timestep_spacing: str = DEFAULT
    steps_offset: int = 0
    sigma_spacing: str = DEFAULT
    beta_schedule: str = "scaled_linear"
    beta_start: float = 0.00085
    beta_end: float = 0.012
    zero_terminal_snr: bool = False
    shift: float = 3.0


def make_schedule(options: ScheduleOptions, model: ModelNoise | None = None) -> torch.Tensor:
    """The sigmas at the step edges: float32 on the CPU, strictly falling, ending in one zero.

    `denoise` below 1 keeps the last `steps` steps of a schedule of int(steps / denoise), and 0 gives an empty
    tensor, as ComfyUI's BasicScheduler does.

    Raises:
        ValueError: for options that are unknown, and for anything that diffusers refuses, with its reason.
    """
    _check_options(options)
    if options.denoise == 0.0:
        return torch.empty(0)
    total = options.steps / options.denoise
    if total > MAX_STEPS:
        raise ValueError(
            f"denoise: {options.steps} steps at denoise {options.denoise:g} are the end of a schedule of {total:.0f} "
            f"steps, more than the {MAX_STEPS} possible. Use fewer steps or a larger denoise."
        )
    total = int(total)
    scheduler = _run_scheduler(options, FAMILIES[options.scheduler], model, total)
    sigmas = _step_edges(scheduler)
    _check_sigmas(sigmas, scheduler, options, total)
    return sigmas if options.denoise >= 1.0 else sigmas[-(options.steps + 1) :]


def _check_options(options: ScheduleOptions) -> None:
    choices = (
        ("scheduler", options.scheduler, tuple(FAMILIES)),
        ("timestep_spacing", options.timestep_spacing, TIMESTEP_SPACINGS),
        ("sigma_spacing", options.sigma_spacing, SIGMA_SPACINGS),
        ("beta_schedule", options.beta_schedule, BETA_SCHEDULES),
    )
    for name, value, allowed in choices:
        if value not in allowed:
            raise ValueError(f"{name}: '{value}' is not known. Choose one of: {', '.join(allowed)}.")
    if not 1 <= options.steps <= MAX_STEPS:
        raise ValueError(f"steps: {options.steps} is not possible. Use a whole number from 1 to {MAX_STEPS}.")
    if not 0.0 <= options.denoise <= 1.0:
        raise ValueError(f"denoise: {options.denoise} is outside 0 to 1. Use 1 for a whole schedule, less for its end.")
    if options.steps_offset < 0:
        raise ValueError(f"steps_offset: {options.steps_offset} is negative. Use 0, or 1 as Stable Diffusion 1.x does.")
    for name, value in (("beta_start", options.beta_start), ("beta_end", options.beta_end)):
        if not 0.0 < value < 1.0:
            raise ValueError(f"{name}: {value} is outside 0 to 1. Stable Diffusion uses 0.00085 to 0.012.")
    if not (options.shift > 0.0 and math.isfinite(options.shift)):
        raise ValueError(f"shift: {options.shift} is not possible. Use a number above 0; 1 means no shift.")


def _run_scheduler(options: ScheduleOptions, family: Family, model: ModelNoise | None, total: int) -> Any:
    """The diffusers scheduler after set_timesteps(total)."""
    scheduler_class = getattr(importlib.import_module("diffusers"), family.scheduler)
    accepted = set(inspect.signature(scheduler_class.__init__).parameters)
    arguments = dict(family.fixed)
    arguments |= _spacing_arguments(options, family, accepted)
    arguments |= _noise_arguments(options, family, model, accepted)
    scheduler = _call_diffusers(options, total, lambda: scheduler_class(**arguments))
    if hasattr(scheduler, "alphas_cumprod"):
        _set_noise_table(scheduler, options, model)
    _call_diffusers(options, total, lambda: scheduler.set_timesteps(total))
    return scheduler


def _call_diffusers(options: ScheduleOptions, total: int, call: Callable[[], Any]) -> Any:
    """The result of `call`, with what diffusers refuses turned into an error that names scheduler and steps."""
    try:
        return call()
    except (ValueError, NotImplementedError, ImportError) as error:
        raise ValueError(
            f"scheduler: {options.scheduler} cannot make this schedule of {total} steps. diffusers says: {error} "
            "Change that setting or choose another scheduler."
        ) from error


def _spacing_arguments(options: ScheduleOptions, family: Family, accepted: set[str]) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    if options.timestep_spacing != DEFAULT:
        _require("timestep_spacing", accepted, options, "timestep_spacing", f"Set it to '{DEFAULT}'")
        arguments["timestep_spacing"] = options.timestep_spacing
    if options.steps_offset:
        _require("steps_offset", accepted, options, "steps_offset", "Set it to 0")
        arguments["steps_offset"] = options.steps_offset
    if options.sigma_spacing != DEFAULT:
        spacing = family.sigma_options.get(options.sigma_spacing, {f"sigma_schedule={options.sigma_spacing}": True})
        _require(next(iter(spacing)), accepted, options, "sigma_spacing", f"Set it to '{DEFAULT}'")
        arguments |= spacing
    if options.zero_terminal_snr:
        _require("rescale_betas_zero_snr", accepted, options, "zero_terminal_snr", "Switch it off")
    return arguments


def _require(argument: str, accepted: set[str], options: ScheduleOptions, name: str, remedy: str) -> None:
    if argument not in accepted:
        raise ValueError(
            f"{name}: diffusers' {options.scheduler} scheduler has no such option ({argument}). "
            f"{remedy}, or choose another scheduler."
        )


def _noise_arguments(
    options: ScheduleOptions, family: Family, model: ModelNoise | None, accepted: set[str]
) -> dict[str, Any]:
    """Where the noise levels come from: the connected model, or the widgets."""
    if model is not None:
        _check_model(options, family, model)
    if family.source == "flow":
        return {"shift": options.shift if model is None else model.shift}
    if family.source == "range":
        return {} if model is None else {"sigma_min": model.sigma_min, "sigma_max": model.sigma_max}
    if model is not None and model.sigmas is not None:
        return {"num_train_timesteps": len(model.sigmas)}
    arguments: dict[str, Any] = {
        "beta_schedule": options.beta_schedule,
        "beta_start": options.beta_start,
        "beta_end": options.beta_end,
    }
    if "rescale_betas_zero_snr" in accepted:
        arguments["rescale_betas_zero_snr"] = options.zero_terminal_snr
    return arguments


def _check_model(options: ScheduleOptions, family: Family, model: ModelNoise) -> None:
    if (family.source == "flow") != (model.kind == "flow"):
        kind, remedy = (
            ("a flow", "'Flow-match Euler'") if model.kind == "flow" else ("not a flow", "any other scheduler")
        )
        raise ValueError(
            f"model: the connected model is {kind} model, which '{options.scheduler}' does not fit. Choose {remedy}."
        )
    if family.source == "betas" and model.kind == "range":
        raise ValueError(f"model: an EDM model has no betas, which '{options.scheduler}' needs. Choose 'EDM Euler'.")
    if options.zero_terminal_snr and model.sigma_max < 1000.0:
        raise ValueError(
            f"zero_terminal_snr: the connected model's own noise counts, and it ends at sigma {model.sigma_max:.4g}. "
            "Put ComfyUI's ModelSamplingDiscrete with zsnr before this node, or switch zero_terminal_snr off."
        )


def _set_noise_table(scheduler: Any, options: ScheduleOptions, model: ModelNoise | None) -> None:
    """Replace alpha_bar where ComfyUI's differs: the model's own table, or the last entry of a zero-SNR schedule.

    A model's table goes in as float64, so that sigma -> alpha_bar = 1 / (1 + sigma^2) -> sigma is exact in float32.
    """
    if model is not None and model.sigmas is not None:
        scheduler.alphas_cumprod = 1.0 / (1.0 + model.sigmas.detach().cpu().double() ** 2)
    elif options.zero_terminal_snr:
        scheduler.alphas_cumprod[-1] = ZERO_SNR_ALPHA_BAR
    table = scheduler.alphas_cumprod
    if not bool((torch.isfinite(table) & (table > 0.0) & (table < 1.0)).all()):
        raise ValueError(
            f"beta_end: the betas ({options.beta_schedule}, {options.beta_start:g} to {options.beta_end:g}) lead to "
            "zero or infinite noise. Use beta_start 0.00085 and beta_end 0.012, or values near them."
        )


def _step_edges(scheduler: Any) -> torch.Tensor:
    """Distinct sigmas, falling, one final zero. Where a class has no sigmas: those of alpha_bar at its timesteps."""
    if hasattr(scheduler, "sigmas"):
        sigmas = scheduler.sigmas
    else:
        alpha_bar, timesteps = scheduler.alphas_cumprod, scheduler.timesteps
        if int(timesteps.max()) >= len(alpha_bar):
            raise ValueError(
                f"steps_offset: the first step would be at timestep {int(timesteps.max())}, and the model "
                f"was trained up to {len(alpha_bar) - 1}. Use a smaller steps_offset or fewer steps."
            )
        sigmas = (((1 - alpha_bar) / alpha_bar) ** 0.5)[timesteps]
    falling = torch.unique(sigmas.to(device="cpu", dtype=torch.float32)).flip(0)
    return torch.cat([falling[falling != 0.0], torch.zeros(1)])


def _check_sigmas(sigmas: torch.Tensor, scheduler: Any, options: ScheduleOptions, total: int) -> None:
    if not bool(torch.isfinite(sigmas).all()) or len(sigmas) < 2 or float(sigmas.min()) < 0.0:
        raise ValueError(
            f"scheduler: {options.scheduler} gives no usable noise levels with these settings. "
            "Change sigma_spacing or the betas."
        )
    timesteps = int(scheduler.config.num_train_timesteps)
    if total > timesteps and len(sigmas) - 1 < total:
        raise ValueError(
            f"steps: {options.scheduler} puts its steps on whole timesteps, and {total} steps (steps / denoise) "
            f"are more than the {timesteps} there are. Use fewer steps, a larger denoise, or sigma_spacing 'karras'."
        )
