"""The orders of points that keypoint files use, and how each becomes OpenPose's 18, its hands and its face."""

from __future__ import annotations

import numpy as np

from ..people import BODY_POINTS, FACE_POINTS, HAND_POINTS, Floats

SIZES = {"body": BODY_POINTS, "left": HAND_POINTS, "right": HAND_POINTS, "face": FACE_POINTS}
# OpenPose's 18 points in the bodies of others: where each lies there. ABSENT: it is not there. BETWEEN: the neck, which
# is the middle of the shoulders.
ABSENT, BETWEEN = -2, -1
NECK, SHOULDERS = 1, (2, 5)
COCO_17 = (0, BETWEEN, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
BODIES: dict[int, tuple[int, ...]] = {
    18: tuple(range(18)),
    25: (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18),  # BODY_25 of OpenPose
    17: COCO_17,
    26: (0, 18, *COCO_17[2:]),  # Halpe26: COCO's 17, head, neck, hip and feet
    133: COCO_17,  # COCO-WholeBody: COCO's 17, feet, face and hands
    136: (0, 18, *COCO_17[2:]),  # Halpe136: Halpe26, face and hands
    33: (0, BETWEEN, 12, 14, 16, 11, 13, 15, 24, 26, 28, 23, 25, 27, 5, 2, 8, 7),  # BlazePose of MediaPipe
    15: (ABSENT, *range(1, 14), *[ABSENT] * 4),  # MPI of OpenPose: the top of the head instead of a face
}
# What else lies in a list of whole bodies: (part, first point, how many).
WITH_PARTS: dict[int, tuple[tuple[str, int, int], ...]] = {
    133: (("face", 23, 68), ("left", 91, HAND_POINTS), ("right", 112, HAND_POINTS)),
    136: (("face", 26, 68), ("left", 94, HAND_POINTS), ("right", 115, HAND_POINTS)),
}
DLIB_POINTS = 68  # a face without the pupils
LONGEST_FACE = FACE_POINTS + 1


def split_whole_body(parts: dict[str, Floats | None]) -> dict[str, Floats | None]:
    """Hands and face taken out of a body's list, where the file does not give them by themselves."""
    body = parts["body"]
    inside = () if body is None else WITH_PARTS.get(len(body), ())
    taken = {part: body[first : first + count] for part, first, count in inside if body is not None}
    return parts | {part: points for part, points in taken.items() if parts[part] is None}


def order_points(points: Floats, part: str) -> Floats | None:
    """[N, 3] in the file's order -> the points of `part` in OpenPose's; None for a face of another kind."""
    if part == "face":
        return _order_face(points)
    return _order_body(points) if part == "body" else points


def _order_body(points: Floats) -> Floats:
    order = BODIES[len(points)]
    body = points[list(order)]
    body[[place == ABSENT for place in order]] = 0
    if order[NECK] == BETWEEN:
        one, other = (body[shoulder] for shoulder in SHOULDERS)
        body[NECK] = (one + other) / 2 if one[2] and other[2] else 0
    return body


def _order_face(points: Floats) -> Floats | None:
    """[N, 3] -> [70, 3], or None for longer lists, which are other kinds of faces.

    comfyui_controlnet_aux leaves out the points that its network did not see, and adds one that is no point: up to 71.
    Which points a shorter list holds is not known. They come last, behind absent ones: so they are drawn, but not taken
    for the 68 in order.
    """
    count = len(points)
    if count == LONGEST_FACE:
        return points[:FACE_POINTS]
    if count > FACE_POINTS:
        return None
    absent = np.zeros((FACE_POINTS - count, 3))
    return np.concatenate([points, absent] if count == DLIB_POINTS else [absent, points])


def is_known(count: int, part: str) -> bool:
    """Whether a list of `count` points can be `part`. Faces of any length are taken, or left out quietly."""
    return part == "face" or count in (BODIES if part == "body" else (HAND_POINTS,))


def are_pairs(count: int, part: str) -> bool:
    """Whether a flat list of `count` numbers is pairs of x and y: it holds a whole part so, and not as triples."""
    if count % 2 or (count % 3 == 0 and is_known(count // 3, part)):
        return False
    return count // 2 in (DLIB_POINTS, FACE_POINTS) if part == "face" else is_known(count // 2, part)


def list_counts(part: str) -> str:
    """The numbers of points that `part` may have, for a message."""
    return ", ".join(map(str, sorted(BODIES))) if part == "body" else str(SIZES[part])
