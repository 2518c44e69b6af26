"""Noise Schedule and Schedule Plot."""

from __future__ import annotations

from typing import Any

import torch

from ..api import fold, io, search_words, ui
from . import choices
from .inputs import CATEGORY, model_type_input


class NoiseSchedule(io.ComfyNode):
    """The noise levels of one of diffusers' schedulers as SIGMAS."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerNoiseSchedule",
            **search_words("sigmas", "scheduler", "karras", "diffusers scheduler"),
            display_name="Noise Schedule",
            category=CATEGORY,
            description="The noise levels of a diffusers scheduler as SIGMAS, for SamplerCustomAdvanced.",
            inputs=[
                io.Combo.Input(
                    "scheduler",
                    options=list(choices.SCHEDULERS),
                    default="Euler",
                    tooltip="Whose noise levels to use. This is only the schedule: choose the sampler "
                    "with KSamplerSelect.",
                ),
                io.Int.Input(
                    "steps",
                    default=20,
                    min=1,
                    max=choices.MAX_STEPS,
                    tooltip="Number of sampling steps. DEIS adds one step from its smallest sigma to zero.",
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
                    "timestep_spacing",
                    options=list(choices.TIMESTEP_SPACINGS),
                    default=choices.DEFAULT,
                    tooltip="Which of the 1000 timesteps are used. linspace: with both ends. leading: "
                    "without the top. trailing: from the very top, best for few steps. default: "
                    "diffusers' choice for this scheduler.",
                ),
                fold(
                    io.Int.Input(
                        "steps_offset",
                        default=0,
                        min=0,
                        max=999,
                        tooltip="Moves the timesteps of 'leading' spacing up by this much. Stable Diffusion "
                        "1.x uses 1.",
                    )
                ),
                io.Combo.Input(
                    "sigma_spacing",
                    options=list(choices.SIGMA_SPACINGS),
                    default=choices.DEFAULT,
                    tooltip="default: the noise of the chosen timesteps. karras, exponential, beta: the "
                    "same range, divided by that curve.",
                ),
                fold(
                    io.Combo.Input(
                        "beta_schedule",
                        options=list(choices.BETA_SCHEDULES),
                        default="scaled_linear",
                        tooltip="How noise grew during training. scaled_linear: Stable Diffusion 1.x, 2.x "
                        "and XL. Not used with a model, nor by EDM Euler and Flow-match Euler.",
                    )
                ),
                fold(
                    io.Float.Input(
                        "beta_start",
                        default=0.00085,
                        min=0.00001,
                        max=0.5,
                        step=0.00001,
                        round=False,
                        tooltip="First beta of the training noise. Stable Diffusion: 0.00085. Not used with a model.",
                    )
                ),
                fold(
                    io.Float.Input(
                        "beta_end",
                        default=0.012,
                        min=0.00001,
                        max=0.5,
                        step=0.00001,
                        round=False,
                        tooltip="Last beta of the training noise. Stable Diffusion: 0.012. Not used with a model.",
                    )
                ),
                fold(
                    io.Boolean.Input(
                        "zero_terminal_snr",
                        default=False,
                        tooltip="Starts from noise without any trace of a picture (sigma 4518.8). For models "
                        "trained in that way.",
                    )
                ),
                io.Float.Input(
                    "shift",
                    default=3.0,
                    min=0.01,
                    max=100.0,
                    step=0.01,
                    tooltip="Only for Flow-match Euler. A value above 1 spends more steps on high noise. "
                    "SD3: 3. Not used with a model.",
                ),
                io.Model.Input(
                    "model",
                    optional=True,
                    tooltip="Optional. Its own noise levels (betas, sigma range or shift) are used "
                    "instead of the widgets.",
                ),
            ],
            outputs=[
                io.Sigmas.Output(
                    display_name="sigmas",
                    tooltip="The noise levels at the edges of the steps: all different, falling to one "
                    "zero. Empty at denoise 0.",
                )
            ],
        )

    @classmethod
    def execute(cls, model: Any = None, **options: Any) -> io.NodeOutput:
        from .comfy_process import model_noise
        from .schedule import ScheduleOptions, make_schedule

        noise = None if model is None else model_noise(model)
        return io.NodeOutput(make_schedule(ScheduleOptions(**options), noise))


class SchedulePlot(io.ComfyNode):
    """Up to six SIGMAS on one chart."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerSchedulePlot",
            **search_words("sigmas", "sigmas plot", "graph", "scheduler"),
            display_name="Schedule Plot",
            category=CATEGORY,
            description="Draws up to six noise schedules on one chart.",
            is_output_node=True,
            inputs=[
                io.Sigmas.Input("sigmas_1", tooltip="The first schedule to draw."),
                *(
                    io.Sigmas.Input(f"sigmas_{k}", optional=True, tooltip=f"Optional: schedule {k} to draw.")
                    for k in range(2, 7)
                ),
                io.Model.Input(
                    "model", optional=True, tooltip="Optional. Its model type and its own timesteps are then used."
                ),
                io.Combo.Input(
                    "axis",
                    options=list(choices.AXES),
                    default="sigma (log)",
                    tooltip="What to draw. sigma: the noise level. log-SNR: signal against noise. "
                    "alpha_bar: the picture's share, 1 / (1 + sigma^2) for eps and v models. "
                    "timestep: the training timestep. step size: how far sigma falls.",
                ),
                io.String.Input(
                    "names",
                    multiline=True,
                    default="",
                    placeholder="one name per line",
                    tooltip="Names of the schedules for the legend, one in each line. Empty: schedule 1, "
                    "schedule 2, ...",
                ),
                io.String.Input("title", default="Noise schedules", tooltip="Headline of the chart."),
                model_type_input(),
                io.Boolean.Input("dark", default=False, tooltip="Light lines on a dark background."),
                fold(
                    io.Int.Input(
                        "width",
                        default=768,
                        min=choices.MIN_SIZE,
                        max=choices.MAX_SIZE,
                        step=8,
                        tooltip="Width in pixels.",
                    )
                ),
                fold(
                    io.Int.Input(
                        "height",
                        default=512,
                        min=choices.MIN_SIZE,
                        max=choices.MAX_SIZE,
                        step=8,
                        tooltip="Height in pixels.",
                    )
                ),
            ],
            outputs=[io.Image.Output(display_name="chart", tooltip="The chart, one picture.")],
        )

    @classmethod
    def execute(
        cls,
        axis: str,
        names: str,
        title: str,
        model_type: str,
        dark: bool,
        width: int,
        height: int,
        model: Any = None,
        **sigmas: torch.Tensor | None,
    ) -> io.NodeOutput:
        from .comfy_process import noise_process
        from .plot import Schedule, draw_schedules
        from .process import check_sigmas

        process = noise_process(model, model_type)
        lines = names.splitlines()
        schedules = []
        for k in range(1, 7):
            schedule = sigmas.get(f"sigmas_{k}")
            if schedule is not None:
                name = lines[k - 1].strip() if k <= len(lines) else ""
                schedules.append(Schedule(name or f"schedule {k}", check_sigmas(schedule, f"sigmas_{k}", process)))
        chart = draw_schedules(schedules, axis, process, title, width, height, dark)
        return io.NodeOutput(chart, ui=ui.PreviewImage(chart, cls=cls))
