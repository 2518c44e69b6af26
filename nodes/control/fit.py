"""A hint brought to the size of the picture. Pure.

Points and lines that are known are drawn anew there; thin lines in a picture are traced, so that they stay one pixel
wide and none is lost; all other pixels move as ComfyUI moves them (nearest-exact), without mixing their colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from ...preprocessors.lines.draw import draw_lines, redraw
from ...preprocessors.lines.mlsd import Lines
from ...preprocessors.pictures import check_fit, check_pictures, fit_onto, fit_pixels, rgb_bytes
from ...preprocessors.pose.keypoints import read_frames
from ...preprocessors.pose.render import canvas_size, render
from ...preprocessors.recognise import is_line_hint

Size = tuple[int, int]  # height, width
Bytes = NDArray[np.uint8]

ASPECT_TOLERANCE = 0.01
_SCORE = 0.3  # OpenPose draws points from this score on, unless told otherwise
_POSES_DRAWN = (
    f"drawn are bodies, hands and faces, points that score above {_SCORE:g}, sticks of the usual width; for another "
    "drawing connect Pose Render to image in the place of keypoints"
)
_BLACK = "The hint is black"
_READY = ". Of a picture that is a hint already OpenPose knows no keypoints: connect its hint to image"


@dataclass(frozen=True)
class Hint:
    """The hint as the ControlNet gets it, [B, H, W, 3] in 0..1, what was done to it, and its (height, width) before."""

    image: torch.Tensor
    notes: tuple[str, ...]
    before: Size | None = None


def prepare_hint(
    image: torch.Tensor | None, keypoints: Any, lines: Sequence[Lines] | None, target: Size | None, fit: str
) -> Hint:
    """The hint at `target` (height, width), or at its own size if that is not known.

    keypoints (POSE_KEYPOINT) or lines are drawn in the place of image; where no frame of them holds anything to draw,
    as of a picture that was a hint already, image is the hint. ValueError if nothing or both are given, or one is no
    such thing.
    """
    check_fit(fit)
    if keypoints is not None and lines is not None:
        raise ValueError("keypoints, lines: both are connected, and each is a whole hint. Disconnect one.")
    picture = None if image is None else as_rgb(image)
    if keypoints is None and lines is None:
        if picture is None:
            raise ValueError("image: no hint is connected. Connect image, keypoints or lines.")
        return _fit(picture, target, fit)
    size = target or (None if picture is None else _size(picture))
    if keypoints is not None:
        frames = read_frames(keypoints)
        own, what = next(((frame.height, frame.width) for frame in frames if frame.height), None), "poses"
        hint = _as_image(list(render(frames, size or canvas_size(frames), fit, threshold=_SCORE)))
        how, none = _POSES_DRAWN, f"keypoints: nobody is in them whose points score above {_SCORE:g}"
    else:
        own, what = lines[0].size if lines else None, "lines"
        hint = draw_segments(lines or (), size, fit)
        reasons = dict.fromkeys(one.note for one in lines or () if one.note)
        how, none = "", "; ".join(["lines: there is none in them", *reasons])
    if not bool(hint.any()):
        if picture is None:
            return Hint(hint, (f"{none}. {_BLACK}{_READY if keypoints is not None else ''}",), own)
        given = _fit(picture, target, fit)
        return Hint(given.image, (f"{none}, so image is the hint", *given.notes), given.before)
    drawn = f"{what} drawn anew at {hint.shape[2]}x{hint.shape[1]}, {len(hint)} picture{'s' if len(hint) > 1 else ''}"
    return Hint(hint, tuple(filter(None, [aspect_note(own, _size(hint), fit) if own else "", drawn, how])), own)


def _fit(picture: torch.Tensor, target: Size | None, fit: str) -> Hint:
    size = _size(picture)
    if target is None:
        note = "no latent is connected: if the picture has another shape, ComfyUI cuts the hint without a word"
        return Hint(picture, (note,), size)
    hint, are_traced = fit_picture(picture, target, fit)
    notes = [aspect_note(size, target, fit), _describe_move(size, target, are_traced)]
    return Hint(hint, tuple(filter(None, notes)), size)


def as_rgb(image: torch.Tensor) -> torch.Tensor:
    """IMAGE as [B, H, W, 3]: grey is repeated, RGBA laid on black, which says nothing to a ControlNet. RGB is the
    tensor that is given. ValueError for another shape, or NaN."""
    check_pictures(image)
    if not bool(torch.isfinite(image).all()):
        raise ValueError("image: it holds NaN or infinite values. Check the node that made it.")
    if image.shape[-1] == 1:
        return image.expand(*image.shape[:-1], 3)
    return image[..., :3] * image[..., 3:] if image.shape[-1] == 4 else image


def fit_picture(image: torch.Tensor, target: Size, fit: str) -> tuple[torch.Tensor, bool]:
    """[B, H, W, 3] -> [B, *target, 3], and whether thin lines were traced. The same tensor if it has that size.

    "crop" fills the target and cuts the rest, "pad" shows all and leaves black bars, "stretch" changes the proportions.
    """
    check_fit(fit)
    size = _size(image)
    if size == target:
        return image, False
    pictures = [rgb_bytes(image, index) for index in range(len(image))]
    if all(map(is_line_hint, pictures)):
        placement = fit_onto(size, target, fit)
        return _as_image([redraw(picture, placement) for picture in pictures]), True
    return _move(image, target, fit), False


def fit_mask(mask: torch.Tensor, target: Size, fit: str) -> torch.Tensor:
    """MASK [M, H, W] -> [M, *target], moved as `fit` moves a picture of that size; the bars of "pad" are 0."""
    return _move(mask[..., None], target, fit)[..., 0]


def draw_segments(lines: Sequence[Lines], target: Size | None, fit: str) -> torch.Tensor:
    """The lines of M-LSD -> [frames, H, W, 3] at `target`, or at the size of their own hint."""
    if not lines:
        raise ValueError("lines: there is no frame. Check that the node before it gives at least one picture.")
    sizes = {frame.size for frame in lines}
    if target is None and len(sizes) > 1:
        raise ValueError("lines: their pictures have different sizes. Connect the latent, which says the size.")
    size = target or lines[0].size
    placed = [frame.placed(fit_onto(frame.size, size, fit)) for frame in lines]
    return _as_image([draw_lines(frame.segments, *size) for frame in placed])


def aspect_note(size: Size, target: Size, fit: str) -> str:
    """What `fit` did to a hint of another shape than the picture; "" if they differ by 1 % or less."""
    ratio = (size[1] / size[0]) / (target[1] / target[0])  # above 1: the hint is the wider one
    if abs(ratio - 1) <= ASPECT_TOLERANCE:
        return ""
    share = 1 - min(ratio, 1 / ratio)
    sides = "left and right" if (ratio > 1) == (fit == "crop") else "top and bottom"
    done = {
        "crop": f"crop cut {share:.0%} of it off, {sides}",
        "pad": f"pad left {share:.0%} of the picture black, {sides}",
        "stretch": f"stretch made it {max(ratio, 1 / ratio):.2f} times {'narrower' if ratio > 1 else 'wider'}",
    }[fit]
    return f"the hint is {size[1]}x{size[0]}, the picture {target[1]}x{target[0]}: {done}"


def _describe_move(size: Size, target: Size, are_traced: bool) -> str:
    if size == target:
        return ""
    how = "its lines traced anew" if are_traced else "resized"
    return f"hint of {size[1]}x{size[0]} brought to {target[1]}x{target[0]}, {how}"


def _move(image: torch.Tensor, target: Size, fit: str) -> torch.Tensor:
    where = fit_pixels(_size(image), target, fit)
    pixels = F.interpolate(image.movedim(-1, 1)[..., where.rows, where.columns], size=where.inner, mode="nearest-exact")
    if where.inner == target:
        return pixels.movedim(1, -1)
    canvas = pixels.new_zeros(*pixels.shape[:2], *target)
    canvas[(..., *where.on())] = pixels
    return canvas.movedim(1, -1)


def _size(image: torch.Tensor) -> Size:
    return int(image.shape[1]), int(image.shape[2])


def _as_image(pictures: Sequence[Bytes]) -> torch.Tensor:
    return torch.from_numpy(np.stack(pictures)).to(torch.float32).div_(255.0)
