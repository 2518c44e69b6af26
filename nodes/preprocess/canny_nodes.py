"""The node Canny."""

from __future__ import annotations

from typing import Any

import comfy.model_management
import comfy.utils
import torch

from ...preprocessors.choices import MAX_GRADIENT, MAX_SIDE
from ..api import io, search_words
from .inputs import declare_fit, declare_latent


class Canny(io.ComfyNode):
    """IMAGE [B, H, W, C] in 0..1 -> hint [B, H, W, 3] of 0 and 1, the thresholds used, and a report."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerCanny",
            **search_words("edge detection", "canny edge", "line art", "controlnet preprocessor"),
            display_name="Canny",
            category="Steer/Preprocess",
            description=(
                "Draws the edges of a picture in white on black, for Canny ControlNets. The same pixels "
                "as OpenCV's cv2.Canny."
            ),
            inputs=[
                io.Image.Input("image", tooltip="The pictures to trace. Transparent parts become white."),
                io.Int.Input(
                    "low_threshold",
                    default=100,
                    min=0,
                    max=MAX_GRADIENT,
                    tooltip="Weaker edges are dropped. Edges between the two thresholds stay only where "
                    "they touch a strong edge. Lower it for longer lines.",
                ),
                io.Int.Input(
                    "high_threshold",
                    default=200,
                    min=0,
                    max=MAX_GRADIENT,
                    tooltip="Stronger edges are always drawn. Lower it for more detail, raise it for less.",
                ),
                io.Boolean.Input(
                    "auto",
                    default=False,
                    tooltip="Chooses both thresholds for each picture from its contrast. The two values "
                    "above are then ignored.",
                ),
                io.Int.Input(
                    "resolution",
                    default=0,
                    min=0,
                    max=MAX_SIDE,
                    step=8,
                    tooltip="The short side is resized to this many pixels before the edges are found, "
                    "so lines stay one pixel wide. 0: the size of the latent if one is "
                    "connected, else the size of the picture.",
                ),
                declare_fit(optional=True),
                declare_latent(),
            ],
            outputs=[
                io.Image.Output(display_name="hint", tooltip="White edges on black, for a Canny ControlNet."),
                io.String.Output(
                    display_name="thresholds",
                    tooltip="The thresholds that were used, one line for each picture if they differ. "
                    "Type them in to repeat a hint.",
                ),
                io.String.Output(
                    display_name="report",
                    tooltip="How much of each picture is edges. Warns if there are none, or if the "
                    "picture is already a hint.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        image: torch.Tensor,
        low_threshold: int,
        high_threshold: int,
        auto: bool,
        resolution: int,
        fit: str = "crop",
        latent: dict[str, Any] | None = None,
    ) -> io.NodeOutput:
        from ...preprocessors.canny import canny, describe_thresholds
        from ...preprocessors.canny_report import pass_on_edges, report_edges
        from .. import comfy_progress
        from . import comfy_images

        target = comfy_images.target_size(latent)
        progress = comfy.utils.ProgressBar(len(image))

        def after_each_picture() -> None:
            comfy.model_management.throw_exception_if_processing_interrupted()
            progress.update(1)

        hints = canny(
            image,
            low_threshold,
            high_threshold,
            auto=auto,
            resolution=resolution,
            target=target,
            fit=fit,
            on_frame=after_each_picture,
        )
        passed_on = pass_on_edges(image, hints.hint, fit if target else "stretch")
        report = report_edges(image, hints.hint, passed_on)
        comfy_progress.show_text(report)
        used = [None if index in passed_on else one for index, one in enumerate(hints.thresholds)]
        hint = hints.hint.to(comfy.model_management.intermediate_device())
        return io.NodeOutput(hint, describe_thresholds(used), report, ui=comfy_images.show_hints(hint, cls))
