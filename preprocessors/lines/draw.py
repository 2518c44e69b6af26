"""Drawing line segments the way M-LSD hints are drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..pictures import Bytes, Placement

_STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))  # from a pixel to half of its neighbours: (rows, columns)


def draw_lines(lines: np.ndarray, height: int, width: int) -> np.ndarray:
    """Draw segments as an M-LSD hint: white, one pixel wide, 8-connected, no anti-aliasing, on black.

    lines: [N, 4] of (x0, y0, x1, y1) in pixels; coordinates are truncated to integers.
    Returns uint8 [height, width, 3]. Source: controlnet_aux.mlsd.MLSDdetector.__call__.

    Raises:
        ValueError: the lines have another shape.
    """
    import cv2

    segments = np.asarray(lines, dtype=np.float64)
    if segments.size and (segments.ndim != 2 or segments.shape[1] != 4):
        raise ValueError(f"lines must be [N, 4] (x0, y0, x1, y1), got shape {segments.shape}")
    canvas = np.zeros((height, width, 3), np.uint8)
    for x0, y0, x1, y1 in segments.reshape(-1, 4):
        cv2.line(canvas, (int(x0), int(y0)), (int(x1), int(y1)), (255, 255, 255), 1)
    return canvas


def find_visible(lines: np.ndarray, height: int, width: int) -> NDArray[np.bool_]:
    """Which of the segments [N, 4] leave something in a hint of that size when they are drawn: bool [N]."""
    import cv2

    canvas = (0, 0, width, height)
    return np.array(
        [cv2.clipLine(canvas, (int(x0), int(y0)), (int(x1), int(y1)))[0] for x0, y0, x1, y1 in lines], np.bool_
    )


def redraw(picture: Bytes, placement: Placement) -> Bytes:
    """A thin-line hint uint8 [H, W, 3] on another canvas: neighbouring white pixels stay joined by a one-pixel line."""
    segments = placement.move(trace(picture).reshape(-1, 2, 2)).reshape(-1, 4)
    return draw_lines(np.floor(segments), placement.height, placement.width)


def trace(picture: Bytes) -> NDArray[np.float64]:
    """A thin-line hint uint8 [H, W, 3] as segments [N, 4] in pixels, from the middle of each white pixel to its white
    neighbours' middles. A lone pixel is a segment without length.
    """
    white = picture[..., 0] > 0
    padded = np.pad(white, 1)
    rows, columns = np.nonzero(white)
    alone = np.ones(len(rows), np.bool_)
    found = []
    for down, right in _STEPS:
        joined = padded[rows + 1 + down, columns + 1 + right]
        alone &= ~(joined | padded[rows + 1 - down, columns + 1 - right])
        if down and right:  # a corner that is white joins the two already
            joined &= ~(padded[rows + 1 + down, columns + 1] | padded[rows + 1, columns + 1 + right])
        start, end = columns[joined], rows[joined]
        found.append(np.stack([start, end, start + right, end + down], axis=1))
    found.append(np.stack([columns, rows] * 2, axis=1)[alone])
    return np.concatenate(found, dtype=np.float64) + 0.5
