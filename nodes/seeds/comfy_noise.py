"""NOISE and SAMPLER objects for ComfyUI's samplers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import comfy.extra_samplers.uni_pc as uni_pc
import comfy.k_diffusion.sampling as k_diffusion
import comfy.nested_tensor
import comfy.sample
import comfy.samplers
import torch

from .choices import COMFYUI
from .noise import Draw, Shape, batch_noise, make_draws
from .rng import torch_stream
from .steps import (
    REFUSED,
    STEP_NOISE,
    NoiseSampler,
    StepNoise,
    join_samplers,
    judge_sampler,
    list_covered,
    slerp_samplers,
)

Latent = dict[str, Any]


class SeededNoise:
    """NOISE of one seed per picture.

    draws: one for each picture. rng: one of RNGS. `seed` is the first seed alone, because models and samplers compute
    with it.
    """

    def __init__(self, draws: Sequence[Draw], rng: str) -> None:
        self.draws, self.rng = tuple(draws), rng
        self.seed = self.draws[0].lead
        self._parts: list[tuple[int, ...]] = []
        self._dtypes: tuple[torch.dtype, torch.dtype] | None = None  # drawn in, and of the latent

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each picture."""
        return tuple(draw.lead for draw in self.draws)

    def generate_noise(self, input_latent: Latent) -> Any:
        """Noise like the latent [B, ...]: item i has seed i. Its batch_index is not read."""
        latent = input_latent["samples"]
        parts = list(latent.unbind()) if latent.is_nested else [latent]
        self._parts = [tuple(part.shape) for part in parts]
        dtype = parts[0].dtype
        self._dtypes = (drawing_dtype(dtype) if self.rng == COMFYUI else dtype, dtype)
        noise = self._draw_noise(self.draws, self._parts, dtype)
        # RandomNoise leaves torch's global generator behind it, and some samplers draw from that one. Leave the same.
        comfy.sample.prepare_noise(latent[:1], self.seed)
        return comfy.nested_tensor.NestedTensor(noise) if latent.is_nested else noise[0]

    def find_foreign(self, noise: torch.Tensor) -> int | None:
        """The index of the first item of a sampler's `noise` that is not this object's. None: all are.

        noise: [B, ...] with B the number of draws. A latent of several parts comes as one [B, 1, N]; the shapes of the
        parts are those of the last call of `generate_noise`.
        """
        shapes = [tuple(noise.shape)]
        if len(self._parts) > 1 and sum(math.prod(part[1:]) for part in self._parts) == math.prod(noise.shape[1:]):
            shapes = self._parts
        for index, draw in enumerate(self.draws):
            parts = self._draw_noise([draw], [(1, *shape[1:]) for shape in shapes], noise.dtype)
            if not torch.equal(torch.cat([part.flatten() for part in parts]), noise[index].flatten().cpu()):
                return index
        return None

    def _draw_noise(self, draws: Sequence[Draw], shapes: Sequence[Shape], dtype: torch.dtype) -> list[torch.Tensor]:
        """The noise of a latent like the last one, as `dtype`, in which the sampler may have cast it."""
        drawn_in, latent = self._dtypes or (dtype, dtype)
        return [part.to(latent).to(dtype) for part in batch_noise(draws, shapes, drawn_in, self.rng)]


