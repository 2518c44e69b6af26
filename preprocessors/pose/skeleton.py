"""OpenPose skeletons: the tables, and the v1.1 hint drawing.

People are arrays [P, 18, 3]: x and y in pixels, and a score; a joint with score 0 is absent. Tables and drawing follow
ControlNet v1.1 annotator/openpose/util.py (draw_bodypose), released with control_v11p_sd15_openpose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .people import Person

JOINTS: tuple[str, ...] = (
    "nose",
    "neck",
    "right shoulder",
    "right elbow",
    "right wrist",
    "left shoulder",
    "left elbow",
    "left wrist",
    "right hip",
    "right knee",
    "right ankle",
    "left hip",
    "left knee",
    "left ankle",
    "right eye",
    "left eye",
    "right ear",
    "left ear",
)
LIMBS: tuple[tuple[int, int], ...] = (
    (1, 2),
    (1, 5),
    (2, 3),
    (3, 4),
    (5, 6),
    (6, 7),
    (1, 8),
    (8, 9),
    (9, 10),
    (1, 11),
    (11, 12),
    (12, 13),
    (1, 0),
    (0, 14),
    (14, 16),
    (0, 15),
    (15, 17),
)
COLORS: tuple[tuple[int, int, int], ...] = (
    (255, 0, 0),
    (255, 85, 0),
    (255, 170, 0),
    (255, 255, 0),
    (170, 255, 0),
    (85, 255, 0),
    (0, 255, 0),
    (0, 255, 85),
    (0, 255, 170),
    (0, 255, 255),
    (0, 170, 255),
    (0, 85, 255),
    (0, 0, 255),
    (85, 0, 255),
    (170, 0, 255),
    (255, 0, 255),
    (255, 0, 170),
    (255, 0, 85),
)
STICK_WIDTH = 4
HAND_EDGES: tuple[tuple[int, int], ...] = tuple(
    (0 if step == 0 else 4 * finger + step, 4 * finger + step + 1) for finger in range(5) for step in range(4)
)
# matplotlib.colors.hsv_to_rgb((edge / 20, 1, 1)) * 255, rounded as cv2.line does
HAND_COLORS: tuple[tuple[int, int, int], ...] = (
    (255, 0, 0),
    (255, 77, 0),
    (255, 153, 0),
    (255, 229, 0),
    (204, 255, 0),
    (128, 255, 0),
    (51, 255, 0),
    (0, 255, 25),
    (0, 255, 102),
    (0, 255, 179),
    (0, 255, 255),
    (0, 178, 255),
    (0, 102, 255),
    (0, 25, 255),
    (51, 0, 255),
    (128, 0, 255),
    (204, 0, 255),
    (255, 0, 230),
    (255, 0, 153),
    (255, 0, 77),
)
HAND_JOINT_COLOR = (0, 0, 255)
FACE_COLOR = (255, 255, 255)


def choose_stick_factor(height: int, width: int) -> int:
    """The thickness factor of the xinsir SDXL OpenPose model card, by the longer side (1 below 500 px, up to 7)."""
    side = max(height, width)
    return 1 if side < 500 else min(2 + side // 1000, 7)


def check_people(people: np.ndarray | Sequence[Any]) -> np.ndarray:
    """Check and convert to float64 [P, 18, 3]. A single [18, 3] skeleton becomes [1, 18, 3].

    Raises:
        ValueError: it has another shape.
    """
    array = np.asarray(people, dtype=np.float64)
    if array.size == 0:
        return np.zeros((0, 18, 3))
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or array.shape[1:] != (18, 3):
        raise ValueError(f"people must be [P, 18, 3] (x, y, score for 18 joints), got shape {array.shape}")
    return array


def draw_pose(
    people: np.ndarray | Sequence[Any], height: int, width: int, stick_scale: bool = False, threshold: float = 0.0
) -> np.ndarray:
    """Draw skeletons as a ControlNet v1.1 OpenPose hint, uint8 [height, width, 3] RGB.

    All limbs of all people at full colour (limb index in the outer loop), then canvas = floor(0.6 * canvas), then every
    joint circle at full colour. Joints with score <= `threshold` are not drawn. `stick_scale` makes limbs and circles
    thicker as the xinsir SDXL models expect.
    """
    import cv2

    canvas = np.zeros((height, width, 3), np.uint8)
    array = check_people(people)
    radius = STICK_WIDTH * (choose_stick_factor(height, width) if stick_scale else 1)
    seen = (array[..., 2] > threshold) & np.isfinite(array).all(axis=-1)
    for (a, b), color in zip(LIMBS, COLORS, strict=False):
        for person, ok in zip(array, seen, strict=True):
            if not (ok[a] and ok[b]):
                continue
            (xa, ya), (xb, yb) = person[a, :2], person[b, :2]
            length = math.hypot(ya - yb, xa - xb)
            angle = math.degrees(math.atan2(ya - yb, xa - xb))
            centre = (int((xa + xb) / 2), int((ya + yb) / 2))
            polygon = cv2.ellipse2Poly(centre, (int(length / 2), radius), int(angle), 0, 360, 1)
            cv2.fillConvexPoly(canvas, np.asarray(polygon), color)
    canvas = (canvas * 0.6).astype(np.uint8)
    for joint, color in enumerate(COLORS):
        for person, ok in zip(array, seen, strict=True):
            if ok[joint]:
                centre = (int(person[joint, 0]), int(person[joint, 1]))
                cv2.circle(canvas, centre, radius, color, thickness=-1)
    return canvas


def draw_people(
    people: Sequence[Person],
    height: int,
    width: int,
    *,
    body: bool = True,
    hands: bool = True,
    face: bool = True,
    stick_scale: bool = False,
    threshold: float = 0.0,
) -> np.ndarray:
    """Draw bodies, then all hands, then all faces, uint8 [height, width, 3] RGB (ControlNet v1.1 draw_pose)."""
    bodies = [person.body for person in people] if body else []
    canvas = draw_pose(bodies, height, width, stick_scale, threshold)
    for person in people if hands else ():
        for hand in (person.left, person.right):
            if hand is not None:
                _draw_hand(canvas, _drawable(hand, threshold))
    for person in people if face else ():
        if person.face is not None:
            _draw_dots(canvas, _drawable(person.face, threshold), 3, FACE_COLOR)
    return canvas


def _drawable(points: np.ndarray, threshold: float) -> list[tuple[int, int] | None]:
    """Truncated pixels; None for absent points. As in the original, a point in row or column 0 is not drawn."""
    seen = (points[:, 2] > threshold) & np.isfinite(points).all(axis=1)
    found = [(int(x), int(y)) if ok else (0, 0) for (x, y, _), ok in zip(points, seen, strict=True)]
    return [point if min(point) > 0 else None for point in found]


def _draw_hand(canvas: np.ndarray, points: Sequence[tuple[int, int] | None]) -> None:
    import cv2

    for (a, b), color in zip(HAND_EDGES, HAND_COLORS, strict=True):
        start, end = points[a], points[b]
        if start is not None and end is not None:
            cv2.line(canvas, start, end, color, thickness=2)
    _draw_dots(canvas, points, 4, HAND_JOINT_COLOR)


def _draw_dots(
    canvas: np.ndarray, points: Sequence[tuple[int, int] | None], radius: int, color: tuple[int, int, int]
) -> None:
    import cv2

    for point in points:
        if point is not None:
            cv2.circle(canvas, point, radius, color, thickness=-1)
