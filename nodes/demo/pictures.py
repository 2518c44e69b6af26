"""Reads the pictures that ship with Steer, and the people in them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from PIL import Image

from ...demo.picture_files import SETS, path_of


def load_picture(name: str) -> torch.Tensor:
    """The picture `name`, or the pictures of a set, as float32 [B, 512, 512, 3] in 0..1, RGB.

    Raises:
        ValueError: there is no picture of that name.
    """
    return torch.cat([_read_picture(each) for each in SETS.get(name, (name,))])


def _read_picture(name: str) -> torch.Tensor:
    with Image.open(path_of(name)) as picture:
        pixels = np.asarray(picture.convert("RGB"), dtype=np.float32)
    return torch.from_numpy(pixels / 255.0)[None]


def load_keypoints(name: str) -> list[dict[str, Any]]:
    """The people of the picture `name` as POSE_KEYPOINT, one frame for each picture of a set.

    Raises:
        ValueError: there is no picture of that name.
    """
    return [json.loads(path_of(each).with_suffix(".json").read_text("utf-8")) for each in SETS.get(name, (name,))]
