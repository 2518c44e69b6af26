"""IMAGE batches of ComfyUI: their pictures in turn, the canvas of their hints, and the hints as an IMAGE."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import comfy.model_management
import torch

from ...preprocessors.pictures import Bytes, Placement, Size, check_pictures, place, read_pictures, size_of_latent
from ..api import io, ui
from ..comfy_progress import track_progress

MOST_SHOWN = 16  # hints on a node: those of a video would take longer to save than to find


def iterate_pictures(images: torch.Tensor) -> Iterator[Bytes]:
    """Each picture of an IMAGE as uint8 [H, W, 3] RGB, with progress and Cancel between them.

    Raises:
        ValueError: it is no IMAGE that can be worked on.
    """
    check_pictures(images)
    return track_progress(read_pictures(images), len(images))


def open_batch(
    images: torch.Tensor, resolution: int, latent: dict[str, Any] | None, fit: str
) -> tuple[Iterator[Bytes], Placement]:
    """`iterate_pictures`, and how they come onto the canvas of their hints, as widgets and latent say.

    Raises:
        ValueError: it is no IMAGE that can be worked on, or the widgets do not go together.
    """
    pictures = iterate_pictures(images)
    return pictures, place(size_of(images), resolution, target_size(latent), fit)


def size_of(images: torch.Tensor) -> Size:
    """(height, width) of an IMAGE."""
    return int(images.shape[1]), int(images.shape[2])


def target_size(latent: dict[str, Any] | None) -> Size | None:
    """(height, width) in pixels of what a LATENT decodes to, or None when none is connected."""
    return None if latent is None else size_of_latent(latent)


def to_image(hints: Sequence[Bytes]) -> torch.Tensor:
    """uint8 [H, W, 3] pictures of one size -> IMAGE float32 [B, H, W, 3] in 0..1."""
    out = torch.empty((len(hints), *hints[0].shape), dtype=torch.float32)
    for index, hint in enumerate(hints):
        out[index] = torch.from_numpy(hint)
    return out.div_(255.0).to(comfy.model_management.intermediate_device())


def show_hints(hints: torch.Tensor, node: type[io.ComfyNode]) -> ui.PreviewImage:
    """The first hints of an IMAGE, for the node that made them to show."""
    return ui.PreviewImage(hints[:MOST_SHOWN], cls=node)
