"""The nodes of the family Prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import comfy.model_management
import torch

from ..api import fold, io, search_words
from ..choices import AXIS_TYPE
from ..text.printable import get_log
from .choices import BY_STEPS, LIST_MODES, PRODUCT, TIME_MODES

if TYPE_CHECKING:
    from .comfy_conditioning import Conditioning


CATEGORY = "Steer/Prompts"
# Tooltips have no braces, bars or at signs: in the label files, which repeat them, these are the frontend's own syntax.


log = get_log(__name__)


def _say(cls: type[io.ComfyNode], note: str) -> None:
    """Show what may be meant otherwise on the running node and in the log."""
    from ..comfy_progress import show_text

    if note:
        log.warning("%s: %s", cls.GET_SCHEMA().display_name, note)
        show_text(note)


class PromptSwap(io.ComfyNode):
    """A prompt with a word changed to others: one prompt for each, and the same as an axis."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerPromptSwap",
            **search_words("prompt s/r", "search and replace", "variation", "expression", "emotion", "batch prompts"),
            display_name="Prompt Swap",
            category=CATEGORY,
            description="Replaces a word of a prompt by other words and keeps the rest: one prompt for each.",
            inputs=[
                io.String.Input(
                    "prompt",
                    multiline=True,
                    dynamic_prompts=True,
                    default="gorgeous cute Austrian girl, smiling, backstreet",
                    tooltip="The prompt. Weights such as (smiling:1.2) stay as they are.",
                ),
                io.String.Input(
                    "find",
                    default="smiling",
                    tooltip="The word of the prompt to replace. Several words that change together: smiling, sunny.",
                ),
                io.String.Input(
                    "swaps",
                    multiline=True,
                    dynamic_prompts=True,
                    default="angry\nlaughing",
                    tooltip="The new words, one swap in each line: a comma belongs to the swap. If several words "
                    "change together, one of each: angry, stormy.",
                ),
                fold(
                    io.Boolean.Input("include_original", default=True, tooltip="On: the unchanged prompt comes first.")
                ),
                fold(
                    io.Boolean.Input(
                        "whole_words",
                        default=True,
                        tooltip="Off: also finds parts of longer words, such as smile in smiles, or a Korean "
                        "word with an ending.",
                    )
                ),
                fold(
                    io.Boolean.Input(
                        "match_case", default=False, tooltip="On: capital and small letters must be the same."
                    )
                ),
            ],
            outputs=[
                io.String.Output(
                    display_name="prompts",
                    is_output_list=True,
                    tooltip="The prompts. The next node, such as CLIP Text Encode, runs once for each.",
                ),
                io.Custom(AXIS_TYPE).Output(
                    display_name="axis", tooltip="The same swaps as an axis of a sweep: they change the sweep's prompt."
                ),
                io.String.Output(
                    display_name="labels", is_output_list=True, tooltip="The words that changed, one for each prompt."
                ),
            ],
        )

    @classmethod
    def execute(
        cls, prompt: str, find: str, swaps: str, include_original: bool, whole_words: bool, match_case: bool
    ) -> io.NodeOutput:
        from ..axis import prompt_axis
        from .swap import note_commas, read_swaps, swap_each, swap_labels

        _say(cls, note_commas(find, swaps))
        values = read_swaps(find, swaps, include_original, whole_words, match_case)
        prompts = swap_each(prompt, values)
        axis = prompt_axis(values, swap_labels(values))
        return io.NodeOutput(prompts, axis, list(axis.labels))


