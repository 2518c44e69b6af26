"""What the node Face Mask does: faces are found or read, chosen, masked and reported."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch

from ...preprocessors.networks.graph import load_graph
from ...preprocessors.pictures import Size, check_pictures, fit_points
from ...preprocessors.pose.faces import NETWORKS, Face, face_of, find_faces, order_faces
from ...preprocessors.pose.keypoints import PoseFrame, read_frames
from ...preprocessors.pose.render import choose_canvas_size
from ...preprocessors.report import count_of, group_lines, number_lines
from ..comfy_progress import show_text
from ..preprocess import comfy_images, comfy_networks
from ..text.printable import get_log
from .face import choose_faces, draw_face_mask
from .fit import has_other_shape
from .masks import Mask

log = get_log(__name__)

_NONE_FOUND = (
    "no face found, the mask is empty. The picture was searched at several scales. A small face is found if you crop "
    "the picture around it. For faces that are covered or turned away, connect keypoints, or draw the mask"
)
_NONE_KNOWN = (
    "the keypoints have no face, the mask is empty. A nose and both eyes are needed: turn on face in OpenPose, or "
    "disconnect keypoints so that the picture itself is looked at"
)
_SHRUNK = "grow {} shrinks it to nothing. Set it nearer to 0, or take a larger picture"
_OUTSIDE = "what is masked lies outside the picture"


def make_masks(
    image: torch.Tensor | None, keypoints: Any, region: str, faces: str, grow: int, feather: int
) -> tuple[torch.Tensor, str]:
    """MASK float32 [B, H, W] in 0..1, one for each picture or frame, and a report.

    keypoints: POSE_KEYPOINT; where they are connected, the picture is not looked at. grow, feather: in pixels.

    Raises:
        ValueError: neither is connected, `faces` names no face, or there are more frames than one but not one for each
            picture.
    """
    choose_faces(faces, 0)  # wrong text ends here, before anything is looked for
    found, size, why_none = _find_in_image(image) if keypoints is None else _read_keypoints(image, keypoints)
    masks, lines = [], []
    for of_picture in found:
        numbers, absent = choose_faces(faces, len(of_picture))
        chosen = [of_picture[number] for number in numbers]
        mask = draw_face_mask(chosen, size, region, grow, feather)
        line = _describe(len(of_picture), numbers, absent, region, mask) if of_picture else why_none
        if chosen and not mask.any():
            was_shrunk = grow < 0 and bool(draw_face_mask(chosen, size, region).any())
            line += f"; but the mask is empty: {_SHRUNK.format(grow) if was_shrunk else _OUTSIDE}"
        masks.append(mask)
        lines.append(line)
    empty = {index: line for index, (line, mask) in enumerate(zip(lines, masks, strict=True)) if not mask.any()}
    for line in group_lines(empty, len(lines)):
        log.warning("Face Mask: %s.", line)
    report = number_lines(lines)
    show_text(report)
    return torch.from_numpy(np.stack(masks)), report


def _find_in_image(image: torch.Tensor | None) -> tuple[list[list[Face]], Size, str]:
    """The faces of each picture, (height, width) of the masks, and the line for a picture without a face."""
    if image is None:
        raise ValueError("image: nothing is connected. Connect image, or keypoints in which faces are known.")
    networks = comfy_networks.load_networks({name: partial(load_graph, name) for name in NETWORKS})
    found = [find_faces(networks, picture) for picture in comfy_images.iterate_pictures(image)]
    return found, comfy_images.size_of(image), _NONE_FOUND


def _read_keypoints(image: torch.Tensor | None, keypoints: Any) -> tuple[list[list[Face]], Size, str]:
    """As `_find_in_image`."""
    frames = read_frames(keypoints, None if image is None else comfy_images.size_of(image))
    size = choose_canvas_size(frames) if image is None else _check_sizes(image, frames)
    return [_faces_of_frame(frame, size) for frame in frames], size, _NONE_KNOWN


def _check_sizes(image: torch.Tensor, frames: list[PoseFrame]) -> Size:
    check_pictures(image)
    if len(frames) not in (1, len(image)):
        raise ValueError(
            f"keypoints: there are {len(frames)} frames for {count_of(len(image), 'picture')}. Give one frame, "
            "or one for each picture."
        )
    size = comfy_images.size_of(image)
    for number, frame in enumerate(frames, 1):
        if frame.height and has_other_shape((frame.height, frame.width), size):
            raise ValueError(
                f"keypoints: frame {number} is for a picture of {frame.width}x{frame.height}, and the picture is "
                f"{size[1]}x{size[0]}, of another shape. Connect the picture that the keypoints come from, or leave "
                "image away."
            )
    return size


def _faces_of_frame(frame: PoseFrame, size: Size) -> list[Face]:
    placement = fit_points((frame.height, frame.width) if frame.height else size, size, "stretch")
    faces = [face_of(person.move(placement)) for person in frame.people]
    return order_faces([face for face in faces if face is not None])


def _describe(count: int, numbers: list[int], absent: list[int], region: str, mask: Mask) -> str:
    """The line of one picture that has `count` faces, of which `numbers` (from 0) are masked."""
    if not numbers:
        return f"{count_of(count, 'face')} found, but no face {_list_numbers(absent)}: the mask is empty"
    which = "" if len(numbers) == count else f", face {_list_numbers([number + 1 for number in numbers])} from the left"
    missing = f"; there is no face {_list_numbers(absent)}" if absent else ""
    share = f", {mask.mean():.1%} of the picture" if mask.any() else ""
    return f"{count_of(count, 'face')} found{which}: {region}{share}{missing}"


def _list_numbers(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
