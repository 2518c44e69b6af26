"""The pictures of a cell on the disk: the first one is the cell's, further ones lie beside it with numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ....files import write_whole
from ..folder.saving import to_bytes, write_png
from ..run.runner import find_fault
from ..sheet.pictures import split_images


def frames_of(kept: Mapping[str, Sequence[Any]]) -> list[torch.Tensor]:
    """The pictures [H, W, C] of all inputs in their order; of a batch each, such as the frames of a video.

    Raises:
        ValueError: there is none, or one came out as NaN.
    """
    frames = [
        frame
        for name in sorted(kept)
        if name != "latent"
        for frame in split_images([batch for batch in kept[name] if batch is not None], name)
    ]
    for frame in frames:
        if fault := find_fault(frame):
            raise ValueError(fault)
    return frames


def save_cell(
    folder: Path, stem: str, frames: Sequence[torch.Tensor], latents: Sequence[Any], texts: Mapping[str, Any]
) -> list[str]:
    """Write the pictures and latents of a cell. Returns the names of the pictures, the cell's own first.

    The first one is written last: where it is there, so are the others.

    Raises:
        OSError: one cannot be written.
    """
    names = [f"{stem}.png", *(f"{stem}-{number}.png" for number in range(2, len(frames) + 1))]
    for number, latent in enumerate(latents, start=1):
        content = _latent_file(latent)
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"{stem}{f'-{number}' if number > 1 else ''}.latent", content)
    for name, frame in reversed(list(zip(names, frames, strict=True))):
        write_png(folder / name, to_bytes(frame), texts)
    return names


def _latent_file(latent: Mapping[str, Any]) -> bytes:
    """As ComfyUI's Save Latent writes it, so that Load Latent reads it."""
    from safetensors.torch import save

    samples = latent["samples"].detach().to("cpu").contiguous()
    return save({"latent_tensor": samples, "latent_format_version_0": torch.tensor([])})
