"""A control stack: several ControlNets, applied one after another. Sweep and ControlNet Guide share it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import torch

from .choices import MODES
from .steps.strengths import ControlSteps


@dataclass(frozen=True)
class Control:
    """One ControlNet with its hint, ready to be applied.

    net: a ComfyUI CONTROL_NET. hint: IMAGE [B, H, W, C] in 0..1 at the size of the picture to be made.
    strength: multiplies what the net adds; 0 leaves it out. start_percent, end_percent: the part of sampling in which
    it acts, in ComfyUI's meaning. mode: one of MODES. mask: where it acts, MASK [B, H, W], or None for everywhere; of a
    net for inpainting, what is repainted.
    vae: for nets that take the hint as a latent. name: in labels, such as "canny".
    """

    net: Any
    hint: torch.Tensor
    strength: float = 1.0
    start_percent: float = 0.0
    end_percent: float = 1.0
    mode: str = MODES[0]
    mask: torch.Tensor | None = None
    vae: Any = None
    name: str = ""


@dataclass(frozen=True)
class SteppedControl(Control):
    """A control with strengths by step, which `strength` multiplies.

    A class of its own: the key of a Sweep's cell holds every field of a Control, and must stay as it was.
    """

    steps: ControlSteps | None = None


ControlStack = tuple[Control, ...]


def steps_of(control: Control) -> ControlSteps | None:
    """The strengths by step of a control; None if it has one strength."""
    return control.steps if isinstance(control, SteppedControl) else None


def with_steps(control: Control, steps: ControlSteps | None) -> Control:
    """`control` with strengths by step; the same if there are none."""
    if steps is None:
        return control
    return SteppedControl(**{part.name: getattr(control, part.name) for part in fields(Control)}, steps=steps)


def on_sigmas(stack: Iterable[Control], sigmas: torch.Tensor) -> ControlStack:
    """`stack` with its strengths by step on another schedule [N + 1], as for a cell of a Sweep.

    Raises:
        ValueError: the steps name one that the schedule does not have.
    """
    return tuple(
        control if (steps := steps_of(control)) is None else with_steps(control, steps.on(sigmas)) for control in stack
    )


def with_values(stack: Iterable[Control], **values: Any) -> ControlStack:
    """`stack` with the given fields set in every entry, as a sweep over control strength, start or end does."""
    return tuple(replace(control, **values) for control in stack)


def check_control(control: Control) -> None:
    """Check that strength, range and mode mean something.

    Raises:
        ValueError: one does not.
    """
    if not math.isfinite(control.strength):
        raise ValueError(f"strength: {control.strength} is not a number. Use 0 for no effect, 1 for the usual one.")
    for name in ("start_percent", "end_percent"):
        value = getattr(control, name)
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"{name}: {value} lies outside 0 to 1, where 0 is the first step and 1 the last.")
    if control.start_percent > control.end_percent:
        raise ValueError(
            f"start_percent: {control.start_percent:g} lies after end_percent {control.end_percent:g}, so the "
            "ControlNet would never act. Exchange them, or set strength to 0 to leave it out."
        )
    if control.mode not in MODES:
        raise ValueError(f"mode: '{control.mode}' is unknown. Choose one of {', '.join(MODES)}.")


def describe_control(control: Control, net: str, has_mode: bool = True) -> list[str]:
    """Lines of a report: strength, mode and when it acts. net: its name if its file is not known."""
    if control.strength == 0:
        return [f"strength 0: the {net} is left out"]
    start, end, steps = control.start_percent, control.end_percent, steps_of(control)
    span = "" if (start, end) == (0, 1) else f", from {start:.0%} to {end:.0%} of sampling"
    first = f"{control.name or net}: strength {control.strength:g}{f', {control.mode}' if has_mode else ''}{span}"
    return [first, *([] if steps is None else [steps.describe(start, end, control.strength)])]


def warn_of_idle(control: Control, net: str) -> str:
    """A warning if it acts at no step, else "". ComfyUI runs a net from the sigma of its start to that of its end."""
    start, end, steps = control.start_percent, control.end_percent, steps_of(control)
    if control.strength == 0:
        return ""
    if start == end:
        return (
            f"start_percent and end_percent are both {start:g}, so the {net} acts at no step. Set end_percent higher "
            "than start_percent, or strength to 0 to leave it out"
        )
    if steps is not None and not any(steps.strengths_within(start, end)):
        return f"the {net} acts at no step: start_percent and end_percent leave out every step that steps name"
    return ""
