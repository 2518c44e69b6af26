"""The forms of keypoint files: what others call a frame, a canvas, a person and a part, as one form.

OpenPose (also of its first versions), comfyui_controlnet_aux, ComfyUI's SDPose, the OpenPose editors, AlphaPose and
MMPose. Nothing is scaled or put in order here.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..people import BODY_POINTS, Floats
from .layouts import are_pairs, is_known, list_counts, split_whole_body

KEYS = {
    "body": "pose_keypoints_2d",
    "left": "hand_left_keypoints_2d",
    "right": "hand_right_keypoints_2d",
    "face": "face_keypoints_2d",
}
# Other names of the same: OpenPose's first versions, and the last those of COCO, AlphaPose and MMPose.
ALSO = {
    "body": ("pose_keypoints", "body_keypoints_2d", "keypoints"),
    "left": ("hand_left_keypoints",),
    "right": ("hand_right_keypoints",),
    "face": ("face_keypoints",),
}
SCORES = "keypoint_scores"  # beside keypoints that are pairs
SIDES = {"height": ("canvas_height", "height", "image_height"), "width": ("canvas_width", "width", "image_width")}
LISTS = ("frames", "instance_info")  # of frames, in a file that says more than these
NOT_READ = {"animals": "animals", "annotations": "the annotations of a data set"}
MAX_CANVAS = 65536
READS = (
    "Read are OpenPose's JSON ('people' with 'pose_keypoints_2d') and that of its editors, of AlphaPose and of MMPose: "
    "write one of these, or run OpenPose on the picture"
)
_ABSENT = (0.0, 0.0, 0.0)
_REAL = (int, float, np.integer, np.floating)
Parts = dict[str, Floats | None]


@dataclass(frozen=True)
class RawFrame:
    """One frame as its writer had it: parts [N, 3] of x, y and score in its units and order, absent points as zeros.

    height, width: of its canvas in pixels, 0 if it does not say. is_strict: all people have OpenPose's four keys.
    is_missing: it is null.
    """

    people: list[Parts]
    height: int = 0
    width: int = 0
    is_strict: bool = False
    is_missing: bool = False


def read_raw_frames(value: Any) -> list[RawFrame]:
    """The frames of a value that JSON can hold.

    Raises:
        ValueError: it cannot be read; the message says where and why.
    """
    listed = (
        next((value[key] for key in LISTS if isinstance(value.get(key), list)), None) if _is_object(value) else None
    )
    frames = [value] if listed is None and _is_object(value) else value if listed is None else listed
    if not _is_list(frames):
        raise ValueError(
            f"keypoints: expected a list of frames, got {type(frames).__name__}. Connect a POSE_KEYPOINT output."
        )
    if not len(frames):
        raise ValueError("keypoints: there is no frame. Check that the node before it gives at least one.")
    return [read_raw_frame(frame, f"frame {number}") for number, frame in enumerate(_gather_people(frames), 1)]


def _gather_people(frames: Sequence[Any]) -> list[Any]:
    """The frames of a list of people, as AlphaPose and MMPose write them; else the list as it is."""
    if not all(_is_object(one) and "keypoints" in one and not _is_editors(one) for one in frames):
        return list(frames)
    pictures: dict[Any, list[Any]] = {}
    for person in frames:
        pictures.setdefault(str(person.get("image_id")), []).append(person)
    return [{"people": people} for people in pictures.values()]


def _is_editors(frame: Mapping[str, Any]) -> bool:
    """Whether an object with `keypoints` is a frame: it has a canvas, or a list of points for each person."""
    if any(frame.get(name) is not None for names in SIDES.values() for name in names):
        return True
    return _are_people(frame["keypoints"])


def _are_people(points: Any) -> bool:
    return _is_list(points) and any(_is_list(one) and any(_is_list(point) for point in one) for one in points)


def read_raw_frame(frame: Any, where: str) -> RawFrame:
    """One frame; null is a frame without people.

    Raises:
        ValueError: it cannot be read.
    """
    if frame is None:
        return RawFrame([], is_missing=True)
    if not _is_object(frame):
        raise ValueError(
            f"keypoints: {where} is {type(frame).__name__}, not an object with people, canvas_width and canvas_height."
        )
    people = [person for person in _list_people(frame, where) if person is not None]
    height, width = (_side(frame, names, where) for names in SIDES.values())
    if not height or not width:
        height = width = 0
    parts = [_person(person, f"person {number} of {where}") for number, person in enumerate(people, 1)]
    is_strict = all(person.keys() == set(KEYS.values()) for person in people)
    return RawFrame(parts, height, width, is_strict)


def _list_people(frame: Mapping[str, Any], where: str) -> Sequence[Any]:
    for name in ("people", "instances"):
        if name in frame:
            people = frame[name]
            people = [] if people is None else list(people.values()) if _is_object(people) else people
            if not _is_list(people):
                raise ValueError(f"keypoints: '{name}' of {where} is {type(people).__name__}, not a list.")
            return people
    for name, what in NOT_READ.items():
        if name in frame:
            raise ValueError(
                f"keypoints: {where} has no 'people'. It holds {what}, which this node does not read. {READS}."
            )
    points = frame.get("keypoints")
    if points is not None and _is_list(points) and len(points) and _is_editors(frame):
        return [{KEYS["body"]: person} for person in _split_editor(points, where)]
    if any(frame.get(name) is not None for part in KEYS for name in _names(part)):
        return [frame]
    raise ValueError(f"keypoints: {where} has no 'people'. {READS}.")


def _split_editor(points: Sequence[Any], where: str) -> list[Any]:
    """The people of an editor's `keypoints`: a list for each, or the points of all in one list, 18 each."""
    if _are_people(points):
        return list(points)
    if all(_is_list(one) for one in points) and len(points) % BODY_POINTS == 0:
        return [points[first : first + BODY_POINTS] for first in range(0, len(points), BODY_POINTS)]
    if not any(_is_list(one) for one in points):
        return [points]
    raise ValueError(
        f"keypoints: 'keypoints' of {where} holds {len(points)} points; bodies of {BODY_POINTS} are expected, without "
        "hands. Write them as 'people' with 'pose_keypoints_2d', or leave the hands away."
    )


