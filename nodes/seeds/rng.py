"""The random streams that image generators draw their noise from. All run on the CPU, the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from .choices import A1111_GPU, COMFYUI, DIFFUSERS

# Successive draws from one seeded stream: shape, dtype -> standard normal numbers.
Stream = Callable[[Sequence[int], torch.dtype], torch.Tensor]

_PHILOX_M = (0xD2511F53, 0xCD9E8D57)
_PHILOX_W = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
# cuRAND's 2^-32 and 2 pi 2^-32, which are float32 there; the arithmetic around them is float64 in A1111.
_INV_2_32 = float(np.float32(2.3283064e-10))
_INV_2_32_2PI = float(np.float32(2.3283064e-10 * 6.2831855))


def torch_stream(seed: int) -> Stream:
    """torch's CPU generator, as comfy.sample.prepare_noise and diffusers.utils.torch_utils.randn_tensor use it."""
    generator = torch.Generator().manual_seed(seed)
    return lambda shape, dtype: torch.randn(tuple(shape), generator=generator, dtype=dtype)


def philox_stream(seed: int) -> Stream:
    """What torch draws on an NVIDIA GPU, computed on the CPU as A1111 does for its random source "NV".

    Stream and constants: AUTOMATIC1111/stable-diffusion-webui, modules/rng_philox.py. The n-th draw has counter
    (n, 0, element, 0) and key = seed; of each Philox block the first two words make one number.
    """
    draws = 0

    def draw(shape: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
        nonlocal draws
        count = math.prod(shape)
        counter = np.zeros((4, count), dtype=np.uint64)
        counter[0] = draws
        counter[2] = np.arange(count, dtype=np.uint64)
        draws += 1
        words = philox_4x32_10(counter, (seed & 0xFFFFFFFF, seed >> 32))
        return torch.from_numpy(_box_muller(words[0], words[1])).reshape(tuple(shape)).to(dtype)

    return draw


def philox_4x32_10(counter: np.ndarray, key: tuple[int, int]) -> np.ndarray:
    """Ten rounds of Philox-4x32 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3).

    counter: [4, n] uint64 holding 32-bit words; key: two 32-bit words. Returns [4, n] uint64 of 32-bit words.
    """
    c0, c1, c2, c3 = counter
    for number in range(10):
        k0, k1 = (np.uint64((word + number * bump) & 0xFFFFFFFF) for word, bump in zip(key, _PHILOX_W, strict=True))
        p0, p1 = c0 * np.uint64(_PHILOX_M[0]), c2 * np.uint64(_PHILOX_M[1])
        c0, c1, c2, c3 = (p1 >> _SHIFT) ^ c1 ^ k0, p1 & _LOW, (p0 >> _SHIFT) ^ c3 ^ k1, p0 & _LOW
    return np.stack((c0, c1, c2, c3))


def _box_muller(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The first of the two normal numbers of the Box-Muller transform, as cuRAND scales its integers. float32."""
    u = x * _INV_2_32 + _INV_2_32 / 2
    v = y * _INV_2_32_2PI + _INV_2_32_2PI / 2
    return (np.sqrt(-2.0 * np.log(u)) * np.sin(v)).astype(np.float32)


STREAMS: Mapping[str, Callable[[int], Stream]] = {
    COMFYUI: torch_stream,
    A1111_GPU: philox_stream,
    DIFFUSERS: torch_stream,
}
