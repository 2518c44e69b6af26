"""The nodes of the family Demo."""

from __future__ import annotations

from ...demo.networks import CONTROL_KINDS
from ...demo.picture_files import CHOICES
from ..api import io, search_words, ui

CATEGORY = "Steer/Demo"


class DemoPicture(io.ComfyNode):
    """One of the pictures that ship with Steer, with the joints of its people."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerDemoPicture",
            **search_words("load image", "example picture"),
            display_name="Demo Picture",
            category=CATEGORY,
            description="A picture that comes with Steer, so that a workflow runs at once. Replace it by Load Image.",
            inputs=[
                io.Combo.Input(
                    "picture",
                    options=list(CHOICES),
                    default=CHOICES[0],
                    tooltip="Which picture. All are 512 x 512 and drawn for Steer.",
                )
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The picture."),
                io.Custom("POSE_KEYPOINT").Output(
                    display_name="keypoints",
                    tooltip="The joints of the people in it, for Pose Render. They come from the drawing itself.",
                ),
            ],
        )

    @classmethod
    def execute(cls, picture: str) -> io.NodeOutput:
        from .pictures import load_keypoints, load_picture

        image = load_picture(picture)
        return io.NodeOutput(image, load_keypoints(picture), ui=ui.PreviewImage(image, cls=cls))


class DemoModel(io.ComfyNode):
    """The MODEL, CLIP and VAE that ship with Steer."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerDemoModel",
            **search_words("load checkpoint", "example model"),
            display_name="Demo Model",
            category=CATEGORY,
            description="A tiny model of the SD 1.x family that comes with Steer: no download, drawings "
            "of 256 x 256, quick on a processor. Replace it by Load Checkpoint.",
            inputs=[],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The model that removes noise from latents."),
                io.Clip.Output(display_name="clip", tooltip="The text encoder, for CLIP Text Encode."),
                io.Vae.Output(display_name="vae", tooltip="Turns latents into pictures and pictures into latents."),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls) -> str:
        """Changes with the weights: after an update of Steer, nodes run again and sweeps make their pictures again."""
        from ...demo import store

        return store.fingerprint("vae", "text_encoder", "unet")

    @classmethod
    def execute(cls) -> io.NodeOutput:
        from .comfy_model import load_clip, load_model, load_vae

        return io.NodeOutput(load_model(), load_clip(), load_vae())


class DemoControlNet(io.ComfyNode):
    """A CONTROL_NET that ships with Steer."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerDemoControlNet",
            **search_words("load controlnet", "example controlnet"),
            display_name="Demo ControlNet",
            category=CATEGORY,
            description="A ControlNet that fits the Demo Model. Replace it by Load ControlNet Model.",
            inputs=[
                io.Combo.Input(
                    "kind",
                    options=list(CONTROL_KINDS),
                    default=CONTROL_KINDS[0],
                    tooltip="What the hint shows: edges of a picture (canny), straight lines of a room "
                    "(mlsd) or a skeleton (openpose).",
                )
            ],
            outputs=[
                io.ControlNet.Output(display_name="control_net", tooltip="For ControlNet Guide or Apply ControlNet.")
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, kind: str) -> str:
        """Changes with the weights, as that of Demo Model."""
        from ...demo import store

        return store.fingerprint(f"controlnet-{kind}")

    @classmethod
    def execute(cls, kind: str) -> io.NodeOutput:
        from .comfy_model import load_controlnet

        return io.NodeOutput(load_controlnet(kind))