def _side(frame: Mapping[str, Any], names: Sequence[str], where: str) -> int:
    name, value = next(((name, frame[name]) for name in names if frame.get(name) is not None), ("", None))
    if value is None or (isinstance(value, _REAL) and not isinstance(value, bool) and value == 0):
        return 0  # so writes who does not know it
    if isinstance(value, bool) or not isinstance(value, _REAL) or not 1 <= value <= MAX_CANVAS:
        raise ValueError(
            f"keypoints: {name} of {where} is {_quote(value)}; it must be a number of pixels, 1 to {MAX_CANVAS}."
        )
    return round(float(value))


def _names(part: str) -> tuple[str, ...]:
    return KEYS[part], *ALSO[part]


def _person(person: Any, where: str) -> Parts:
    if not _is_object(person):
        raise ValueError(f"keypoints: {where} is {type(person).__name__}, not an object with {KEYS['body']}.")
    parts: Parts = {}
    for part, key in KEYS.items():
        name = next((name for name in _names(part) if person.get(name) is not None), key)
        scores = person.get(SCORES) if name == "keypoints" else None
        parts[part] = _part(person.get(name), scores, part, f"{name} of {where}")
    if not any(points is not None for points in parts.values()):
        _check_other_keys(person, where)
    return split_whole_body(parts)


def _check_other_keys(person: Mapping[str, Any], where: str) -> None:
    """Refuse a person without a point under the known names, but with points under others, as in three dimensions."""
    known = {SCORES, *(name for part in KEYS for name in _names(part))}
    for name, value in person.items():
        is_other = name not in known and "keypoints" in str(name) and not str(name).startswith("foot")
        if is_other and _is_list(value) and len(value):
            raise ValueError(f"keypoints: {where} has points as {_quote(name)} only. {READS}.")


