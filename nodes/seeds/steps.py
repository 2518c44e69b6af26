"""Which samplers of ComfyUI draw noise at every step, and how they draw it by themselves.

Read from comfy/k_diffusion/sampling.py of ComfyUI 0.3.75; every line of the table is measured in tests/seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch

from .noise import slerp

# none: no noise after the first. independent: default_noise_sampler, a fresh draw for every step.
# brownian: BrownianTreeNoiseSampler on the CPU, on the device for the names ending in _gpu.
StepNoise = Literal["none", "independent", "brownian", "brownian on device"]
NoiseSampler = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

_INDEPENDENT = (
    "euler_ancestral",
    "euler_ancestral_cfg_pp",
    "dpm_2_ancestral",
    "dpmpp_2s_ancestral",
    "dpmpp_2s_ancestral_cfg_pp",
    "ddpm",
    "lcm",
    "res_multistep_ancestral",
    "res_multistep_ancestral_cfg_pp",
    "er_sde",
    "seeds_2",
    "seeds_3",
    "sa_solver",
    "sa_solver_pece",
)
_BROWNIAN = ("dpmpp_sde", "dpmpp_2m_sde", "dpmpp_2m_sde_heun", "dpmpp_3m_sde")
_NONE = (
    "euler",
    "euler_cfg_pp",
    "heun",
    "heunpp2",
    "dpm_2",
    "lms",
    "dpm_fast",
    "dpmpp_2m",
    "dpmpp_2m_cfg_pp",
    "ipndm",
    "ipndm_v",
    "deis",
    "res_multistep",
    "res_multistep_cfg_pp",
    "gradient_estimation",
    "gradient_estimation_cfg_pp",
    "unipc",
    "unipc_bh2",
)

STEP_NOISE: Mapping[str, StepNoise] = {
    **dict.fromkeys(_NONE, "none"),
    **dict.fromkeys(_INDEPENDENT, "independent"),
    **dict.fromkeys(_BROWNIAN, "brownian"),
    **{f"{name}_gpu": "brownian on device" for name in _BROWNIAN},
}

# Samplers that no per-image noise can make exact, and why.
REFUSED: Mapping[str, str] = {
    "dpm_adaptive": "chooses its step sizes from an error taken over the whole batch, so the pictures of a batch "
    "depend on each other",
}


def list_covered() -> list[str]:
    """The names of the samplers that draw step noise and can draw it for each picture."""
    return [name for name, kind in STEP_NOISE.items() if kind != "none"]


def slerp_samplers(base: NoiseSampler, other: NoiseSampler, strength: float) -> NoiseSampler:
    """A noise sampler between those of two seeds, as their first noises are (slerp). All draw [1, ...].

    It computes on the processor, because not every device has float64.
    """

    def draw(sigma: torch.Tensor, sigma_next: torch.Tensor) -> torch.Tensor:
        ends = base(sigma, sigma_next), other(sigma, sigma_next)
        return slerp(ends[0].cpu(), ends[1].cpu(), strength).to(ends[0].device)

    return draw


def join_samplers(samplers: Sequence[NoiseSampler]) -> NoiseSampler:
    """One noise sampler for a batch [B, ...] from one per picture, each of which draws [1, ...]."""
    return lambda sigma, sigma_next: torch.cat([sampler(sigma, sigma_next) for sampler in samplers])
