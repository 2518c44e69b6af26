"""The nodes OpenPose and Pose Render."""

from __future__ import annotations

from typing import Any

import torch

from ...preprocessors.choices import POSE_DETECTORS
from ..api import io
from .inputs import fit_input, latent_input, resolution_input

_NOBODY = (
    "no person found. Figures that are small, cut off or drawn are harder to find: try a larger picture of the person "
    "or another detector."
)
_NO_KEYPOINTS = "; its keypoints are not known, so that output is empty"


def _drawing_inputs(threshold: io.Input) -> list[io.Input]:
    return [
        io.Boolean.Input("body", default=True, tooltip="Draw the body."),
        io.Boolean.Input("hands", default=False, tooltip="Find and draw the hands."),
        io.Boolean.Input("face", default=False, tooltip="Find and draw the face."),
        io.Boolean.Input(
            "xinsir_sticks",
            default=False,
            tooltip="Draw limbs and joints thicker on large pictures, as xinsir's SDXL OpenPose ControlNets were "
            "trained on. Leave off for SD 1.5.",
        ),
        threshold,
    ]


def _threshold_input(default: float, tooltip: str) -> io.Input:
    return io.Float.Input("score_threshold", default=default, min=0.0, max=1.0, step=0.01, tooltip=tooltip)


