"""Which samplers of ComfyUI draw noise at every step, and how they draw it by themselves.

Read from comfy/k_diffusion/sampling.py of ComfyUI 0.3.75; every line of the table is measured in tests/seeds. Samplers
that ComfyUI has added since are judged by the rule that all of the table follow.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import CodeType
from typing import Any, Literal

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


_BROWNIAN_NOISE, _FRESH_NOISE = "BrownianTreeNoiseSampler", "default_noise_sampler"
_DRAWS = {_BROWNIAN_NOISE, _FRESH_NOISE, "randn", "randn_like", "rand", "rand_like", "normal_"}


def list_covered() -> list[str]:
    """The names of the samplers that draw step noise and can draw it for each picture."""
    return [name for name, kind in STEP_NOISE.items() if kind != "none"]


def judge_sampler(function: Callable[..., Any]) -> StepNoise | None:
    """How a sampler function of ComfyUI draws its step noise, from what it takes and names; None where that is unclear.

    One that draws takes a `noise_sampler`, and names the one that it makes where it is given none, or hands it on to
    another that does. One that takes none draws none: if it calls one that does, it switches the noise off. Unclear
    is one that draws past this rule, or whose step sizes depend on the whole batch, which a tolerance (`rtol`) tells.
    """
    function = inspect.unwrap(function)
    takes, names = inspect.signature(function).parameters, _names_in(function.__code__)
    known = [function.__globals__.get(name) for name in sorted(names - {function.__name__})]
    called = [each for each in known if inspect.isfunction(each) and each.__module__ == function.__module__]
    drawing = [each for each in called if "noise_sampler" in inspect.signature(each).parameters]
    if "rtol" in takes:
        return None
    if "noise_sampler" not in takes:
        churns = "s_churn" in takes  # that noise is past the rule too, but it is drawn only where s_churn is set
        draws = not churns and not _DRAWS.isdisjoint(names)
        return None if draws or None in map(judge_sampler, set(called) - set(drawing)) else "none"
    if _BROWNIAN_NOISE in names:
        return "brownian on device" if function.__name__.endswith("_gpu") else "brownian"
    if _FRESH_NOISE in names:
        return "independent"
    kinds = set(map(judge_sampler, drawing)) - {None}  # a helper may use what it is given alone
    return kinds.pop() if len(kinds) == 1 else None


def _names_in(code: CodeType) -> set[str]:
    """The global names and attributes that a function uses, with the functions inside it."""
    inner = (_names_in(each) for each in code.co_consts if isinstance(each, CodeType))
    return set(code.co_names).union(*inner)


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
