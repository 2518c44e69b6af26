"""OpenPose-18 skeletons: the tables, the v1.1 hint drawing, and the POSE_KEYPOINT format.

People are arrays [P, 18, 3]: x and y in pixels, and a score; a joint with score 0 is absent. Tables and drawing follow
ControlNet v1.1 annotator/openpose/util.py (draw_bodypose), released with control_v11p_sd15_openpose.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

JOINTS: tuple[str, ...] = (
    "nose", "neck", "right shoulder", "right elbow", "right wrist", "left shoulder", "left elbow", "left wrist",
    "right hip", "right knee", "right ankle", "left hip", "left knee", "left ankle",
    "right eye", "left eye", "right ear", "left ear",
)  # fmt: skip
LIMBS: tuple[tuple[int, int], ...] = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
COLORS: tuple[tuple[int, int, int], ...] = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85),
    (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255),
    (255, 0, 170), (255, 0, 85),
)  # fmt: skip
STICK_WIDTH = 4


def stick_factor(height: int, width: int) -> int:
    """The thickness factor of the xinsir SDXL OpenPose model card, by the longer side (1 below 500 px, up to 7)."""
    side = max(height, width)
    return 1 if side < 500 else min(2 + side // 1000, 7)


def as_people(people: np.ndarray | Sequence[Any]) -> np.ndarray:
    """Check and convert to float64 [P, 18, 3]. A single [18, 3] skeleton becomes [1, 18, 3]."""
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
    array = as_people(people)
    radius = STICK_WIDTH * (stick_factor(height, width) if stick_scale else 1)
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


def to_keypoints(people: np.ndarray | Sequence[Any], height: int, width: int) -> dict[str, Any]:
    """Skeletons [P, 18, 3] in pixels -> one POSE_KEYPOINT frame. Absent joints become 0, 0, 0."""
    array = as_people(people)
    array = np.where(array[..., 2:] > 0, array, 0.0)
    listed = [{"pose_keypoints_2d": [float(v) for v in person.reshape(-1)]} for person in array]
    return {"people": listed, "canvas_width": int(width), "canvas_height": int(height)}


def from_keypoints(frame: Mapping[str, Any]) -> tuple[np.ndarray, int, int]:
    """One POSE_KEYPOINT frame -> (people float64 [P, 18, 3] in pixels, canvas height, canvas width)."""
    try:
        height, width = int(frame["canvas_height"]), int(frame["canvas_width"])
        rows = [person["pose_keypoints_2d"] for person in frame["people"]]
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"POSE_KEYPOINT frame lacks {error}; expected people[].pose_keypoints_2d, canvas_width and canvas_height"
        ) from error
    rows = [row for row in rows if row]
    if any(len(row) != 54 for row in rows):
        lengths = sorted({len(row) for row in rows})
        raise ValueError(f"pose_keypoints_2d must hold 18 x 3 numbers, got lengths {lengths}")
    return as_people(np.array(rows, dtype=np.float64).reshape(-1, 18, 3)), height, width
