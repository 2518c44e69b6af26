"""Strengths by step with the schedule that a MODEL reads percents by."""

from __future__ import annotations

from typing import Any

import torch

from .strengths import ControlSteps


def plan_steps(model: Any, sigmas: torch.Tensor, text: str) -> ControlSteps:
    """The strengths that `text` gives to the steps of `sigmas` [N + 1].

    Raises:
        ValueError: the text or the schedule is faulty, or they do not go together.
    """
    sampling: Any = model.get_model_object("model_sampling")
    return ControlSteps(text, sigmas, lambda percent: float(sampling.percent_to_sigma(percent))).check()
