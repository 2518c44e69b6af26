"""Inputs that several nodes of the family share."""

from __future__ import annotations

from ..api import io
from .choices import FRAME_SPACINGS, MODEL_TYPES

CATEGORY = "Steer/Noise"


def model_type_input() -> io.Input:
    """The kind of process where no model is connected."""
    return io.Combo.Input(
        "model_type",
        options=list(MODEL_TYPES),
        default="eps or v",
        tooltip="How the model mixes picture and noise. 'eps or v': Stable Diffusion 1.x, 2.x, XL. 'flow': SD3, Flux, "
        "whose sigma is at most 1. Not used when a model is connected.",
    )


def frame_inputs() -> list[io.Input]:
    """Which frames of a process to show, and with which noise."""
    return [
        io.Int.Input(
            "frames",
            default=8,
            min=2,
            max=256,
            tooltip="How many noise levels to show, from clean to noisy. With spacing step, at most as many as the "
            "schedule has.",
        ),
        io.Combo.Input(
            "spacing",
            options=list(FRAME_SPACINGS),
            default="step",
            tooltip="Which noise levels. step: those of the schedule. sigma or log-SNR: evenly spaced between its "
            "ends.",
        ),
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=0xFFFFFFFFFFFFFFFF,
            control_after_generate=True,
            tooltip="Seed of the noise. All frames and all pictures get the same noise.",
        ),
    ]
