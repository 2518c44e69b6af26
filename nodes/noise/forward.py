"""The forward process: how a picture turns into noise, level by level.

x_t = signal(sigma) * x0 + noise(sigma) * eps, with one and the same eps at every level (see process.py).
"""

from __future__ import annotations

import math

import torch

from .choices import FRAME_SPACINGS
from .process import NoiseProcess


def frame_sigmas(sigmas: torch.Tensor, frames: int, spacing: str, process: NoiseProcess) -> torch.Tensor:
    """The noise levels of the frames: float64 [F], rising, from the cleanest level of the schedule to its noisiest.

    "step" takes levels of the schedule itself, evenly by number, so F is at most their count. "sigma" and "log-SNR" are
    even in that measure between the schedule's ends; log-SNR is infinite for a clean picture (and for pure noise in a
    flow model), so these ends are frames of their own.

    Raises:
        ValueError: for an unknown spacing, and for fewer than 2 frames.
    """
    if spacing not in FRAME_SPACINGS:
        raise ValueError(f"spacing: '{spacing}' is not known. Choose one of: {', '.join(FRAME_SPACINGS)}.")
    if frames < 2:
        raise ValueError(f"frames: {frames} is too few. Use at least 2, the cleanest and the noisiest.")
    levels = torch.unique(sigmas)  # sorted
    if spacing == "step":
        chosen = torch.linspace(0, len(levels) - 1, min(frames, len(levels)), dtype=torch.float64)
        return levels[chosen.round().long()]
    if spacing == "sigma":
        return torch.unique(_even(levels[0], levels[-1], frames))
    return _even_in_log_snr(levels, frames, process)


def _even_in_log_snr(levels: torch.Tensor, frames: int, process: NoiseProcess) -> torch.Tensor:
    inner = levels[torch.isfinite(process.log_snr(levels))]
    ends = levels[torch.isinf(process.log_snr(levels))]
    count = min(frames - len(ends), frames if len(inner) > 1 else len(inner))
    if count <= 0:
        return ends
    if count == 1:  # the cleanest level, unless a clean picture is there already
        only = inner[-1:] if len(ends) and ends[0] < inner[0] else inner[:1]
        return torch.unique(torch.cat([ends, only]))
    middle = process.sigma_of_log_snr(_even(process.log_snr(inner[0]), process.log_snr(inner[-1]), count))
    middle[0], middle[-1] = inner[0], inner[-1]  # exact, not by way of the logarithm
    return torch.unique(torch.cat([ends, middle]))


def _even(first: torch.Tensor, last: torch.Tensor, count: int) -> torch.Tensor:
    return torch.linspace(float(first), float(last), count, dtype=torch.float64)


def caption_parts(sigma: float, process: NoiseProcess) -> list[str]:
    """What to write under a frame: ["t 400", "sigma 1.61", "SNR 0.39"]."""
    if sigma == 0.0:
        return ["clean", "sigma 0"]
    level = torch.tensor(sigma, dtype=torch.float64)
    t = float(process.timestep(level))
    return [
        f"t {t:.0f}" if abs(t) >= 5.0 else f"t {_format_number(round(t, 2), 3)}",  # some models count t from 0 to 1
        f"sigma {_format_number(sigma, 3)}",
        f"SNR {_format_number(float(process.snr(level)), 2)}",
    ]


def _format_number(number: float, digits: int) -> str:
    """`digits` significant digits, whole above 100, without an exponent where that stays readable."""
    if number == 0.0 or not math.isfinite(number):
        return f"{number:g}"
    if abs(number) >= 100.0:
        return f"{number:.0f}"
    if abs(number) < 1e-4:
        return f"{number:.{digits - 1}e}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(number))))
    text = f"{number:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def check_image(image: torch.Tensor) -> torch.Tensor:
    """`image` [B >= 1, H, W, C >= 1] as float32.

    Raises:
        ValueError: it is empty or not finite.
    """
    if image.ndim != 4 or 0 in image.shape:
        raise ValueError(f"image: it is empty (shape {list(image.shape)}). Connect an IMAGE with at least one picture.")
    bad = [i for i, picture in enumerate(image) if not bool(torch.isfinite(picture).all())]
    if bad:
        raise ValueError(
            f"image: picture {bad[0] + 1} of {len(image)} holds NaN or infinite pixels. Check the node that made it."
        )
    return image.float()


def picture_noise(image: torch.Tensor, seed: int) -> torch.Tensor:
    """eps [1, H, W, colours] of `seed`, the same for every picture of a batch and whatever its size. No alpha."""
    generator = torch.Generator().manual_seed(seed)
    colours = 3 if image.shape[-1] == 4 else image.shape[-1]
    return torch.randn((1, *image.shape[1:3], colours), generator=generator)


def noise_pictures(image: torch.Tensor, sigma: float, eps: torch.Tensor, process: NoiseProcess) -> torch.Tensor:
    """x_t of `image` [B, H, W, C], not clipped: the picture is moved to -1..1, mixed with eps and moved back.

    eps: [1, H, W, colours]. At sigma 0 the result is the input, bit for bit. An alpha channel stays as it is.
    """
    if sigma == 0.0:
        return image.clone()
    level = torch.tensor(sigma, dtype=torch.float64)
    signal, noise = float(process.signal(level)), float(process.noise(level))
    colours = eps.shape[-1]
    x0 = 2.0 * image[..., :colours] - 1.0
    x_t = signal * x0 + noise * eps.to(x0)
    return torch.cat([(x_t + 1.0) / 2.0, image[..., colours:]], dim=-1)
