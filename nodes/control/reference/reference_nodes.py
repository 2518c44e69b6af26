"""The node Reference Hint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...api import fold, io, search_words
from ..choices import ANY, AUTO, CATEGORY, KINDS, STEPS_TYPE
from ..hints.hint_sockets import declare_fit, declare_hint, declare_latent

if TYPE_CHECKING:
    from ..comfy_control import Conditioning
    from ..steps.strengths import ControlSteps


class ReferenceHint(io.ComfyNode):
    """CONDITIONING with a hint as a reference latent, for edit models."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerReferenceHint",
            **search_words("reference latent", "edit model", "kontext", "qwen edit", "klein", "hint"),
            display_name="Reference Hint",
            category=CATEGORY,
            description="Shows a hint to an edit model (Qwen-Image-Edit, Flux Kontext, Flux.2, Klein) as a reference, "
            "at the size of the picture, in the part of sampling that you choose.",
            inputs=[
                io.Conditioning.Input("positive", tooltip="What the picture should show."),
                io.Vae.Input("vae", tooltip="The VAE of the model: the hint is given as a latent."),
                io.Float.Input(
                    "start_percent",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.001,
                    tooltip="The part of sampling at which the reference comes in. 0 is the beginning.",
                ),
                io.Float.Input(
                    "end_percent",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.001,
                    tooltip="The part of sampling at which it is taken away. 1 is the end.",
                ),
                declare_fit(),
                fold(
                    io.Combo.Input(
                        "kind",
                        options=[kind for kind in KINDS if kind != AUTO],
                        default=ANY,
                        tooltip="What the hint should be. A wrong hint is reported. any: no such check.",
                    )
                ),
                io.Conditioning.Input(
                    "negative", optional=True, tooltip="What the picture should not show. It gets the reference too."
                ),
                declare_hint("The hint: edges, lines, a skeleton, or a picture."),
                declare_latent(),
                io.Custom(STEPS_TYPE).Input(
                    "steps",
                    optional=True,
                    tooltip="From Control Steps: the steps at which the reference is there. Strength 1 only.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(display_name="positive", tooltip="The prompt with the reference."),
                io.Conditioning.Output(
                    display_name="negative", tooltip="The negative prompt with the reference; nothing without one."
                ),
                io.Image.Output(display_name="hint", tooltip="The hint as the model gets it."),
                io.String.Output(display_name="report", tooltip="What was done to the hint and what looks wrong."),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.dynprompt],
        )

    @classmethod
    def execute(
        cls,
        positive: Conditioning,
        vae: Any,
        start_percent: float,
        end_percent: float,
        fit: str,
        kind: str,
        negative: Conditioning | None = None,
        image: Any = None,
        latent: dict[str, Any] | None = None,
        keypoints: Any = None,
        lines: Any = None,
        steps: ControlSteps | None = None,
    ) -> io.NodeOutput:
        from ..hints.comfy_hints import HintInputs
        from .comfy_reference import ReferenceInputs, add_reference

        hint = HintInputs(fit, kind, 0, image, latent, None, keypoints, lines)
        inputs = ReferenceInputs(vae, start_percent, end_percent, hint, steps=steps)
        sides = (positive,) if negative is None else (positive, negative)
        found, fitted, report = add_reference(sides, inputs, cls.hidden)
        return io.NodeOutput(found[0], found[1] if negative is not None else [], fitted, report)
