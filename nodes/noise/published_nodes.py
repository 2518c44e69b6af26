"""Published Schedule and Blend Schedules."""

from __future__ import annotations

from typing import Any

import torch

from ..api import io, search_words
from . import choices
from .inputs import CATEGORY


class PublishedSchedule(io.ComfyNode):
    """SIGMAS as the authors of a flow model publish them for this size and number of steps."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerPublishedSchedule",
            **search_words("sigmas", "scheduler", "shift", "mu", "flux", "qwen", "z-image", "wan", "dynamic shifting"),
            display_name="Published Schedule",
            category=CATEGORY,
            description="The SIGMAS that the authors of a model publish for this size, beside ComfyUI's default.",
            inputs=[
                io.Combo.Input(
                    "family",
                    options=[choices.FROM_MODEL, *choices.PUBLISHED],
                    default=choices.FROM_MODEL,
                    tooltip="Whose schedule. 'from the model' looks at the connected model.",
                ),
                io.Latent.Input("latent", tooltip="The latent that is sampled. Only its size counts."),
                io.Int.Input(
                    "steps",
                    default=0,
                    min=0,
                    max=choices.MAX_STEPS,
                    tooltip="Number of sampling steps. 0: as many as the authors use.",
                ),
                io.Float.Input(
                    "denoise",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="As in BasicScheduler. Below 1: the end of a schedule of steps / denoise. 0: no steps.",
                ),
                io.Combo.Input(
                    "solver",
                    options=list(choices.SOLVERS),
                    default=choices.AS_PUBLISHED,
                    tooltip="How diffusers' solver of that name spaces the sigmas of a flow model. Choose the sampler "
                    "with KSamplerSelect.",
                ),
                io.Model.Input(
                    "model",
                    optional=True,
                    tooltip="Optional. Says which family it is, and what ComfyUI's default is with its patches.",
                ),
            ],
            outputs=[
                io.Sigmas.Output(
                    display_name="sigmas", tooltip="The published schedule: falling, one zero at the end."
                ),
                io.Sigmas.Output(
                    display_name="default_sigmas",
                    tooltip="What BasicScheduler gives with 'simple', for Schedule Plot or Blend Schedules.",
                ),
                io.String.Output(
                    display_name="report", tooltip="Both values of mu, the largest difference, and the source."
                ),
            ],
        )

    @classmethod
    def execute(
        cls, family: str, latent: dict[str, Any], steps: int, denoise: float, solver: str, model: Any = None
    ) -> io.NodeOutput:
        from .published.comfy_published import choose_family, default_schedule, pixels_of
        from .published.schedule import plan_published, write_report

        family, others = choose_family(family, model)
        pixels = pixels_of(latent, family)
        plan = plan_published(family, pixels, steps, denoise, solver)
        count = max(0, len(plan.sigmas) - 1)
        mu, default = default_schedule(family, model, count, denoise)
        return io.NodeOutput(plan.sigmas, default, write_report(plan, pixels, mu, default, others))


class BlendSchedules(io.ComfyNode):
    """Two SIGMAS mixed into one."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerBlendSchedules",
            **search_words("sigmas", "mix sigmas", "merge sigmas", "scheduler"),
            display_name="Blend Schedules",
            category=CATEGORY,
            description="Mixes two noise schedules with the same number of steps.",
            inputs=[
                io.Sigmas.Input("sigmas_1", tooltip="The schedule at amount 0."),
                io.Sigmas.Input("sigmas_2", tooltip="The schedule at amount 1, with as many steps."),
                io.Float.Input(
                    "amount", default=0.5, min=0.0, max=1.0, step=0.01, tooltip="How much of the second. 0.5: half."
                ),
                io.Combo.Input(
                    "measure",
                    options=list(choices.BLEND_MEASURES),
                    default=choices.BLEND_MEASURES[0],
                    tooltip="What is mixed. log sigma keeps more of the smaller of both.",
                ),
            ],
            outputs=[io.Sigmas.Output(display_name="sigmas", tooltip="The mixed schedule.")],
        )

    @classmethod
    def execute(cls, sigmas_1: torch.Tensor, sigmas_2: torch.Tensor, amount: float, measure: str) -> io.NodeOutput:
        from .published.blend import blend_sigmas

        return io.NodeOutput(blend_sigmas(sigmas_1, sigmas_2, amount, measure))
