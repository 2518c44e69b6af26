"""Dealings with ComfyUI: what a MODEL says about its noise, latents noised its way, and sampling that is watched."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any

import comfy.model_sampling as sampling
import torch

from ..comfy_progress import track_progress
from ..comfy_sampling import sample_custom
from ..text.printable import get_log
from .process import FlowProcess, NoiseProcess, VPProcess, standard_process, table_timesteps
from .reverse import Recorder, RecordingSampler, StepFrame
from .schedule import ModelNoise

Latent = dict[str, Any]

log = get_log(__name__)


def model_noise(model: Any) -> ModelNoise:
    """The noise levels a MODEL was trained on, with the patches of nodes such as ModelSamplingDiscrete applied.

    Raises:
        ValueError: the model's noise is of an unknown kind.
    """
    levels = _sampling_of(model)
    low, high = float(levels.sigma_min), float(levels.sigma_max)
    if isinstance(levels, sampling.ModelSamplingFlux):
        # Flux stores mu; exp(mu) is the shift of the other flow models (comfy.model_sampling.flux_time_shift).
        return ModelNoise("flow", low, high, shift=math.exp(levels.shift))
    if isinstance(levels, sampling.ModelSamplingDiscreteFlow):
        return ModelNoise("flow", low, high, shift=float(levels.shift))
    if isinstance(levels, sampling.ModelSamplingContinuousEDM):
        return ModelNoise("range", low, high)
    if isinstance(levels, sampling.ModelSamplingDiscrete):
        return ModelNoise("betas", low, high, sigmas=_table(levels))
    raise ValueError(
        f"model: its noise ({type(levels).__name__}) is of a kind this node does not know. Disconnect the model."
    )


def noise_process(model: Any | None, model_type: str = "eps or v") -> NoiseProcess:
    """The process of the connected MODEL, or without one that of `model_type`.

    Raises:
        ValueError: the model is given no noise at all.
    """
    if model is None:
        return standard_process(model_type)
    levels = _sampling_of(model)
    discrete = isinstance(levels, sampling.ModelSamplingDiscrete)
    timestep = table_timesteps(_table(levels)) if discrete else _own_timesteps(levels)
    if isinstance(levels, sampling.CONST):
        if _noise_scale(levels) <= 0.0:
            raise ValueError("model: its noise_scale is 0, so there is no noise. Set ModelNoiseScale above 0.")
        return FlowProcess(timestep, "the connected model", _noise_scale(levels))
    return VPProcess(timestep, "the connected model")


def _sampling_of(model: Any) -> Any:
    """The object of comfy.model_sampling with the noise levels of a MODEL."""
    return model.get_model_object("model_sampling")


def _noise_scale(levels: Any) -> float:
    """The deviation of the noise that a flow model is given; in older ComfyUIs it is always 1."""
    return float(getattr(levels, "noise_scale", 1.0))


def _own_timesteps(levels: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda sigma: levels.timestep(sigma.float()).double().cpu()


def _table(levels: Any) -> torch.Tensor:
    """The noise level of every training timestep, a buffer that the type checker takes for a module."""
    return levels.sigmas


def noise_latents(
    model: Any, samples: torch.Tensor, sigmas: Sequence[float], seed: int, unit_range: bool
) -> torch.Tensor:
    """Noised versions of latents [B, C, ...] at rising sigmas, as [B, F, C, ...], as a sampler would start.

    Latents are moved into the model's own scale, mixed by its noise_scaling with the noise that ComfyUI draws for one
    latent of this seed, and moved back. unit_range undoes the growth of x_t with sigma (see `strip_latents`).

    Raises:
        ValueError: the latents are empty, of several sizes, not finite, or not for this model.
    """
    _check_latents(model, samples)
    levels = _sampling_of(model)
    generator = torch.Generator().manual_seed(seed)
    eps = torch.randn(samples[:1].shape, generator=generator, dtype=samples.dtype).to(samples.device)
    empty = not bool(samples.any())  # as in ComfyUI, an empty latent is zero on the model's side too
    x0 = samples if empty else model.get_model_object("process_latent_in")(samples)
    frames = []
    for sigma in track_progress(sigmas, len(sigmas)):
        if sigma == 0.0:
            frames.append(samples.clone())
        else:
            noised = levels.noise_scaling(torch.tensor(sigma), eps.expand_as(x0), x0)
            if unit_range:
                noised = noised * _unit_scale(levels, sigma)
            frames.append(model.get_model_object("process_latent_out")(noised))
    return torch.stack(frames, dim=1)


def _check_latents(model: Any, samples: torch.Tensor) -> None:
    if samples.is_nested or samples.ndim < 3 or 0 in samples.shape:
        raise ValueError(
            "latent: it is empty or of several sizes. Connect a LATENT with at least one picture of one size."
        )
    if not bool(torch.isfinite(samples).all()):
        raise ValueError("latent: it holds NaN or infinite values. Check the node that made it.")
    channels = model.get_model_object("latent_format").latent_channels
    if samples.shape[1] != channels:
        raise ValueError(
            f"latent: it has {samples.shape[1]} channels, and the connected model works with {channels}. "
            "Encode the picture with the VAE that belongs to the model."
        )


def replace_samples(latent: Latent, samples: torch.Tensor) -> Latent:
    """The latent with other samples [B, C, ...], without the noise mask and batch index of the samples that it had."""
    rest = {key: value for key, value in latent.items() if key not in ("samples", "noise_mask", "batch_index")}
    return rest | {"samples": samples}


def sample_recorded(
    noise: Any, guider: Any, sampler: Any, sigmas: torch.Tensor, latent: Latent, steps: Collection[int]
) -> tuple[Latent, Latent, list[StepFrame]]:
    """Both outputs of ComfyUI's own SamplerCustomAdvanced, and the frames of the reverse process at `steps`.

    The frame of the last step is the result. dpm_fast and dpm_adaptive take as many steps as they like: a step that
    the sampler does not report has no frame, and the log says so. Without any frame, the result is the only one.

    Raises:
        ValueError: the latent has several parts.
    """
    if latent["samples"].is_nested:
        raise ValueError("latent_image: latents of several parts make no strip. Use SamplerCustomAdvanced for them.")
    last = max(0, len(sigmas) - 1)
    recorder = Recorder([step for step in steps if step != last])
    output, denoised = sample_custom(noise, guider, RecordingSampler(sampler, recorder), sigmas, latent)
    frames, edges = recorder.frames, sigmas.tolist()
    missing = recorder.steps - {frame.step for frame in frames}
    if missing:
        log.warning(
            "Reverse Diffusion: this sampler reported %d of the schedule's %d steps, so there is no frame of step %s%s",
            recorder.reported,
            last,
            ", ".join(map(str, sorted(missing))),
            "." if frames or last in steps else ". The strips show the result instead.",
        )
    if last in steps or not frames:
        frames = [*frames, _result_frame(guider.model_patcher, recorder, output, denoised, last, edges)]
    return output, denoised, frames


def _result_frame(
    model: Any, recorder: Recorder, output: Latent, denoised: Latent, step: int, edges: Sequence[float]
) -> StepFrame:
    """The end of the run. If the schedule stops short of zero, its x0 is the last estimate that was made."""
    sigma = edges[-1] if edges else 0.0
    if recorder.final is None:  # an empty schedule: ComfyUI returns the latent as it came
        latent = model.get_model_object("process_latent_in")(output["samples"].float())
        return StepFrame(step, sigma, latent, latent)
    x_t = recorder.final
    if isinstance(_sampling_of(model), sampling.CONST):
        x_t = x_t * (1.0 - sigma)  # undoes inverse_noise_scaling
    x0 = x_t if sigma == 0.0 else model.get_model_object("process_latent_in")(denoised["samples"].float())
    return StepFrame(step, sigma, x_t, x0)


def strip_latents(model: Any, frames: Sequence[StepFrame]) -> tuple[torch.Tensor, torch.Tensor]:
    """x_t and x0 of the frames as latents [B * F, C, ...] that decode to pictures: all of the first, then of the next.

    x_t of eps and v models grows with sigma and is scaled back by sigma_data / sqrt(sigma^2 + sigma_data^2), which is
    1 / sqrt(1 + sigma^2) for Stable Diffusion; that of flow models keeps its range, but for those with a noise scale.
    """
    levels = _sampling_of(model)
    out = model.get_model_object("process_latent_out")
    x_t = [out(frame.x_t * _unit_scale(levels, frame.sigma)) for frame in frames]
    x0 = [out(frame.x0) for frame in frames]
    return torch.stack(x_t, dim=1).flatten(0, 1), torch.stack(x0, dim=1).flatten(0, 1)


def _unit_scale(levels: Any, sigma: float) -> float:
    if isinstance(levels, sampling.CONST):
        return 1.0 / (1.0 + (_noise_scale(levels) - 1.0) * sigma)  # see FlowProcess
    if isinstance(levels, sampling.COSMOS_RFLOW):
        return 1.0 / (1.0 + sigma)  # its x0 + sigma * eps is (1 - s) * x0 + s * eps with s = sigma / (1 + sigma)
    return float(levels.sigma_data / math.sqrt(sigma**2 + levels.sigma_data**2))
