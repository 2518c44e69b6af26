"""Sweep: every combination of its axes as a picture, saved as soon as it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import comfy.samplers
import torch

from ..api import fold, io, search_words, ui
from ..choices import AXES_TYPE, AXIS_TYPE, CONTROL_STACK_TYPE
from ..seeds.choices import MAX_SEED
from .choices import BLANK, CATEGORY, MAX_CELLS, ON_ERROR

if TYPE_CHECKING:
    from ..axis import Axis
    from ..control.stack import ControlStack


class Sweep(io.ComfyNode):
    """Every combination of its axes as a picture. What the widget `cell` asks for is read in plan/cell_widget.py."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        axes = [
            io.Custom(AXIS_TYPE).Input(
                f"axis_{number}",
                optional=True,
                tooltip=f"{where} From Prompt Swap, Prompt Template, Seeds or Value Axis.",
            )
            for number, where in enumerate(
                ("The rows of the sheet.", "The columns of the sheet.", "Blocks of the sheet.", "Blocks of the sheet."),
                1,
            )
        ]
        return io.Schema(
            node_id="SteerSweep",
            **search_words("xy plot", "xyz plot", "grid", "batch prompts", "parameter sweep", "compare"),
            display_name="Sweep",
            category=CATEGORY,
            description="Makes every combination of its axes and saves each picture at once. The next "
            "run makes only what is missing.",
            is_output_node=True,
            hidden=[io.Hidden.unique_id, io.Hidden.dynprompt, io.Hidden.prompt, io.Hidden.extra_pnginfo],
            inputs=[
                io.Model.Input("model", tooltip="The model that makes the pictures."),
                io.Clip.Input("clip", tooltip="The text encoder."),
                io.Vae.Input("vae", tooltip="Turns latents into pictures."),
                io.Latent.Input(
                    "latent",
                    tooltip="Empty Latent Image with batch_size 1, or an encoded picture. Its noise mask is used.",
                ),
                io.String.Input(
                    "positive",
                    multiline=True,
                    dynamic_prompts=True,
                    default="gorgeous cute Austrian girl, smiling, backstreet",
                    tooltip="The prompt that the axes change. Timed swaps work: [smiling:angry:0.4].",
                ),
                io.String.Input(
                    "negative",
                    multiline=True,
                    dynamic_prompts=True,
                    default="",
                    tooltip="What the picture should not show.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=MAX_SEED,
                    control_after_generate=False,  # with another seed, a Run after Cancel would make all cells again
                    tooltip="The noise of all cells, unless an axis of seeds is connected.",
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
                fold(
                    io.Int.Input(
                        "batch_size",
                        default=0,
                        min=0,
                        max=64,
                        tooltip="Cells that differ only in the seed are made together, this many at once. 0: "
                        "as many as fit into memory, 1 on a processor. With 1, each picture is what "
                        "KSampler makes, to the last bit.",
                    )
                ),
                fold(
                    io.Int.Input(
                        "max_cells", default=256, min=1, max=MAX_CELLS, tooltip="A sweep with more cells is refused."
                    )
                ),
                io.String.Input(
                    "folder",
                    default="sweeps/sweep",
                    tooltip="Where the pictures go, inside ComfyUI's output folder. Pictures that are "
                    "already there stay.",
                ),
                fold(
                    io.Combo.Input(
                        "on_error",
                        options=list(ON_ERROR),
                        default=BLANK,
                        tooltip="blank: a cell that fails stays empty with its reason, and the others go on. "
                        "stop: the first failure ends the run.",
                    )
                ),
                *axes,
                io.Custom(CONTROL_STACK_TYPE).Input(
                    "control", optional=True, tooltip="ControlNets for all cells, from ControlNet Guide."
                ),
                io.Sampler.Input("sampler", optional=True, tooltip="Replaces sampler_name."),
                io.Sigmas.Input("sigmas", optional=True, tooltip="Replaces scheduler, steps and denoise."),
                # Keep it the last widget, behind on_error: plan/freeze.py finds it by that.
                fold(
                    io.String.Input(
                        "cell",
                        default="",
                        optional=True,
                        socketless=True,
                        tooltip="Empty: the whole sweep. The labels of one cell, such as angry; seed 3: only "
                        "that picture. A saved picture opens with its own cell here. Other sweeps "
                        "then have -, which makes nothing.",
                    )
                ),
                io.Custom(AXES_TYPE).Input(
                    "more_axes", optional=True, tooltip="Further axes, from Join Axes. They count behind axis_4."
                ),
            ],
            outputs=[
                io.Image.Output(display_name="sheet", tooltip="All cells on one sheet. With cell set: that picture."),
                io.String.Output(
                    display_name="folder", tooltip="The folder with the pictures, for Load Cells or Contact Sheet."
                ),
                io.String.Output(
                    display_name="report", tooltip="What was made, what was already there, what failed and why."
                ),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, folder: str | None = None, cell: str | None = None, **others: Any) -> str | float:
        from .run.comfy_run import fingerprint

        return fingerprint(folder, cell)

    @classmethod
    def execute(
        cls,
        model: Any,
        clip: Any,
        vae: Any,
        latent: dict[str, Any],
        positive: str,
        negative: str,
        seed: int,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        denoise: float,
        batch_size: int,
        max_cells: int,
        folder: str,
        on_error: str,
        axis_1: Axis | None = None,
        axis_2: Axis | None = None,
        axis_3: Axis | None = None,
        axis_4: Axis | None = None,
        control: ControlStack | None = None,
        sampler: Any = None,
        sigmas: torch.Tensor | None = None,
        cell: str = "",
        more_axes: tuple[Axis, ...] | None = None,
    ) -> io.NodeOutput:
        from .plan.cell_widget import OneCell, PlanOnly, SetAside, SeveralCells, WholeSweep, read_cell
        from .plan.cells import Settings
        from .plan.comfy_plan import plan_sweep
        from .plan.inputs import GraphAround, SweepInputs
        from .run.comfy_run import describe_plan, folder_output, make_one, make_several, make_sweep, set_aside

        request = read_cell(cell)
        if isinstance(request, SetAside):
            return io.NodeOutput(*set_aside(folder))
        plan = plan_sweep(
            SweepInputs(model, clip, vae, latent, control, sampler, sigmas),
            Settings(positive, negative, seed, steps, cfg, sampler_name, scheduler, denoise),
            [axis for axis in (axis_1, axis_2, axis_3, axis_4, *(more_axes or ())) if axis is not None],
            folder,
            max_cells,
            GraphAround.read(cls.hidden),
            portable_keys=isinstance(request, PlanOnly),
        )
        match request:
            case WholeSweep():
                sheet, report = make_sweep(plan, batch_size, on_error)
                return io.NodeOutput(sheet.picture, str(plan.home), report, ui=dict(sheet.shown))
            case PlanOnly():
                text = describe_plan(plan, batch_size)
                return io.NodeOutput(torch.zeros(1, 8, 8, 3), folder_output(plan.home), text, ui={"text": (text,)})
            case SeveralCells():
                pictures, files, report = make_several(plan, request)
                return io.NodeOutput(pictures, folder_output(plan.home), report, ui=files)
            case OneCell():  # saved as Save Image saves: the folder's manifest does not know it
                picture, prefix, report = make_one(plan, request)
                saved = ui.ImageSaveHelper.get_save_images_ui([picture], filename_prefix=prefix, cls=cls)
                return io.NodeOutput(picture[None], folder_output(plan.home), report, ui=saved)
