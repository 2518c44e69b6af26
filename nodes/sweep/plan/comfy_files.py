"""The files of an Image Axis, found and read in ComfyUI's input folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import folder_paths
import torch

from ....files import known_sha256, read_plain
from ...axis import PictureFile, PoseFile


def input_folder() -> Path:
    """ComfyUI's input folder."""
    return Path(folder_paths.get_input_directory())


def load_picture(file: PictureFile) -> torch.Tensor:
    """A picture as Load Image reads it, IMAGE [B, H, W, 3].

    Raises:
        ValueError: it is not there, or is no picture.
    """
    import nodes  # ComfyUI's, which is there when a graph runs

    loader: Any = getattr(nodes, "LoadImage")  # noqa: B009  # the checker takes `nodes` for this pack's
    try:
        return loader().load_image(file.name)[0]
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"files: the picture '{file.name}' cannot be read ({error}). Look at the file.") from error


def load_pose(file: PoseFile) -> Any:
    """POSE_KEYPOINT of a file, as OpenPose nodes save it: a list of frames, or one frame.

    Raises:
        ValueError: it is not there, or holds something else.
    """
    try:
        found = json.loads(read_plain(input_folder() / file.name))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"files: the pose '{file.name}' cannot be read ({error}). Look at the file.") from error
    frames = found if isinstance(found, list) else [found]
    if not frames or not all(isinstance(frame, dict) and "people" in frame for frame in frames):
        raise ValueError(f"files: '{file.name}' holds no POSE_KEYPOINT: it has no people. Save one from a pose node.")
    return frames


def identify_files(names: list[str]) -> str:
    """A text that changes with the content of these files."""
    found = []
    for name in names:
        path = input_folder() / name
        try:
            found.append(f"{name} {known_sha256(path)}")
        except OSError:
            found.append(f"{name} absent")
    return "; ".join(found)
