"""What diffusers' own pipelines hand to their schedulers, for each family of Published Schedule.

mu comes from the pipelines' own functions, sigmas from `retrieve_timesteps` or `set_timesteps` of the schedulers.
"""

from __future__ import annotations

import importlib
import inspect
import math
from typing import Any

import numpy as np
import torch

SIZES = ((512, 512), (1024, 1024), (640, 1536), (2048, 2048))  # (height, width)
STEPS = (4, 8, 20, 50)
TURBO = [1.0, 0.6509, 0.4374, 0.2932, 0.1893, 0.1108, 0.0495, 0.00031]
_FLUX = {"base_image_seq_len": 256, "max_image_seq_len": 4096, "base_shift": 0.5, "max_shift": 1.15}
_QWEN = {"base_image_seq_len": 256, "max_image_seq_len": 8192, "base_shift": 0.5, "max_shift": 0.9}
_KREA = {"base_image_seq_len": 256, "max_image_seq_len": 6400, "base_shift": 0.5, "max_shift": 1.15}
# family -> module of the pipeline, and the configuration of its FlowMatchEulerDiscreteScheduler
DYNAMIC: dict[str, tuple[str, dict[str, Any]]] = {
    "Flux.1 dev": ("flux.pipeline_flux", _FLUX),
    "Flux.2": ("flux2.pipeline_flux2", {}),
    "Flux.2 Klein": ("flux2.pipeline_flux2_klein", {}),
    "Flux.2 Turbo": ("flux2.pipeline_flux2", {}),
    "Qwen-Image": ("qwenimage.pipeline_qwenimage", _QWEN | {"shift_terminal": 0.02}),
    "Qwen-Image 2.1": ("qwenimage21.pipeline_qwenimage21", _QWEN | {"shift_terminal": 0.02}),
    "Qwen-Image Lightning": (
        "qwenimage.pipeline_qwenimage",
        _QWEN | {"base_shift": math.log(3), "max_shift": math.log(3)},
    ),
    "Krea 2": ("krea2.pipeline_krea2", _KREA),
}
FIXED_MU = {"Krea 2 Turbo": 1.15}
SHIFTED = {"Flux.1 schnell": 1.0, "Z-Image Turbo": 3.0, "Lumina 2": 6.0, "HunyuanImage 2.1": 5.0}  # one list for all
TRAINED = {"SD 3.5": 3.0, "HiDream-I1 Dev": 6.0}  # set_timesteps(steps) and no list
UNIPC = {
    "HiDream-I1 Full": 3.0,
    "Wan 2.1": 5.0,
    "Wan 2.1 480P": 3.0,
    "Wan 2.2 T2V A14B": 12.0,
    "Wan 2.2 I2V A14B": 5.0,
    "Wan 2.2 TI2V 5B": 5.0,
}
LISTS = {"Flux.2 Turbo": 8, "Flux.2 Turbo, list unshifted": 8}  # the one number of steps that they are for


def scheduler(name: str, **config: Any) -> Any:
    """A scheduler of diffusers."""
    return getattr(importlib.import_module("diffusers"), name)(**config)


def published_by_diffusers(family: str, size: tuple[int, int], steps: int) -> tuple[float, torch.Tensor]:
    """(mu, sigmas [steps + 1]) of diffusers at a size (height, width)."""
    if family == "Flux.2 Turbo, list unshifted":
        flow = scheduler("FlowMatchEulerDiscreteScheduler", shift=1.0)
        flow.set_timesteps(sigmas=TURBO)
        return 0.0, flow.sigmas
    if family == "Ideogram 4":
        return _ideogram(size, steps)
    if family in UNIPC:
        return math.log(UNIPC[family]), unipc(UNIPC[family], steps)
    if family in TRAINED:
        flow = scheduler("FlowMatchEulerDiscreteScheduler", shift=TRAINED[family])
        flow.set_timesteps(steps)
        return math.log(TRAINED[family]), flow.sigmas
    whole = np.linspace(1.0, 1 / steps, steps)
    if family in SHIFTED:
        flow = scheduler("FlowMatchEulerDiscreteScheduler", shift=SHIFTED[family])
        flow.set_timesteps(sigmas=whole)
        return math.log(SHIFTED[family]), flow.sigmas
    if family in FIXED_MU:
        flow = scheduler("FlowMatchEulerDiscreteScheduler", use_dynamic_shifting=True)
        flow.set_timesteps(sigmas=whole, mu=FIXED_MU[family])
        return FIXED_MU[family], flow.sigmas
    module, config = DYNAMIC[family]
    pipeline = importlib.import_module(f"diffusers.pipelines.{module}")
    flow = scheduler("FlowMatchEulerDiscreteScheduler", use_dynamic_shifting=True, **config)
    tokens = (size[0] // 16) * (size[1] // 16)
    if "compute_empirical_mu" in dir(pipeline):
        mu = pipeline.compute_empirical_mu(image_seq_len=tokens, num_steps=steps)
    else:
        mu = pipeline.calculate_shift(tokens, *(config[name] for name in _FLUX))
    pipeline.retrieve_timesteps(flow, steps, "cpu", sigmas=TURBO if family == "Flux.2 Turbo" else whole, mu=mu)
    return mu, flow.sigmas


def unipc(shift: float, steps: int) -> torch.Tensor:
    """The sigmas of UniPC with flow sigmas."""
    flow = scheduler(
        "UniPCMultistepScheduler", use_flow_sigmas=True, flow_shift=shift, prediction_type="flow_prediction"
    )
    flow.set_timesteps(steps)
    return flow.sigmas


def dpm(shift: float, steps: int) -> torch.Tensor:
    """The sigmas of DPM++ 2M with flow sigmas."""
    flow = scheduler(
        "DPMSolverMultistepScheduler", use_flow_sigmas=True, flow_shift=shift, prediction_type="flow_prediction"
    )
    flow.set_timesteps(steps)
    return flow.sigmas


def heun(shift: float, steps: int) -> torch.Tensor:
    """The step edges of FlowMatchHeun, each once: diffusers repeats those between two steps."""
    flow = scheduler("FlowMatchHeunDiscreteScheduler", shift=shift)
    flow.set_timesteps(steps)
    return torch.unique(flow.sigmas).flip(0)


def euler(shift: float, steps: int) -> torch.Tensor:
    """The sigmas of FlowMatchEuler with the list that diffusers' pipelines give it."""
    flow = scheduler("FlowMatchEulerDiscreteScheduler", shift=shift)
    flow.set_timesteps(sigmas=np.linspace(1.0, 1 / steps, steps))
    return flow.sigmas


def _ideogram(size: tuple[int, int], steps: int) -> tuple[float, torch.Tensor]:
    pipeline = importlib.import_module("diffusers.pipelines.ideogram4.pipeline_ideogram4")
    defaults = inspect.signature(pipeline.Ideogram4Pipeline.__call__).parameters
    mu = pipeline._resolution_aware_mu(height=size[0], width=size[1], base_mu=defaults["mu"].default)
    flow = scheduler("FlowMatchEulerDiscreteScheduler")
    flow.set_timesteps(
        sigmas=pipeline._logit_normal_sigmas(
            steps, mu, std=defaults["std"].default, device=torch.device("cpu")
        ).tolist()
    )
    return mu, flow.sigmas
