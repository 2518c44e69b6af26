"""Inputs that several preprocessors share: where the hint gets its size from."""

from __future__ import annotations

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