def drawing_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype in which this ComfyUI draws the noise of a latent of `dtype`: the same, or float32 in newer ones."""
    probe = comfy.sample.prepare_noise_inner(torch.zeros(1, 8, dtype=dtype), torch.Generator().manual_seed(0))
    return torch.float32 if torch.equal(probe, torch_stream(0)((1, 8), torch.float32).to(dtype)) else dtype


class RescuedNoise:
    """NOISE of one picture of a batch that ComfyUI drew as one stream from one seed.

    Raises:
        ValueError: `index` is not in 0..batch_size - 1.
    """

    def __init__(self, seed: int, index: int, batch_size: int) -> None:
        if not 0 <= index < batch_size:
            raise ValueError(
                f"batch_index: {index} is not in a batch of {batch_size}, whose pictures are 0 to {batch_size - 1}. "
                "Set old_batch_size to the size of the batch that made the picture."
            )
        self.seed, self.index, self.batch_size = seed, index, batch_size

    def generate_noise(self, input_latent: Latent) -> Any:
        """Noise like the latent [1, ...].

        Raises:
            ValueError: the latent holds more than one picture.
        """
        latent = input_latent["samples"]
        parts = list(latent.unbind()) if latent.is_nested else [latent]
        if any(part.shape[0] != 1 for part in parts):
            raise ValueError(
                f"latent: it holds {parts[0].shape[0]} pictures, but one is remade. Set its batch_size to 1."
            )
        # Only size and dtype are read, so the old batch need not exist: expand takes no memory.
        whole = [part.expand(self.batch_size, *part.shape[1:]) for part in parts]
        old = comfy.nested_tensor.NestedTensor(whole) if latent.is_nested else whole[0]
        noise = comfy.sample.prepare_noise(old, self.seed)
        return noise[self.index : self.index + 1]


class PerImageSampler(comfy.samplers.KSAMPLER):
    """A SAMPLER whose step noise comes from one seed per picture, as in a single run of each.

    source: the NOISE of the pictures, which is then compared with the one that is sampled from; or their seeds alone,
    where the caller draws the noise. Pictures between two seeds have step noise between those of the two. base: the
    sampler that came in.

    Raises:
        ValueError: how `sampler` draws its step noise is not known, or is not the same alone and in a batch.
    """

    def __init__(self, sampler: comfy.samplers.KSAMPLER, source: SeededNoise | Sequence[int]) -> None:
        kind = step_noise(sampler)
        self.base = sampler
        self.noise = source if isinstance(source, SeededNoise) else None
        self.draws = source.draws if isinstance(source, SeededNoise) else make_draws(source)
        function = sampler.sampler_function
        if kind != "none":
            function = _with_step_noise(function, kind, self.draws)
        super().__init__(function, dict(sampler.extra_options), dict(sampler.inpaint_options))

    def sample(
        self,
        model_wrap: Any,
        sigmas: torch.Tensor,
        extra_args: dict[str, Any],
        callback: Any,
        noise: torch.Tensor,
        latent_image: torch.Tensor | None = None,
        denoise_mask: torch.Tensor | None = None,
        disable_pbar: bool = False,
    ) -> torch.Tensor:
        """As comfy.samplers.Sampler.sample.

        Raises:
            ValueError: `noise` is not that of the seeds, or the sampler draws one noise for the whole batch.
        """
        self._check_noise(noise, extra_args.get("seed"))
        if denoise_mask is not None and self.inpaint_options.get("random", False):
            raise ValueError(
                "sampler: with a mask, 'ddim' draws one noise for the whole batch, so its pictures cannot be made "
                "again alone. Use 'euler', which takes the same steps, or remove the mask."
            )
        return super().sample(model_wrap, sigmas, extra_args, callback, noise, latent_image, denoise_mask, disable_pbar)

    def _check_noise(self, noise: torch.Tensor, seed: Any) -> None:
        """Raises ValueError where `noise` [B, ...] is not that of the seeds: step noise would be that of others."""
        first = self.draws[0].lead
        if noise.shape[0] != len(self.draws) or seed != first:
            found = f"here {len(self.draws)} seeds from {first}, there {noise.shape[0]} pictures from {seed}"
        else:
            foreign = None if self.noise is None else self.noise.find_foreign(noise)
            if foreign is None:
                return
            found = f"picture {foreign + 1} has other noise there than that of {self.draws[foreign].label}"
        raise ValueError(
            "sampler: Per-Image Step Noise was given other seeds than the sampler node. Connect the same Seeded Noise "
            f"to both, with SamplerCustomAdvanced, which has an input for it ({found})."
        )


def step_noise(sampler: Any) -> StepNoise:
    """How `sampler` draws its step noise.

    Raises:
        ValueError: that is not known, or is not the same alone and in a batch. It names the samplers that work.
    """
    names = ", ".join(list_covered())
    name = name_of(sampler)
    if name in REFUSED:
        raise ValueError(f"sampler: '{name}' {REFUSED[name]}. Covered are: {names}; those without step noise pass.")
    kind = STEP_NOISE.get(name) or (judge_sampler(sampler.sampler_function) if name else None)
    if kind is None:
        fault = (
            f"'{name}' is one of ComfyUI's samplers, but newer than this version of Steer"
            if name
            else "this is not one of ComfyUI's own samplers"
        )
        raise ValueError(
            f"sampler: {fault}, so what its step noise depends on is not known. "
            f"Covered are: {names}; ComfyUI's samplers without step noise pass."
        )
    if float(sampler.extra_options.get("s_churn", 0.0)) > 0.0:
        raise ValueError(f"sampler: '{name}' with s_churn draws one noise for the whole batch. Set s_churn to 0.")
    return kind


def name_of(sampler: Any) -> str:
    """ComfyUI's name of a sampler; empty for one that is not ComfyUI's own, even if it has such a name."""
    if type(sampler) is not comfy.samplers.KSAMPLER:
        return ""
    function = sampler.sampler_function
    name = getattr(function, "__name__", "")
    if getattr(function, "__module__", "") == comfy.samplers.__name__ and name.endswith("_function"):
        return name.removesuffix("_function")  # dpm_fast and dpm_adaptive, closures of comfy.samplers.ksampler
    for module in (k_diffusion, uni_pc):
        if getattr(module, name, None) is function:
            return name.removeprefix("sample_")
    return ""


def _with_step_noise(function: Callable[..., Any], kind: StepNoise, draws: Sequence[Draw]) -> Callable[..., Any]:
    def sample(model: Any, x: torch.Tensor, sigmas: torch.Tensor, **options: Any) -> torch.Tensor:
        if len(sigmas) > 1:
            samplers = [_noise_sampler(kind, x[i : i + 1], sigmas, draw) for i, draw in enumerate(draws)]
            options["noise_sampler"] = join_samplers(samplers)
        return function(model, x, sigmas, **options)

    return sample


def _noise_sampler(kind: StepNoise, x: torch.Tensor, sigmas: torch.Tensor, draw: Draw) -> NoiseSampler:
    if draw.strength in (0.0, 1.0):
        return _stock_sampler(kind, x, sigmas, draw.lead)
    base, other = (_stock_sampler(kind, x, sigmas, seed) for seed in (draw.seed, draw.variation_seed))
    return slerp_samplers(base, other, draw.strength)


def _stock_sampler(kind: StepNoise, x: torch.Tensor, sigmas: torch.Tensor, seed: int) -> Any:
    """What ComfyUI's sampler functions make for themselves in a run of `x` [1, ...] alone."""
    if kind == "independent":
        return k_diffusion.default_noise_sampler(x, seed=seed)
    low, high = sigmas[sigmas > 0].min(), sigmas.max()
    return k_diffusion.BrownianTreeNoiseSampler(x, low, high, seed=seed, cpu=kind == "brownian")
