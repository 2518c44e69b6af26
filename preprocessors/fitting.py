"""What crop, pad and stretch do with a picture that comes onto a canvas of another shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .choices import FITS

Size = tuple[int, int]  # height, width


@dataclass(frozen=True)
class Fitted:
    """The part of a picture that is kept, the size it is brought to, and where that lies on the canvas."""

    rows: slice
    columns: slice
    inner: Size
    top: int
    left: int

    def on(self) -> tuple[slice, slice]:
        """Rows and columns of the canvas that the picture covers; the rest is black."""
        return slice(self.top, self.top + self.inner[0]), slice(self.left, self.left + self.inner[1])


def check_fit(fit: str) -> None:
    """Raises ValueError for an unknown fit."""
    if fit not in FITS:
        raise ValueError(f"fit: '{fit}' is unknown. Choose one of {', '.join(FITS)}.")


def picture_size(latent: Mapping[str, Any], cell: int = 8) -> Size:
    """(height, width) in pixels of what a LATENT decodes to.

    cell: pixels across a cell, unless the latent itself says another number, as newer ComfyUIs' empty ones do.
    """
    cell = latent.get("downscale_ratio_spacial", cell)
    height, width = latent["samples"].shape[-2:]
    return round(height * cell), round(width * cell)


def fit_pixels(size: Size, target: Size, fit: str) -> Fitted:
    """How a picture of `size` comes onto a canvas of `target`, in whole pixels.

    "crop" fills the canvas and cuts the rest, with the cut and rounding of comfy.utils.common_upscale; "pad" shows all
    and leaves bars; "stretch" changes the proportions. ValueError for another fit.
    """
    check_fit(fit)
    (height, width), (rows, columns) = size, target
    x = y = 0
    inner = target
    if fit == "crop":
        old, new = width / height, columns / rows
        x = round((width - width * (new / old)) / 2) if old > new else 0
        y = round((height - height * (old / new)) / 2) if old < new else 0
    elif fit == "pad":
        scale = min(rows / height, columns / width)
        inner = max(1, round(height * scale)), max(1, round(width * scale))
    return Fitted(slice(y, height - y), slice(x, width - x), inner, (rows - inner[0]) // 2, (columns - inner[1]) // 2)
