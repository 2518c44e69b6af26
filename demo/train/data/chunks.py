"""Rendered scenes on disk, in chunks that are drawn once and reused by every part of the training."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...networks import LATENT
from ...scenes import DATA_VERSION, HELD_OUT, SIZE, Scene, render
from ...scenes.captions import caption_figure, caption_interior, caption_portrait, caption_savanna
from ..common import say

CHUNK = 1000
CAPTIONS = 6
CAPTIONERS = {
    "portrait": caption_portrait,
    "figure": caption_figure,
    "savanna": caption_savanna,
    "interior": caption_interior,
}

# Limbs of a COCO-18 skeleton and its head, for the emphasis of the loss.
LIMBS = ((1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0))
HEAD = (0, 14, 15, 16, 17)
FEATURES = 2.0  # times the weight of the face, on brows and mouth


@dataclass(frozen=True)
class Chunk:
    """A thousand scenes: images uint8 [N, 256, 256, 3], emphasis float32 [N, 32, 32] (mean 1), and a record of each.

    A record has "captions" (several wordings), "kind", "attributes", "lines" [N, 4], "joints" [P, 18, 3], "face_box".
    """

    images: np.ndarray
    emphasis: np.ndarray
    records: list[dict[str, Any]]


def captions_of(kind: str, attributes: dict[str, Any], seed: int) -> list[str]:
    """A scene's own caption and other wordings of the same attributes, without repeats."""
    streams = [f"{seed}/wording", *(f"{seed}/wording/{i}" for i in range(1, CAPTIONS))]
    return list(dict.fromkeys(CAPTIONERS[kind](attributes, random.Random(stream)) for stream in streams))


def emphasis_of(scene: Scene) -> np.ndarray:
    """Weight of every latent cell in the losses, float [32, 32] with mean 1.

    Expressions and limbs are a small part of a picture, and learnt late or never when every cell counts the same.
    Faces weigh 5, heads of small figures 5, limbs 2.5; edges add up to 2 anywhere.
    """
    import cv2

    cell = SIZE // LATENT
    grey = cv2.cvtColor(scene.image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)).clip(0, 1)
    edges = cv2.GaussianBlur(cv2.resize(slope, (LATENT, LATENT), interpolation=cv2.INTER_AREA), (3, 3), 0)
    weight = 1 + 2 * (edges * 3).clip(0, 1)
    special = np.zeros((LATENT, LATENT), np.float32)
    for person in scene.joints:
        visible = person[:, 2] > 0
        points = (person[:, :2] / cell - 0.5).round().astype(int)
        for a, b in LIMBS:
            if visible[a] and visible[b]:
                cv2.line(special, points[a].tolist(), points[b].tolist(), 1.5, 2)
        if scene.face_box is None:
            for joint in HEAD:
                if visible[joint]:
                    cv2.circle(special, points[joint].tolist(), 1, 4.0, -1)
    if scene.face_box is not None:
        left, top, right, bottom = (round(v / cell) for v in scene.face_box)
        special[max(0, top) : bottom + 1, max(0, left) : right + 1] = 4.0
    weight = np.maximum(weight, 1 + special)
    return weight / weight.mean()


def features_of(record: dict[str, Any]) -> np.ndarray:
    """Further weight of a portrait's brows and mouth, which tell its expression: float [32, 32], 1 elsewhere."""
    weight = np.ones((LATENT, LATENT), np.float32)
    if record["face_box"] is None or not record["joints"]:
        return weight
    joints = np.array(record["joints"][0]) / [SIZE / LATENT, SIZE / LATENT, 1]
    nose, right, left = joints[[0, 14, 15]]
    if min(nose[2], right[2], left[2]) <= 0:
        return weight
    span, y = abs(left[0] - right[0]), (left[1] + right[1]) / 2
    columns = slice(max(0, int(min(left[0], right[0]) - 0.4 * span)), int(max(left[0], right[0]) + 0.4 * span) + 1)
    weight[max(0, int(y - 0.6 * span)) : int(y + 0.1 * span) + 1, columns] = FEATURES
    weight[int(nose[1] + 0.1 * span) : int(nose[1] + 0.8 * span) + 1, columns] = FEATURES
    return weight


def record_of(scene: Scene) -> dict[str, Any]:
    """What is kept of a scene beside its picture."""
    return {
        "kind": scene.kind,
        "attributes": scene.attributes,
        "lines": np.round(scene.lines, 2).tolist(),
        "joints": np.round(scene.joints, 2).tolist(),
        "face_box": None if scene.face_box is None else [round(float(v), 1) for v in scene.face_box],
    }


def chunk(folder: Path, index: int, *, held_out: bool = False, size: int = CHUNK) -> Chunk:
    """Chunk `index` of the training scenes (or of the held-out ones), drawn now if the folder does not have it."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"v{DATA_VERSION}-{'held-out' if held_out else 'train'}-{index:03d}"
    images_file, emphasis_file, records_file = (
        folder / f"{stem}.{end}" for end in ("images.npy", "emphasis.npy", "json")
    )
    first = (HELD_OUT if held_out else 0) + index * CHUNK
    if not records_file.is_file():
        say(f"drawing {size} scenes: {stem}")
        images = np.lib.format.open_memmap(images_file, "w+", np.uint8, (size, SIZE, SIZE, 3))
        emphasis = np.zeros((size, LATENT, LATENT), np.float16)
        records = []
        for i in range(size):
            scene = render(first + i)
            images[i], emphasis[i] = scene.image, emphasis_of(scene)
            records.append(record_of(scene))
        images.flush()
        np.save(emphasis_file, emphasis)
        scratch = records_file.with_suffix(".part")
        scratch.write_text(json.dumps(records), "utf-8")
        scratch.replace(records_file)
    records = json.loads(records_file.read_text("utf-8"))
    for i, record in enumerate(records):  # worded again each time: captions may be improved without drawing again
        record["captions"] = captions_of(record["kind"], record["attributes"], first + i)
    weights = np.load(emphasis_file).astype(np.float32) * np.stack([features_of(record) for record in records])
    weights /= weights.mean((1, 2), keepdims=True)
    return Chunk(np.load(images_file, mmap_mode="r"), weights, records)


def held_out(folder: Path, size: int = 256) -> Chunk:
    """Scenes that no training run ever sees, for measuring."""
    return chunk(folder, 0, held_out=True, size=size)
