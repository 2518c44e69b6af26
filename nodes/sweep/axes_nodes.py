"""Axes made of other axes, and of files: Zip Axes, Join Axes, Image Axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..api import io, search_words
from ..choices import AXES_TYPE, AXIS_TYPE
from .choices import CATEGORY

if TYPE_CHECKING:
    from ..axis import Axis

MAX_JOINED = 8


class ZipAxes(io.ComfyNode):
    """Axes that go together, as pairs."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerZipAxes",
            **search_words("pairs", "xyz plot", "sampler scheduler", "combine lists", "zip lists"),
            display_name="Zip Axes",
            category=CATEGORY,
            description="Makes one axis of two or more that go together: sampler and scheduler, prompt and seed.",
            inputs=[
                io.Custom(AXIS_TYPE).Input(
                    f"axis_{number}",
                    optional=number > 2,
                    tooltip=f"Part {number} of each value. All axes need the same number of values.",
                )
                for number in range(1, 5)
            ],
            outputs=[
                io.Custom(AXIS_TYPE).Output(
                    display_name="axis",
                    tooltip="For a Sweep, or for a Sweep Value to each part of which the widget part gives the number.",
                ),
                io.String.Output(display_name="labels", is_output_list=True, tooltip="A label for each pair."),
                io.Int.Output(display_name="count", tooltip="How many pairs there are."),
            ],
        )

    @classmethod
    def execute(
        cls, axis_1: Axis, axis_2: Axis, axis_3: Axis | None = None, axis_4: Axis | None = None
    ) -> io.NodeOutput:
        from ..axis import zip_axes

        axis = zip_axes([each for each in (axis_1, axis_2, axis_3, axis_4) if each is not None])
        return io.NodeOutput(axis, list(axis.labels), len(axis))


class JoinAxes(io.ComfyNode):
    """Several axes in their order."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerJoinAxes",
            **search_words("xyz plot", "more axes", "combine axes", "axis order"),
            display_name="Join Axes",
            category=CATEGORY,
            description="Holds several axes in their order. A Sweep takes more axes so, and a Sweep Graph learns which "
            "make rows and columns.",
            inputs=[
                *[
                    io.Custom(AXIS_TYPE).Input(
                        f"axis_{number}", optional=True, tooltip="An axis. Its number is its place among them."
                    )
                    for number in range(1, MAX_JOINED + 1)
                ],
                io.Custom(AXES_TYPE).Input(
                    "axes", optional=True, tooltip="Axes of another Join Axes. They come first."
                ),
            ],
            outputs=[
                io.Custom(AXES_TYPE).Output(
                    display_name="axes", tooltip="For more_axes of Sweep, axes of Sweep Graph or another Join Axes."
                ),
                io.Int.Output(display_name="count", tooltip="How many axes there are."),
            ],
        )

    @classmethod
    def execute(cls, axes: tuple[Axis, ...] = (), **single: Axis | None) -> io.NodeOutput:
        own = [single.get(f"axis_{number}") for number in range(1, MAX_JOINED + 1)]
        joined = (*(axes or ()), *(axis for axis in own if axis is not None))
        if not joined:
            raise ValueError("axis_1: no axis is connected. Connect one, such as Seeds.")
        return io.NodeOutput(joined, len(joined))


class ImageAxis(io.ComfyNode):
    """Pictures or poses as the values of an axis."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerImageAxis",
            **search_words("load images", "load folder", "batch images", "image folder", "poses", "for each image"),
            display_name="Image Axis",
            category=CATEGORY,
            description="Pictures of a folder, or poses, as values of a sweep: a folder of photographs through one "
            "workflow, many poses for one seed.",
            inputs=[
                io.String.Input(
                    "files",
                    multiline=True,
                    default="",
                    tooltip="In ComfyUI's input folder: a folder, or names of files, or a pattern such as poses/*.png; "
                    "one in each line. Pictures, or POSE_KEYPOINT files (json).",
                ),
            ],
            outputs=[
                io.Custom(AXIS_TYPE).Output(
                    display_name="axis",
                    tooltip="For a Sweep Value. Wire its output image to any picture input. Of poses wire its output "
                    "value to Pose Render.",
                ),
                io.String.Output(
                    display_name="labels", is_output_list=True, tooltip="The names of the files without their ending."
                ),
                io.Int.Output(display_name="count", tooltip="How many files there are."),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, files: str | None = None) -> str | float:
        """Changes with the files and what is in them."""
        from .plan.comfy_files import identify_files, input_folder
        from .plan.files import read_files

        if files is None:
            return float("nan")
        try:
            return identify_files([value.name for value in read_files(files, input_folder()).values])
        except (ValueError, OSError):
            return ""  # execute says what is wrong

    @classmethod
    def execute(cls, files: str) -> io.NodeOutput:
        from .plan.comfy_files import input_folder
        from .plan.files import read_files

        axis = read_files(files, input_folder())
        return io.NodeOutput(axis, list(axis.labels), len(axis))
