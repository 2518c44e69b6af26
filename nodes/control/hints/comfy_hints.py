"""A hint and its mask, brought to the picture that will be made, and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ....preprocessors.lines.mlsd import Lines
from ....preprocessors.pictures import Size, read_picture
from ....preprocessors.recognise import Look, sample_indices
from ..choices import ANY
from ..comfy_control import check_batch
from ..fit import Hint, fit_mask, has_other_shape, prepare_hint
from ..hint_check import check_hints, choose_kind, describe_doubt
from ..masks import check_mask, feather_batch, list_blank

_NO_MASK = "this {} is for inpainting: connect mask, which says what is repainted, or nothing will be"
_REPAINTED = "this {} is for inpainting: it repaints the mask, {:.0%} of the picture; feather is not used"


@dataclass(frozen=True)
class HintInputs:
    """The inputs of a guide that are about its hint, by the names of its sockets.

    image: hints [B, H, W, C] in 0..1, POSE_KEYPOINT or STEER_LINES. mask: [M, H, W] in 0..1. feather: in pixels of the
    picture to be made. keypoints, lines: of inputs that older workflows have.
    """

    fit: str
    kind: str
    feather: int
    image: Any
    latent: dict[str, Any] | None
    mask: torch.Tensor | None = None
    keypoints: Any = None
    lines: Any = None


@dataclass(frozen=True)
class CheckedHint:
    """A hint at its size. area: the mask at its place, [M, H, W], or None for everywhere. kind: what the net was made
    for. complaints: what looks wrong. notes: what was done to the hint. mask_notes: and to the mask."""

    image: torch.Tensor
    area: torch.Tensor | None
    kind: str
    looks: list[Look]
    complaints: list[str]
    notes: tuple[str, ...]
    mask_notes: list[str]

    def list_looks(self) -> str:
        """Lines of a report: what the hint looks like."""
        names = "hint: " + ", ".join(dict.fromkeys(map(str, self.looks)))
        return "\n".join([names, *filter(None, dict.fromkeys(map(describe_doubt, self.looks)))])


def check_hint(inputs: HintInputs, size: Size | None, name: str, *, inpaints: bool, net: str) -> CheckedHint:
    """The hint at `size` (height, width), or at its own size if that is not known, and its mask.

    name: of the net's file. inpaints: whether the net takes a mask of what is repainted. net: its name in messages.

    Raises:
        ValueError: an input cannot be used, or two do not go together.
    """
    hint = prepare_hint(*_read_hint(inputs), size, inputs.fit)
    check_batch("hints", len(hint.image), inputs.latent)
    area, mask_notes = _leave_out_missing(inputs, hint, inpaints, *_place_mask(inputs, hint, inpaints, net))
    pictures = {number: read_picture(hint.image, number) for number in sample_indices(len(hint.image))}
    kind = choose_kind(name, inputs.kind)
    looks, complaints = check_hints(pictures, kind, any_tone=inputs.kind == ANY)
    return CheckedHint(hint.image, area, kind, looks, complaints, hint.notes, mask_notes)


def check_is_picture(latent: dict[str, Any], why: str) -> None:
    """Check that a LATENT is no video. why: for the message, such as "model patches are for pictures".

    Raises:
        ValueError: it is one.
    """
    samples = latent["samples"]
    if samples.ndim == 5 and samples.shape[2] != 1:
        raise ValueError(
            f"latent: it is a video of {samples.shape[2]} frames (shape {list(samples.shape)}), and {why}. Connect a "
            "latent with one frame."
        )


def _read_hint(inputs: HintInputs) -> tuple[torch.Tensor | None, Any, Sequence[Lines] | None]:
    """The picture, the keypoints and the lines that are connected.

    Raises:
        ValueError: the hint comes twice.
    """
    value = inputs.image
    if value is None or isinstance(value, torch.Tensor):
        return value, inputs.keypoints, inputs.lines
    if inputs.keypoints is not None or inputs.lines is not None:
        raise ValueError("image: the hint is drawn from what it brings, and from another input too. Disconnect one.")
    if isinstance(value, list | tuple) and value and isinstance(value[0], Lines):
        return None, None, value
    return None, value, None


def _leave_out_missing(
    inputs: HintInputs, hint: Hint, inpaints: bool, area: torch.Tensor | None, notes: list[str]
) -> tuple[torch.Tensor | None, list[str]]:
    """`area` [M, H, W], or None for everywhere, without the pictures whose keypoints are null, and the notes on it."""
    count, height, width = (int(side) for side in hint.image.shape[:3])
    is_video = inputs.latent is not None and inputs.latent["samples"].ndim == 5
    if not hint.missing or inpaints or is_video:
        return area, notes
    if area is None:
        area = torch.ones(1, height, width)
    if len(area) not in (1, count):
        return area, notes
    area = area.repeat(count // len(area), 1, 1)
    area[list(hint.missing)] = 0.0
    return area, [*notes, f"picture {_list_numbers(hint.missing)}: its keypoints are null, so there is no control"]


def _list_numbers(numbers: Sequence[int]) -> str:
    return ", ".join(str(number + 1) for number in numbers)


def _place_mask(inputs: HintInputs, hint: Hint, inpaints: bool, net: str) -> tuple[torch.Tensor | None, list[str]]:
    """The mask at its place, [M, H, W], feathered in pixels of the picture, and lines for the report."""
    if inputs.mask is None:
        return None, [_NO_MASK.format(net)] if inpaints else []
    area, target = check_mask(inputs.mask), (int(hint.image.shape[1]), int(hint.image.shape[2]))
    check_batch("masks", len(area), inputs.latent)
    size, notes = (int(area.shape[1]), int(area.shape[2])), []
    if has_other_shape(size, target):
        follows = size == hint.before
        area = check_mask(fit_mask(area, target, inputs.fit if follows else "stretch"))
        how = f"moved with it ({inputs.fit})" if follows else "stretched onto the picture"
        notes = [f"the mask is {size[1]}x{size[0]}, the picture {target[1]}x{target[0]}: the mask is {how}"]
    if blank := list_blank(area):
        nothing = "nothing is repainted" if inpaints else "there is no control"
        notes.append(f"picture {_list_numbers(blank)}: its mask is empty, so {nothing}")
    if inpaints:
        return area, [*notes, _REPAINTED.format(net, float(area.mean()))]
    feather = inputs.feather * area.shape[1] / target[0]
    return feather_batch(area, round(feather)), [*notes, f"acts on {float(area.mean()):.0%} of the picture"]
