"""The node Face Mask."""

from __future__ import annotations

from typing import Any

import torch

from ..api import fold, io, search_words, ui
from .choices import ALL, CATEGORY, EXPRESSION, REGIONS


class FaceMask(io.ComfyNode):
    """IMAGE or POSE_KEYPOINT -> MASK [B, H, W] and a report."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerFaceMask",
            **search_words("face detailer", "face detection", "expression", "inpaint face"),
            display_name="Face Mask",
            category=CATEGORY,
            description="Finds faces and makes masks of them: the whole face, or the mouth, brows and "
            "eyes that an expression needs. Works offline, on photographs and drawings.",
            inputs=[
                io.Combo.Input(
                    "region",
                    options=list(REGIONS),
                    default=EXPRESSION,
                    tooltip="Which part of a face is in the mask. An expression needs mouth, brows and eyes.",
                ),
                fold(
                    io.String.Input(
                        "faces",
                        default=ALL,
                        tooltip="Which faces: all, or numbers such as 1, 3. They are counted from the left.",
                    )
                ),
                io.Int.Input(
                    "grow",
                    default=0,
                    min=-1024,
                    max=1024,
                    tooltip="Makes the mask larger by this many pixels on all sides. A value below 0 makes it smaller.",
                ),
                fold(
                    io.Int.Input(
                        "feather",
                        default=8,
                        min=0,
                        max=1024,
                        tooltip="The mask fades over this many pixels inside its edge. Outside it is exactly 0.",
                    )
                ),
                io.Image.Input("image", optional=True, tooltip="The pictures to look for faces in."),
                io.Custom("POSE_KEYPOINT").Input(
                    "keypoints",
                    optional=True,
                    tooltip="Poses with faces. The faces are taken from them, and the picture only gives the size.",
                ),
            ],
            outputs=[
                io.Mask.Output(display_name="mask", tooltip="The faces, one mask for each picture."),
                io.String.Output(
                    display_name="report", tooltip="How many faces each picture has, or why the mask is empty."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        region: str,
        faces: str,
        grow: int,
        feather: int,
        image: torch.Tensor | None = None,
        keypoints: Any = None,
    ) -> io.NodeOutput:
        from .comfy_face import make_masks

        mask, report = make_masks(image, keypoints, region, faces, grow, feather)
        return io.NodeOutput(mask, report, ui=ui.PreviewImage(mask[..., None].expand(-1, -1, -1, 3), cls=cls))


NODES: list[type[io.ComfyNode]] = [FaceMask]
