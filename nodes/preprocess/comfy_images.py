"""What every preprocessor node does with a batch: its pictures in turn, its report, and hints that are passed on."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import comfy.model_management
import comfy.utils
import torch

from ...preprocessors.lines.draw import redraw
from ...preprocessors.pictures import Placement, check_pictures, fit_onto, picture_size, rgb_bytes
from ...preprocessors.recognise import is_line_hint
from ..comfy_progress import track_progress

log = logging.getLogger(__name__)
NO_EDGES = "no edges: lower both thresholds, or turn on auto"


def check(images: torch.Tensor) -> None:
    """ValueError unless this is an IMAGE that can be worked on."""
    check_pictures(images)


def pictures(images: torch.Tensor) -> Iterator[Any]:
    """Each picture of an IMAGE as uint8 [H, W, 3] RGB; progress and Cancel between them. ValueError on bad input."""
    check_pictures(images)
    yield from track_progress((rgb_bytes(images, index) for index in range(len(images))), len(images))


def size(images: torch.Tensor) -> tuple[int, int]:
    """(height, width) of an IMAGE."""
    return int(images.shape[1]), int(images.shape[2])


def as_image(hints: Sequence[Any]) -> torch.Tensor:
    """uint8 [H, W, 3] pictures of one size -> IMAGE float32 [B, H, W, 3] in 0..1."""
    out = torch.empty((len(hints), *hints[0].shape), dtype=torch.float32)
    for index, hint in enumerate(hints):
        out[index] = torch.from_numpy(hint)
    return out.div_(255.0).to(comfy.model_management.intermediate_device())


def target_size(latent: dict[str, Any] | None) -> tuple[int, int] | None:
    """(height, width) in pixels of what a LATENT decodes to, or None when none is connected."""
    return None if latent is None else picture_size(latent)


def describe_pass_on(what: str, picture: Any, placement: Placement, how: str) -> str:
    """The note on a picture, uint8 [H, W, 3], that is such a hint already; `how`: what was done if its size changed."""
    if placement.keeps(picture):
        return f"passed on as it is: this is {what} already"
    (height, width), size = picture.shape[:2], f"{placement.width}x{placement.height}"
    return f"brought from {width}x{height} to {size}, {how}: this is {what} already"


def is_mlsd_hint(picture: Any) -> bool:
    """Whether uint8 [H, W, 3] is straight lines on black, as M-LSD draws them."""
    from ...preprocessors.recognise import LINES, recognise

    return is_line_hint(picture) and recognise(picture).what == LINES


def is_canny_hint(picture: Any) -> bool:
    """Whether uint8 [H, W, 3] is edges on black, as Canny draws them."""
    from ...preprocessors.recognise import EDGES, recognise

    return is_line_hint(picture) and recognise(picture).what == EDGES


def pass_on_edges(images: torch.Tensor, hint: torch.Tensor, fit: str) -> dict[int, str]:
    """Puts into `hint` [B, H, W, 3] those of `images` that are Canny hints already, brought to its size by `fit`.
    Returns a note on each, by its number from 0."""
    notes = {}
    for index, pixels in enumerate(images[:, ::7, ::7]):
        if not bool(((pixels == 0) | (pixels == 1)).all()):  # nearly every picture ends here, which takes no time
            continue
        picture = rgb_bytes(images, index)
        if is_canny_hint(picture):
            placement = fit_onto(size(images), size(hint), fit)
            notes[index] = describe_pass_on("a Canny hint", picture, placement, "its lines drawn anew")
            hint[index] = torch.from_numpy(redraw(picture, placement)).to(hint) / 255
    return notes


def report_edges(images: torch.Tensor, hint: torch.Tensor, passed: Mapping[int, str]) -> str:
    """A report on Canny's hints [B, H, W, 3]: how much of each is edges, or the note on one that was passed on; a
    warning, also in the log, where a picture of `images` has none or is a hint itself."""
    from ...preprocessors.recognise import recognise, sample_indices, warn_ready_made

    looked_at = set(sample_indices(len(images)))
    lines = []
    for index, edges in enumerate(hint[..., 0]):
        if index in passed:
            lines.append(passed[index])
            continue
        share = float(edges.mean())
        line = f"{share:.1%} of the picture is edges" if share else NO_EDGES
        warning = "" if share else NO_EDGES
        if share and index in looked_at and (told := warn_ready_made(recognise(rgb_bytes(images, index)))):
            line, warning = f"{line}; {told}", told
        if warning:
            log.warning("Canny, picture %d: %s.", index + 1, warning)
        lines.append(line)
    return number_lines(lines)


def warn_ready_made(picture: Any, what: str) -> str:
    """A remark for the report if uint8 [H, W, 3] looks like such a hint (hints.LINES, POSE) already, but is none pixel
    by pixel, as after JPEG or resizing, so that it was looked at like any picture. Else ""."""
    from ...preprocessors.recognise import recognise, warn_ready_made

    look = recognise(picture)
    return f"; {warn_ready_made(look)}" if look.what == what and warn_ready_made(look) else ""


def number_lines(lines: Sequence[str]) -> str:
    """One report for a batch: a single line if all are the same, else "picture 1: ..." and so on."""
    if len(set(lines)) == 1:
        return lines[0]
    return "\n".join(f"picture {number}: {line}" for number, line in enumerate(lines, 1))
