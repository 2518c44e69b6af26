"""What every training run shares: a learning rate annealed within a time budget, averaging, checkpoints."""

from __future__ import annotations

import argparse
import json
import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from .muon import Muon, is_matrix

WARM_UP = 0.03
WARM_UP_STEPS = 50  # of a steady rate
FLOOR = 0.02
LOG_SECONDS = 30.0
MOMENTS = (("step", "exp_avg", "exp_avg_sq"), ("momentum",))  # what AdamW and Muon keep of every weight

M = TypeVar("M", bound=torch.nn.Module)
Loss = Callable[[int], tuple[torch.Tensor, dict[str, float]]]


def prepare(options: argparse.Namespace) -> None:
    """Make the folders and set torch's threads and seed."""
    options.out.mkdir(parents=True, exist_ok=True)
    if options.scenes is None:
        options.scenes = options.out.parent / "scenes"
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)  # gradients underflow in places, and denormals are slow
    torch.manual_seed(options.seed)


def in_channels_last(network: M) -> M:
    """The network, with its weights laid out as the processor's convolutions like them."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def multiplies_halves() -> bool:
    """Whether the processor multiplies bfloat16 itself; elsewhere it is slower than single precision."""
    return torch.backends.cpu.get_cpu_capability() != "AVX2"


def autocast() -> torch.autocast:
    """Half of single precision's bits where that is faster."""
    return torch.autocast("cpu", torch.bfloat16, enabled=multiplies_halves())


def say(text: str) -> None:
    """Print a line with the time of day."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def rate_at(schedule: str, fraction: float, step: int, peak: float) -> float:
    """Learning rate after `fraction` of the budget, at the cycle's `step`.

    A steady rate can go on for as long as there is time; what it would still gain is gained when it is cooled down, as
    1 - sqrt of the fraction (Haegele et al. 2024).
    """
    if schedule == "steady":
        return peak * min(1.0, (step + 1) / WARM_UP_STEPS)
    if schedule == "cooldown":
        return peak * (1 - math.sqrt(min(1.0, fraction)))
    return anneal(fraction, peak)


def anneal(fraction: float, peak: float) -> float:
    """Learning rate after `fraction` of the budget: linear warm-up, then a half cosine down to a fiftieth of `peak`."""
    if fraction < WARM_UP:
        return peak * (fraction / WARM_UP + 1e-3)
    x = min(1.0, (fraction - WARM_UP) / (1 - WARM_UP))
    return peak * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * x)))


def read_state(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and notes of a checkpoint written by :class:`Run`."""
    from safetensors import safe_open
    from safetensors.torch import load_file

    with safe_open(path, framework="pt") as file:
        notes = json.loads(file.metadata()["notes"])
    return load_file(path), notes


def average_of(path: Path, network: str) -> dict[str, torch.Tensor]:
    """The averaged weights of one network of a checkpoint."""
    prefix = f"average/{network}/"
    return {key.removeprefix(prefix): value for key, value in read_state(path)[0].items() if key.startswith(prefix)}


def _groups(by_pace: dict[float, list[torch.nn.Parameter]]) -> list[dict[str, Any]]:
    """Parameter groups of an optimizer."""
    return [{"params": members, "pace": pace} for pace, members in by_pace.items()]


