"""What every detector does with a picture before and after: checks, bytes, sizes and placement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from .choices import FITS, MAX_SIDE

Bytes: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]
Size: TypeAlias = tuple[int, int]  # height, width

# Pixels across a cell, by the number of axes and channels, where they are not 8: Flux.2, HunyuanImage 2.1, Wan 2.2 5B
# and LTX Video. As ComfyUI's latent_formats.py and the ratios of its VAEs say (0.3.75).
_CELLS = {(4, 128): 16, (4, 64): 32, (5, 48): 16, (5, 128): 32}
_ONE_BITS = 0x3F800000  # float32 1.0 as an integer; larger: above 1, negative (also -0.0), infinite or NaN


def check_pictures(images: torch.Tensor) -> None:
    """Check that an IMAGE is float [B, H, W, C] with at least one picture and 1, 3 or 4 channels.

    Raises:
        ValueError: it is not.
    """
    if images.ndim != 4 or not images.is_floating_point():
        raise ValueError(
            f"image: expected pictures as floats [batch, height, width, channels], got {images.dtype} of shape "
            f"{list(images.shape)}. Connect an IMAGE output."
        )
    if 0 in images.shape[:3]:
        raise ValueError(
            f"image: the batch is empty (shape {list(images.shape)}). Check that the node before it gives at least "
            f"one picture."
        )
    if images.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"image: {images.shape[-1]} channels, but 1 (grey), 3 (RGB) or 4 (RGBA) are needed. Convert it to RGB."
        )


def read_picture(images: torch.Tensor, index: int) -> Bytes:
    """Picture `index` of an IMAGE [B, H, W, C] in 0..1 as uint8 [H, W, 3]; RGBA is laid on white.

    Raises:
        ValueError: it has pixels that are NaN or infinite.
    """
    picture = to_bytes(images[index].detach().to("cpu", torch.float32).numpy(), index)
    return np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture


def read_pictures(images: torch.Tensor) -> Iterator[Bytes]:
    """Each picture of an IMAGE in turn, as `read_picture` gives it."""
    for index in range(len(images)):
        yield read_picture(images, index)


def to_bytes(picture: Floats, index: int = 0) -> Bytes:
    """[H, W, C] in 0..1 -> bytes [H, W] if C = 1, else [H, W, 3].

    Rounded to the nearest byte: a picture loaded from a PNG gives back exactly the bytes of the file. Values outside
    0..1 are clipped; RGBA is laid on white. index: for the message.

    Raises:
        ValueError: pixels are NaN or infinite.
    """
    import cv2

    height, width, channels = picture.shape
    if channels == 4:
        picture = _clip(picture, index)
        alpha = picture[..., 3:]
        picture = picture[..., :3] * alpha + (1 - alpha)
        channels = 3
    flat = np.ascontiguousarray(picture).reshape(height, width * channels)
    if flat.view(np.uint32).max() > _ONE_BITS:
        flat = _clip(flat, index)
    out = np.asarray(cv2.convertScaleAbs(flat, alpha=255.0), np.uint8)
    return out if channels == 1 else out.reshape(height, width, 3)


def _clip(values: Floats, index: int) -> Floats:
    if not np.isfinite(values).all():
        raise ValueError(
            f"image: picture {index + 1} has pixels that are NaN or infinite. Repair the node that made it; "
            "after a VAE Decode, run the VAE in 32-bit (--fp32-vae)."
        )
    return np.clip(values, 0.0, 1.0)


def size_of_latent(latent: Mapping[str, Any], cell: int | None = None) -> Size:
    """(height, width) in pixels of what a LATENT decodes to.

    cell: pixels across a cell; without it, what the channels say. What the latent itself says counts first: newer
    ComfyUIs write it into their empty ones.
    """
    shape = latent["samples"].shape
    if cell is None:
        cell = _CELLS.get((len(shape), int(shape[1])), 8)
    cell = latent.get("downscale_ratio_spacial", cell)
    height, width = shape[-2:]
    return round(height * cell), round(width * cell)


def scale_size(height: int, width: int, resolution: int) -> Size:
    """(height, width) once the short side is `resolution` pixels long; 0 keeps the size.

    Raises:
        ValueError: `resolution` is negative, or a side would be over 16384.
    """
    if resolution == 0:
        return height, width
    scale = resolution / min(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    if resolution < 0 or max(size) > MAX_SIDE:
        raise ValueError(
            f"resolution: a short side of {resolution} makes this {width}x{height} picture {size[1]}x{size[0]}; "
            f"sides may be 1 to {MAX_SIDE}. Choose another resolution, or 0 to keep the size."
        )
    return size


def resize(picture: Bytes, size: Size) -> Bytes:
    """The picture at (height, width): area averaging down, Lanczos up, as controlnet_aux's `resize_image` does."""
    import cv2

    if picture.shape[:2] == size:
        return picture
    larger = size[0] * size[1] > picture.shape[0] * picture.shape[1]
    method = cv2.INTER_LANCZOS4 if larger else cv2.INTER_AREA
    return np.asarray(cv2.resize(picture, (size[1], size[0]), interpolation=method), np.uint8)


