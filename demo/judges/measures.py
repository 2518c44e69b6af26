"""How pictures are compared with hints, joints and each other. Pictures are float [3, H, W] in 0..1."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from ...preprocessors.lines.draw import draw_lines

THRESHOLDS = (100, 200)  # of Canny, as the hints are drawn
FAINT = (50, 100)  # for the lines of rooms: with 100 and 200 a fifth of them is not found in the drawings themselves


def array(picture: torch.Tensor) -> np.ndarray:
    """uint8 [H, W, 3] of a picture [3, H, W]."""
    return np.ascontiguousarray((picture.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())


def psnr(picture: torch.Tensor, expected: torch.Tensor) -> float:
    """Peak signal-to-noise ratio in dB."""
    return float(-10 * torch.log10((picture - expected).square().mean()))


def edges(image: np.ndarray, thresholds: tuple[int, int] = THRESHOLDS) -> np.ndarray:
    """cv2's Canny edges of uint8 [H, W, 3], as bool [H, W]."""
    return cv2.Canny(image, *thresholds) > 0


def distance_to(marks: np.ndarray) -> np.ndarray:
    """Distance in pixels of every place to the nearest mark, float [H, W]; infinite where there is none."""
    if not marks.any():
        return np.full(marks.shape, np.inf)
    return cv2.distanceTransform((~marks).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def edge_f1(found: np.ndarray, expected: np.ndarray, within: float = 3.0) -> float:
    """F1 of edges [H, W]: precision and recall count an edge that has one of the other picture within `within` px."""
    if not found.any() or not expected.any():
        return float(found.any() == expected.any())
    precision = float((distance_to(expected)[found] <= within).mean())
    recall = float((distance_to(found)[expected] <= within).mean())
    return 2 * precision * recall / max(precision + recall, 1e-9)


def lines_found(lines: np.ndarray, found: np.ndarray, shape: tuple[int, int], within: float = 4.0) -> float:
    """Share of the drawn length of `lines` [N, 4] that lies within `within` px of the lines `found` [M, 4]."""
    height, width = shape
    drawn, again = (draw_lines(each, width, height).max(-1) > 0 for each in (lines, found))
    return float((distance_to(again)[drawn] <= within).mean())


def lines_followed(lines: np.ndarray, image: np.ndarray, within: float = 4.0, degrees: float = 20.0) -> float:
    """Share of the length of `lines` [N, 4] that edges of `image` follow: nearer than `within` px and as inclined.

    Points on each line, one pixel apart, look for a Canny edge whose own direction (square to its gradient) differs by
    at most `degrees`. Measured on rooms: 0.87 on the drawing itself (furniture hides some lines), 0.37 on the drawing
    of another room. Fine grain has edges of every direction everywhere and still scores 0.9 and more, so the figure
    says something only beside that of the same picture without control.
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (3, 3), 0)
    dx, dy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    marks, direction = edges(image, FAINT), (np.degrees(np.arctan2(dy, dx)) + 90) % 180
    height, width = marks.shape
    length = hits = 0
    for x0, y0, x1, y1 in lines:
        count = max(2, round(float(np.hypot(x1 - x0, y1 - y0))))
        x = np.linspace(x0, x1, count).round().astype(int)
        y = np.linspace(y0, y1, count).round().astype(int)
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        angle = np.degrees(np.arctan2(y1 - y0, x1 - x0)) % 180
        off = np.abs(direction - angle)
        nearest = distance_to(marks & (np.minimum(off, 180 - off) <= degrees))
        length += int(inside.sum())
        hits += int((nearest[y[inside], x[inside]] <= within).sum())
    return hits / max(length, 1)


def joint_error(found: np.ndarray, expected: np.ndarray) -> float:
    """Mean distance of joints [18, 2] (0..1 of the side) from those of `expected` [18, 3] (px of 256) that are seen."""
    seen = expected[:, 2] > 0
    return float(np.hypot(*(found[seen] - expected[seen, :2] / 256).T).mean())


def face_box(joints: np.ndarray, side: int = 256) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of a portrait's features, from the nose as the joint judge finds it ([18, 2], 0..1).

    As demo/scenes/face.py frames them: 60 px to either side of the nose, 74 above and 40 below.
    """
    x, y = joints[0] * side
    box = (x - 60, y - 74, x + 60, y + 40)
    left, top, right, bottom = (int(np.clip(round(v), 0, side)) for v in box)
    return left, top, right, bottom


def change(a: torch.Tensor, b: torch.Tensor, box: tuple[int, int, int, int]) -> tuple[float, float]:
    """Mean absolute change inside the box and outside it, in 0..1."""
    left, top, right, bottom = box
    difference = (a - b).abs().mean(0)
    inside = torch.zeros_like(difference, dtype=torch.bool)
    inside[top:bottom, left:right] = True
    return float(difference[inside].mean()), float(difference[~inside].mean())


def pairwise(pictures: torch.Tensor) -> torch.Tensor:
    """Mean absolute distance of every two different pictures of [N, 3, H, W], flat."""
    flat = pictures.flatten(1)
    rows = [(flat[i + 1 :] - flat[i]).abs().mean(1) for i in range(len(flat) - 1)]
    return torch.cat(rows)
