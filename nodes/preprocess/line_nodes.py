"""The node M-LSD."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from ..api import fold, io, search_words
from .inputs import declare_fit, declare_latent, declare_resolution

if TYPE_CHECKING:
    from ...preprocessors.lines.mlsd import Lines
    from ...preprocessors.pictures import Bytes

DETECTORS = {"mlsd": "mlsd", "mlsd (controlnet_aux weights)": "mlsd_aux", "lsd (no network)": ""}


class MLSD(io.ComfyNode):
    """IMAGE -> hint [B, H, W, 3] of 0 and 1, the lines of every picture, and a report."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerMLSD",
            **search_words("mlsd", "straight lines", "line detection", "controlnet preprocessor"),
            display_name="M-LSD",
            category="Steer/Preprocess",
            description=(
                "Draws the straight lines of a picture in white on black, as M-LSD ControlNets were trained on, for "
                "rooms and buildings. Works offline. Lines are drawn at the hint's size, never scaled."
            ),
            inputs=[
                io.Image.Input("image", tooltip="The pictures to trace. Transparent parts become white."),
                io.Combo.Input(
                    "detector",
                    options=list(DETECTORS),
                    default="mlsd",
                    tooltip="mlsd: the network that comes with Steer. controlnet_aux weights: the "
                    "weights of comfyui_controlnet_aux, if you have them. lsd: OpenCV's line "
                    "segment detector, another method with many short lines.",
                ),
                io.Float.Input(
                    "score_threshold",
                    default=0.1,
                    min=0.01,
                    max=1.0,
                    step=0.01,
                    tooltip="Lines with a lower score are left out. Lower it for more lines. Not used by lsd.",
                ),
                io.Float.Input(
                    "distance_threshold",
                    default=0.1,
                    min=0.01,
                    max=200.0,
                    step=0.1,
                    tooltip="Shorter lines are left out. 1 is two pixels of the detection size. 0.1 "
                    "keeps all lines, 20 only long ones.",
                ),
                fold(
                    io.Int.Input(
                        "detect_resolution",
                        default=512,
                        min=64,
                        max=2048,
                        step=64,
                        tooltip="The network looks at the picture at this short side. It was trained at 512. "
                        "A larger value finds finer lines and takes longer.",
                    )
                ),
                declare_resolution(),
                declare_fit(),
                fold(
                    io.Boolean.Input(
                        "download",
                        default=False,
                        tooltip="Allows the download of the controlnet_aux weights (6 MB) if they are "
                        "missing. The other detectors need no download.",
                    )
                ),
                declare_latent(),
            ],
            outputs=[
                io.Image.Output(display_name="hint", tooltip="White lines on black, for an M-LSD ControlNet."),
                io.Custom("STEER_LINES").Output(
                    display_name="lines",
                    tooltip="The lines of each picture [N, 4] (x0, y0, x1, y1 in pixels of the hint) "
                    "with their scores.",
                ),
                io.String.Output(
                    display_name="report", tooltip="How many lines each picture has, or why there are none."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        image: torch.Tensor,
        detector: str,
        score_threshold: float,
        distance_threshold: float,
        detect_resolution: int,
        resolution: int,
        fit: str,
        download: bool,
        latent: dict[str, Any] | None = None,
    ) -> io.NodeOutput:
        from ...preprocessors.lines.hint import make_hint
        from ...preprocessors.recognise import sample_indices
        from ...preprocessors.report import number_lines
        from .. import comfy_progress
        from . import comfy_images

        pictures, placement = comfy_images.open_batch(image, resolution, latent, fit)
        find_lines = cls._choose_detector(
            detector, score_threshold, distance_threshold, detect_resolution, download=download
        )
        sampled = set(sample_indices(len(image)))
        hints = []
        for index, picture in enumerate(pictures):
            hints.append(make_hint(picture, placement, find_lines, look_closely=index in sampled))
        report = number_lines([hint.report for hint in hints])
        comfy_progress.show_text(report)
        image = comfy_images.to_image([hint.picture for hint in hints])
        return io.NodeOutput(image, [hint.lines for hint in hints], report, ui=comfy_images.show_hints(image, cls))

    @classmethod
    def _choose_detector(
        cls, detector: str, score: float, distance: float, size: int, *, download: bool
    ) -> Callable[[Bytes], Lines]:
        """The function that finds the lines of a picture, with its network loaded."""
        from ...preprocessors.lines.mlsd import find_lsd_lines, find_mlsd_lines, load_mlsd
        from . import comfy_networks

        if detector not in DETECTORS:
            raise ValueError(f"detector: '{detector}' is unknown. Choose one of: {', '.join(DETECTORS)}.")
        kind = DETECTORS[detector]
        if not kind:
            return partial(find_lsd_lines, distance=distance, resolution=size)
        if download:
            comfy_networks.fetch_missing([kind])
        net = comfy_networks.load_networks({kind: partial(load_mlsd, kind, comfy_networks.list_weight_folders())})[kind]
        return partial(find_mlsd_lines, net, score=score, distance=distance, resolution=size)


NODES: list[type[io.ComfyNode]] = [MLSD]
