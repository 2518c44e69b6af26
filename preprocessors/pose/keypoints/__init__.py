"""POSE_KEYPOINT: the list of frames in which ComfyUI's pose nodes hand people on, in OpenPose's JSON terms.

The writer is strict: pixels, real scores, every frame, every part present (zeros where there is none), which ComfyUI's
own SDPose nodes need. The reader takes what others write (`forms`), in their order of points (`layouts`) and their
units (`units`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..people import WRISTS, Floats, Person, no_points
from .forms import KEYS, MAX_CANVAS, RawFrame, read_raw_frames
from .layouts import SIZES, order_points
from .units import PIXELS, SIGNED, choose_units, to_pixels

__all__ = ["KEYS", "SIZES", "PoseFrame", "describe_units", "read_frames", "write_frame"]
_PADDING = 64  # comfyui_controlnet_aux pads to multiples of this
_CLEARLY = 0.5  # hands are swapped if that halves their distance from the wrists
_FAR = 10.0  # points further away than this many canvases are not points


@dataclass(frozen=True)
class PoseFrame:
    """The people of one picture, in pixels of its canvas.

    height, width: of the canvas in pixels, 0 when the writer did not say. units: those of the file. is_missing: the
    file has null in the place of the frame, so it says nothing about that picture.
    """

    people: list[Person]
    height: int
    width: int
    units: tuple[str, ...] = ()
    is_missing: bool = False


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


def read_frames(value: Any, size: tuple[int, int] | None = None) -> list[PoseFrame]:
    """All frames of a POSE_KEYPOINT value: a list, a single frame, or JSON text.

    size: (height, width) of the picture, for frames in shares of a canvas whose size the file does not say.

    Raises:
        ValueError: it cannot be read; the message says where and why.
    """
    if isinstance(value, str | bytes):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"keypoints: this text is not JSON ({error}). Connect a POSE_KEYPOINT output.") from error
    frames = read_raw_frames(value)
    canvas = next(((frame.height, frame.width) for frame in frames if frame.height), size)
    every = [points for frame in frames for person in frame.people for points in person.values() if points is not None]
    units = iter(choose_units(every))
    return [_frame(frame, units, canvas, f"frame {number}") for number, frame in enumerate(frames, 1)]


def describe_units(frames: Sequence[PoseFrame]) -> str:
    """One sentence if a file is in units that are rare, which a reader may want to know, else ""."""
    is_signed = any(SIGNED in frame.units for frame in frames)
    return f"the keypoints are read as {SIGNED}" if is_signed else ""


def _frame(frame: RawFrame, units: Iterator[str], canvas: tuple[int, int] | None, where: str) -> PoseFrame:
    """A frame in pixels. units: of every part of the file in turn. canvas: (height, width) if the frame has none."""
    height, width = (frame.height, frame.width) if frame.height else canvas or (0, 0)
    if frame.is_strict and _whole_scores(frame):
        height, width = (-(-side // _PADDING) * _PADDING for side in (height, width))
    limit = _FAR * max(frame.height, frame.width) if frame.height else _FAR * MAX_CANVAS
    people, used = [], dict[str, None]()
    for raw in frame.people:
        parts: dict[str, Floats | None] = {}
        for part, points in raw.items():
            if points is None:
                continue
            unit = next(units)
            if unit != PIXELS and not height:
                raise ValueError(
                    f"keypoints: {where} is in {unit}, but does not say its canvas_width and canvas_height. Set width "
                    "and height, connect the latent or the picture, or write them into the file."
                )
            used[unit] = None
            pixels = to_pixels(points, unit, width, height)
            pixels[(pixels[:, :2] > limit).any(axis=1)] = 0
            ordered = order_points(pixels, part)
            parts[part] = ordered if ordered is not None and ordered[:, 2].any() else None
        if any(points is not None for points in parts.values()):
            body = parts.pop("body", None)
            people.append(_hands_at_wrists(Person(no_points() if body is None else body, **parts)))
    return PoseFrame(people, frame.height, frame.width, tuple(used), frame.is_missing)


def _whole_scores(frame: RawFrame) -> bool:
    """Whether every point scores exactly 1, as those of comfyui_controlnet_aux's OpenPose node do. It writes shares of
    the picture padded to multiples of 64 and says the size without, while others' shares are of the size they say.
    """
    scores = [points[:, 2] for person in frame.people for points in person.values() if points is not None]
    return all(np.isin(score, (0.0, 1.0)).all() for score in scores)


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
