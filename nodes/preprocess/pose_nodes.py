"""The nodes OpenPose and Pose Render."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from ...preprocessors.choices import MAX_SIDE, POSE_DETECTORS
from ..api import fold, io, search_words
from .inputs import declare_fit, declare_latent, declare_resolution

if TYPE_CHECKING:
    from ...preprocessors.pictures import Bytes
    from ...preprocessors.pose.people import Person


def _declare_drawing(threshold: io.Input) -> list[io.Input]:
    return [
        io.Boolean.Input("body", default=True, tooltip="Draw the body."),
        io.Boolean.Input("hands", default=False, tooltip="Find and draw the hands."),
        io.Boolean.Input("face", default=False, tooltip="Find and draw the face."),
        fold(
            io.Boolean.Input(
                "xinsir_sticks",
                default=False,
                tooltip="Draws limbs and joints thicker on large pictures, for xinsir's SDXL OpenPose ControlNets. "
                "Turn it off for SD 1.5.",
            )
        ),
        threshold,
    ]


def _declare_threshold(default: float, tooltip: str) -> io.Input:
    return fold(io.Float.Input("score_threshold", default=default, min=0.0, max=1.0, step=0.01, tooltip=tooltip))


class OpenPose(io.ComfyNode):
    """IMAGE -> hint [B, H, W, 3], POSE_KEYPOINT with a frame for every picture, and a report."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerOpenPose",
            **search_words("openpose", "dwpose", "pose estimation", "skeleton", "controlnet preprocessor"),
            display_name="OpenPose",
            category="Steer/Preprocess",
            description=(
                "Finds the people of a picture and draws their poses for OpenPose ControlNets: bodies, "
                "and also hands and faces if you turn them on. Works offline."
            ),
            inputs=[
                io.Image.Input("image", tooltip="The pictures to look for people in."),
                io.Combo.Input(
                    "detector",
                    options=list(POSE_DETECTORS),
                    default="mediapipe",
                    tooltip="mediapipe comes with Steer. openpose: the original networks, if you have "
                    "them, for non-commercial use only. dwpose: if you have its files.",
                ),
                *_declare_drawing(
                    _declare_threshold(
                        0.0,
                        "Points with a lower score are not drawn. 0: the detector's own limit, 0.3 for mediapipe and "
                        "dwpose. openpose leaves out uncertain points by itself.",
                    )
                ),
                fold(
                    io.Boolean.Input(
                        "whole_scores",
                        default=False,
                        tooltip="Writes the score 1 for every point that is drawn in keypoints. The render "
                        "nodes of comfyui_controlnet_aux ignore points with another score.",
                    )
                ),
                declare_resolution(),
                declare_fit(),
                io.Boolean.Input(
                    "download",
                    default=False,
                    tooltip="Allows the download of missing weights of openpose (up to 510 MB) or dwpose "
                    "(350 MB). mediapipe needs no download.",
                ),
                declare_latent(),
            ],
            outputs=[
                io.Image.Output(display_name="hint", tooltip="The poses on black, for an OpenPose ControlNet."),
                io.Custom("POSE_KEYPOINT").Output(
                    display_name="keypoints",
                    tooltip="All points with their scores, in pixels of the hint, one frame for each picture.",
                ),
                io.String.Output(
                    display_name="report", tooltip="How many people each picture has, or why there are none."
                ),
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
        from ...preprocessors.pose.detectors import choose_detector
        from ...preprocessors.pose.hint import make_hint
        from ...preprocessors.pose.keypoints import write_frame
        from ...preprocessors.pose.people import select_drawn
        from ...preprocessors.report import number_lines
        from .. import comfy_progress
        from . import comfy_images, comfy_networks

        pictures, placement = comfy_images.open_batch(image, resolution, latent, fit)
        chosen = choose_detector(detector)
        limit = score_threshold or chosen.limit
        names = chosen.list_networks(hands, face)
        if download:
            comfy_networks.fetch_missing(names)
        comfy_networks.check_weights(names)
        networks = comfy_networks.load_networks(chosen.list_builders(names, comfy_networks.list_weight_folders()))

        def find_people(picture: Bytes) -> list[Person]:
            return chosen.find_people(networks, picture, hands, face)

        hints = [
            make_hint(
                picture,
                placement,
                find_people,
                limit,
                body=body,
                hands=hands,
                face=face,
                stick_scale=xinsir_sticks,
            )
            for picture in pictures
        ]
        frames = []
        for hint in hints:
            people = hint.people
            if whole_scores:  # what is not drawn must not look as sure as the rest
                people = select_drawn(people, limit, body=True, hands=True, face=True)
            frames.append(write_frame(people, *placement.size, whole_scores))
        report = number_lines([hint.report for hint in hints])
        comfy_progress.show_text(report)
        image = comfy_images.to_image([hint.picture for hint in hints])
        return io.NodeOutput(image, frames, report, ui=comfy_images.show_hints(image, cls))


class PoseRender(io.ComfyNode):
    """POSE_KEYPOINT -> hint [frames, H, W, 3]."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        hands = io.Boolean.Input("hands", default=True, tooltip="Draw the hands, if there are any.")
        face = io.Boolean.Input("face", default=True, tooltip="Draw the face, if there is one.")
        body, _, _, *drawing = _declare_drawing(
            _declare_threshold(0.3, "Points with a lower score are not drawn. 0 draws all.")
        )
        return io.Schema(
            node_id="SteerPoseRender",
            **search_words("openpose", "dwpose", "keypoints", "skeleton"),
            display_name="Pose Render",
            category="Steer/Preprocess",
            description=(
                "Draws keypoints as OpenPose hints at any size, all frames. Takes keypoints of Steer, "
                "ComfyUI, comfyui_controlnet_aux and OpenPose itself."
            ),
            inputs=[
                io.Custom("POSE_KEYPOINT").Input("keypoints", tooltip="The people to draw, one frame for each hint."),
                io.Int.Input(
                    "width",
                    default=0,
                    min=0,
                    max=MAX_SIDE,
                    step=8,
                    tooltip="Width of the hints in pixels. 0: follows the height, or is that of the keypoints' canvas.",
                ),
                io.Int.Input(
                    "height",
                    default=0,
                    min=0,
                    max=MAX_SIDE,
                    step=8,
                    tooltip="Height of the hints in pixels. 0: follows the width, or is that of the keypoints' canvas.",
                ),
                declare_fit(),
                body,
                hands,
                face,
                *drawing,
                declare_latent("The hints get"),
            ],
            outputs=[
                io.Image.Output(display_name="hint", tooltip="The poses on black, one picture for each frame."),
                io.String.Output(
                    display_name="report", tooltip="How many people each frame has, or why there are none."
                ),
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
        from ...preprocessors.pose.keypoints import describe_units, read_frames
        from ...preprocessors.pose.people import describe
        from ...preprocessors.pose.render import choose_canvas_size, place_frames, render
        from ...preprocessors.report import number_lines
        from .. import comfy_progress
        from . import comfy_images

        target = comfy_images.target_size(latent)
        if target is not None:
            if width or height:
                raise ValueError(
                    "width, height: a latent is connected and sets the size. Set both to 0 or disconnect it."
                )
            height, width = target
        frames = read_frames(keypoints, (height, width) if height and width else None)
        parts, size = {"body": body, "hands": hands, "face": face}, choose_canvas_size(frames, width, height)
        drawings = render(frames, size, fit, **parts, stick_scale=xinsir_sticks, threshold=score_threshold)
        hints = list(comfy_progress.track_progress(drawings, len(frames)))
        report = number_lines(
            [
                describe(frame.people, people, score_threshold, **parts, why_none="nobody")
                for frame, people in zip(frames, place_frames(frames, size, fit), strict=True)
            ]
        )
        report = "\n".join(filter(None, [report, describe_units(frames)]))
        comfy_progress.show_text(report)
        return io.NodeOutput(comfy_images.to_image(hints), report)


NODES: list[type[io.ComfyNode]] = [OpenPose, PoseRender]
