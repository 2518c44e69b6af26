"""What the node Face Mask does: faces are found or read, chosen, and told."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import numpy as np
import torch

from ...preprocessors.networks.graph import load_graph
from ...preprocessors.pictures import check_pictures, fit_onto
from ...preprocessors.pose.faces import NETWORKS, Face, find_faces, of_person, order_faces
from ...preprocessors.pose.keypoints import PoseFrame, read_frames
from ...preprocessors.pose.render import canvas_size
from ..comfy_progress import show_text
from ..preprocess import comfy_images, comfy_networks
from .face import choose_faces, face_mask
from .fit import ASPECT_TOLERANCE
from .masks import Mask

log = logging.getLogger(__name__)

_NOT_SEEN = (
    "no face found, the mask is empty. Faces that are small, cut off or turned away are harder to find: try a larger "
    "picture of the face, or connect keypoints"
)
_NOT_KNOWN = (
    "the keypoints have no face, the mask is empty. A nose and both eyes are needed: turn on face in OpenPose, or "
    "disconnect keypoints so that the picture itself is looked at"
)

_EMPTY = "; but the mask is empty"
_SHRUNK = "grow {} shrinks it to nothing. Take one nearer to 0, or a larger picture"
_OUTSIDE = "what is masked lies outside the picture"


def masks(
    image: torch.Tensor | None, keypoints: Any, region: str, faces: str, grow: int, feather: int
) -> tuple[torch.Tensor, str]:
    """MASK float32 [B, H, W] in 0..1, one for each picture or frame, and a report.

    keypoints (POSE_KEYPOINT) are believed in the place of looking at the picture. ValueError if neither is given, for
    a number that is no face, or if there are more frames than one but not one for each picture.
    """
    choose_faces(faces, 0)  # a wrong text is told before anything is looked for
    found, size, unseen = _find_in_image(image) if keypoints is None else _read_keypoints(image, keypoints)
    drawn, report = [], []
    for one in found:
        numbers, absent = choose_faces(faces, len(one))
        chosen = [one[number] for number in numbers]
        drawn.append(face_mask(chosen, size, region, grow, feather))
        report.append(_report(len(one), numbers, absent, region, drawn[-1]) if one else unseen)
        if chosen and not drawn[-1].any():
            shrunk = grow < 0 and bool(face_mask(chosen, size, region).any())
            report[-1] += f"{_EMPTY}: {_SHRUNK.format(grow) if shrunk else _OUTSIDE}"
    text = comfy_images.number_lines(report)
    for line in text.splitlines():
        if "the mask is empty" in line:
            log.warning("Face Mask: %s.", line)
    show_text(text)
    return torch.from_numpy(np.stack(drawn)), text


def _find_in_image(image: torch.Tensor | None) -> tuple[list[list[Face]], tuple[int, int], str]:
    if image is None:
        raise ValueError("image: nothing is connected. Connect image, or keypoints in which faces are known.")
    networks = comfy_networks.networks({name: partial(load_graph, name) for name in NETWORKS})
    found = [find_faces(networks, picture) for picture in comfy_images.pictures(image)]
    return found, comfy_images.size(image), _NOT_SEEN


def _read_keypoints(image: torch.Tensor | None, keypoints: Any) -> tuple[list[list[Face]], tuple[int, int], str]:
    frames = read_frames(keypoints)
    size = canvas_size(frames) if image is None else _check_sizes(image, frames)
    return [_faces_of_frame(frame, size) for frame in frames], size, _NOT_KNOWN


def _check_sizes(image: torch.Tensor, frames: list[PoseFrame]) -> tuple[int, int]:
    check_pictures(image)
    if len(frames) not in (1, len(image)):
        raise ValueError(
            f"keypoints: there are {len(frames)} frames for {len(image)} picture{'s' if len(image) > 1 else ''}. Give "
            "one frame, or one for each picture."
        )
    size = comfy_images.size(image)
    for number, frame in enumerate(frames, 1):
        if frame.height and abs(frame.width * size[0] / (frame.height * size[1]) - 1) > ASPECT_TOLERANCE:
            raise ValueError(
                f"keypoints: frame {number} is for a picture of {frame.width}x{frame.height}, and the picture is "
                f"{size[1]}x{size[0]}, of another shape. Connect the picture that the keypoints come from, or leave "
                "image away."
            )
    return size


def _faces_of_frame(frame: PoseFrame, size: tuple[int, int]) -> list[Face]:
    placement = fit_onto((frame.height, frame.width) if frame.height else size, size, "stretch")
    faces = [of_person(person.placed(placement)) for person in frame.people]
    return order_faces([face for face in faces if face is not None])


def _report(count: int, numbers: list[int], absent: list[int], region: str, mask: Mask) -> str:
    plural = "" if count == 1 else "s"
    if not numbers:
        return f"{count} face{plural} found, but no face {_list_numbers(absent)}: the mask is empty"
    which = "" if len(numbers) == count else f", face {_list_numbers([number + 1 for number in numbers])} from the left"
    missing = f"; there is no face {_list_numbers(absent)}" if absent else ""
    share = f", {mask.mean():.1%} of the picture" if mask.any() else ""
    return f"{count} face{plural} found{which}: {region}{share}{missing}"


def _list_numbers(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
