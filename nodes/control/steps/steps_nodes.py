"""The node Control Steps."""

from __future__ import annotations

from typing import Any

import torch

from ...api import io, search_words
from ..choices import CATEGORY, STEPS_TYPE


class ControlStepsNode(io.ComfyNode):
    """Strengths by step, for ControlNet Guide and Model Patch Guide."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerControlSteps",
            **search_words("control schedule", "timestep keyframe", "control strength", "exact steps"),
            display_name="Control Steps",
            category=CATEGORY,
            description="Gives a control its own strength at each step of the sampler, exactly: 1 in steps 1 to 4, "
            "0.4 in steps 5 to 8.",
            inputs=[
                io.Model.Input("model", tooltip="The model that makes the picture, with its patches."),
                io.Sigmas.Input(
                    "sigmas",
                    tooltip="The schedule of the sampler. For KSampler: Basic Scheduler with the same "
                    "scheduler, steps and denoise.",
                ),
                io.String.Input(
                    "text",
                    multiline=True,
                    default="1@1-4, 0.4@5-8",
                    tooltip="Strength, at sign, steps. Commas or line breaks between the parts. Steps count from 1. "
                    "end is the last one. At steps that are not named the control does not run. Empty: strength 1 "
                    "at all steps, and the report of a Guide says where its percents fall.",
                ),
            ],
            outputs=[
                io.Custom(STEPS_TYPE).Output(
                    display_name="steps", tooltip="For steps of ControlNet Guide or Model Patch Guide."
                ),
                io.String.Output(display_name="report", tooltip="The strength of each stretch of steps."),
            ],
        )

    @classmethod
    def execute(cls, model: Any, sigmas: torch.Tensor, text: str) -> io.NodeOutput:
        from .comfy_steps import plan_steps
        from .strengths import describe_steps

        steps = plan_steps(model, sigmas, text)
        return io.NodeOutput(steps, describe_steps(steps.strengths))
