"""The reverse process: which x_t a sampler's model gets at each step, and which x0 it returns.

A step begins with a model evaluation: the model gets x_t at a noise level sigma and returns its estimate of the
finished picture, x0. The classes here stand between a ComfyUI SAMPLER and its model and copy chosen pairs. They
change nothing that passes through, so the result is the sampler's own, bit for bit.
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
class StepFrame:
    """One moment of the reverse process. x_t and x0: [B, C, ...] on the CPU, in the model's own scale."""

    step: int
    sigma: float
    x_t: torch.Tensor
    x0: torch.Tensor


def choose_steps(text: str, frames: int, steps: int) -> list[int]:
    """Which of the steps 0..steps to show, rising: those `text` names, or `frames` of them evenly if it is empty.

    Step k is the moment after k steps: 0 is the first noise, `steps` the result. Even choices mirror those of Forward
    Diffusion by step, so that both strips show the same noise levels.

    Raises:
        ValueError: the text is no list of such steps, or `frames` is below 2.
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


def check_order(order: str) -> None:
    """Check the name of an order.

    Raises:
        ValueError: it is none of ORDERS.
    """
    if order not in ORDERS:
        raise ValueError(f"order: '{order}' is not known. Choose one of: {', '.join(ORDERS)}.")


def order_frames(frames: Sequence[StepFrame], order: str) -> list[StepFrame]:
    """The frames in time, or with the picture first as in Forward Diffusion."""
    return list(frames) if order == ORDERS[0] else list(reversed(frames))


def frame_label(frame: StepFrame, steps: int, process: NoiseProcess) -> str:
    """ "step 5 of 20, t 400, sigma 1.61, SNR 0.39"; the result is called so."""
    where = "result" if frame.step == steps and frame.sigma == 0.0 else f"step {frame.step} of {steps}"
    measures = [] if frame.sigma == 0.0 else caption_parts(frame.sigma, process)
    return ", ".join([where, *measures])


class Recorder:
    """Copies the model evaluations with which the steps `steps` begin, as `frames`.

    The one before a sampler's progress callback is the step's own in every sampler of ComfyUI 0.3.75 but dpm_adaptive,
    whose callback ends a step: there it is the step's last. reported: how many steps the sampler had. final: its
    result [B, C, ...], None before.
    """

    def __init__(self, steps: Collection[int]) -> None:
        self.steps = frozenset(steps)
        self.frames: list[StepFrame] = []
        self.reported = 0
        self.final: torch.Tensor | None = None
        self._latest: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None

    def record_evaluation(self, x: torch.Tensor, sigma: torch.Tensor, x0: torch.Tensor) -> None:
        """The model got x [B, C, ...] at sigma [B] and returned x0 [B, C, ...]."""
        self._latest = (x, sigma, x0)

    def record_step(self, step: int) -> None:
        """The sampler reported `step`: the latest evaluation is its first."""
        self.reported += 1
        if step in self.steps and self._latest is not None:
            x, sigma, x0 = self._latest
            self.frames.append(StepFrame(step, float(sigma.flatten()[0]), _copy(x), _copy(x0)))
        self._latest = None

    def record_result(self, samples: torch.Tensor) -> None:
        """The sampler returned `samples` [B, C, ...]."""
        self.final = _copy(samples)


def _copy(latent: torch.Tensor) -> torch.Tensor:
    """A copy that no later step of the sampler writes into. float32, as ComfyUI returns its samples."""
    return latent.detach().to(device="cpu", dtype=torch.float32, copy=True)


class RecordingSampler:
    """A SAMPLER that samples with another one and reports to a Recorder."""

    def __init__(self, sampler: Any, recorder: Recorder) -> None:
        self._sampler, self._recorder = sampler, recorder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sampler, name)

    def sample(
        self, model_wrap: Any, sigmas: torch.Tensor, extra_args: dict[str, Any], callback: Any, *rest: Any, **named: Any
    ) -> torch.Tensor:
        """As comfy.samplers.Sampler.sample."""
        model = _WatchedModel(model_wrap, self._recorder)
        samples = self._sampler.sample(model, sigmas, extra_args, self._watch_steps(callback), *rest, **named)
        self._recorder.record_result(samples)
        return samples

    def _watch_steps(self, callback: Any) -> Callable[..., None]:
        def step(number: int, x0: torch.Tensor, x: torch.Tensor, total: int) -> None:
            self._recorder.record_step(number)
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
        self._recorder.record_evaluation(x, sigma, x0)
        return x0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._model, name, value)
