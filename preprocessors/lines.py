"""Drawing line segments the way M-LSD hints are drawn."""

from __future__ import annotations

import numpy as np


def draw_lines(lines: np.ndarray, height: int, width: int) -> np.ndarray:
    """Draw segments as an M-LSD hint: white, one pixel wide, 8-connected, no anti-aliasing, on black.

    `lines` is [N, 4] of (x0, y0, x1, y1) in pixels; coordinates are truncated to integers.
    Returns uint8 [height, width, 3]. Source: controlnet_aux.mlsd.MLSDdetector.__call__.
    """
    import cv2

    segments = np.asarray(lines, dtype=np.float64)
    if segments.size and (segments.ndim != 2 or segments.shape[1] != 4):
        raise ValueError(f"lines must be [N, 4] (x0, y0, x1, y1), got shape {segments.shape}")
    canvas = np.zeros((height, width, 3), np.uint8)
    for x0, y0, x1, y1 in segments.reshape(-1, 4):
        cv2.line(canvas, (int(x0), int(y0)), (int(x1), int(y1)), (255, 255, 255), 1)
    return canvas
