"""From a row of the table, a size and a number of steps to the sigmas, and the report about them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..choices import AS_PUBLISHED, FROM_MODEL, MAX_STEPS, PUBLISHED, SOLVERS
from .facts import (
    DPM,
    FACTS,
    READ,
    TRAINED,
    UNIPC,
    WHOLE,
    EmpiricalMu,
    FixedMu,
    LinearMu,
    LogitNormal,
    Published,
)

TOKEN = 16  # pixels of the side of a token: two by two latent cells of 8 pixels, or one of 16, in every family here
# What diffusers' solvers make of a flow model: FlowMatchEuler with the sigmas that its pipelines give it,
# FlowMatchHeun, and the others with use_flow_sigmas.
_GRIDS = {"Euler": WHOLE, "Heun": TRAINED, "UniPC": UNIPC, "DPM++": DPM}
_SMALLEST = 1e-3  # the sigma of the first of 1,000 training timesteps
_NEARLY = 1e-6
_BASE_PIXELS = 512 * 512  # where mu of Ideogram 4 is as given
_LOG_SNR = (-15.0, 18.0)


@dataclass(frozen=True)
class PublishedPlan:
    """A schedule: its family, sigmas [N + 1] float32 that fall to one zero, mu, image tokens, steps before denoise."""

    family: str
    sigmas: torch.Tensor
    mu: float
    tokens: int
    total: int


def plan_published(
    family: str, pixels: tuple[int, int], steps: int = 0, denoise: float = 1.0, solver: str = AS_PUBLISHED
) -> PublishedPlan:
    """The schedule of `family` at `pixels` (height, width). steps 0: as many as the authors use.

    denoise below 1 keeps the last `steps` steps of a schedule of int(steps / denoise), and 0 gives no sigma, as
    ComfyUI's BasicScheduler does.

    Raises:
        ValueError: a value is unknown or does not go with the others.
    """
    _check(family, denoise, solver)
    row = FACTS[family]
    steps = steps or row.steps
    total = int(steps / denoise) if denoise > 0.0 else steps
    if not 1 <= total <= MAX_STEPS:
        raise ValueError(f"steps: {steps} steps at denoise {denoise:g} are {total:,}. Use 1 to {MAX_STEPS:,} in all.")
    fixed = bool(row.sigmas) or isinstance(row.rule, LogitNormal)
    if fixed and solver != AS_PUBLISHED:
        raise ValueError(
            f"solver: '{family}' is published with sigmas of its own. Set solver to '{AS_PUBLISHED}', or choose "
            "another family."
        )
    if row.sigmas and total != len(row.sigmas):
        raise ValueError(
            f"steps: '{family}' is published as a list for {len(row.sigmas)} steps, not {total}. Set steps to "
            f"{len(row.sigmas)} and denoise to 1, or choose 'Flux.2'."
        )
    tokens = math.ceil(pixels[0] / TOKEN) * math.ceil(pixels[1] / TOKEN)
    mu = find_mu(row, pixels, tokens, total)
    sigmas = torch.cat([torch.from_numpy(_noisy_sigmas(row, mu, total, solver)), torch.zeros(1, dtype=torch.float64)])
    kept = sigmas[-(steps + 1) :] if denoise > 0.0 else sigmas[:0]
    return PublishedPlan(family, kept.float(), mu, tokens, total)


def _check(family: str, denoise: float, solver: str) -> None:
    if family not in FACTS:
        raise ValueError(f"family: '{family}' is not known. Choose one of: {', '.join((FROM_MODEL, *PUBLISHED))}.")
    if solver not in SOLVERS:
        raise ValueError(f"solver: '{solver}' is not known. Choose one of: {', '.join(SOLVERS)}.")
    if not 0.0 <= denoise <= 1.0:
        raise ValueError(f"denoise: {denoise} is outside 0 to 1. Use 1 for a whole schedule, less for its end.")


def find_mu(row: Published, pixels: tuple[int, int], tokens: int, steps: int) -> float:
    """mu of a row at a size (height, width) of so many tokens, and a number of steps."""
    rule = row.rule
    if isinstance(rule, FixedMu):
        return rule.mu
    if isinstance(rule, LinearMu):
        slope = (rule.high - rule.low) / (rule.high_tokens - rule.low_tokens)
        return rule.low + slope * (tokens - rule.low_tokens)
    if isinstance(rule, EmpiricalMu):
        return _empirical_mu(tokens, steps)
    return rule.mean + 0.5 * math.log(pixels[0] * pixels[1] / _BASE_PIXELS)


def _empirical_mu(tokens: int, steps: int) -> float:
    """compute_empirical_mu of black-forest-labs/flux2: a line in the steps through its values at 10 and at 200."""
    at_200 = 0.00016927 * tokens + 0.45666666
    if tokens > 4300:
        return at_200
    at_10 = 8.73809524e-05 * tokens + 1.89833333
    return at_200 + (steps - 200) * (at_200 - at_10) / 190.0


def _noisy_sigmas(row: Published, mu: float, steps: int, solver: str) -> np.ndarray:
    """The sigmas above zero, float64 [steps]."""
    if isinstance(row.rule, LogitNormal):
        return _logit_normal(mu, row.rule.deviation, steps)
    kind = row.grid if solver == AS_PUBLISHED else _GRIDS[solver]
    sigmas = shift_sigmas(np.asarray(row.sigmas) if row.sigmas else _grid(kind, mu, steps), mu)
    if row.terminal and steps > 1:  # the one sigma of a single step is 1 and cannot also be the last
        sigmas = 1.0 - (1.0 - sigmas) * (1.0 - row.terminal) / (1.0 - sigmas[-1])
    if kind == UNIPC and sigmas[0] > 1.0 - _NEARLY:
        sigmas[0] -= _NEARLY
    return sigmas


def _grid(kind: str, mu: float, steps: int) -> np.ndarray:
    if kind == WHOLE:
        return np.linspace(1.0, 1.0 / steps, steps)
    if kind == TRAINED:
        return np.linspace(1.0, float(shift_sigmas(np.asarray(_SMALLEST), mu)), steps)
    if kind == UNIPC:
        return np.linspace(1.0, _SMALLEST, steps + 1)[:-1]
    return 1.0 - np.linspace(_SMALLEST, 1.0, steps + 1)[:-1]  # DPM


def shift_sigmas(sigmas: np.ndarray, mu: float) -> np.ndarray:
    """e^mu s / (1 + (e^mu - 1) s)."""
    shift = math.exp(mu)
    return shift * sigmas / (1.0 + (shift - 1.0) * sigmas)


def _logit_normal(mean: float, deviation: float, steps: int) -> np.ndarray:
    """Quantiles of the logit-normal distribution, from noise to picture (diffusers, pipeline_ideogram4.py)."""
    quantiles = torch.special.ndtri(torch.linspace(0.0, 1.0, steps + 1, dtype=torch.float64))
    clean = 1.0 - torch.special.expit(mean + deviation * quantiles)
    low, high = (1.0 / (1.0 + math.exp(0.5 * limit)) for limit in reversed(_LOG_SNR))
    return (1.0 - clean.clamp(low, high)).flip(0)[:-1].numpy().copy()


def write_report(
    plan: PublishedPlan, pixels: tuple[int, int], default_mu: float, default: torch.Tensor, variants: Sequence[str] = ()
) -> str:
    """What is published, what ComfyUI does by default, and where that is known from.

    default: ComfyUI's own sigmas for as many steps. variants: other families that the MODEL may be.
    """
    row, sigmas = FACTS[plan.family], plan.sigmas
    lines = [
        f"published mu {plan.mu:.2f}, ComfyUI's default here {default_mu:.2f}",
        f"{plan.family}, {pixels[1]} x {pixels[0]}: {_rule_text(row, plan)}",
        f"As a shift (e^mu): {math.exp(plan.mu):.2f} against {math.exp(default_mu):.2f}.",
    ]
    if len(sigmas) == len(default) and len(sigmas) > 1:
        apart = (sigmas - default).abs()
        at = int(apart.argmax())
        lines.append(
            f"Largest difference of sigma: {float(apart[at]):.3f}, after step {at} of {len(sigmas) - 1} "
            f"(published {float(sigmas[at]):.3f}, default {float(default[at]):.3f})."
        )
    lines.append(f"Source: {row.source}; read {READ}.")
    lines.append(f"Verified by: {row.second}." if row.second else "Unverified: there is no second source.")
    if row.note:
        lines.append(row.note)
    if variants:
        lines.append(f"The MODEL may also be: {', '.join(variants)}. Choose the family then.")
    return "\n".join(lines)


def _rule_text(row: Published, plan: PublishedPlan) -> str:
    rule, tokens = row.rule, f"{plan.tokens:,} tokens"
    ending = f", last sigma {row.terminal:g}" if row.terminal else ""
    if row.sigmas:
        ending += f", a list of {len(row.sigmas)} sigmas"
    if isinstance(rule, LinearMu):
        text = f"mu {rule.low:g} at {rule.low_tokens:,} tokens to {rule.high:g} at {rule.high_tokens:,}; here {tokens}"
        return f"{text}{ending}."
    if isinstance(rule, EmpiricalMu):
        return f"mu by tokens and steps; here {tokens} and {plan.total} steps{ending}."
    if isinstance(rule, LogitNormal):
        return f"logit-normal, deviation {rule.deviation:g}, mean by size{ending}."
    return f"the same mu at every size{ending}."
