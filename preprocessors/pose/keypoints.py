"""POSE_KEYPOINT: the list of frames in which ComfyUI's pose nodes hand people on, in OpenPose's JSON terms.

The writer is strict: pixels, real scores, every frame, every part present (zeros where there is none), which ComfyUI's
own SDPose nodes need. The reader takes what others write: normalised or pixels, null or missing parts, one frame
without a list, BODY_25 of the original OpenPose, nested triples, scores of 0 and 1.
"""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .people import BODY_POINTS, FACE_POINTS, HAND_POINTS, WRISTS, Floats, Person, no_points

KEYS = {
    "body": "pose_keypoints_2d",
    "left": "hand_left_keypoints_2d",
    "right": "hand_right_keypoints_2d",
    "face": "face_keypoints_2d",
}
SIZES = {"body": BODY_POINTS, "left": HAND_POINTS, "right": HAND_POINTS, "face": FACE_POINTS}
BODY_25 = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)  # OpenPose's 18 points among its 25
COCO_17 = (0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
MAX_CANVAS = 65536
_DLIB_POINTS = 68  # a face without the pupils
_PADDING = 64  # comfyui_controlnet_aux pads to multiples of this
_REAL = (int, float, np.integer, np.floating)
_CLEARLY = 0.5  # hands are swapped if that halves their distance from the wrists
_FAR = 10.0  # points further away than this many canvases are not points


@dataclass(frozen=True)
class PoseFrame:
    """The people of one picture; height and width of its canvas in pixels, 0 when the writer did not say."""

    people: list[Person]
    height: int
    width: int


def write_frame(people: Sequence[Person], height: int, width: int, whole_scores: bool = False) -> dict[str, Any]:
    """One POSE_KEYPOINT frame: flat x, y, score in pixels; absent points and parts are zeros.

    whole_scores: write 1.0 for every point that is there, because comfyui_controlnet_aux's render nodes drop others.
    """
    return {
        "people": [
            {KEYS[part]: _flat(points, SIZES[part], whole_scores) for part, points in person.parts.items()}
            for person in people
        ],
        "canvas_height": int(height),
        "canvas_width": int(width),
    }


def _flat(points: Floats | None, count: int, whole_scores: bool) -> list[float]:
    if points is None:
        return [0.0] * (3 * count)
    seen = points[:, 2:] > 0
    written = np.where(seen, points, 0.0)
    if whole_scores:
        written[:, 2:] = seen
    return [float(value) for value in written.ravel()]


def read_frames(value: Any) -> list[PoseFrame]:
    """All frames of a POSE_KEYPOINT value: a list, a single frame, or JSON text.

    Raises:
        ValueError: it cannot be read; the message says where and why.
    """
    if isinstance(value, str | bytes):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"keypoints: this text is not JSON ({error}). Connect a POSE_KEYPOINT output.") from error
    frames = [value] if isinstance(value, Mapping) else value
    if not isinstance(frames, Sequence) or isinstance(frames, str | bytes):
        raise ValueError(
            f"keypoints: expected a list of frames, got {type(value).__name__}. Connect a POSE_KEYPOINT output."
        )
    if not frames:
        raise ValueError("keypoints: there is no frame. Check that the node before it gives at least one.")
    return [_frame(frame, f"frame {number}") for number, frame in enumerate(frames, 1)]