def _part(value: Any, scores: Any, part: str, where: str) -> Floats | None:
    """[N, 3] with absent points as zeros; None if the part is null, empty or without any point."""
    numbers, are_paired = _numbers(value, where)
    if not numbers:
        return None
    if are_paired or are_pairs(len(numbers), part):
        points = _from_pairs(numbers, _numbers(scores, where)[0], where)
    elif len(numbers) % 3:
        raise ValueError(
            f"keypoints: {where} holds {len(numbers)} numbers, which are not triples of x, y and score. Expected are "
            f"{list_counts(part)} points, each x, y and score or x and y."
        )
    else:
        points = np.array(numbers, np.float64).reshape(-1, 3)
    points[~(np.isfinite(points).all(axis=1) & (points[:, 2] > 0))] = 0
    points[:, 2] = np.minimum(points[:, 2], 1.0)
    if not is_known(len(points), part):
        raise ValueError(
            f"keypoints: {where} holds {len(points)} points; {list_counts(part)} are expected. Write it in one of "
            "these orders: 18 and 25 are OpenPose's, 17 and 133 COCO's, 26 and 136 Halpe's, 33 MediaPipe's."
            if part == "body"
            else f"keypoints: {where} holds {len(points)} points; {list_counts(part)} are expected."
        )
    return points if points[:, 2].any() else None


def _from_pairs(numbers: Sequence[float], scores: Sequence[float], where: str) -> Floats:
    """Pairs of x and y with a score for each, or 1; absent are those at (0, 0) and (-1, -1), as writers put them."""
    pairs = np.array(numbers, np.float64).reshape(-1, 2)
    if scores and len(scores) != len(pairs):
        raise ValueError(f"keypoints: {where} holds {len(pairs)} points, and {SCORES} {len(scores)}.")
    absent = (pairs == 0).all(axis=1) | (pairs == -1).all(axis=1)
    sure = np.where(absent, 0.0, np.array(scores, np.float64) if scores else 1.0)
    return np.concatenate([pairs, sure[:, None]], axis=1)


def _numbers(value: Any, where: str) -> tuple[list[float], bool]:
    """The numbers of a flat or nested list, and whether it is nested in pairs.

    null counts as 0, and so does an overlarge integer; a point that is null as (0, 0), without a score.
    """
    if value is None:
        return [], False
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not _is_list(value):
        raise ValueError(f"keypoints: {where} is {_quote(value)}, not a list of numbers.")
    rows = [item for item in value if _is_list(item) or _is_object(item)]
    are_paired = bool(rows) and all(_is_list(row) and len(row) == 2 for row in rows)
    out: list[float] = []
    for item in value:
        if _is_object(item):
            out += [_number(one, where) for one in _named_point(item, where)]
        elif _is_list(item):
            out += [_number(one, where) for one in item]
        elif item is None and rows:
            out += _ABSENT[: 2 if are_paired else 3]
        else:
            out.append(_number(item, where))
    return out, are_paired and len(out) % 2 == 0


def _named_point(point: Mapping[str, Any], where: str) -> Iterable[Any]:
    """x, y and score of {"x": ..., "y": ..., "score": ...}, as pose libraries for browsers write them."""
    if "x" not in point or "y" not in point:
        raise ValueError(f"keypoints: {where} holds {_quote(point)} where a number should be.")
    score = next((point[name] for name in ("score", "visibility", "confidence", "c", "v") if name in point), 1.0)
    return point["x"], point["y"], score


def _number(value: Any, where: str) -> float:
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, _REAL):
        raise ValueError(f"keypoints: {where} holds {_quote(value)} where a number should be.")
    value = value.item() if isinstance(value, np.generic) else value
    return float(value) if abs(value) < 1e300 else math.inf


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_list(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _quote(value: Any) -> str:
    text = reprlib.repr(value)  # of nested lists only the outermost
    return text if len(text) <= 40 else text[:37] + "..."
