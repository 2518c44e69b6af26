"""Dealings with ComfyUI: what a MODEL says about its noise, latents noised its way, and sampling that is watched."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, TypeVar

import comfy.model_management
import comfy.model_sampling as sampling
import comfy.utils
import torch

from .process import NoiseProcess, standard_process, table_timesteps
from .reverse import Frame, Recorder, RecordingSampler
from .schedule import ModelNoise

Item = TypeVar("Item")
Latent = dict[str, Any]

log = logging.getLogger(__name__)


def model_noise(model: Any) -> ModelNoise:
    """The noise levels a MODEL was trained on, with the patches of nodes such as ModelSamplingDiscrete applied."""
    own: Any = model.get_model_object("model_sampling")
    low, high = float(own.sigma_min), float(own.sigma_max)
    if isinstance(own, sampling.ModelSamplingFlux):
        # Flux stores mu; exp(mu) is the shift of the other flow models (comfy.model_sampling.flux_time_shift).
        return ModelNoise("flow", low, high, shift=math.exp(own.shift))
    if isinstance(own, sampling.ModelSamplingDiscreteFlow):
        return ModelNoise("flow", low, high, shift=float(own.shift))
    if isinstance(own, sampling.ModelSamplingContinuousEDM):
        return ModelNoise("range", low, high)
    if isinstance(own, sampling.ModelSamplingDiscrete):
        return ModelNoise("betas", low, high, sigmas=_table(own))
    raise ValueError(
        f"model: its noise ({type(own).__name__}) is of a kind this node does not know. Disconnect the model."
    )


def noise_process(model: Any | None, model_type: str = "eps or v") -> NoiseProcess:
    """The process of the connected MODEL, or without one that of `model_type`."""
    if model is None:
        return standard_process(model_type)
    own: Any = model.get_model_object("model_sampling")
    discrete = isinstance(own, sampling.ModelSamplingDiscrete)
    timesteps = table_timesteps(_table(own)) if discrete else _own_timesteps(own)
    return NoiseProcess("flow" if isinstance(own, sampling.CONST) else "vp", timesteps, "the connected model")


def _own_timesteps(own: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda sigma: own.timestep(sigma.float()).double().cpu()


def _table(own: Any) -> torch.Tensor:
    """The noise level of every training timestep, a buffer that the type checker takes for a module."""
    return own.sigmas


def with_progress(items: Sequence[Item]) -> Iterator[Item]:
    """The items one by one, with ComfyUI's progress bar on the node, until the user presses Cancel."""
    progress = comfy.utils.ProgressBar(len(items))
    for item in items:
        comfy.model_management.throw_exception_if_processing_interrupted()
        yield item
        progress.update(1)


def noise_latents(
    model: Any, samples: torch.Tensor, sigmas: Sequence[float], seed: int, unit_range: bool
) -> torch.Tensor:
    """Noised versions of latents [B, C, ...] at rising sigmas, as [B, F, C, ...], as a sampler would start.

    Latents are moved into the model's own scale, mixed by its noise_scaling with the noise that ComfyUI draws for one
    latent of this seed, and moved back. unit_range undoes the growth of the variance of eps and v models.
    """
    _check_latents(model, samples)
    own: Any = model.get_model_object("model_sampling")
    generator = torch.Generator().manual_seed(seed)
    eps = torch.randn(samples[:1].shape, generator=generator, dtype=samples.dtype).to(samples.device)
    empty = not bool(samples.any())  # as in ComfyUI, an empty latent is zero on the model's side too
    x0 = samples if empty else model.get_model_object("process_latent_in")(samples)
    frames = []
    for sigma in with_progress(sigmas):
        if sigma == 0.0:
            frames.append(samples.clone())
        else:
            noised = own.noise_scaling(torch.tensor(sigma), eps.expand_as(x0), x0)
            if unit_range and not isinstance(own, sampling.CONST):
                noised = noised * (own.sigma_data / math.sqrt(sigma**2 + own.sigma_data**2))
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


def sample_recorded(
    noise: Any, guider: Any, sampler: Any, sigmas: torch.Tensor, latent: Latent, steps: Collection[int]
) -> tuple[Latent, Latent, list[Frame]]:
    """Both outputs of ComfyUI's own SamplerCustomAdvanced, and the frames of the reverse process at `steps`.

    The frame of the last step is the result. Steps that the sampler does not report have none, which the log tells:
    dpm_fast and dpm_adaptive take as many as they like. If it reports no step asked for, the result is the only frame.
    """
    from comfy_extras.nodes_custom_sampler import SamplerCustomAdvanced  # dozens of schemas: kept out of the start

    if latent["samples"].is_nested:
        raise ValueError("latent_image: latents of several parts make no strip. Use SamplerCustomAdvanced for them.")
    last = max(0, len(sigmas) - 1)
    recorder = Recorder([step for step in steps if step != last])
    own = sigmas.clone()  # uni_pc writes into the schedule, which ComfyUI keeps for other nodes and the next run
    result = SamplerCustomAdvanced.execute(noise, guider, RecordingSampler(sampler, recorder), own, latent)
    output, denoised = result.result  # pyright: ignore[reportGeneralTypeIssues]  # always these two
    frames, edges = recorder.frames, sigmas.tolist()
    missing = recorder.wanted - {frame.step for frame in frames}
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
) -> Frame:
    """The end of the run. If the schedule stops short of zero, its x0 is the last estimate that was made."""
    sigma = edges[-1] if edges else 0.0
    if recorder.final is None:  # an empty schedule: ComfyUI returns the latent as it came
        latent = model.get_model_object("process_latent_in")(output["samples"].float())
        return Frame(step, sigma, latent, latent)
    x_t = recorder.final
    if isinstance(model.get_model_object("model_sampling"), sampling.CONST):
        x_t = x_t * (1.0 - sigma)  # undoes inverse_noise_scaling
    x0 = x_t if sigma == 0.0 else model.get_model_object("process_latent_in")(denoised["samples"].float())
    return Frame(step, sigma, x_t, x0)


def strip_latents(model: Any, frames: Sequence[Frame]) -> tuple[torch.Tensor, torch.Tensor]:
    """x_t and x0 of the frames as latents [B * F, C, ...] that decode to pictures: all of the first, then of the next.

    x_t of eps and v models grows with sigma and is scaled back by sigma_data / sqrt(sigma^2 + sigma_data^2), which is
    1 / sqrt(1 + sigma^2) for Stable Diffusion; that of flow models keeps its range.
    """
    own: Any = model.get_model_object("model_sampling")
    out = model.get_model_object("process_latent_out")
    x_t = [out(frame.x_t * _unit_scale(own, frame.sigma)) for frame in frames]
    x0 = [out(frame.x0) for frame in frames]
    return torch.stack(x_t, dim=1).flatten(0, 1), torch.stack(x0, dim=1).flatten(0, 1)


def _unit_scale(own: Any, sigma: float) -> float:
    if isinstance(own, sampling.CONST):
        return 1.0
    if isinstance(own, sampling.COSMOS_RFLOW):
        return 1.0 / (1.0 + sigma)  # its x0 + sigma * eps is (1 - s) * x0 + s * eps with s = sigma / (1 + sigma)
    return float(own.sigma_data / math.sqrt(sigma**2 + own.sigma_data**2))
