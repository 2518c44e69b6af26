"""What a mode and a mask do to a ControlNet's residuals. Pure: tensors in, tensors out.

ComfyUI hands residuals on as {"input": [...], "middle": [...], "output": [...]}, each a tensor or None. SD 1.x nets
give 12 in "output" and 1 in "middle", SDXL nets 9 and 1, Flux nets double and single blocks in "input" and "output".
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch.nn import functional as F

from .choices import MODES

Residuals = dict[str, list[torch.Tensor | None]]

DECAY = 0.825
_KEYS = ("input", "output", "middle")
_PATCHES = (2, 1, 4)  # latent cells along the side of a transformer's token; 2 in SD3, Flux and Qwen


def weigh_residuals(count: int, mode: str) -> list[float]:
    """The factor of each of `count` residuals, from the shallowest to the middle one.

    balanced: 1. prompt and control: DECAY ** (count - 1 - i), so the middle one keeps its strength and the finest
    layers lose most: 13 residuals (SD 1.x) start at 0.099, 10 (SDXL) at 0.177. The rule is that of sd-webui-controlnet
    (scripts/hook.py), for any count.

    Raises:
        ValueError: the mode is unknown.
    """
    if mode not in MODES:
        raise ValueError(f"mode: '{mode}' is unknown. Choose one of {', '.join(MODES)}.")
    return [1.0 if mode == MODES[0] else DECAY ** (count - 1 - index) for index in range(count)]


def shape_residuals(
    residuals: Residuals, mode: str, mask: torch.Tensor | None, latent: Sequence[int], chunks: int
) -> Residuals:
    """New residuals: each times its mode's weight and, if there is one, times the mask at its own resolution.

    mask: [M, H, W] in 0..1; M is 1 or the number of pictures. latent: (height, width) in cells of what is sampled.
    chunks: how many conditionings lie one after another in the residuals' batch. The tensors are not changed. One that
    is there several times counts, and is multiplied, once.

    Raises:
        ValueError: the mask fits no residual.
    """
    order = _from_the_shallowest(residuals)
    weights = weigh_residuals(len(order), mode)
    done = {
        id(tensor): _times(tensor, weight, mask, latent, chunks) for tensor, weight in zip(order, weights, strict=True)
    }
    return {key: [None if x is None else done[id(x)] for x in tensors] for key, tensors in residuals.items()}


def _from_the_shallowest(residuals: Residuals) -> list[torch.Tensor]:
    """The distinct tensors. A UNet takes its "input" from the end of the list, so that list begins with the deepest."""
    found: dict[int, torch.Tensor] = {}
    for key in _KEYS:
        tensors = [tensor for tensor in residuals.get(key, ()) if tensor is not None]
        if key == "input" and any(tensor.ndim == 4 for tensor in tensors):
            tensors.reverse()
        for tensor in tensors:
            found.setdefault(id(tensor), tensor)
    return list(found.values())


def _times(
    tensor: torch.Tensor, weight: float, mask: torch.Tensor | None, latent: Sequence[int], chunks: int
) -> torch.Tensor:
    out = tensor if weight == 1.0 else tensor * weight
    if mask is None:
        return out
    return out * mask_like(tensor, mask, latent, chunks).to(out.dtype)


def mask_like(tensor: torch.Tensor, mask: torch.Tensor, latent: Sequence[int], chunks: int) -> torch.Tensor:
    """The mask as a factor of a residual [B, C, h, w] of a UNet or [B, tokens, C] of a transformer."""
    mask = mask.to(tensor.device, torch.float32)
    if tensor.ndim == 4:
        factor = resize_mask(mask, (tensor.shape[2], tensor.shape[3]))[:, None]
    elif tensor.ndim == 3:
        factor = resize_mask(mask, _token_grid(tensor.shape[1], latent)).flatten(1)[..., None]
    else:
        raise ValueError(
            f"mask: this ControlNet gives residuals of shape {list(tensor.shape)}, which a mask cannot be laid on. "
            "Disconnect the mask."
        )
    if factor.shape[0] == 1:
        return factor
    if factor.shape[0] * chunks != tensor.shape[0]:
        raise ValueError(
            f"mask: there are {factor.shape[0]} masks for {tensor.shape[0] // chunks} pictures. Give one mask, or one "
            "for each picture."
        )
    return factor.repeat(chunks, *[1] * (factor.ndim - 1))


def _token_grid(tokens: int, latent: Sequence[int]) -> tuple[int, int]:
    """(rows, columns) of a transformer's tokens."""
    for patch in _PATCHES:
        rows, columns = (math.ceil(side / patch) for side in latent[-2:])
        if rows * columns == tokens:
            return rows, columns
    raise ValueError(
        f"mask: this ControlNet works on {tokens} tokens, which do not tile a latent of {latent[-1]}x{latent[-2]}. "
        "Disconnect the mask."
    )


def blend_tokens(before: torch.Tensor, after: torch.Tensor, mask: torch.Tensor, latent: Sequence[int]) -> None:
    """Take back in `after` what was changed outside of the mask, in place: there it is `before` to the last bit.

    before, after: [B, tokens, C], the tokens of the picture first, each of 2 x 2 cells. mask: [M, H, W] in 0..1; M is 1
    or the number of pictures. latent: (height, width) in cells.

    Raises:
        ValueError: there are several masks, and another number of pictures.
    """
    grid = math.ceil(latent[-2] / 2), math.ceil(latent[-1] / 2)
    factor = resize_mask(mask.to(after.device, torch.float32), grid).flatten(1)[..., None]
    if len(after) % len(factor):
        raise ValueError(f"mask: there are {len(factor)} masks for another number of pictures. Give one mask.")
    factor = factor.repeat(len(after) // len(factor), 1, 1).to(after.dtype)
    tokens = factor.shape[1]
    old, new = before[:, :tokens], after[:, :tokens]
    after[:, :tokens] = torch.where(factor == 1.0, new, old + (new - old) * factor)


def resize_mask(mask: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """[M, H, W] -> [M, *size]: the mean of the mask over each cell, so that a cell wholly outside is exactly 0."""
    return F.interpolate(mask[:, None], size=size, mode="area")[:, 0]
