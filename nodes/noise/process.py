"""What a sigma means: how a kind of model mixes picture and noise, and the usual measures of it.

Every diffusion model starts from x_t = signal(sigma) * x0 + noise(sigma) * eps with eps ~ N(0, 1).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch

from .choices import MODEL_TYPES


@dataclass(frozen=True)
class NoiseProcess(ABC):
    """Measures of a noise level. All methods take and return float64 tensors of any shape.

    `timestep` maps sigma > 0 to the model's own timestep; `timestep_source` says whose timesteps these are.
    """

    timestep: Callable[[torch.Tensor], torch.Tensor]
    timestep_source: str

    max_sigma: ClassVar[float]  # the level that is noise alone
    clean_timestep: ClassVar[float]  # what a sigma of 0 counts as
    alpha_bar_formula: ClassVar[str] = ""  # of sigma, where it is a short one

    @abstractmethod
    def signal(self, sigma: torch.Tensor) -> torch.Tensor:
        """The share of the picture in x_t."""

    @abstractmethod
    def noise(self, sigma: torch.Tensor) -> torch.Tensor:
        """The share of the noise in x_t."""

    @abstractmethod
    def sigma_of_log_snr(self, log_snr: torch.Tensor) -> torch.Tensor:
        """The inverse of `log_snr`."""

    def snr(self, sigma: torch.Tensor) -> torch.Tensor:
        """Signal-to-noise ratio signal^2 / noise^2; infinite at sigma 0."""
        return (self.signal(sigma) / self.noise(sigma)) ** 2

    def log_snr(self, sigma: torch.Tensor) -> torch.Tensor:
        """Natural logarithm of the signal-to-noise ratio (Kingma et al. 2021)."""
        return 2.0 * (self.signal(sigma).log() - self.noise(sigma).log())

    def alpha_bar(self, sigma: torch.Tensor) -> torch.Tensor:
        """Share of the picture in the variance of x_t, SNR / (1 + SNR)."""
        signal, noise = self.signal(sigma) ** 2, self.noise(sigma) ** 2
        return signal / (signal + noise)


class VPProcess(NoiseProcess):
    """The variance-preserving process of models that predict eps or v.

    signal = 1 / sqrt(1 + sigma^2) = sqrt(alpha_bar),  noise = sigma / sqrt(1 + sigma^2) = sqrt(1 - alpha_bar)

    Ho et al. 2020, equation 4; sigma as in Karras et al. 2022. ComfyUI keeps x_t unscaled, as x0 + sigma * eps.
    """

    max_sigma = math.inf
    clean_timestep = -math.inf
    alpha_bar_formula = "1 / (1 + sigma^2)"

    def signal(self, sigma: torch.Tensor) -> torch.Tensor:
        return 1.0 / (1.0 + sigma**2).sqrt()

    def noise(self, sigma: torch.Tensor) -> torch.Tensor:
        return sigma / (1.0 + sigma**2).sqrt()  # exact for large sigma, which sqrt(1 - alpha_bar) is not

    def sigma_of_log_snr(self, log_snr: torch.Tensor) -> torch.Tensor:
        return torch.exp(-0.5 * log_snr)


@dataclass(frozen=True)
class FlowProcess(NoiseProcess):
    """The straight path of models that predict the flow (Lipman et al. 2023).

    signal = 1 - sigma,  noise = sigma

    noise_scale: s, the deviation of the noise; 8 in HiDream-O1, else 1. ComfyUI then keeps x_t as (1 - sigma) * x0 +
    sigma * s * eps. Divided by 1 + (s - 1) * sigma it is in unit range, and the two shares add up to 1 again.
    """

    noise_scale: float = 1.0

    max_sigma = 1.0
    clean_timestep = 0.0

    def _growth(self, sigma: torch.Tensor) -> torch.Tensor:
        return 1.0 + (self.noise_scale - 1.0) * sigma

    def signal(self, sigma: torch.Tensor) -> torch.Tensor:
        return (1.0 - sigma) / self._growth(sigma)

    def noise(self, sigma: torch.Tensor) -> torch.Tensor:
        return self.noise_scale * sigma / self._growth(sigma)

    def sigma_of_log_snr(self, log_snr: torch.Tensor) -> torch.Tensor:
        ratio = torch.exp(-0.5 * log_snr) / self.noise_scale  # sigma / (1 - sigma)
        return ratio / (1.0 + ratio)


def table_timesteps(sigmas: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """sigma -> timestep by interpolation of log sigma over a table [T] of rising sigmas, clamped to 0..T-1.

    The inverse of comfy.model_sampling.ModelSamplingDiscrete.sigma.
    """
    logs = sigmas.detach().cpu().double().log().contiguous()

    def timestep(sigma: torch.Tensor) -> torch.Tensor:
        log_sigma = sigma.double().log().clamp(logs[0], logs[-1])
        high = torch.searchsorted(logs, log_sigma).clamp(1, len(logs) - 1)
        low = high - 1
        width = logs[high] - logs[low]
        # Tables that are clamped at their ends (Stable Cascade) repeat values there.
        return low + torch.where(width > 0.0, (log_sigma - logs[low]) / width, 0.0)

    return timestep


def stable_diffusion_sigmas() -> torch.Tensor:
    """[1000] noise levels of Stable Diffusion 1.x, 2.x and XL: betas 0.00085 to 0.012, linear in their square root."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    alpha_bar = torch.cumprod(1.0 - betas, 0)
    return ((1.0 - alpha_bar) / alpha_bar).sqrt()


def standard_process(model_type: str) -> NoiseProcess:
    """The process of a model type without a model: Stable Diffusion's timesteps, or 1000 of a flow model.

    Raises:
        ValueError: model_type is none of MODEL_TYPES.
    """
    if model_type == "flow":
        return FlowProcess(lambda sigma: 1000.0 * sigma, "flow, 0 to 1000")
    if model_type == "eps or v":
        return VPProcess(table_timesteps(stable_diffusion_sigmas()), "Stable Diffusion")
    raise ValueError(f"model_type: '{model_type}' is not known. Choose one of: {', '.join(MODEL_TYPES)}.")


def check_sigmas(sigmas: torch.Tensor, name: str, process: NoiseProcess) -> torch.Tensor:
    """`sigmas` as a float64 CPU vector [N >= 1]. name: of the input.

    Raises:
        ValueError: it is empty, or holds values that are no noise levels of `process`.
    """
    values = torch.as_tensor(sigmas).detach().cpu().double().flatten()
    if len(values) == 0:
        raise ValueError(f"{name}: the schedule is empty, as it is at denoise 0. Connect one with at least one step.")
    if not bool(torch.isfinite(values).all()) or float(values.min()) < 0.0:
        raise ValueError(
            f"{name}: the schedule holds NaN, infinite or negative values. Connect the SIGMAS of a scheduler node."
        )
    if float(values.max()) > process.max_sigma:
        raise ValueError(
            f"{name}: the largest sigma is {float(values.max()):.4g}, but in a flow model it is at most 1. "
            "Connect a flow schedule, or set model_type to 'eps or v'."
        )
    return values
