"""POSE_KEYPOINT frames -> hints at any size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..choices import MAX_SIDE
from ..pictures import Bytes, fit_points
from .keypoints import PoseFrame
from .people import Person, place_people
from .skeleton import draw_people


def choose_canvas_size(frames: Sequence[PoseFrame], width: int = 0, height: int = 0) -> tuple[int, int]:
    """(height, width) of the hints: as given; where one is 0, from the shape of the first frame that says its canvas.

    Raises:
        ValueError: neither the frames nor the arguments give a size, or a side would be over 16384.
    """
    if not (0 <= width <= MAX_SIDE and 0 <= height <= MAX_SIDE):
        raise ValueError(
            f"width, height: {width}x{height} is not a size; sides may be 1 to {MAX_SIDE}, or 0 for the canvas'."
        )
    if width and height:
        return height, width
    known = next(((frame.height, frame.width) for frame in frames if frame.height), None)
    if known is None:
        raise ValueError("keypoints: no frame says its canvas_width and canvas_height. Set width and height.")
    if width or height:
        scale = width / known[1] if width else height / known[0]
    else:
        scale = 1.0
    size = max(1, round(known[0] * scale)), max(1, round(known[1] * scale))
    if max(size) > MAX_SIDE:
        raise ValueError(f"width, height: this makes hints of {size[1]}x{size[0]}; sides may be at most {MAX_SIDE}.")
    return size


def render(
    frames: Sequence[PoseFrame],
    size: tuple[int, int],
    fit: str = "crop",
    *,
    body: bool = True,
    hands: bool = True,
    face: bool = True,
    stick_scale: bool = False,
    threshold: float = 0.0,
) -> Iterator[Bytes]:
    """A hint uint8 [height, width, 3] of `size` for every frame; points are moved, nothing is resized."""
    for people in place_frames(frames, size, fit):
        yield draw_people(
            people, *size, body=body, hands=hands, face=face, stick_scale=stick_scale, threshold=threshold
        )


def place_frames(frames: Sequence[PoseFrame], size: tuple[int, int], fit: str = "crop") -> Iterator[list[Person]]:
    """The people of every frame that are on a canvas of `size` (height, width), in its pixels.

    A frame that does not say its own canvas is taken in pixels as it is.
    """
    for frame in frames:
        yield place_people(frame.people, fit_points((frame.height, frame.width) if frame.height else size, size, fit))
