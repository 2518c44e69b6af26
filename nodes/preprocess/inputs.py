"""Inputs that several preprocessors share: where the hint gets its size from."""

from __future__ import annotations

from ...preprocessors.choices import FITS
from ..api import io


def resolution_input() -> io.Input:
    return io.Int.Input(
        "resolution",
        default=0,
        min=0,
        max=16384,
        step=8,
        tooltip="Short side of the hint in pixels. 0: the size of the latent if one is connected, else "
        "that of the picture.",
    )


def latent_input() -> io.Input:
    return io.Latent.Input(
        "latent", optional=True, tooltip="The latent that will be sampled: the hint gets exactly its size."
    )


def fit_input(optional: bool = False) -> io.Input:
    return io.Combo.Input(
        "fit",
        options=list(FITS),
        default="crop",
        optional=optional,
        tooltip="When the hint has another shape than the picture: crop fills it, pad shows everything with black "
        "bars, stretch changes the proportions.",
    )