class Run:
    """One time-budgeted training run over named networks, with an exponential average of the weights.

    AdamW updates all weights, or, with `--optimizer muon`, those that are no inner matrices.

    `pace(name)` multiplies the learning rate of one parameter. `notes` is any JSON-able dictionary kept in the
    checkpoint. Resuming an unfinished checkpoint goes on within its budget (or a longer one); resuming a finished one
    starts a new cycle of the learning rate.
    """

    def __init__(
        self,
        name: str,
        networks: dict[str, torch.nn.Module],
        options: argparse.Namespace,
        *,
        average: float = 0.999,
        betas: tuple[float, float] = (0.9, 0.99),
        decay: float = 1e-2,
        pace: Callable[[str], float] = lambda name: 1.0,
    ) -> None:
        self.path = options.out / f"{name}.safetensors"
        self.networks, self.options, self.average_decay = networks, options, average
        self.parameters = [p for network in networks.values() for p in network.parameters() if p.requires_grad]
        self.averages = [p.detach().clone() for p in self.parameters]
        matrices: dict[float, list[torch.nn.Parameter]] = {}
        others: dict[float, list[torch.nn.Parameter]] = {}
        for key, parameter in self._named():
            groups = matrices if options.optimizer == "muon" and is_matrix(key, parameter) else others
            groups.setdefault(pace(key), []).append(parameter)
        rate = options.rate
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(_groups(others), lr=rate, betas=betas, weight_decay=decay, fused=True)
        ]
        if matrices:
            dtype = torch.bfloat16 if multiplies_halves() else torch.float32
            self.optimizers.append(Muon(_groups(matrices), lr=rate, weight_decay=decay, dtype=dtype))
        self.notes: dict[str, Any] = {}
        self.step, self.cycle_step, self.spent, self.budget = 0, 0, 0.0, options.minutes * 60
        self.stopping = False
        if options.resume:
            self._load(options.resume)

    def _named(self, trained: bool = True) -> Iterator[tuple[str, torch.nn.Parameter]]:
        """The trained (or the frozen) weights with their names."""
        for name, network in self.networks.items():
            for key, parameter in network.named_parameters():
                if parameter.requires_grad == trained:
                    yield f"{name}/{key}", parameter

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Within this the networks carry their averaged weights."""
        current = [p.detach().clone() for p in self.parameters]
        with torch.no_grad():
            for parameter, average in zip(self.parameters, self.averages, strict=True):
                parameter.copy_(average)
        try:
            yield
        finally:
            with torch.no_grad():
                for parameter, value in zip(self.parameters, current, strict=True):
                    parameter.copy_(value)

    def save(self) -> None:
        """Write the checkpoint atomically."""
        from safetensors.torch import save_file

        tensors: dict[str, torch.Tensor] = {}
        for (key, parameter), average in zip(self._named(), self.averages, strict=True):
            tensors[f"weight/{key}"] = parameter.detach().contiguous()
            tensors[f"average/{key}"] = average.contiguous()
            for moment, value in self._state(parameter).items():
                tensors[f"{moment}/{key}"] = value.contiguous()
        tensors |= {f"average/{key}": parameter.contiguous() for key, parameter in self._named(trained=False)}
        notes = self.notes | {
            "step": self.step,
            "cycle_step": self.cycle_step,
            "spent": self.spent,
            "budget": self.budget,
            "schedule": self.options.schedule,
        }
        scratch = self.path.with_suffix(".part")
        save_file(tensors, scratch, metadata={"notes": json.dumps(notes)})
        scratch.replace(self.path)

    def _load(self, path: Path) -> None:
        tensors, self.notes = read_state(path)
        with torch.no_grad():
            for key, parameter in self._named(trained=False):
                parameter.copy_(tensors[f"average/{key}"])
            for (key, parameter), average in zip(self._named(), self.averages, strict=True):
                parameter.copy_(tensors[f"weight/{key}"])
                average.copy_(tensors[f"average/{key}"])
                for optimizer, moments in zip(self.optimizers, MOMENTS, strict=False):
                    state = {m: tensors[f"{m}/{key}"] for m in moments if f"{m}/{key}" in tensors}
                    if state and self._optimizer(parameter) is optimizer:
                        optimizer.state[parameter] = state
        self.step, schedule = self.notes["step"], self.options.schedule
        same = schedule == self.notes.get("schedule", "cosine")
        if same and (schedule == "steady" or self.notes["spent"] < self.notes["budget"] * 0.999):
            self.cycle_step = self.notes["cycle_step"]
            if schedule != "steady":
                self.spent, self.budget = self.notes["spent"], max(self.budget, self.notes["budget"])
        say(f"resumed {path} at step {self.step}, {self.spent / 60:.1f} of {self.budget / 60:.1f} minutes spent")

    def _optimizer(self, parameter: torch.nn.Parameter) -> torch.optim.Optimizer:
        """The one that updates this weight."""
        return next(o for o in self.optimizers if any(p is parameter for g in o.param_groups for p in g["params"]))

    def _state(self, parameter: torch.nn.Parameter) -> dict[str, torch.Tensor]:
        return self._optimizer(parameter).state.get(parameter, {})

    def _update(self, loss: torch.Tensor) -> float:
        rate = rate_at(self.options.schedule, self.spent / self.budget, self.cycle_step, self.options.rate)
        for group in (group for optimizer in self.optimizers for group in optimizer.param_groups):
            group["lr"] = rate * group["pace"]
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        finite = bool(torch.isfinite(norm))
        for optimizer in self.optimizers:
            if finite:
                optimizer.step()
            optimizer.zero_grad()
        keep = min(self.average_decay, (1 + self.cycle_step) / (10 + self.cycle_step))
        with torch.no_grad():
            for average, parameter in zip(self.averages, self.parameters, strict=True):
                average.lerp_(parameter, 1 - keep)
        return float(norm)

    def _stop(self, *_: object) -> None:
        self.stopping = True

    def train(self, loss: Loss, checkpoint: Callable[[], None]) -> None:
        """Minimise `loss(step)` until the budget is spent or the process gets SIGTERM or SIGINT.

        Every `--checkpoint` minutes and at the end the state is saved. Before that `checkpoint()` runs, under averaged
        weights, to measure and to draw the sample sheet; its time counts.
        """
        handlers = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        saved = logged = last = time.monotonic()
        figures: dict[str, list[float]] = {}
        while self.spent < self.budget and not self.stopping:
            value, parts = loss(self.step)
            parts = {"loss": float(value.detach())} | parts | {"norm": self._update(value)}
            self.step, self.cycle_step = self.step + 1, self.cycle_step + 1
            now = time.monotonic()
            self.spent, last = self.spent + now - last, now
            for key, number in parts.items():
                figures.setdefault(key, []).append(number)
            if now - logged > LOG_SECONDS:
                self._log(figures, now - logged)
                figures, logged = {}, now
            if now - saved > 60 * self.options.checkpoint:
                self._checkpoint(checkpoint)
                saved = time.monotonic()
        for number, handler in handlers.items():
            signal.signal(number, handler)
        self._checkpoint(checkpoint)
        state = "stopped" if self.stopping else "done"
        say(f"{state} at step {self.step} after {self.spent / 60:.1f} minutes: {self.path}")

    def _log(self, figures: dict[str, list[float]], seconds: float) -> None:
        means = " ".join(f"{key} {np.nanmean(numbers):.4f}" for key, numbers in figures.items())
        rate, pace = self.optimizers[0].param_groups[0]["lr"], seconds / len(figures["loss"])
        minutes = f"{self.spent / 60:.1f} of {self.budget / 60:.1f} min"
        say(f"step {self.step} {means} rate {rate:.2e} {pace:.2f} s/step, {minutes}")

    def _checkpoint(self, checkpoint: Callable[[], None]) -> None:
        with self.averaged(), torch.no_grad():
            checkpoint()
        self.save()


def zero_padded(tensor: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """`tensor` at the start of zeros of a larger `shape`."""
    whole = tensor.new_zeros(shape)
    whole[tuple(slice(n) for n in tensor.shape)] = tensor
    return whole


def save_sheet(rows: list[torch.Tensor], path: Path) -> None:
    """Write rows of pictures, each [N, 3, H, W] in 0..1, as one PNG."""
    from PIL import Image

    sheet = torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1)
    Image.fromarray((sheet.clamp(0, 1).permute(1, 2, 0).float().numpy() * 255).round().astype(np.uint8)).save(path)
