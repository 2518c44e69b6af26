"""Sweep Value and Sweep Graph: any graph, any value, one picture after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..api import fold, io, search_words, ui
from ..choices import AXES_TYPE, AXIS_TYPE
from .choices import BLANK, CATEGORY, MAX_CELLS, ON_ERROR

if TYPE_CHECKING:
    from ..axis import Axis


class SweepValue(io.ComfyNode):
    """The current value of an axis, for whatever it is wired to."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerSweepValue",
            **search_words("xyz plot", "xy plot", "any value", "variable", "iterate", "loop value", "primitive"),
            display_name="Sweep Value",
            category=CATEGORY,
            description="Gives the values of an axis, one after the other, to any widget of any node. A Sweep Graph "
            "behind it makes a picture for each.",
            hidden=[io.Hidden.unique_id, io.Hidden.dynprompt],
            inputs=[
                io.Custom(AXIS_TYPE).Input(
                    "axis", tooltip="The values: from Seeds, Prompt Swap, Prompt Template, Value Axis, Image Axis ..."
                ),
                io.String.Input(
                    "text",
                    multiline=True,
                    default="",
                    tooltip="For an axis of Prompt Swap: the prompt whose word is swapped. Or the value of another "
                    "Sweep Value, so that two axes change one prompt.",
                ),
                io.Int.Input(
                    "index",
                    default=0,
                    min=0,
                    max=65535,
                    control_after_generate=False,
                    tooltip="Which value a plain run uses, counted from 0. A Sweep Graph goes through all of them.",
                ),
                fold(
                    io.Int.Input(
                        "part",
                        default=1,
                        min=1,
                        max=16,
                        control_after_generate=False,
                        tooltip="Of an axis of pairs from Zip Axes, or of several LoRAs in a row: which of them.",
                    )
                ),
            ],
            outputs=[
                io.AnyType.Output(
                    display_name="value",
                    tooltip="For any widget: numbers, texts, switches, or one of its choices. It can go to several.",
                ),
                io.String.Output(display_name="label", tooltip="What the value is called on the sheet."),
                io.Image.Output(display_name="image", tooltip="The picture of an Image Axis. Empty for other axes."),
            ],
        )

    @classmethod
    def execute(cls, axis: Axis, text: str, index: int, part: int) -> io.NodeOutput:
        from ..axis import PictureFile, PoseFile
        from .graph.comfy_graph import plain_value
        from .plan.comfy_files import load_picture, load_pose

        value, fitted, label = plain_value(cls.hidden.dynprompt, cls.hidden.unique_id, axis, index, part, text)
        if isinstance(value, PoseFile):
            return io.NodeOutput(load_pose(value), label, None)
        if isinstance(value, PictureFile):
            return io.NodeOutput(value.name, label, load_picture(value))
        return io.NodeOutput(fitted, label, None)


class SweepGraph(io.ComfyNode):
    """Every combination of the axes in the graph before it, each cell a job. `cell` is read in graph/requests.py."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerSweepGraph",
            **search_words("xyz plot", "xy plot", "grid", "loop", "batch", "parameter sweep", "iterate", "compare"),
            display_name="Sweep Graph",
            category=CATEGORY,
            description="Makes every combination of the Sweep Values before it. Each picture is a job of its own and "
            "is saved at once. Cancel stops one of them, Clear ends the sweep. The next Run makes what is missing.",
            is_output_node=True,
            is_input_list=True,
            enable_expand=True,
            hidden=[io.Hidden.unique_id, io.Hidden.dynprompt, io.Hidden.prompt, io.Hidden.extra_pnginfo],
            inputs=[
                io.Image.Input("images", lazy=True, tooltip="What each cell keeps: a picture, a batch or frames."),
                io.String.Input(
                    "folder",
                    default="sweeps/graph",
                    tooltip="Where the pictures go, inside ComfyUI's output folder. Pictures that are "
                    "already there stay.",
                ),
                fold(
                    io.Int.Input(
                        "max_cells", default=256, min=1, max=MAX_CELLS, tooltip="A sweep with more cells is refused."
                    )
                ),
                fold(
                    io.Combo.Input(
                        "on_error",
                        options=list(ON_ERROR),
                        default=BLANK,
                        tooltip="blank: a cell that fails stays empty with its reason, and the others go on. "
                        "stop: after the first failure the rest ends without work.",
                    )
                ),
                *[
                    io.Image.Input(
                        f"images_{number}",
                        optional=True,
                        lazy=True,
                        tooltip="More pictures of the same cell. They lie beside its own with a number.",
                    )
                    for number in (2, 3, 4)
                ],
                io.Latent.Input(
                    "latent", optional=True, lazy=True, tooltip="Saved beside the picture. Load Latent reads it."
                ),
                io.Custom(AXES_TYPE).Input(
                    "axes",
                    optional=True,
                    tooltip="From Join Axes: which axis makes the rows, which the columns, which the blocks of the "
                    "sheet. Without it, the Sweep Values count in the order in which they were added.",
                ),
                # Keep it the last widget, behind on_error: plan/freeze.py finds it by that.
                fold(
                    io.String.Input(
                        "cell",
                        default="",
                        optional=True,
                        socketless=True,
                        tooltip="Empty: the whole sweep. The labels of one cell, such as angry; seed 3: only that "
                        "picture. A saved picture opens with its own cell here.",
                    )
                ),
            ],
            outputs=[
                io.Image.Output(display_name="sheet", tooltip="All cells on one sheet, when the last one is there."),
                io.String.Output(
                    display_name="folder", tooltip="The folder with the pictures, for Load Cells or Contact Sheet."
                ),
                io.String.Output(display_name="report", tooltip="What is to be made, what is there and what failed."),
            ],
        )

    @classmethod
    def fingerprint_inputs(
        cls, folder: Sequence[str] | None = None, cell: Sequence[str] | None = None, **others: Any
    ) -> str | float:
        from .graph.comfy_run import fingerprint

        return fingerprint(_first(folder), _first(cell))

    @classmethod
    def check_lazy_status(cls, cell: Sequence[str] = ("",), **others: Any) -> list[str]:
        from .graph.comfy_run import needed_inputs

        return needed_inputs(cls.hidden, _first(cell) or "")

    @classmethod
    def execute(
        cls,
        folder: Sequence[str],
        max_cells: Sequence[int],
        on_error: Sequence[str],
        axes: Sequence[Any] = ((),),
        cell: Sequence[str] = ("",),
        **kept: Sequence[Any],
    ) -> io.NodeOutput:
        from .graph.comfy_run import run
        from .graph.requests import Widgets

        widgets = Widgets(folder[0], max_cells[0], on_error[0], _first(cell) or "")
        result = run(cls.hidden, widgets, _first(axes) or (), kept)
        if result.expand is not None:
            return io.NodeOutput(*result.outputs, expand=result.expand)
        shown: Any = result.ui
        if result.to_save is not None:
            pictures, prefix = result.to_save
            shown = ui.ImageSaveHelper.get_save_images_ui(list(pictures), filename_prefix=prefix, cls=cls)
        return io.NodeOutput(*result.outputs, ui=shown)


def _first(values: Sequence[Any] | None) -> Any:
    return values[0] if values else None
