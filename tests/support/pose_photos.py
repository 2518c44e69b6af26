"""Photographs of people that test-time packages ship."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
# Files of the packages comfyui-workflow-templates-media-*, which ComfyUI itself requires.
PHOTOS = (
    "astronaut",
    "api_hailuo_minimax_t2v-1",
    "api_moonvalley_video_to_video_pose_control-2",
    "api_runway_gen4_turo_image_to_video-1",
    "image_flux2-1",
    "video_wan2_2_14B_s2v-1",
    "video_wan_vace_14B_v2v-1",
    "video_wan_vace_flf2v-1",
)


def photo(name: str, side: int = 640) -> np.ndarray:
    """uint8 [H, W, 3] RGB with a longer side of `side` pixels; "astronaut" is scikit-image's."""
    if name == "astronaut":
        from skimage.data import astronaut

        pixels = astronaut()
    else:
        pixels = np.asarray(Image.open(_media(name)).convert("RGB"))
    scale = side / max(pixels.shape[:2])
    size = round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def _media(name: str) -> Path:
    """Of the packages of this Python, or, as newer ones have other photos, of the one that run.py sets up."""
    for package in (f"comfyui_workflow_templates_media_{kind}" for kind in ("api", "image", "other", "video")):
        spec = importlib.util.find_spec(package)
        folders = [Path(spec.origin).parent] if spec is not None and spec.origin is not None else []
        folders += (ROOT / ".venv").glob(f"lib/python3*/site-packages/{package}")
        for folder in folders:
            path = folder / "templates" / f"{name}.webp"
            if path.is_file():
                return path
    pytest.skip(f"no installed comfyui-workflow-templates-media package has {name}.webp")
