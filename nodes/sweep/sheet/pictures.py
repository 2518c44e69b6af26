"""Pictures as ComfyUI hands them over: batches, lists of batches, grey, with alpha, with NaN."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def split_images(batches: Sequence[torch.Tensor], name: str = "images") -> list[torch.Tensor]:
    """The pictures [H, W, C] of a list of IMAGE batches [B, H, W, C], in order, as views.

    Raises:
        ValueError: there is none, or one has no pixels. The message names the input.
    """
    found: list[torch.Tensor] = []
    for batch in batches:
        if batch.ndim != 4:
            raise ValueError(f"{name}: a picture batch has shape {tuple(batch.shape)}, not [B, H, W, C].")
        found.extend(batch)
    if not found:
        raise ValueError(f"{name}: there is no picture. Connect at least one.")
    if any(frame.numel() == 0 for frame in found):
        raise ValueError(f"{name}: a picture has no pixels. Check the node that made it.")
    return found


def clean_values(values: torch.Tensor) -> torch.Tensor:
    """The values as float32 on the CPU, clamped to 0..1, NaN as 0."""
    return values.detach().to("cpu", torch.float32).nan_to_num(0.0, 1.0, 0.0).clamp(0.0, 1.0)


def to_rgb(frame: torch.Tensor) -> torch.Tensor:
    """[H, W, C] -> [H, W, 3] in 0..1: the first three channels, or the first as grey. Alpha is left out."""
    frame = clean_values(frame)
    return frame[..., :3] if frame.shape[-1] >= 3 else frame[..., :1].expand(*frame.shape[:2], 3)


def lay_on_paper(frame: torch.Tensor, paper: torch.Tensor) -> torch.Tensor:
    """[H, W, C] -> [H, W, 3] in 0..1. With two or four channels the last is alpha, and `paper` [3] shows through."""
    if frame.shape[-1] not in (2, 4):
        return to_rgb(frame)
    alpha = clean_values(frame[..., -1:])
    return to_rgb(frame) * alpha + paper * (1.0 - alpha)
