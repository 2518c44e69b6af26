"""From a picture to its OpenPose hint; a picture that is such a hint already is passed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..pictures import Bytes, Placement, move_pixels
from ..recognise import POSE, Look, recognise_exact, warn_ready_made
from ..report import describe_pass_on
from .people import Person, describe, place_people
from .skeleton import draw_people

_NOBODY = (
    "no person found. Small figures are found if you crop the picture around them. If a face fills it, turn on face. "
    "Drawn figures are hard for every detector: try another one, or write the pose down for Pose Render."
)
_NO_KEYPOINTS = "its keypoints are not known, so that output is empty"


@dataclass(frozen=True)
class PoseHint:
    """picture: skeletons on black, uint8 [H, W, 3]. people: on its canvas, with points that are not drawn too.

    report: how many are drawn, or why nobody.
    """

    picture: Bytes
    people: list[Person]
    report: str


def make_hint(
    picture: Bytes,
    placement: Placement,
    find_people: Callable[[Bytes], list[Person]],
    threshold: float,
    *,
    body: bool,
    hands: bool,
    face: bool,
    stick_scale: bool,
) -> PoseHint:
    """The hint of uint8 [H, W, 3] RGB on the canvas of `placement`. Points that score above `threshold` are drawn."""
    if recognise_exact(picture) == Look(POSE):
        note = describe_pass_on("a pose hint", picture, placement, "pixel by pixel")
        return PoseHint(move_pixels(picture, placement), [], f"{note}; {_NO_KEYPOINTS}")
    parts = {"body": body, "hands": hands, "face": face}
    found = find_people(picture)
    people = place_people(found, placement)
    hint = draw_people(people, *placement.size, **parts, stick_scale=stick_scale, threshold=threshold)
    report = describe(found, people, threshold, **parts, why_none=_NOBODY)
    warning = "" if found else warn_ready_made(picture, [POSE])
    return PoseHint(hint, people, "; ".join(filter(None, [report, warning])))
