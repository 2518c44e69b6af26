"""The node ControlNet Guide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ..api import fold, io, search_words
from ..choices import CONTROL_STACK_TYPE
from .choices import AUTO, CATEGORY, KINDS, MODES, STEPS_TYPE
from .hints.hint_sockets import declare_fit, declare_hint, declare_latent

if TYPE_CHECKING:
    from .comfy_control import Conditioning
    from .stack import ControlStack
    from .steps.strengths import ControlSteps


class ControlNetGuide(io.ComfyNode):
    """CONDITIONING with a ControlNet, and the stack that Sweep takes."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerControlNetGuide",
            **search_words("apply controlnet", "controlnet", "hint", "control mask"),
            display_name="ControlNet Guide",
            category=CATEGORY,
            description="Applies a ControlNet as ComfyUI's own node does. Adds control modes, a mask, a "
            "hint that fits the picture, and a report of what looks wrong.",
            inputs=[
                io.Conditioning.Input("positive", tooltip="What the picture should show."),
                io.Conditioning.Input("negative", tooltip="What the picture should not show."),
                io.ControlNet.Input("control_net", tooltip="From Load ControlNet Model or Demo ControlNet."),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=10.0,
                    step=0.01,
                    tooltip="How strongly the hint acts. 0: the ControlNet does not run at all.",
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
                io.Combo.Input(
                    "mode",
                    options=list(MODES),
                    default=MODES[0],
                    tooltip="balanced: as ComfyUI does. prompt: the prompt wins where the two disagree. "
                    "control: the hint wins.",
                ),
                fold(declare_fit()),
                fold(
                    io.Combo.Input(
                        "kind",
                        options=list(KINDS),
                        default=AUTO,
                        tooltip="What the ControlNet was made for. A wrong hint is reported. auto: from its file name. "
                        "any: no such check, and dark on white is fine too. A union ControlNet gets its type from it.",
                    )
                ),
                fold(
                    io.Int.Input(
                        "feather",
                        default=16,
                        min=0,
                        max=1024,
                        tooltip="The control fades over this many pixels of the picture, inside the edge of "
                        "the mask. Not used by inpainting ControlNets.",
                    )
                ),
                declare_hint("The hint: edges, lines, a skeleton. One for all pictures, or one for each."),
                declare_latent(),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Where the ControlNet acts. Outside the mask it changes nothing. For an inpainting "
                    "ControlNet: what is repainted.",
                ),
                io.Vae.Input(
                    "vae",
                    optional=True,
                    tooltip="For ControlNets of SD 3, Flux and Qwen that take the hint as a latent.",
                ),
                io.Custom(CONTROL_STACK_TYPE).Input(
                    "control",
                    optional=True,
                    tooltip="The stack of the ControlNet Guide before this one, to give both to a Sweep.",
                ),
                io.Custom(STEPS_TYPE).Input(
                    "steps",
                    optional=True,
                    tooltip="From Control Steps: a strength for each step. strength multiplies it.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(display_name="positive", tooltip="The prompt with the ControlNet."),
                io.Conditioning.Output(display_name="negative", tooltip="The negative prompt with the ControlNet."),
                io.Custom(CONTROL_STACK_TYPE).Output(
                    display_name="control", tooltip="The incoming stack plus this ControlNet, for Sweep."
                ),
                io.Image.Output(display_name="hint", tooltip="The hint as the ControlNet gets it."),
                io.String.Output(display_name="report", tooltip="What was done to the hint and what looks wrong."),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.dynprompt],
        )

    @classmethod
    def execute(
        cls,
        positive: Conditioning,
        negative: Conditioning,
        control_net: Any,
        strength: float,
        start_percent: float,
        end_percent: float,
        mode: str,
        fit: str,
        kind: str,
        feather: int,
        image: Any = None,
        latent: dict[str, Any] | None = None,
        mask: torch.Tensor | None = None,
        keypoints: Any = None,
        lines: Any = None,
        vae: Any = None,
        control: ControlStack | None = None,
        steps: ControlSteps | None = None,
    ) -> io.NodeOutput:
        from .comfy_guide import GuideInputs, guide
        from .hints.comfy_hints import HintInputs

        hint = HintInputs(fit, kind, feather, image, latent, mask, keypoints, lines)
        inputs = GuideInputs(
            control_net, strength, start_percent, end_percent, mode, hint, vae, control=control, steps=steps
        )
        positive, negative, own, report = guide(positive, negative, inputs, cls.hidden)
        return io.NodeOutput(positive, negative, (*(control or ()), own), own.hint, report)