class OpenPose(io.ComfyNode):
    """IMAGE -> hint [B, H, W, 3], POSE_KEYPOINT with a frame for every picture, and a report."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerOpenPose",
            display_name="OpenPose",
            category="Steer/Preprocess",
            description=(
                "Finds the people of a picture and draws their poses as OpenPose ControlNets were trained on: "
                "bodies, and if asked hands and faces. Works offline."
            ),
            inputs=[
                io.Image.Input("image", tooltip="The pictures to look for people in."),
                io.Combo.Input(
                    "detector",
                    options=list(POSE_DETECTORS),
                    default="mediapipe",
                    tooltip="mediapipe comes with Steer. openpose: the original networks, if you have them; "
                    "non-commercial use only. dwpose: if you have its files.",
                ),
                *_drawing_inputs(
                    _threshold_input(
                        0.0,
                        "Points the detector is less sure of are not drawn. 0: the detector's own limit, which is 0.3 "
                        "for mediapipe and dwpose; openpose leaves out by itself what it is not sure of.",
                    )
                ),
                io.Boolean.Input(
                    "whole_scores",
                    default=False,
                    tooltip="Write 1 instead of the real score of every point in keypoints: comfyui_controlnet_aux's "
                    "render nodes ignore all other points.",
                ),
                resolution_input(),
                fit_input(),
                io.Boolean.Input(
                    "download",
                    default=False,
                    tooltip="Allow downloading missing weights of openpose (up to 510 MB) or dwpose (350 MB). "
                    "mediapipe needs no download.",
                ),
                latent_input(),
            ],
            outputs=[
                io.Image.Output(display_name="hint", tooltip="The poses on black, for an OpenPose ControlNet."),
                io.Custom("POSE_KEYPOINT").Output(
                    display_name="keypoints",
                    tooltip="All points with their scores, in pixels of the hint, one frame for each picture.",
                ),
                io.String.Output(display_name="report", tooltip="How many people each picture gave, or why none."),
            ],
        )

    @classmethod
    def execute(
        cls,
        image: torch.Tensor,
        detector: str,
        body: bool,
        hands: bool,
        face: bool,
        xinsir_sticks: bool,
        score_threshold: float,
        whole_scores: bool,
        resolution: int,
        fit: str,
        download: bool,
        latent: dict[str, Any] | None = None,
    ) -> io.NodeOutput:
        from ...preprocessors.pictures import draw_on_canvas, place
        from ...preprocessors.pose.detectors import choose_detector as detector_called
        from ...preprocessors.pose.keypoints import write_frame
        from ...preprocessors.pose.people import describe, mark_drawn, place_people
        from ...preprocessors.pose.skeleton import draw_people
        from ...preprocessors.recognise import POSE, is_pose_hint
        from .. import comfy_progress
        from . import comfy_images, comfy_networks

        parts = {"body": body, "hands": hands, "face": face}
        comfy_images.check(image)
        placement = place(comfy_images.size(image), resolution, comfy_images.target_size(latent), fit)
        chosen = detector_called(detector)
        limit = score_threshold or chosen.limit
        names = chosen.needed(hands, face)
        if download:
            comfy_networks.fetch_missing(names)
        comfy_networks.check_weights(names)
        networks = comfy_networks.networks(chosen.builders(names, comfy_networks.weight_folders()))
        hints, frames, report = [], [], []
        for picture in comfy_images.pictures(image):
            if is_pose_hint(picture):
                people = []
                hints.append(draw_on_canvas(picture, placement))
                report.append(
                    comfy_images.describe_pass_on("a pose hint", picture, placement, "pixel by pixel") + _NO_KEYPOINTS
                )
            else:
                found = chosen.find(networks, picture, hands, face)
                people = place_people(found, placement)
                hints.append(
                    draw_people(
                        people, placement.height, placement.width, **parts, stick_scale=xinsir_sticks, threshold=limit
                    )
                )
                told = "" if found else comfy_images.warn_ready_made(picture, POSE)
                report.append(describe(found, people, limit, **parts, why_none=_NOBODY) + told)
                if whole_scores:  # what is not drawn must not look as sure as the rest
                    people = mark_drawn(people, limit, body=True, hands=True, face=True)
            frames.append(write_frame(people, placement.height, placement.width, whole_scores))
        text = comfy_images.number_lines(report)
        comfy_progress.show_text(text)
        return io.NodeOutput(comfy_images.as_image(hints), frames, text)


class PoseRender(io.ComfyNode):
    """POSE_KEYPOINT -> hint [frames, H, W, 3]."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        hands, face = (
            io.Boolean.Input(part, default=True, tooltip=f"Draw the {part}, where there are any.")
            for part in ("hands", "face")
        )
        body, _, _, *drawing = _drawing_inputs(
            _threshold_input(0.3, "Points with a lower score are not drawn. 0 draws all.")
        )
        return io.Schema(
            node_id="SteerPoseRender",
            display_name="Pose Render",
            category="Steer/Preprocess",
            description=(
                "Draws keypoints as OpenPose hints at any size, all frames. Takes keypoints from Steer, ComfyUI, "
                "comfyui_controlnet_aux and OpenPose itself."
            ),
            inputs=[
                io.Custom("POSE_KEYPOINT").Input("keypoints", tooltip="The people to draw, one frame for each hint."),
                io.Int.Input(
                    "width",
                    default=0,
                    min=0,
                    max=16384,
                    step=8,
                    tooltip="Width of the hints in pixels. 0: from the height, or that of the keypoints' canvas.",
                ),
                io.Int.Input(
                    "height",
                    default=0,
                    min=0,
                    max=16384,
                    step=8,
                    tooltip="Height of the hints in pixels. 0: from the width, or that of the keypoints' canvas.",
                ),
                fit_input(),
                body,
                hands,
                face,
                *drawing,
                io.Latent.Input(
                    "latent", optional=True, tooltip="The latent that will be sampled: the hints get exactly its size."
                ),
            ],
            outputs=[
                io.Image.Output(display_name="hint", tooltip="The poses on black, one picture for each frame."),
                io.String.Output(display_name="report", tooltip="How many people each frame has."),
            ],
        )

    @classmethod
    def execute(
        cls,
        keypoints: Any,
        width: int,
        height: int,
        fit: str,
        body: bool,
        hands: bool,
        face: bool,
        xinsir_sticks: bool,
        score_threshold: float,
        latent: dict[str, Any] | None = None,
    ) -> io.NodeOutput:
        from ...preprocessors.pose.keypoints import read_frames
        from ...preprocessors.pose.people import describe
        from ...preprocessors.pose.render import canvas_size, place_frames, render
        from .. import comfy_progress
        from . import comfy_images

        frames = read_frames(keypoints)
        target = comfy_images.target_size(latent)
        if target is not None:
            if width or height:
                raise ValueError(
                    "width, height: a latent is connected and sets the size. Set both to 0 or disconnect it."
                )
            height, width = target
        parts, size = {"body": body, "hands": hands, "face": face}, canvas_size(frames, width, height)
        mark_drawn = render(frames, size, fit, **parts, stick_scale=xinsir_sticks, threshold=score_threshold)
        hints = list(comfy_progress.track_progress(mark_drawn, len(frames)))
        report = comfy_images.number_lines(
            [
                describe(frame.people, people, score_threshold, **parts, why_none="nobody")
                for frame, people in zip(frames, place_frames(frames, size, fit), strict=True)
            ]
        )
        comfy_progress.show_text(report)
        return io.NodeOutput(comfy_images.as_image(hints), report)


NODES: list[type[io.ComfyNode]] = [OpenPose, PoseRender]
