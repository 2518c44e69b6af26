"""The node Model Patch Guide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ...api import fold, io, search_words
from ...choices import CONTROL_STACK_TYPE
from ..choices import AUTO, CATEGORY, KINDS, STEPS_TYPE
from ..hints.hint_sockets import declare_fit, declare_hint, declare_latent

if TYPE_CHECKING:
    from ..stack import ControlStack
    from ..steps.strengths import ControlSteps


class ModelPatchGuide(io.ComfyNode):
    """A MODEL with a MODEL_PATCH, and the stack that Sweep takes."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerModelPatchGuide",
            **search_words("model patch", "diffsynth controlnet", "z-image control", "qwen control", "fun controlnet"),
            display_name="Model Patch Guide",
            category=CATEGORY,
            description="Applies a control that comes as a model patch (Qwen-Image DiffSynth, Z-Image Fun). Adds start "
            "and end, exact steps, a mask, a hint that fits the picture, and a report of what looks wrong.",
            inputs=[
                io.Model.Input("model", tooltip="The model that makes the picture."),
                # Lazy, so that the node looks at the file before ComfyUI's loader fails on it.
                io.Custom("MODEL_PATCH").Input("model_patch", lazy=True, tooltip="From ModelPatchLoader."),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=-10.0,
                    max=10.0,
                    step=0.01,
                    tooltip="How strongly the hint acts. 0: the patch does not run at all.",
                ),
                io.Float.Input(
                    "start_percent",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.001,
                    tooltip="The part of sampling at which it begins to act. 0 is the beginning.",
                ),
                io.Float.Input(
                    "end_percent",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.001,
                    tooltip="The part of sampling at which it stops. 1 is the end. 0.5 leaves the "
                    "details to the prompt.",
                ),
                declare_fit(),
                fold(
                    io.Combo.Input(
                        "kind",
                        options=list(KINDS),
                        default=AUTO,
                        tooltip="What the patch was made for. A wrong hint is reported. auto: from its file name. "
                        "any: no such check, and dark on white is fine too.",
                    )
                ),
                fold(
                    io.Int.Input(
                        "feather",
                        default=16,
                        min=0,
                        max=1024,
                        tooltip="The control fades over this many pixels of the picture, inside the edge of "
                        "the mask. Not used by inpainting patches.",
                    )
                ),
                io.Vae.Input("vae", optional=True, tooltip="The VAE of the model: the hint is given as a latent."),
                declare_hint("The hint: edges, lines, a skeleton."),
                declare_latent(),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Where the patch acts. Outside the mask it changes nothing in its layer. For an inpainting "
                    "patch: what is repainted.",
                ),
                io.Custom(CONTROL_STACK_TYPE).Input(
                    "control",
                    optional=True,
                    tooltip="The stack of the guide before this one, to give both to a Sweep.",
                ),
                io.Custom(STEPS_TYPE).Input(
                    "steps",
                    optional=True,
                    tooltip="From Control Steps: a strength for each step. strength multiplies it.",
                ),
            ],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The model with the patch, for the sampler."),
                io.Custom(CONTROL_STACK_TYPE).Output(
                    display_name="control", tooltip="The incoming stack plus this patch, for Sweep."
                ),
                io.Image.Output(display_name="hint", tooltip="The hint as the patch gets it."),
                io.String.Output(display_name="report", tooltip="What was done to the hint and what looks wrong."),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.dynprompt],
        )

    @classmethod
    def check_lazy_status(cls, model_patch: Any = None, **others: Any) -> list[str]:
        from .comfy_file import check_is_no_lora

        if model_patch is not None:
            return []
        check_is_no_lora(cls.hidden)
        return ["model_patch"]

    @classmethod
    def execute(
        cls,
        model: Any,
        model_patch: Any,
        strength: float,
        start_percent: float,
        end_percent: float,
        fit: str,
        kind: str,
        feather: int,
        vae: Any = None,
        image: Any = None,
        latent: dict[str, Any] | None = None,
        mask: torch.Tensor | None = None,
        keypoints: Any = None,
        lines: Any = None,
        control: ControlStack | None = None,
        steps: ControlSteps | None = None,
    ) -> io.NodeOutput:
        from ..hints.comfy_hints import HintInputs
        from .comfy_patch_guide import PatchInputs, guide_patch

        hint = HintInputs(fit, kind, feather, image, latent, mask, keypoints, lines)
        percents = start_percent, end_percent
        inputs = PatchInputs(model, model_patch, strength, *percents, hint, vae, control=control, steps=steps)
        patched, own, report = guide_patch(inputs, cls.hidden)
        return io.NodeOutput(patched, (*(control or ()), own), own.hint, report)
