"""The node Expression Finder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import comfy.samplers
import torch

from ..api import fold, io, search_words, ui
from ..choices import AXIS_TYPE, CONTROL_STACK_TYPE
from ..seeds.choices import MAX_SEED
from .choices import BY_PIXELS, CATEGORY, FIND_BY

if TYPE_CHECKING:
    from ..axis import Axis
    from ..control.stack import ControlStack


class ExpressionFinder(io.ComfyNode):
    """The first value of an axis at which the asked mood is there, by bisection."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerExpressionFinder",
            **search_words("expression", "emotion", "bisect", "find denoise", "find strength", "optimal value"),
            display_name="Expression Finder",
            category=CATEGORY,
            description="Finds the least value at which the mood is there, so that the face stays. It makes about 7 "
            "pictures in place of 33.",
            hidden=[io.Hidden.unique_id, io.Hidden.dynprompt, io.Hidden.prompt, io.Hidden.extra_pnginfo],
            inputs=[
                io.Model.Input("model", tooltip="The model that makes the pictures."),
                io.Clip.Input("clip", tooltip="The text encoder."),
                io.Vae.Input("vae", tooltip="Turns latents into pictures."),
                io.Latent.Input(
                    "latent", tooltip="Empty Latent Image, or an encoded picture when the axis is denoise."
                ),
                io.Custom(AXIS_TYPE).Input(
                    "axis",
                    tooltip="The values, from without the mood to all of it: Expression Dial with 0-1[33], or Value "
                    "Axis with denoise or switch time.",
                ),
                io.String.Input(
                    "positive",
                    multiline=True,
                    dynamic_prompts=True,
                    default="gorgeous cute Austrian girl, smiling, backstreet",
                    tooltip="The prompt that the axis changes.",
                ),
                io.String.Input(
                    "negative",
                    multiline=True,
                    dynamic_prompts=True,
                    default="",
                    tooltip="What the picture should not show.",
                ),
                io.Float.Input(
                    "mood",
                    default=0.5,
                    min=0.05,
                    max=1.0,
                    step=0.05,
                    tooltip="How much of the mood is asked for. 0: the first picture. 1: as much as the last one has.",
                ),
                io.Int.Input(
                    "seed", default=0, min=0, max=MAX_SEED, control_after_generate=False, tooltip="The noise."
                ),
                io.Int.Input("steps", default=20, min=1, max=10000, tooltip="As on KSampler."),
                io.Float.Input("cfg", default=8.0, min=0.0, max=100.0, step=0.1, round=0.01, tooltip="As on KSampler."),
                fold(
                    io.Combo.Input("sampler_name", options=comfy.samplers.KSampler.SAMPLERS, tooltip="As on KSampler.")
                ),
                fold(
                    io.Combo.Input("scheduler", options=comfy.samplers.KSampler.SCHEDULERS, tooltip="As on KSampler.")
                ),
                fold(io.Float.Input("denoise", default=1.0, min=0.0, max=1.0, step=0.01, tooltip="As on KSampler.")),
                io.Combo.Input(
                    "by",
                    options=list(FIND_BY),
                    default=BY_PIXELS,
                    tooltip="What is compared: the pixels of mouth, brows and eyes, or the shape of mouth and brows, "
                    "which needs photographs or faces like them.",
                ),
                io.Mask.Input(
                    "mask", optional=True, tooltip="Where the expression is. Without it the largest face is found."
                ),
                io.Custom(CONTROL_STACK_TYPE).Input(
                    "control", optional=True, tooltip="ControlNets, from ControlNet Guide."
                ),
            ],
            outputs=[
                io.Float.Output(display_name="value", tooltip="The value that was found; 0 where it is no number."),
                io.String.Output(display_name="label", tooltip="Its label, such as angry 0.44."),
                io.Image.Output(
                    display_name="pictures",
                    tooltip="At the first value, just before the found one, at the found one, at the last one.",
                ),
                io.String.Output(
                    display_name="labels", is_output_list=True, tooltip="A label for each picture, for Contact Sheet."
                ),
                io.Image.Output(display_name="curve", tooltip="How much of the mood each picture has."),
                io.String.Output(
                    display_name="report", tooltip="What was found, how much of the face stays, and what to mind."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        clip: Any,
        vae: Any,
        latent: dict[str, Any],
        axis: Axis,
        positive: str,
        negative: str,
        mood: float,
        seed: int,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        denoise: float,
        by: str,
        mask: torch.Tensor | None = None,
        control: ControlStack | None = None,
    ) -> io.NodeOutput:
        from ..comfy_progress import drop_preview
        from .find.comfy_find import find_mood
        from .plan.cells import Settings
        from .plan.inputs import GraphAround, SweepInputs

        settings = Settings(positive, negative, seed, steps, cfg, sampler_name, scheduler, denoise)
        inputs = SweepInputs(model, clip, vae, latent, control)
        found = find_mood(inputs, settings, axis, mood, by, GraphAround.read(cls.hidden), mask)
        drop_preview()
        return io.NodeOutput(
            found.value,
            found.label,
            found.pictures,
            found.labels,
            found.curve,
            found.report,
            ui=ui.PreviewImage(found.curve, cls=cls),
        )


NODES: list[type[io.ComfyNode]] = [ExpressionFinder]
