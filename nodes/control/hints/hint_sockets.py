"""The inputs that every node with a hint has in common."""

from __future__ import annotations

from ....preprocessors.choices import FITS
from ...api import io


def declare_hint(what: str) -> io.Input:
    """The one input for a hint: a picture, or what a hint is drawn from. what: the pictures it takes, for the tooltip.

    Nodes of older workflows have two inputs more, `keypoints` and `lines`, which still work.
    """
    return io.MultiType.Input(
        "image",
        [io.Image, io.Custom("POSE_KEYPOINT"), io.Custom("STEER_LINES")],
        optional=True,
        tooltip=f"{what} Keypoints and lines are drawn at the picture's size.",
    )


def declare_latent() -> io.Input:
    """The latent that the hint is made to fit."""
    return io.Latent.Input(
        "latent", optional=True, tooltip="The latent that will be sampled. The hint is made to fit its size."
    )


def declare_fit() -> io.Input:
    """How a hint of another shape is brought to the latent's."""
    return io.Combo.Input(
        "fit",
        options=list(FITS),
        default="crop",
        tooltip="For a hint of another shape than the latent. crop fills it, pad shows everything with black bars, "
        "stretch changes the proportions.",
    )
