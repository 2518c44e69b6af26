"""Growing and feathering masks. Pure: numpy and OpenCV."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

Mask = NDArray[np.float32]


def check_mask(mask: torch.Tensor) -> torch.Tensor:
    """MASK as float32 [M, H, W] in 0..1 on the CPU.

    Raises:
        ValueError: it has another shape, holds NaN, or all of its masks are empty.
    """
    if mask.ndim == 2:
        mask = mask[None]
    if mask.ndim == 4 and mask.shape[1] == 1:  # some packs hand masks on as [M, 1, H, W]
        mask = mask[:, 0]
    if mask.ndim != 3 or 0 in mask.shape:
        raise ValueError(f"mask: expected [batch, height, width], got shape {list(mask.shape)}. Connect a MASK output.")
    mask = mask.detach().to("cpu", torch.float32)
    if not bool(torch.isfinite(mask).all()):
        raise ValueError("mask: it holds NaN or infinite values. Check the node that made it.")
    mask = mask.clamp(0.0, 1.0)
    if not bool(mask.any()):
        which = "mask is empty" if len(mask) == 1 else f"all {len(mask)} masks are empty"
        raise ValueError(
            f"mask: {which}, so the ControlNet would act nowhere. Draw a mask, or disconnect it to act everywhere."
        )
    return mask


def list_blank(mask: torch.Tensor) -> list[int]:
    """The numbers, from 0, of the masks [M, H, W] that are empty, as of a frame in which no face was found."""
    return [number for number, one in enumerate(mask) if not bool(one.any())]


def grow_mask(mask: Mask, pixels: int) -> Mask:
    """[H, W] spread by a disc of `pixels`; shrunk when negative. What is drawn becomes 1."""
    import cv2

    if pixels == 0:
        return mask
    if pixels > 0:
        away = cv2.distanceTransform((mask <= 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        return (away <= pixels).astype(np.float32) if (mask > 0).any() else mask
    depth = cv2.distanceTransform((mask > 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return (depth > -pixels).astype(np.float32)


def feather_mask(mask: Mask, pixels: int) -> Mask:
    """[H, W] that rises from 0 at its edge to its full value `pixels` inside.

    What was 0 stays exactly 0. The border of the picture is no edge.
    """
    import cv2

    if pixels <= 0 or (mask > 0).all():
        return mask
    depth = cv2.distanceTransform((mask > 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return (mask * np.minimum(depth / (pixels + 1), 1.0)).astype(np.float32)


def feather_batch(mask: torch.Tensor, pixels: int) -> torch.Tensor:
    """`feather_mask` for each of [M, H, W]."""
    if pixels <= 0:
        return mask
    return torch.from_numpy(np.stack([feather_mask(one, pixels) for one in mask.numpy()]))
