"""What an exported weight file says about itself."""

from __future__ import annotations

from typing import Any


def describe_weights(notes: dict[str, Any], **more: str) -> dict[str, str]:
    """The metadata of an exported file: what every file says, from a checkpoint's notes, and `more`."""
    return {
        "data_version": str(notes["scenes"]),
        "steps": str(notes["step"]),
        "license": "Apache-2.0",
        "source": "trained from nothing by Steer on pictures drawn by demo/scenes",
        **more,
    }
