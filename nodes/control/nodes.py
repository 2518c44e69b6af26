"""The nodes of the family Control."""

from __future__ import annotations

import logging
from typing import Any

import torch

from ...preprocessors.pictures import FITS
from ..api import io
from ..preprocess.engine import tell
from .engine import Conditioning, apply_stack, check_batch, check_net, target_size
from .families import MODEL, NET, GetNode, check_family, name_upstream
from .fit import ASPECT_TOLERANCE, Hint, prepared
from .masks import check_mask, feathered_batch
from .stack import CONTROL_STACK_TYPE, MODES, Control, ControlStack, check_control

CATEGORY = "Steer/Control"

log = logging.getLogger(__name__)


class ControlNetGuide(io.ComfyNode):
    """CONDITIONING with a ControlNet, and the stack that Sweep takes."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerControlNetGuide",
            display_name="ControlNet Guide",
            category=CATEGORY,
            description="Applies a ControlNet as ComfyUI's own node does, and adds control modes, a mask, a hint that "
            "fits the picture, and a report of what it found.",
            inputs=[
                io.Conditioning.Input("positive", tooltip="What the picture should show."),
                io.Conditioning.Input("negative", tooltip="What to keep out."),
                io.ControlNet.Input("control_net", tooltip="From Load ControlNet Model or Demo ControlNet."),
                io.Float.Input("strength", default=1.0, min=0.0, max=10.0, step=0.01,
                               tooltip="How strongly the hint counts. 0: the ControlNet is not run at all."),
                io.Float.Input("start_percent", default=0.0, min=0.0, max=1.0, step=0.001,
                               tooltip="From which part of sampling on it acts; 0 is the beginning."),
                io.Float.Input("end_percent", default=1.0, min=0.0, max=1.0, step=0.001,
                               tooltip="Until which part of sampling it acts; 1 is the end. 0.5 leaves the details "
                                   "to the prompt."),
                io.Combo.Input("mode", options=list(MODES), default=MODES[0],
                               tooltip="balanced: as ComfyUI does. prompt: the prompt wins where the two disagree. "
                                   "control: the hint wins."),
                io.Combo.Input("fit", options=list(FITS), default="crop",
                               tooltip="When the hint has another shape than the latent: crop fills it, pad shows "
                                   "everything with black bars, stretch changes the proportions."),
                io.Int.Input("feather", default=16, min=0, max=1024,
                             tooltip="How many pixels inside the edge of the mask the control fades."),
                io.Image.Input("image", optional=True,
                               tooltip="The hint: edges, lines, a skeleton. One for all pictures, or one for each."),
                io.Latent.Input("latent", optional=True,
                                tooltip="The latent that will be sampled. It tells the size, so that the hint is made "
                                    "to fit."),
                io.Mask.Input("mask", optional=True,
                              tooltip="Where the ControlNet acts. Outside it, it changes nothing."),
                io.Custom("POSE_KEYPOINT").Input("keypoints", optional=True,
                                                 tooltip="Poses that are drawn at the picture's size, in the place of "
                                                     "image."),
                io.Custom("STEER_LINES").Input("lines", optional=True,
                                               tooltip="Lines of M-LSD that are drawn at the picture's size, in the "
                                                   "place of image."),
                io.Vae.Input("vae", optional=True,
                             tooltip="For ControlNets of SD 3, Flux and Qwen that take the hint as a latent."),
                io.Custom(CONTROL_STACK_TYPE).Input("control", optional=True,
                                                    tooltip="The stack of the ControlNet Guide before this one, to "
                                                        "hand both to Sweep."),
            ],
            outputs=[
                io.Conditioning.Output(display_name="positive", tooltip="The prompt with the ControlNet."),
                io.Conditioning.Output(display_name="negative", tooltip="The negative prompt with the ControlNet."),
                io.Custom(CONTROL_STACK_TYPE).Output(
                    display_name="control", tooltip="This ControlNet after those of the incoming stack, for Sweep."
                ),
                io.Image.Output(display_name="hint", tooltip="The hint as the ControlNet gets it."),
                io.String.Output(display_name="report", tooltip="What was done to the hint and what looks wrong."),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.dynprompt],
        )  # fmt: skip

    @classmethod
    def execute(  # pyright: ignore[reportIncompatibleMethodOverride]  # V3 passes the inputs by name
        cls,
        positive: Conditioning,
        negative: Conditioning,
        control_net: Any,
        strength: float,
        start_percent: float,
        end_percent: float,
        mode: str,
        fit: str,
        feather: int,
        image: torch.Tensor | None = None,
        latent: dict[str, Any] | None = None,
        mask: torch.Tensor | None = None,
        keypoints: Any = None,
        lines: Any = None,
        vae: Any = None,
        control: ControlStack | None = None,
    ) -> io.NodeOutput:
        check_net(control_net, vae)
        node_id, get_node = str(cls.hidden.unique_id or ""), _get_node(cls.hidden.dynprompt)
        name = name_upstream(get_node, node_id, "control_net", NET)
        check_family(control_net, (positive, negative), name, name_upstream(get_node, node_id, "positive", MODEL))
        hint = prepared(image, keypoints, lines, target_size(control_net, latent, vae), fit)
        check_batch("hints", len(hint.image), latent)
        area, notes = _mask(mask, feather, hint, latent)
        own = Control(
            control_net, hint.image, strength, start_percent, end_percent, mode, mask=area, vae=vae, name=name
        )
        check_control(own)
        positive, negative = apply_stack((own,), positive, negative)
        report = "\n".join([_summary(own), *hint.notes, *notes])
        tell(report)
        return io.NodeOutput(positive, negative, (*(control or ()), own), hint.image, report)


def _summary(own: Control) -> str:
    if own.strength == 0:
        return "strength 0: the ControlNet is left out"
    span = "" if (own.start_percent, own.end_percent) == (0, 1) else (
        f", from {own.start_percent:.0%} to {own.end_percent:.0%} of sampling"
    )  # fmt: skip
    return f"{own.name or 'ControlNet'}: strength {own.strength:g}, {own.mode}{span}"


def _mask(
    mask: torch.Tensor | None, feather: int, hint: Hint, latent: dict[str, Any] | None
) -> tuple[torch.Tensor | None, list[str]]:
    """The mask feathered, and what to tell of it."""
    if mask is None:
        return None, []
    area = feathered_batch(check_mask(mask), feather)
    check_batch("masks", len(area), latent)
    (height, width), (rows, columns) = area.shape[-2:], hint.image.shape[1:3]
    if abs(width * rows / (height * columns) - 1) > ASPECT_TOLERANCE:
        return area, [
            f"the mask is {width}x{height}, the hint {columns}x{rows}: the mask is stretched onto the picture"
        ]
    return area, [f"acts on {float(area.mean()):.0%} of the picture"]


def _get_node(dynprompt: Any) -> GetNode:
    """The nodes of the graph that runs; none when the node is called by itself."""
    return lambda node_id: dynprompt.get_node(node_id) if dynprompt and dynprompt.has_node(node_id) else None


NODES: list[type[io.ComfyNode]] = [ControlNetGuide]
