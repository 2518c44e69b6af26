"""The reverse process: what a sampler's model is shown at each step, and what picture it sees in it.

A step begins with a model evaluation: the model is given x_t at a noise level sigma and answers with its estimate of
the finished picture, x0. The classes here stand between a ComfyUI SAMPLER and its model and keep copies of chosen
pairs. They change nothing that passes through, so the result is the sampler's own, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from .choices import ORDERS
from .forward import caption_parts
from .process import NoiseProcess


@dataclass(frozen=True)
class Frame:
    """One moment of the reverse process. x_t and x0: [B, C, ...] on the CPU, in the model's own scale."""

    step: int
    sigma: float
    x_t: torch.Tensor
    x0: torch.Tensor


def choose_steps(text: str, frames: int, steps: int) -> list[int]:
    """Which of the steps 0..steps to keep, rising: those `text` names, or `frames` of them evenly if it is empty.

    Step k is the moment after k steps: 0 is the first noise, `steps` the result. Even choices mirror those of Forward
    Diffusion by step, so that both strips show the same noise levels. Raises ValueError for a text that is no list.
    """
    if not text.strip():
        if frames < 2:
            raise ValueError(f"frames: {frames} is too few. Use at least 2, the first noise and the result.")
        even = torch.linspace(0, steps, min(frames, steps + 1), dtype=torch.float64).round().long()
        return sorted({steps - int(step) for step in even})
    chosen = set()
    for part in text.split(","):
        number = part.strip()
        if not (number.isascii() and number.isdigit()) or len(number) > 9 or int(number) > steps:
            raise ValueError(
                f"steps: '{number[:20]}' is not a step of this schedule. Write steps from 0 (noise) to {steps} "
                "(result) with commas between them, or leave the text empty."
            )
        chosen.add(int(number))
    return sorted(chosen)


def order_pairs(frames: Sequence[Frame], order: str) -> list[Frame]:
    """The frames in time, or with the picture first as in Forward Diffusion."""
    if order not in ORDERS:
        raise ValueError(f"order: '{order}' is not known. Choose one of: {', '.join(ORDERS)}.")
    return list(frames) if order == ORDERS[0] else list(reversed(frames))


def frame_label(frame: Frame, steps: int, process: NoiseProcess) -> str:
    """ "step 5 of 20, t 400, sigma 1.61, SNR 0.39"; the result is called so."""
    where = "result" if frame.step == steps and frame.sigma == 0.0 else f"step {frame.step} of {steps}"
    measures = [] if frame.sigma == 0.0 else caption_parts(frame.sigma, process)
    return ", ".join([where, *measures])


class Recorder:
    """Keeps the model evaluations with which the steps `wanted` begin.

    The one before a sampler's progress callback is the step's own in every sampler of ComfyUI 0.3.75 but dpm_adaptive,
    whose callback ends a step: there it is the step's last.
    """

    def __init__(self, wanted: Collection[int]) -> None:
        self.wanted = frozenset(wanted)
        self.frames: list[Frame] = []
        self.reported = 0  # steps that the sampler told of
        self.final: torch.Tensor | None = None
        self._latest: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None

    def evaluated(self, x: torch.Tensor, sigma: torch.Tensor, x0: torch.Tensor) -> None:
        self._latest = (x, sigma, x0)

    def step_begins(self, step: int) -> None:
        self.reported += 1
        if step in self.wanted and self._latest is not None:
            x, sigma, x0 = self._latest
            self.frames.append(Frame(step, float(sigma.flatten()[0]), _kept(x), _kept(x0)))
        self._latest = None

    def finished(self, samples: torch.Tensor) -> None:
        self.final = _kept(samples)


def _kept(latent: torch.Tensor) -> torch.Tensor:
    """A copy that no later step of the sampler writes into. float32, as ComfyUI returns its samples."""
    return latent.detach().to(device="cpu", dtype=torch.float32, copy=True)


class RecordingSampler:
    """A SAMPLER that samples with another one and tells a Recorder what happens on the way."""

    def __init__(self, sampler: Any, recorder: Recorder) -> None:
        self._sampler, self._recorder = sampler, recorder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sampler, name)

    def sample(
        self, model_wrap: Any, sigmas: torch.Tensor, extra_args: dict[str, Any], callback: Any, *rest: Any, **named: Any
    ) -> torch.Tensor:
        """As comfy.samplers.Sampler.sample."""
        model = _WatchedModel(model_wrap, self._recorder)
        watched = self._watched(callback)
        samples = self._sampler.sample(model, sigmas, extra_args, watched, *rest, **named)
        self._recorder.finished(samples)
        return samples

    def _watched(self, callback: Any) -> Callable[..., None]:
        def step(number: int, x0: torch.Tensor, x: torch.Tensor, total: int) -> None:
            self._recorder.step_begins(number)
            if callback is not None:
                callback(number, x0, x, total)

        return step


class _WatchedModel:
    """Stands in for the guider that a sampler calls as its model; everything but the call is the guider's."""

    def __init__(self, model: Any, recorder: Recorder) -> None:
        object.__setattr__(self, "_model", model)
        object.__setattr__(self, "_recorder", recorder)

    def __call__(self, x: torch.Tensor, sigma: torch.Tensor, *rest: Any, **named: Any) -> torch.Tensor:
        x0 = self._model(x, sigma, *rest, **named)
        self._recorder.evaluated(x, sigma, x0)
        return x0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._model, name, value)
