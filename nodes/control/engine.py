"""Control stacks on ComfyUI's CONDITIONING, by its own control objects."""

from __future__ import annotations

from typing import Any

from .stack import ControlStack

Conditioning = list[Any]


def apply_stack(
    stack: ControlStack, positive: Conditioning, negative: Conditioning
) -> tuple[Conditioning, Conditioning]:
    """`positive` and `negative` with every control of `stack`, as a chain of ControlNetApplyAdvanced would have them.

    The conditionings given are not changed.
    """
    import nodes

    apply = nodes.ControlNetApplyAdvanced()
    for control in stack:
        positive, negative = apply.apply_controlnet(
            positive, negative, control.net, control.hint, control.strength, control.start_percent,
            control.end_percent, vae=control.vae,
        )  # fmt: skip
    return positive, negative
