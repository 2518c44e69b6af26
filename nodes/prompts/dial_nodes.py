"""The node Expression Dial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import comfy.model_management

from ..api import io, search_words
from ..choices import AXIS_TYPE
from .choices import DIAL_HIGH, DIAL_LOW

if TYPE_CHECKING:
    from .comfy_conditioning import Conditioning

MAX_STEPS = 10_000


class ExpressionDial(io.ComfyNode):
    """CONDITIONING between a prompt and the same one with a word swapped, and beyond; and the same as an axis."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerExpressionDial",
            **search_words("expression", "emotion", "intensity", "slider", "prompt blend", "conditioning average"),
            display_name="Expression Dial",
            category="Steer/Prompts",
            description="How much of a word: 0 is the prompt as it is, 1 the swapped one, 1.3 more than it.",
            inputs=[
                io.Clip.Input("clip", tooltip="The text encoder."),
                io.String.Input(
                    "prompt",
                    multiline=True,
                    dynamic_prompts=True,
                    default="gorgeous cute Austrian girl, smiling, backstreet",
                    tooltip="The prompt at 0. Weights such as (smiling:1.2) stay as they are.",
                ),
                io.String.Input(
                    "find",
                    default="smiling",
                    tooltip="The word of the prompt that turns. Several words that turn together: smiling, sunny.",
                ),
                io.String.Input(
                    "word",
                    default="angry",
                    tooltip="What it turns to at 1. For several words one of each: angry, stormy.",
                ),
                io.Float.Input(
                    "dial",
                    default=0.5,
                    min=DIAL_LOW,
                    max=DIAL_HIGH,
                    step=0.05,
                    tooltip="0: the prompt as it is. 1: the swapped one. Above 1: more than it. Below 0: its opposite.",
                ),
                io.String.Input(
                    "values",
                    default="0-1.4[8]",
                    tooltip="The values of the axis, such as 0, 0.5, 1 or 0-1.4[8]. A negative one is written alone: "
                    "-0.5.",
                ),
                io.Boolean.Input(
                    "whole_words",
                    default=True,
                    tooltip="Off: also finds parts of longer words, such as smile in smiles, or a Korean word with an "
                    "ending.",
                ),
                io.Boolean.Input(
                    "match_case", default=False, tooltip="On: capital and small letters must be the same."
                ),
                io.Int.Input(
                    "from_step",
                    default=1,
                    min=1,
                    max=MAX_STEPS,
                    tooltip="The first step with the dial. The steps before see the prompt as it is. Above 1 it needs "
                    "sigmas and model.",
                ),
                io.Sigmas.Input(
                    "sigmas", optional=True, tooltip="Optional, for from_step: the schedule of the sampler."
                ),
                io.Model.Input(
                    "model", optional=True, tooltip="Optional, for from_step: the model that makes the picture."
                ),
            ],
            outputs=[
                io.Conditioning.Output(
                    display_name="conditioning", tooltip="For any sampler, as positive or negative."
                ),
                io.Custom(AXIS_TYPE).Output(
                    display_name="axis", tooltip="The values as an axis of a sweep: they turn the word in its prompt."
                ),
                io.String.Output(
                    display_name="labels", is_output_list=True, tooltip="A label for each value: angry 0.5."
                ),
                io.String.Output(
                    display_name="report", tooltip="How the dial was made: on a line, or as two predictions."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        clip: Any,
        prompt: str,
        find: str,
        word: str,
        dial: float,
        values: str,
        whole_words: bool,
        match_case: bool,
        from_step: int = 1,
        sigmas: Any = None,
        model: Any = None,
    ) -> io.NodeOutput:
        from .comfy_conditioning import delay, encode
        from .comments import without_comments
        from .dial import check_amount, dial_axis, read_amounts, read_dial, turn, write_dial_report
        from .swap import swap_each

        check_amount(dial)
        swap = read_dial(find, word, whole_words, match_case)
        axis = dial_axis(swap, read_amounts(values))
        (swapped,) = swap_each(prompt, [swap])

        def encoder(text: str) -> Conditioning:
            comfy.model_management.throw_exception_if_processing_interrupted()
            return encode(clip, text)

        first = encoder(without_comments(prompt))
        result, how = turn(first, encoder(swapped), dial)
        since = ""
        if from_step > 1:
            result, since = delay(first, result, from_step, sigmas, model)
        return io.NodeOutput(result, axis, list(axis.labels), write_dial_report(swap, dial, how, since))
