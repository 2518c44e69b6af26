"""Which prompt belongs to which step, and the boundary between two sigmas at which it changes."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import torch

from ..schedule_edges import PercentToSigma, read_edges
from ..text.printable import printable
from ..timed_ranges import find_boundary
from .choices import BY_STEPS, MAX_LETTERS, TIME_MODES
from .timed_parse import Alternate, Prompt, Switch, parse_timed, switches

# ComfyUI's samplers whose last evaluation of a step is at the sigma of the next step, or beyond it.
LOOK_AHEAD = (
    "heun",
    "heunpp2",
    "dpm_2_ancestral",
    "dpmpp_2s_ancestral",
    "dpmpp_2s_ancestral_cfg_pp",
    "sa_solver_pece",
    "exp_heun_2_x0",  # these two are newer than 0.3.75
    "exp_heun_2_x0_sde",
)
# ComfyUI's samplers that take the ends of the schedule only.
OWN_SIGMAS = ("dpm_fast", "dpm_adaptive")
MAX_LINES = 64  # of a report, an even number
MAX_LINE = 1000  # letters of a prompt in it


@dataclass(frozen=True)
class Segment:
    """One prompt and its steps `first` to `last`, counted from 1."""

    first: int
    last: int
    text: str


@dataclass(frozen=True)
class TimedPrompt:
    """The prompts of a run one after the other, with the percent at which ComfyUI changes to the next of them."""

    segments: tuple[Segment, ...]
    percents: tuple[float, ...]
    report: str


def plan_timed(text: str, sigmas: torch.Tensor, percent_to_sigma: PercentToSigma, mode: str) -> TimedPrompt:
    """Resolve the timed prompt `text` on the schedule `sigmas` [N + 1] of N steps.

    percent_to_sigma: the model's, falling from percent 0 to 1. ComfyUI uses a conditioning while
    sigma(start_percent) >= sigma >= sigma(end_percent), both in float32. Two that share a percent leave no sigma out,
    and overlap only where a sampler evaluates at that very number, which lies strictly between two of the schedule.

    Raises:
        TextError: the text is faulty.
        ValueError: the mode is unknown, or the schedule has no moment for a switch.
    """
    if mode not in TIME_MODES:
        raise ValueError(f"time: '{mode}' is not known. Choose one of: {', '.join(TIME_MODES)}.")
    prompt = parse_timed(text)
    edges = read_edges(sigmas)
    parts = segments(prompt, len(edges) - 1, _timing(edges, percent_to_sigma, mode))
    percents = tuple(find_boundary(edges, part.last, percent_to_sigma) for part in parts[:-1])
    return TimedPrompt(tuple(parts), percents, _report(parts, edges, prompt))


def segments(prompt: Prompt, steps: int, last_step: Callable[[str], int]) -> list[Segment]:
    """The prompts of a run of `steps` steps. last_step: time as written -> the last step before the switch.

    Raises:
        ValueError: they have more than MAX_LETTERS letters in all.
    """
    last = {when: last_step(when) for when in {switch.when for switch in switches(prompt)}}
    if _alternates(prompt):
        starts = list(range(1, steps + 1))
    else:  # it changes behind a switch only
        starts = sorted({1, *(step + 1 for step in last.values() if 0 < step < steps)})
    found: list[Segment] = []
    letters = 0
    for first, following in pairwise([*starts, steps + 1]):
        text = text_at(prompt, first, last)
        letters += len(text)
        if letters > MAX_LETTERS:
            raise ValueError(
                f"text: its prompts for {steps:,} steps have more than {MAX_LETTERS:,} letters in all. Shorten it, or "
                "use fewer steps."
            )
        if found and found[-1].text == text:
            found[-1] = Segment(found[-1].first, following - 1, text)
        else:
            found.append(Segment(first, following - 1, text))
    return found


def _alternates(prompt: Prompt) -> bool:
    return any(
        isinstance(part, Alternate)
        or (isinstance(part, Switch) and (_alternates(part.before) or _alternates(part.after)))
        for part in prompt
    )


def text_at(prompt: Prompt, step: int, last: dict[str, int]) -> str:
    """The text of a prompt at one step, counted from 1, as A1111 resolves it (prompt_parser.py, at_step)."""
    parts = []
    for part in prompt:
        if isinstance(part, Switch):
            parts.append(text_at(part.before if step <= last[part.when] else part.after, step, last))
        elif isinstance(part, Alternate):
            parts.append(text_at(part.options[(step - 1) % len(part.options)], step, last))
        else:
            parts.append(part)
    return "".join(parts)


def last_step_of_fraction(when: str, steps: int) -> int:
    """How many of `steps` steps come before the time `when`: int(when * steps), or the whole number itself.

    As in A1111, but for the rounding of its floats: 0.29 of 100 steps are 29 here and 28 there.
    """
    if "." not in when:
        return min(steps, int(when))
    return math.floor(Fraction(when) * steps)


def last_step_of_percent(percent: float, sigmas: Sequence[float], percent_to_sigma: PercentToSigma) -> int:
    """How many steps begin before the model's schedule has gone `percent` (0 to 1) of its way. sigmas: falling."""
    limit = percent_to_sigma(percent) * (1.0 + 1e-6)  # a step at this very sigma comes after
    return bisect.bisect_left(sigmas, -limit, 0, len(sigmas) - 1, key=lambda sigma: -sigma)


def _timing(edges: Sequence[float], percent_to_sigma: PercentToSigma, mode: str) -> Callable[[str], int]:
    def last_step(when: str) -> int:
        if mode == BY_STEPS or "." not in when:
            return last_step_of_fraction(when, len(edges) - 1)
        return last_step_of_percent(float(when), edges, percent_to_sigma)

    return last_step


def _report(parts: Sequence[Segment], edges: Sequence[float], prompt: Prompt) -> str:
    steps = len(edges) - 1
    lines: list[str] = []
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        if len(lines) > MAX_LINES:
            break
        span = f"step {part.first}" if part.first == part.last else f"steps {part.first}-{part.last}"
        lines.append(f"{span}: {printable(' '.join(part.text.split()), MAX_LINE) or '(empty)'}")
        if following is not None:
            lines.append(f"switches after step {part.last} of {steps} (sigma {edges[part.last]:.3g})")
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], f"... and {len(parts) - MAX_LINES // 2} more prompts"]
    if len(parts) == 1:
        timed = any(not isinstance(part, str) for part in prompt)
        why = "every switch lies before the first or after the last step" if timed else "no switch is written"
        return "\n".join([*lines, f"no switch: {why}."])
    return "\n".join([*lines, "", _samplers(parts[0].last, edges)])


def _samplers(step: int, edges: Sequence[float]) -> str:
    """What each kind of sampler does at the first switch."""
    return (
        f"Exact to the step for samplers that evaluate the model once per step (euler, dpmpp_2m, ...), and for dpm_2, "
        f"dpmpp_sde, seeds_2 and seeds_3, which also evaluate inside it. {', '.join(LOOK_AHEAD)} look ahead: the last "
        f"evaluation of step {step} is at sigma {edges[step]:.3g} already and sees the next prompt. "
        f"{' and '.join(OWN_SIGMAS)} choose their own sigmas: they switch between sigma {edges[step - 1]:.3g} and "
        f"{edges[step]:.3g}, not at a step. Every evaluation sees one prompt."
    )
