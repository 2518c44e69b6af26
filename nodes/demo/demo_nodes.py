"""The nodes of the family Demo."""

from __future__ import annotations

from ...demo import store
from ...demo.networks import CONTROL_KINDS
from ..api import io, ui
from . import comfy_model, pictures

CATEGORY = "Steer/Demo"


class DemoPicture(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerDemoPicture",
            display_name="Demo Picture",
            category=CATEGORY,
            description="A picture that ships with Steer, so that a workflow runs at once. Replace it by Load Image.",
            inputs=[
                io.Combo.Input(
                    "picture",
                    options=list(pictures.NAMES),
                    default=pictures.NAMES[0],
                    tooltip="Which picture. All are 512 x 512 and were drawn for Steer.",
                )
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The picture."),
                io.Custom("POSE_KEYPOINT").Output(
                    display_name="keypoints",
                    tooltip="The joints of the people in it, as the drawing knows them, for Pose Render.",
                ),
            ],
        )

    @classmethod
    def execute(cls, picture: str) -> io.NodeOutput:
        image = pictures.load_picture(picture)
        return io.NodeOutput(image, pictures.load_keypoints(picture), ui=ui.PreviewImage(image, cls=cls))


class DemoModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerDemoModel",
            display_name="Demo Model",
            category=CATEGORY,
            description="A tiny model of the SD 1.x family that ships with Steer: no download, 256 x 256 drawings, "
            "quick on a processor. Replace it by Load Checkpoint.",
            inputs=[],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The model that removes noise from latents."),
                io.Clip.Output(display_name="clip", tooltip="The text encoder, for CLIP Text Encode."),
                io.Vae.Output(display_name="vae", tooltip="Turns latents into pictures and pictures into latents."),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls) -> str:
        """New weights, of an update of Steer, make new pictures: also those that a sweep's folder holds of the old."""
        return store.fingerprint("vae", "text_encoder", "unet")

    @classmethod
    def execute(cls) -> io.NodeOutput:
        return io.NodeOutput(comfy_model.load_model(), comfy_model.load_clip(), comfy_model.load_vae())


class DemoControlNet(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerDemoControlNet",
            display_name="Demo ControlNet",
            category=CATEGORY,
            description="A ControlNet that fits the Demo Model. Replace it by Load ControlNet Model.",
            inputs=[
                io.Combo.Input(
                    "kind",
                    options=list(CONTROL_KINDS),
                    default=CONTROL_KINDS[0],
                    tooltip="What the hint shows: the edges of a picture (canny), the straight lines of a room (mlsd) "
                    "or a skeleton (openpose).",
                )
            ],
            outputs=[
                io.ControlNet.Output(display_name="control_net", tooltip="For ControlNet Guide or Apply ControlNet.")
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, kind: str) -> str:
        return store.fingerprint(f"controlnet-{kind}")

    @classmethod
    def execute(cls, kind: str) -> io.NodeOutput:
        return io.NodeOutput(comfy_model.load_controlnet(kind))