def check_fit(fit: str) -> None:
    """Check that `fit` is one of FITS.

    Raises:
        ValueError: it is not.
    """
    if fit not in FITS:
        raise ValueError(f"fit: '{fit}' is unknown. Choose one of {', '.join(FITS)}.")


@dataclass(frozen=True)
class Placement:
    """Where a picture's points lie on the canvas of a hint: x * scale_x + offset_x, y * scale_y + offset_y.

    height, width: of the canvas in pixels.
    """

    height: int
    width: int
    scale_x: float
    scale_y: float
    offset_x: float
    offset_y: float

    @property
    def size(self) -> Size:
        """(height, width) of the canvas."""
        return self.height, self.width

    def move(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """[..., 2] of x, y in pixels of the picture -> the same in pixels of the canvas."""
        return points * np.array([self.scale_x, self.scale_y]) + np.array([self.offset_x, self.offset_y])

    def is_identity(self, size: tuple[int, ...]) -> bool:
        """Whether it changes nothing in a picture of `size` (height, width)."""
        return self.size == size and self.scale_x == self.scale_y == 1 and self.offset_x == self.offset_y == 0


def place(size: Size, resolution: int = 0, target: Size | None = None, fit: str = "crop") -> Placement:
    """How a picture of `size` (height, width) comes onto the canvas of its hint.

    target: (height, width) of the canvas, from a latent; `fit` says what happens when its shape differs. Without it the
    picture keeps its shape, and its short side becomes `resolution` pixels long (0: as it is).

    Raises:
        ValueError: both are given, the fit is unknown, or a side would be over 16384.
    """
    height, width = size
    check_fit(fit)
    if target is None:
        return fit_points(size, scale_size(height, width, resolution), "stretch")
    if resolution:
        raise ValueError(
            f"resolution: {resolution} and a latent are both given, and each sets the hint's size. Set resolution to 0 "
            "or disconnect the latent."
        )
    if not 1 <= min(target) <= max(target) <= MAX_SIDE:
        raise ValueError(f"latent: it makes a hint of {target[1]}x{target[0]} pixels; sides may be 1 to {MAX_SIDE}.")
    return fit_points(size, target, fit)


def fit_points(size: Size, target: Size, fit: str) -> Placement:
    """How points of a picture of `size` (height, width) come onto a canvas of `target`, exactly.

    "crop" fills the canvas and cuts the rest, "pad" shows all and leaves bars, "stretch" changes the proportions.
    `fit_pixels` does the same with pixels. They are two, because pixels are cut between whole ones, as ComfyUI cuts
    them, and points keep their fractions: 512 pixels that become 768 are scaled by 1.5 here, and by 512 / 342 there.

    Raises:
        ValueError: the fit is unknown.
    """
    check_fit(fit)
    ratios = target[1] / size[1], target[0] / size[0]
    if fit == "stretch":
        return Placement(*target, *ratios, 0.0, 0.0)
    scale = max(ratios) if fit == "crop" else min(ratios)
    return Placement(*target, scale, scale, (target[1] - size[1] * scale) / 2, (target[0] - size[0] * scale) / 2)


@dataclass(frozen=True)
class PixelFit:
    """The rows and columns of a picture that are used, the size they are resized to, and where that lies on a canvas.

    inner: (height, width). top, left: of it on the canvas, in pixels.
    """

    rows: slice
    columns: slice
    inner: Size
    top: int
    left: int

    @property
    def on_canvas(self) -> tuple[slice, slice]:
        """Rows and columns of the canvas that the picture covers; the rest is black."""
        return slice(self.top, self.top + self.inner[0]), slice(self.left, self.left + self.inner[1])


def fit_pixels(size: Size, target: Size, fit: str) -> PixelFit:
    """How a picture of `size` (height, width) comes onto a canvas of `target`, in whole pixels.

    As `fit_points`, with the cut and rounding of comfy.utils.common_upscale for "crop".

    Raises:
        ValueError: the fit is unknown.
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
    top, left = (rows - inner[0]) // 2, (columns - inner[1]) // 2
    return PixelFit(slice(y, height - y), slice(x, width - x), inner, top, left)


def move_pixels(picture: Bytes, placement: Placement) -> Bytes:
    """A ready-made hint, uint8 [H, W, 3], on the canvas; its colours are not mixed (nearest pixel)."""
    import cv2

    if placement.is_identity(picture.shape[:2]):
        return picture
    matrix = np.array([[placement.scale_x, 0, placement.offset_x], [0, placement.scale_y, placement.offset_y]])
    size = (placement.width, placement.height)
    return np.asarray(cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_NEAREST), np.uint8)
