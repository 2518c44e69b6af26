"""Bring a hint to the size of the picture. Pure.

Points and lines that are known are drawn there. Thin lines in a picture are traced, so that they stay one pixel wide
and none is lost. All other pixels move as ComfyUI moves them (nearest-exact), without mixing their colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from ...preprocessors.lines.draw import draw_lines, redraw
from ...preprocessors.lines.mlsd import Lines
from ...preprocessors.pictures import (
    Bytes,
    Size,
    check_fit,
    check_pictures,
    fit_pixels,
    fit_points,
    read_pictures,
)
from ...preprocessors.pose.keypoints import describe_units, read_frames
from ...preprocessors.pose.render import choose_canvas_size, render
from ...preprocessors.recognise import EDGES, LINES, recognise_exact
from ...preprocessors.report import count_of

ASPECT_TOLERANCE = 0.01  # the eight pixels of a latent's cell are 1 % of 800
_SCORE = 0.3  # of a point; OpenPose draws those above it unless its widget says otherwise
_POSES_DRAWN = (
    f"drawn are bodies, hands and faces, points that score above {_SCORE:g}, sticks of the usual width; for another "
    "drawing put Pose Render before it"
)
_BLACK = "The hint is black"
_READY = ". Of a picture that is a hint already OpenPose knows no keypoints: connect its hint to image"


@dataclass(frozen=True)
class Hint:
    """The hint as the ControlNet gets it.

    image: [B, H, W, 3] in 0..1. notes: what was done to it, a line each. before: its (height, width) before that.
    missing: the numbers, from 0, of the pictures of which the keypoints say nothing: null in the place of a frame.
    """

    image: torch.Tensor
    notes: tuple[str, ...]
    before: Size | None = None
    missing: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Drawing:
    """A hint drawn from keypoints or lines, [B, H, W, 3]; size: of the picture that these were found in."""

    image: torch.Tensor
    size: Size | None
    what: str
    notes: tuple[str, ...]
    why_empty: str
    missing: tuple[int, ...] = ()


def prepare_hint(
    image: torch.Tensor | None, keypoints: Any, lines: Sequence[Lines] | None, target: Size | None, fit: str
) -> Hint:
    """The hint at `target` (height, width), or at its own size if that is not known.

    keypoints (POSE_KEYPOINT) or lines are drawn in the place of image. Where no frame of them holds anything to draw,
    as of a picture that was a hint already, image is the hint.

    Raises:
        ValueError: nothing is connected, or both keypoints and lines, or an input is not what it should be.
    """
    check_fit(fit)
    if keypoints is not None and lines is not None:
        raise ValueError("keypoints, lines: both are connected, and each is a whole hint. Disconnect one.")
    picture = None if image is None else to_rgb(image)
    if keypoints is None and lines is None:
        if picture is None:
            raise ValueError("image: no hint is connected. Connect a picture, keypoints or lines.")
        return _fit(picture, target, fit)
    size = target or (None if picture is None else _size(picture))
    drawing = _draw_poses(keypoints, size, fit) if keypoints is not None else _draw_lines(lines or (), size, fit)
    if bool(drawing.image.any()):
        height, width = _size(drawing.image)
        cut = describe_cut(drawing.size, (height, width), fit) if drawing.size else ""
        done = f"{drawing.what} drawn at {width}x{height}, {count_of(len(drawing.image), 'picture')}"
        notes = tuple(note for note in (cut, done, *drawing.notes) if note)
        return Hint(drawing.image, notes, drawing.size, drawing.missing)
    if picture is None:
        ready = _READY if keypoints is not None else ""
        return Hint(drawing.image, (f"{drawing.why_empty}. {_BLACK}{ready}",), drawing.size)
    fitted = _fit(picture, target, fit)
    return Hint(fitted.image, (f"{drawing.why_empty}, so image is the hint", *fitted.notes), fitted.before)


def _draw_poses(keypoints: Any, size: Size | None, fit: str) -> _Drawing:
    frames = read_frames(keypoints, size)
    canvas = next(((frame.height, frame.width) for frame in frames if frame.height), None)
    hints = list(render(frames, size or choose_canvas_size(frames), fit, threshold=_SCORE))
    why_empty = f"keypoints: nobody is in them whose points score above {_SCORE:g}"
    missing = tuple(number for number, frame in enumerate(frames) if frame.is_missing)
    return _Drawing(_to_image(hints), canvas, "poses", (_POSES_DRAWN, describe_units(frames)), why_empty, missing)


def _draw_lines(lines: Sequence[Lines], size: Size | None, fit: str) -> _Drawing:
    hint = draw_segments(lines, size, fit)
    reasons = dict.fromkeys(frame.note for frame in lines if frame.note)
    return _Drawing(hint, lines[0].size, "lines", (), "; ".join(["lines: there is none in them", *reasons]))


def _fit(picture: torch.Tensor, target: Size | None, fit: str) -> Hint:
    size = _size(picture)
    if target is None:
        height, width = size
        note = f"hint {width}x{height}, not fitted: connect latent if the picture has another shape"
        return Hint(picture, (note,), size)
    hint, are_traced = fit_picture(picture, target, fit)
    notes = [describe_cut(size, target, fit), _describe_move(size, target, are_traced)]
    return Hint(hint, tuple(filter(None, notes)), size)


def to_rgb(image: torch.Tensor) -> torch.Tensor:
    """IMAGE as [B, H, W, 3]: grey is repeated, RGBA laid on black, which says nothing to a ControlNet.

    RGB is the tensor that is given.

    Raises:
        ValueError: it has another shape, or holds NaN.
    """
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
    pictures = list(read_pictures(image))
    if all(map(_is_thin, pictures)):
        placement = fit_points(size, target, fit)
        return _to_image([redraw(picture, placement) for picture in pictures]), True
    return _move(image, target, fit), False


def _is_thin(picture: Bytes) -> bool:
    look = recognise_exact(picture)
    return look is not None and look.what in (EDGES, LINES)


def fit_mask(mask: torch.Tensor, target: Size, fit: str) -> torch.Tensor:
    """MASK [M, H, W] -> [M, *target], moved as `fit` moves a picture of that size; the bars of "pad" are 0."""
    return _move(mask[..., None], target, fit)[..., 0]


def draw_segments(lines: Sequence[Lines], target: Size | None, fit: str) -> torch.Tensor:
    """The lines of M-LSD -> [frames, H, W, 3] in 0..1 at `target`, or at the size of their own hint.

    Raises:
        ValueError: there is no frame, or their hints have different sizes and there is no target.
    """
    if not lines:
        raise ValueError("lines: there is no frame. Check that the node before it gives at least one picture.")
    sizes = {frame.size for frame in lines}
    if target is None and len(sizes) > 1:
        raise ValueError("lines: their pictures have different sizes. Connect the latent, which says the size.")
    size = target or lines[0].size
    moved = [frame.move(fit_points(frame.size, size, fit)) for frame in lines]
    return _to_image([draw_lines(frame.segments, *size) for frame in moved])


def has_other_shape(size: Size, target: Size) -> bool:
    """Whether the proportions of two sizes (height, width) differ by more than ASPECT_TOLERANCE."""
    return abs(size[1] * target[0] / (size[0] * target[1]) - 1) > ASPECT_TOLERANCE


def describe_cut(size: Size, target: Size, fit: str) -> str:
    """What `fit` did to a hint of another shape than the picture; "" if they differ by 1 % or less."""
    if not has_other_shape(size, target):
        return ""
    ratio = size[1] * target[0] / (size[0] * target[1])  # above 1: the hint is the wider one
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
    how = "its lines redrawn" if are_traced else "resized"
    return f"hint of {size[1]}x{size[0]} brought to {target[1]}x{target[0]}, {how}"


def _move(image: torch.Tensor, target: Size, fit: str) -> torch.Tensor:
    where = fit_pixels(_size(image), target, fit)
    pixels = F.interpolate(image.movedim(-1, 1)[..., where.rows, where.columns], size=where.inner, mode="nearest-exact")
    if where.inner == target:
        return pixels.movedim(1, -1)
    canvas = pixels.new_zeros(*pixels.shape[:2], *target)
    canvas[(..., *where.on_canvas)] = pixels
    return canvas.movedim(1, -1)


def _size(image: torch.Tensor) -> Size:
    return int(image.shape[1]), int(image.shape[2])


def _to_image(pictures: Sequence[Bytes]) -> torch.Tensor:
    return torch.from_numpy(np.stack(pictures)).to(torch.float32).div_(255.0)