class PromptTemplate(io.ComfyNode):
    """A prompt with slots filled from lists, and the same as an axis."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerPromptTemplate",
            **search_words("wildcard", "wildcards", "dynamic prompts", "random prompt", "variation", "batch prompts"),
            display_name="Prompt Template",
            category=CATEGORY,
            description="Fills the slots of a prompt, such as [[expression]], from lists, in all combinations.",
            inputs=[
                io.String.Input(
                    "template",
                    multiline=True,
                    dynamic_prompts=True,
                    default="gorgeous cute Austrian girl, [[expression]], [[place]]",
                    tooltip="The prompt with slots in double brackets. ComfyUI's braces and // comments work as usual.",
                ),
                io.String.Input(
                    "lists",
                    multiline=True,
                    dynamic_prompts=True,
                    default="expression: smiling | angry | laughing\nplace: backstreet | meadows",
                    tooltip="A list for each slot: one in each line, with bars between the values. Or the name "
                    "and a colon, and the values below: one in each line, or with commas between them.",
                ),
                io.Combo.Input(
                    "mode",
                    options=list(LIST_MODES),
                    default=PRODUCT,
                    tooltip="product: every combination, the last list changes fastest. zip: the first "
                    "value of each list, then the second of each.",
                ),
            ],
            outputs=[
                io.String.Output(
                    display_name="prompts",
                    is_output_list=True,
                    tooltip="The prompts. The next node, such as CLIP Text Encode, runs once for each.",
                ),
                io.Custom(AXIS_TYPE).Output(
                    display_name="axis", tooltip="The same prompts as an axis of a sweep: they replace its prompt."
                ),
                io.String.Output(
                    display_name="labels", is_output_list=True, tooltip="The values of each prompt that change."
                ),
                io.Int.Output(display_name="count", tooltip="How many prompts there are."),
            ],
        )

    @classmethod
    def execute(cls, template: str, lists: str, mode: str) -> io.NodeOutput:
        from ..axis import prompt_axis
        from .swap import WholePrompt
        from .template import expand_template, note_commas

        _say(cls, note_commas(lists))
        prompts, labels = expand_template(template, lists, mode)
        axis = prompt_axis([WholePrompt(prompt) for prompt in prompts], labels)
        return io.NodeOutput(prompts, axis, list(axis.labels), len(prompts))


class TimedSwap(io.ComfyNode):
    """CONDITIONING whose prompt changes between two steps."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerTimedSwap",
            **search_words("prompt schedule", "prompt scheduling", "prompt editing", "prompt travel", "expression"),
            display_name="Timed Swap",
            category=CATEGORY,
            description="A prompt that changes while the picture is made, exactly between two steps: "
            "[smiling:angry:0.4].",
            inputs=[
                io.Clip.Input("clip", tooltip="The text encoder."),
                io.Model.Input("model", tooltip="The model that makes the picture, with its patches."),
                io.Sigmas.Input(
                    "sigmas",
                    tooltip="The schedule of the sampler. For KSampler: Basic Scheduler with the same "
                    "scheduler, steps and denoise.",
                ),
                io.String.Input(
                    "text",
                    multiline=True,
                    dynamic_prompts=True,
                    default="gorgeous cute Austrian girl, [smiling:angry:0.4], backstreet",
                    tooltip="[a:b:0.4] a, then b. [a:0.4] adds a. [a::0.4] removes a. With a bar instead "
                    "of the colons they alternate. 0.4 is a fraction, 8 is the step after which "
                    "it switches. Write \\[ for a plain bracket.",
                ),
                io.Combo.Input(
                    "time",
                    options=list(TIME_MODES),
                    default=BY_STEPS,
                    tooltip="What a fraction means: of the steps, as in A1111, or of the noise levels "
                    "that the model was trained on, as ComfyUI's start and end percent.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(
                    display_name="conditioning", tooltip="For any sampler, as positive or negative."
                ),
                io.String.Output(
                    display_name="report", tooltip="Each prompt with its steps, and after which step it switches."
                ),
            ],
        )

    @classmethod
    def execute(cls, clip: Any, model: Any, sigmas: torch.Tensor, text: str, time: str) -> io.NodeOutput:
        from .comfy_conditioning import encode, timed_conditioning

        def encoder(prompt: str) -> Conditioning:
            comfy.model_management.throw_exception_if_processing_interrupted()
            return encode(clip, prompt)

        conditioning, plan = timed_conditioning(text, sigmas, model, time, encoder)
        return io.NodeOutput(conditioning, plan.report)