def _frame(frame: Any, where: str) -> PoseFrame:
    if not isinstance(frame, Mapping):
        raise ValueError(
            f"keypoints: {where} is {type(frame).__name__}, not an object with people, canvas_width and canvas_height."
        )
    if "people" not in frame:
        hint = " It holds animals, which this node does not read." if "animals" in frame else ""
        raise ValueError(f"keypoints: {where} has no 'people'.{hint}")
    people = frame["people"]
    people = [] if people is None else list(people.values()) if isinstance(people, Mapping) else people
    if not isinstance(people, Sequence) or isinstance(people, str | bytes):
        raise ValueError(f"keypoints: 'people' of {where} is {type(people).__name__}, not a list.")
    height, width = (_side(frame, name, where) for name in ("canvas_height", "canvas_width"))
    if not height or not width:
        height = width = 0
    found = [_person(person, f"person {number} of {where}") for number, person in enumerate(people, 1)]
    shared: tuple[int, ...] = (width, height)
    if all(person.keys() == set(KEYS.values()) for person in people) and _whole_scores(found):
        shared = tuple(-(-side // _PADDING) * _PADDING for side in shared)
    return PoseFrame(_to_pixels(found, height, width, shared, where), height, width)


def _whole_scores(people: Sequence[Person]) -> bool:
    """Whether every point scores exactly 1, as those of comfyui_controlnet_aux's OpenPose node do. It writes shares of
    the picture padded to multiples of 64 and says the size without, while others' shares are of the size they say.
    """
    scores = [points[:, 2] for person in people for points in person.parts.values() if points is not None]
    return all(np.isin(score, (0.0, 1.0)).all() for score in scores)


def _side(frame: Mapping[str, Any], name: str, where: str) -> int:
    value = frame.get(name)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, _REAL) or not 1 <= value <= MAX_CANVAS:
        raise ValueError(
            f"keypoints: {name} of {where} is {_quote(value)}; it must be a number of pixels, 1 to {MAX_CANVAS}."
        )
    return round(float(value))


def _person(person: Any, where: str) -> Person:
    if not isinstance(person, Mapping):
        raise ValueError(f"keypoints: {where} is {type(person).__name__}, not an object with {KEYS['body']}.")
    parts = {part: _part(person.get(key), part, f"{key} of {where}") for part, key in KEYS.items()}
    body = parts.pop("body")
    return Person(no_points() if body is None else body, **parts)


def _part(value: Any, part: str, where: str) -> Floats | None:
    """[points, 3] with absent points as zeros; None if the part is null, empty or without any point."""
    numbers = _numbers(value, where)
    if not numbers:
        return None
    if len(numbers) % 3:
        raise ValueError(f"keypoints: {where} holds {len(numbers)} numbers, which are not triples of x, y and score.")
    points = np.array(numbers, np.float64).reshape(-1, 3)
    points[~(np.isfinite(points).all(axis=1) & (points[:, 2] > 0) & (points[:, :2] >= 0).all(axis=1))] = 0
    points[:, 2] = np.minimum(points[:, 2], 1.0)
    points = _face(points) if part == "face" else _count_points(points, part, where)
    return points if points is not None and points[:, 2].any() else None


def _face(points: Floats) -> Floats | None:
    """[N, 3] -> [70, 3], or None for longer lists, which are other kinds of faces.

    comfyui_controlnet_aux leaves out the points that its network did not see, and adds one that is no point: up to 71.
    Which points a shorter list holds is not known. They come last, behind absent ones: so they are drawn, but not taken
    for the 68 in order.
    """
    count = len(points)
    if count == FACE_POINTS + 1:
        return points[:FACE_POINTS]
    if count > FACE_POINTS:
        return None
    absent = np.zeros((FACE_POINTS - count, 3))
    return np.concatenate([points, absent] if count == _DLIB_POINTS else [absent, points])


def _count_points(points: Floats, part: str, where: str) -> Floats:
    """The points in this part's own order and number."""
    count = len(points)
    if part == "body" and count == 25:
        return points[list(BODY_25)]
    if part == "body" and count == 17:
        body = points[list(COCO_17)]
        body[1] = (body[2] + body[5]) / 2 if body[2, 2] and body[5, 2] else 0
        return body
    if count != SIZES[part]:
        also = ", 17 or 25" if part == "body" else ""
        raise ValueError(f"keypoints: {where} holds {count} points; {SIZES[part]}{also} are expected.")
    return points


def _numbers(value: Any, where: str) -> list[float]:
    """The numbers of a flat or nested list; null counts as 0, and so does an overlarge integer."""
    if value is None:
        return []
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise ValueError(f"keypoints: {where} is {_quote(value)}, not a list of numbers.")
    out: list[float] = []
    for item in value:
        if isinstance(item, Sequence | np.ndarray) and not isinstance(item, str | bytes):
            out += [_number(one, where) for one in item]
        else:
            out.append(_number(item, where))
    return out


def _number(value: Any, where: str) -> float:
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, _REAL):
        raise ValueError(f"keypoints: {where} holds {_quote(value)} where a number should be.")
    value = value.item() if isinstance(value, np.generic) else value
    return float(value) if abs(value) < 1e300 else math.inf


def _quote(value: Any) -> str:
    text = reprlib.repr(value)  # of nested lists only the outermost
    return text if len(text) <= 40 else text[:37] + "..."


def _to_pixels(people: list[Person], height: int, width: int, shared: tuple[int, ...], where: str) -> list[Person]:
    """People in pixels: shares of `shared` (width, height) are scaled, and hands get their own wrists.

    Far-off points are dropped, and people without a point.
    """
    largest = max(
        (float(points[:, :2].max()) for p in people for points in p.parts.values() if points is not None), default=0.0
    )
    scale = np.ones(3)
    if 0 < largest <= 1.0:
        if not height:
            raise ValueError(
                f"keypoints: {where} is in shares of a canvas, but does not say its canvas_width and canvas_height."
            )
        scale[:2] = shared
    limit = _FAR * max(height, width) if height else _FAR * MAX_CANVAS

    def convert(points: Floats | None) -> Floats | None:
        if points is None:
            return None
        pixels = points * scale
        pixels[(pixels[:, :2] > limit).any(axis=1)] = 0
        return pixels if pixels[:, 2].any() else None

    out = []
    for person in people:
        parts = {part: convert(points) for part, points in person.parts.items()}
        if any(points is not None for points in parts.values()):
            body = parts.pop("body")
            out.append(_hands_at_wrists(Person(no_points() if body is None else body, **parts)))
    return out


def _hands_at_wrists(person: Person) -> Person:
    """Swap the hands when each clearly lies at the other wrist, as ComfyUI's SDPose node names them."""
    left, right = (person.body[WRISTS[side]] for side in ("left", "right"))
    if not (left[2] and right[2]) or (person.left is None and person.right is None):
        return person

    def away(hand: Floats | None, wrist: Floats) -> float:
        return 0.0 if hand is None or not hand[0, 2] else float(np.hypot(*(hand[0, :2] - wrist[:2])))

    as_named = away(person.left, left) + away(person.right, right)
    swapped = away(person.left, right) + away(person.right, left)
    return replace(person, left=person.right, right=person.left) if swapped < _CLEARLY * as_named else person
