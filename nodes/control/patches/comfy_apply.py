"""The model patches of a control stack on a MODEL."""

from __future__ import annotations

from typing import Any

from ..stack import ControlStack, check_control, steps_of
from .comfy_patch import HintPatch, apply_hint


def apply_patches(stack: ControlStack, model: Any, model_name: str = "") -> Any:
    """`model` with every model patch of `stack`; the same object if there is none. ControlNets are left out.

    Raises:
        ValueError: a patch cannot be applied (strength NaN, start after end, made for another family of models).
    """
    for control in stack:
        if isinstance(control.net, HintPatch):
            check_control(control)
            percents = control.start_percent, control.end_percent
            model = apply_hint(
                model, control.net, control.strength, *percents, steps_of(control), control.mask, model_name
            )
    return model
