"""Which strength a control has at which sigma, and at which steps that is. Pure."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby, pairwise

import torch

from ...schedule_edges import PercentToSigma, read_edges, sigma_between, to_float32
from .parse import parse_steps

_TOLERANCE = 1e-4  # relative: schedules computed on another device differ by less
_OTHER_SCHEDULE = (
    "steps: the sampler does not take the schedule of Control Steps, which has {} from sigma {:.4g} to {:.4g}. Its own "
    "has {} from {:.4g} to {:.4g}. Connect the SIGMAS that are sampled; for KSampler: Basic Scheduler with the same "
    "scheduler, steps and denoise."
)


@dataclass(frozen=True, eq=False)
class ControlSteps:
    """Strengths by step, as they are written, and the schedule [N + 1] that they are meant for.

    percent_to_sigma: of the model, for what start_percent and end_percent mean in steps.
    """

    text: str
    sigmas: torch.Tensor
    percent_to_sigma: PercentToSigma

    @cached_property
    def edges(self) -> list[float]:
        """The sigmas as float32 numbers. Step k begins at edges[k - 1]."""
        return read_edges(self.sigmas, "Control Steps")

    @cached_property
    def strengths(self) -> list[float]:
        """One for each step."""
        return parse_steps(self.text, len(self.edges) - 1)

    @cached_property
    def _changes(self) -> tuple[list[float], list[float]]:
        """Sigmas, rising in their negatives, at which the strength changes, and the strengths before and after them."""
        limits, strengths = list[float](), [self.strengths[0]]
        for step, (before, after) in enumerate(pairwise(self.strengths), start=1):
            if before != after:
                limits.append(-self._limit_behind(step))
                strengths.append(after)
        return limits, strengths

    def _limit_behind(self, step: int) -> float:
        high, low = self.edges[step - 1], self.edges[step]
        limit = to_float32(sigma_between(high, low)) if high > 0.0 else 0.0
        if not low < limit < high:
            raise ValueError(
                f"sigmas: there is no moment between step {step} (sigma {high:.6g}) and step {step + 1} ({low:.6g}), "
                "because the schedule repeats a sigma. Use fewer steps, another scheduler, or one strength for both."
            )
        return limit

    def at(self, sigma: float) -> float:
        """The strength where the model is evaluated at `sigma`."""
        limits, strengths = self._changes
        return strengths[bisect.bisect_left(limits, -sigma)]

    def check(self) -> ControlSteps:
        """Itself.

        Raises:
            ValueError: the text or the schedule is faulty.
        """
        self.at(self.edges[0])
        return self

    def on(self, sigmas: torch.Tensor) -> ControlSteps:
        """The same text on another schedule.

        Raises:
            ValueError: they do not go together.
        """
        return replace(self, sigmas=sigmas).check()

    def check_run(self, sigmas: torch.Tensor) -> None:
        """Check that a sampler's schedule is the one that the steps are meant for, or a part of it.

        Raises:
            ValueError: it is another one.
        """
        sampled = sigmas.float().tolist()
        if all(any(abs(one - edge) <= _TOLERANCE * edge for edge in self.edges) for one in sampled):
            return
        own, other = ((_count(len(sigmas) - 1), sigmas[0], sigmas[-1]) for sigmas in (self.edges, sampled))
        raise ValueError(_OTHER_SCHEDULE.format(*own, *other))

    def strengths_within(self, start_percent: float, end_percent: float, strength: float = 1.0) -> list[float]:
        """The strength at each step, times `strength`; 0 outside of start_percent to end_percent, as ComfyUI counts."""
        high, low = (to_float32(self.percent_to_sigma(percent)) for percent in (start_percent, end_percent))
        return [
            own * strength if low <= sigma <= high else 0.0
            for own, sigma in zip(self.strengths, self.edges[:-1], strict=True)
        ]

    def describe(self, start_percent: float, end_percent: float, strength: float = 1.0) -> str:
        """Lines of a report: the strength of each stretch of steps, and where the percents fall."""
        found = self.strengths_within(start_percent, end_percent, strength)
        lines = [describe_steps(found)]
        if start_percent > 0.0:
            lines.append(f"start_percent {start_percent:g} falls {self._place(start_percent, at_start=True)}")
        if end_percent < 1.0:
            lines.append(f"end_percent {end_percent:g} falls {self._place(end_percent, at_start=False)}")
        return "\n".join(lines)

    def _place(self, percent: float, at_start: bool) -> str:
        """Behind which step a percent falls."""
        limit = to_float32(self.percent_to_sigma(percent))
        if at_start:  # a step that begins at this very sigma still acts
            step = sum(sigma > limit for sigma in self.edges[:-1])
        else:
            step = sum(sigma >= limit for sigma in self.edges[:-1])
        steps = len(self.edges) - 1
        if step == 0:
            return f"before step 1 (sigma {self.edges[0]:.3g})"
        if step == steps:
            return f"behind step {steps}, the last one"
        return f"between step {step} (sigma {self.edges[step - 1]:.3g}) and step {step + 1} ({self.edges[step]:.3g})"


def describe_steps(strengths: Sequence[float]) -> str:
    """One line, such as "acts in steps 1-4 at 1, 5-8 at 0.4, of 20"."""
    parts, first = list[str](), 1
    for strength, group in groupby(strengths):
        last = first + len(list(group)) - 1
        if strength != 0.0:
            parts.append(f"{first if first == last else f'{first}-{last}'} at {round(strength, 6):g}")
        first = last + 1
    return f"acts in steps {', '.join(parts)}, of {len(strengths)}" if parts else "acts at no step"


def _count(steps: int) -> str:
    return "1 step" if steps == 1 else f"{steps} steps"
