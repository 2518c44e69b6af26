"""What every detector does with a picture before and after: checks, sizes, placement, and noticing ready-made hints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from .canny import Bytes, hint_size, to_bytes
from .choices import MAX_SIDE
from .fitting import check_fit

# At most this share of a line hint's white pixels may survive an erosion: 0.18 where M-LSD draws many lines side by
# side, 0.21 and more in strokes that are thick throughout.
_THIN = 0.2
_MAX_WHITE = 0.3
_MAX_DRAWN = 0.6  # of a pose hint
_FACE_RADIUS = 3  # as pose.draw_people draws the points of a face
_FEWEST_DOTS = 5
_APART = 0.1  # centres of dots for each white pixel: a single dot has 1 / 29, a stroke as thick 1 / 7


def check_pictures(images: torch.Tensor) -> None:
    """Raises ValueError unless `images` is float [B, H, W, C] with at least one picture and 1, 3 or 4 channels."""
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


def rgb_bytes(images: torch.Tensor, index: int) -> Bytes:
    """Picture `index` of [B, H, W, C] in 0..1 as uint8 [H, W, 3]; RGBA is laid on white. ValueError for NaN."""
    picture = to_bytes(images[index].detach().to("cpu", torch.float32).numpy(), index)
    return np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture


@dataclass(frozen=True)
class Placement:
    """Where a picture's points lie on the canvas of a hint: x * scale_x + offset_x, y * scale_y + offset_y."""

    height: int
    width: int
    scale_x: float
    scale_y: float
    offset_x: float
    offset_y: float

    def points(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """[..., 2] in pixels of the picture -> [..., 2] in pixels of the canvas."""
        return xy * np.array([self.scale_x, self.scale_y]) + np.array([self.offset_x, self.offset_y])

    def keeps(self, picture: Bytes) -> bool:
        """Whether it changes nothing in a picture [H, W, ...]."""
        same = (self.height, self.width) == picture.shape[:2] and self.scale_x == self.scale_y == 1
        return same and self.offset_x == self.offset_y == 0


def place(
    size: tuple[int, int], resolution: int = 0, target: tuple[int, int] | None = None, fit: str = "crop"
) -> Placement:
    """How a picture of `size` (height, width) comes onto the canvas.

    With `target` (height, width of the picture that a latent decodes to) that is the canvas, and `fit` says what
    happens when its shape differs: "crop" fills it and cuts the rest, "pad" shows all and leaves black bars, "stretch"
    changes the proportions. Without it the picture keeps its shape, and its short side becomes `resolution` pixels long
    (0: as it is). ValueError when both are given, for an unknown fit, or for a canvas over 16384.
    """
    height, width = size
    if target is None:
        check_fit(fit)
        target = hint_size(height, width, resolution)
        return Placement(*target, target[1] / width, target[0] / height, 0.0, 0.0)
    if resolution:
        raise ValueError(
            f"resolution: {resolution} and a latent are both given, and each sets the hint's size. Set resolution to 0 "
            "or disconnect the latent."
        )
    if not 1 <= min(target) <= max(target) <= MAX_SIDE:
        raise ValueError(f"latent: it makes a hint of {target[1]}x{target[0]} pixels; sides may be 1 to {MAX_SIDE}.")
    return fitted(size, target, fit)


def fitted(size: tuple[int, int], target: tuple[int, int], fit: str) -> Placement:
    """A canvas of `size` (height, width) brought onto one of `target` by cropping, padding or stretching."""
    check_fit(fit)
    ratios = target[1] / size[1], target[0] / size[0]
    if fit == "stretch":
        return Placement(*target, *ratios, 0.0, 0.0)
    scale = max(ratios) if fit == "crop" else min(ratios)
    return Placement(*target, scale, scale, (target[1] - size[1] * scale) / 2, (target[0] - size[0] * scale) / 2)


def on_canvas(picture: Bytes, placement: Placement) -> Bytes:
    """A ready-made hint, moved onto the canvas without mixing its colours (nearest pixel)."""
    import cv2

    if placement.keeps(picture):
        return picture
    matrix = np.array([[placement.scale_x, 0, placement.offset_x], [0, placement.scale_y, placement.offset_y]])
    size = (placement.width, placement.height)
    return np.asarray(cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_NEAREST), np.uint8)


def is_line_hint(picture: Bytes) -> bool:
    """Whether uint8 [H, W, 3] is thin white lines on black, as Canny and M-LSD draw them."""
    import cv2

    grey = picture[..., 0]
    if not ((grey == 0) | (grey == 255)).all() or not (picture == grey[..., None]).all():
        return False
    white = int(np.count_nonzero(grey))
    if not 0 < white <= _MAX_WHITE * grey.size:
        return False
    core = np.asarray(cv2.erode(grey, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0))
    return int(np.count_nonzero(core)) <= _THIN * white


def is_pose_hint(picture: Bytes) -> bool:
    """Whether uint8 [H, W, 3] is black but for a little in the colours of OpenPose's bodies and hands, or for the white
    dots of faces."""
    from .pose import COLORS, HAND_COLORS

    if picture[::7, ::7].any(axis=2).mean() > 0.9:  # nearly every photograph ends here, which takes no time
        return False
    code = np.array([65536, 256, 1])
    body = np.array(COLORS, np.int64)
    full = np.concatenate([body, np.array(HAND_COLORS, np.int64)]) @ code
    white = np.array([255, 255, 255]) @ code
    drawn = picture.reshape(-1, 3)[picture.reshape(-1, 3).any(axis=1)].astype(np.int64) @ code
    if not 0 < len(drawn) <= _MAX_DRAWN * picture.shape[0] * picture.shape[1]:
        return False
    if (drawn == white).all():
        return _is_dots(picture[..., 0])
    known = np.isin(drawn, [*full, *((body * 0.6).astype(np.int64) @ code), white])
    return bool(known.mean() > 0.8 and len(np.unique(drawn[np.isin(drawn, full)])) >= 2)


def _is_dots(grey: Bytes) -> bool:
    """Whether the white of [H, W] is nothing but several dots as large as the points of a face, few of them run
    together."""
    import cv2

    side = 2 * _FACE_RADIUS + 1
    dot = cv2.circle(np.zeros((side, side), np.uint8), (_FACE_RADIUS,) * 2, _FACE_RADIUS, 1, thickness=-1)
    roomy = np.pad(grey, side)  # dots at the border are cut off there
    centres = np.asarray(cv2.erode(roomy, dot))
    covered = np.asarray(cv2.dilate(centres, dot), np.uint8)
    white = int(np.count_nonzero(grey))
    whole = int(np.count_nonzero(covered)) >= 0.95 * white
    return whole and _FEWEST_DOTS <= int(np.count_nonzero(centres)) <= _APART * white
