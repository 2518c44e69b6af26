"""The size of pictures that a model was taught, where it says so: the embedded model does."""

from __future__ import annotations

from typing import Any

KEY = "steer_taught_size"  # of the attachment of a MODEL: the side of a picture in pixels


def note_size(model: Any, size: tuple[int, int]) -> str:
    """What is wrong with pictures of `size` (height, width in pixels) for a MODEL; empty if nothing is known to be."""
    attachment = getattr(model, "get_attachment", None)
    side = attachment(KEY) if attachment else None
    if side is None or size == (side, side):
        return ""
    return (
        f"latent: it makes pictures of {size[1]} x {size[0]}, and the Demo Model was taught {side} x {side} alone. Set "
        f"width and height to {side}, or use a checkpoint."
    )
