"""Hints with a known answer: made by Steer's preprocessors and by controlnet_aux from held-out scenes and photographs,
and their inverses; and the photographs themselves."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image
from steer.demo.scenes import HELD_OUT, render
from steer.preprocessors.canny import canny
from steer.preprocessors.lines.draw import draw_lines
from steer.preprocessors.lines.mlsd import find_lsd_lines, find_mlsd_lines, load_mlsd
from steer.preprocessors.pose.people import Person
from steer.preprocessors.pose.skeleton import draw_people

# scikit-image's own photographs, and stills from the packages that ComfyUI requires.
SKIMAGE = (
    "astronaut",
    "chelsea",
    "coffee",
    "rocket",
    "camera",
    "hubble_deep_field",
    "brick",
    "grass",
    "gravel",
    "coins",
    "moon",
    "retina",
    "ihc",
    "motorcycle_left",
    "motorcycle_right",
)
# Stills that are hints, depth maps, flat signs or screenshots: chosen by eye, as everything else among the stills is a
# picture.
NO_PICTURES = (
    "api_google_gemini-1",
    "api_openai_chat-1",
    "api_recraft_vector_gen-1",
    "controlnet_example-2",
    "depth_controlnet-2",
    "depth_t2i_adapter-2",
    "flux_canny_model_example-2",
    "flux_depth_lora_example-2",
    "image2image-2",
    "image_lotus_depth_v1_1-2",
    "image_qwen_image_instantx_controlnet-2",
    "image_qwen_image_union_control_lora-3",
    "mixing_controlnets-2",
    "sd3.5_large_canny_controlnet_example-2",
    "sd3.5_large_depth-2",
    "2_pass_pose_worship-2",
    "3d_hunyuan3d_multiview_to_model_turbo-1",
    "3d_hunyuan3d_multiview_to_model_turbo-2",
    "api_hunyuan3d_smart_topology-1",
    "api_hunyuan3d_smart_topology-2",
    "api_quiver_text_to_svg-1",
    "api_stability_ai_audio_inpaint-1",
    "audio_ace_step1_5_xl_base-1",
    "audio_ace_step1_5_xl_sft-1",
    "audio_ace_step1_5_xl_turbo-1",
    "image_qwen_Image_2512_controlnet-2",
    "image_qwen_image_union_control_lora-2",
    "image_z_image_turbo_fun_union_controlnet-2",
    "utility_depth_anything3_image_depth_estimation-1",
    "utility_depth_anything3_video_depth_estimation-1",
    "utility_sdpose_ood_image_to_pose-1",
    "utility_sdpose_ood_video_to_pose_map-1",
    "video_ltx2_canny_to_video-2",
    "video_ltx2_depth_to_video-2",
)
SIZES = (256, 512, 512, 768)
SOURCES = ("our canny", "their canny", "our mlsd", "our lsd", "their mlsd", "our pose", "their pose")


@dataclass(frozen=True)
class Hint:
    answer: str
    inverted: bool
    source: str
    picture: np.ndarray


@cache
def photograph_files() -> tuple[Path, ...]:
    """In a fixed order."""
    import skimage

    data = Path(str(skimage.__file__)).parent / "data"
    paths = [path for name in SKIMAGE for path in sorted(data.glob(f"{name}.*"))]
    for package in ("api", "image", "other", "video"):
        spec = importlib.util.find_spec(f"comfyui_workflow_templates_media_{package}")
        if spec is not None and spec.origin is not None:
            stills = sorted((Path(spec.origin).parent / "templates").glob("*.webp"))
            paths += [path for path in stills if path.stem not in NO_PICTURES]
    return tuple(paths)


def photograph(index: int, side: int = 640) -> np.ndarray:
    """uint8 [H, W, 3] with a longer side of `side` pixels."""
    files = photograph_files()
    pixels = np.asarray(Image.open(files[index % len(files)]).convert("RGB"))
    scale = side / max(pixels.shape[:2])
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def hints(source: str, indices: range) -> Iterator[Hint]:
    """Hint number i of a source, upright and inverted; even ones are of scenes, odd ones of photographs."""
    for index in indices:
        picture = _made(source, index)
        answer = {"canny": "edges", "pose": "pose"}.get(source.split()[1], "lines")
        yield Hint(answer, False, source, picture)
        yield Hint(answer, True, source, 255 - picture)


def _made(source: str, index: int) -> np.ndarray:
    picture = None if source.endswith("pose") else photograph(index * 7) if index % 2 else scene(source, index)
    return draw_hint(source, index, picture)


def scene(source: str, index: int) -> np.ndarray:
    """A held-out scene for hint number `index` of a source, uint8 [512, 512, 3]: rooms for straight lines."""
    return render(HELD_OUT + index, kind="interior" if source.endswith(("mlsd", "lsd")) else None, scale=2).image


def draw_hint(source: str, index: int, picture: np.ndarray | None) -> np.ndarray:
    """The hint of a picture, uint8 [H, W, 3]; `index` chooses thresholds and size. Poses are of figures, no picture."""
    if source.endswith("pose") or picture is None:
        return _pose(source, index)
    low = 50 + index % 4 * 40
    if source == "our canny":
        hint = canny(torch.from_numpy(picture)[None].float() / 255, low, 2 * low, resolution=SIZES[index % 4]).hint
        return (hint[0].numpy() * 255).astype(np.uint8)
    if source == "their canny":
        from controlnet_aux.canny import CannyDetector

        return np.asarray(CannyDetector()(picture, low, 2 * low, output_type="np", **_sizes(index)))
    if source == "their mlsd":
        from controlnet_aux.mlsd import MLSDdetector

        return np.asarray(MLSDdetector(_network())(picture, output_type="np", **_sizes(index)))
    found = find_lsd_lines(picture) if source == "our lsd" else find_mlsd_lines(_network(), picture)
    return draw_lines(found.segments, *found.size)


def _sizes(index: int) -> dict[str, int]:
    """controlnet_aux's: most found and drawn at one size, as by default; one in four enlarged after it was drawn."""
    size = SIZES[index % 4]
    return {"detect_resolution": size, "image_resolution": size * 2 if index // 4 % 4 == 3 else size}


@cache
def _network() -> Any:
    return load_mlsd()


def _pose(source: str, index: int) -> np.ndarray:
    """Of a scene's figure: the known joints, bodies alone and, for one in three of ours, a face and hands."""
    scene = render(HELD_OUT + index, kind="figure")
    side = SIZES[index % 4]
    body = np.array(scene.joints[0], np.float64)
    body[:, :2] *= side / 256
    if source == "our pose":
        r = np.random.default_rng(index)
        dots = np.concatenate([r.normal(body[0, :2], side / 40, (70, 2)), np.ones((70, 1))], axis=1)
        hand = np.concatenate([r.normal(body[4, :2], side / 40, (21, 2)), np.ones((21, 1))], axis=1)
        person = Person(body, face=dots, left=hand) if index % 3 == 0 else Person(body)
        return draw_people([person], side, side, stick_scale=index % 5 == 0)
    from controlnet_aux.open_pose.body import Keypoint
    from controlnet_aux.open_pose.util import draw_bodypose

    points = [Keypoint(x / side, y / side) if score > 0 else None for x, y, score in body]
    drawn = draw_bodypose(np.zeros((side, side, 3), np.uint8), points)
    new = SIZES[index // 2 % 4]  # also smaller than it was drawn: colours stay
    return cv2.resize(drawn, (new, new), interpolation=cv2.INTER_LINEAR)
