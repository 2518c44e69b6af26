"""Inputs that several preprocessors share: where the hint gets its size from."""

from __future__ import annotations

from ...preprocessors.choices import FITS, MAX_SIDE
from ..api import io


def declare_resolution() -> io.Input:
    """The widget `resolution`: INT, short side in pixels."""
    return io.Int.Input(
        "resolution",
        default=0,
        min=0,
        max=MAX_SIDE,
        step=8,
        tooltip="Short side of the hint in pixels. 0: the size of the latent if one is connected, else the size of "
        "the picture.",
    )


def declare_latent(which: str = "The hint gets") -> io.Input:
    """The optional socket `latent`; `which` hints get its size."""
    return io.Latent.Input(
        "latent", optional=True, tooltip=f"The latent that you will sample. {which} exactly its size."
    )


def declare_fit(optional: bool = False) -> io.Input:
    """The widget `fit`: COMBO of FITS."""
    return io.Combo.Input(
        "fit",
        options=list(FITS),
        default="crop",
        optional=optional,
        tooltip="When the shapes differ: crop fills the hint, pad shows everything with black bars, stretch changes "
        "the proportions.",
    )
