"""The original OpenPose networks, where the user has their weights (CMU licence: non-commercial research use only).

The network definitions come from controlnet_aux, imported only here and only when one is built; sizes, smoothing and
thresholds are those of its OpenposeDetector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from ..networks.graph import infer
from ..networks.registry import REGISTRY, read_weights
from ..pictures import Bytes, resize
from .openpose_decode import SIGMA, Floats, resize_maps
from .openpose_decode import find_people as find_bodies
from .people import ELBOWS, FACE_POINTS, HAND_POINTS, SHOULDERS, WRISTS, Person

DETECT_SIDE = 512  # short side at which controlnet_aux looks
MAX_SIDE = 4096
BOX = 368
STRIDE = 8
PADDING = 128
HAND_SCALES = (0.5, 1.0, 1.5, 2.0)
HAND_MAP = 128
FACE_INPUT = 384
ON_MAP = 0.05
MIN_BOX = 20


def list_networks(hands: bool, face: bool) -> tuple[str, ...]:
    """Registry names of the networks that these switches need."""
    return ("openpose_body", *(("openpose_hand",) if hands else ()), *(("openpose_face",) if face else ()))


def build(name: str, folders: Sequence[Path]) -> nn.Module:
    """The network `name` with its weights from `folders`.

    Raises:
        NetworkWeightsError: they are missing or altered.
    """
    tensors, _ = read_weights(REGISTRY[name], folders)
    if name == "openpose_face":
        from controlnet_aux.open_pose.face import FaceNet

        net: nn.Module = FaceNet()
        net.load_state_dict(tensors)
    else:
        from controlnet_aux.open_pose import model, util

        net = model.bodypose_model() if name == "openpose_body" else model.handpose_model()
        net.load_state_dict(util.transfer(net, tensors))
    return net.eval().requires_grad_(False)


def find_people(networks: Mapping[str, Any], picture: Bytes, hands: bool = False, face: bool = False) -> list[Person]:
    """The people of uint8 [H, W, 3] RGB, in its pixels."""
    height, width = picture.shape[:2]
    scale = min(DETECT_SIDE / min(height, width), MAX_SIDE / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    scaled = np.ascontiguousarray(resize(picture, size)[..., ::-1])  # the networks were trained on BGR
    bodies = _bodies(networks["openpose_body"], scaled)
    pairs = _hands(networks["openpose_hand"], scaled, bodies) if hands else [(None, None)] * len(bodies)
    faces = [_face(networks["openpose_face"], scaled, body) for body in bodies] if face else [None] * len(bodies)
    back = np.array([width / size[1], height / size[0], 1.0])
    people = []
    for body, (left, right), points in zip(bodies, pairs, faces, strict=True):
        parts = [None if part is None else part * back for part in (left, right, points)]
        people.append(Person(body * back, *parts))
    return people


def to_input(scaled: Bytes) -> torch.Tensor:
    """uint8 BGR [H, W, 3] -> [1, 3, h, w], x / 256 - 0.5, padded with grey below and to the right to multiples of 8."""
    height, width = scaled.shape[:2]
    padded = np.pad(scaled, ((0, -height % STRIDE), (0, -width % STRIDE), (0, 0)), constant_values=PADDING)
    return torch.from_numpy(padded.astype(np.float32).transpose(2, 0, 1)[None] / 256 - 0.5)


def _maps(output: torch.Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(output.cpu().numpy().transpose(1, 2, 0))


def _bodies(net: nn.Module, scaled: Bytes) -> list[Floats]:
    height, width = scaled.shape[:2]
    scale = min(0.5 * BOX / height, MAX_SIDE / width)
    cut = max(1, int(height * scale)), max(1, int(width * scale))
    fields, heat = infer(net, to_input(resize_for_net(scaled, cut)))
    return find_bodies(_maps(heat[0]), _maps(fields[0]), (height, width), cut)


def resize_for_net(scaled: Bytes, size: tuple[int, int]) -> Bytes:
    """uint8 [H, W, 3] -> [height, width, 3]: by area when that is smaller, else Lanczos."""
    import cv2

    method = cv2.INTER_AREA if sum(size) < sum(scaled.shape[:2]) else cv2.INTER_LANCZOS4
    return np.asarray(cv2.resize(scaled, (size[1], size[0]), interpolation=method), np.uint8)


def find_hand_box(body: Floats, side: str, height: int, width: int) -> tuple[int, int, int] | None:
    """(x, y, side) in pixels of the square that holds the hand.

    None when shoulder, elbow or wrist is missing, or the square is tiny.
    """
    wrist, elbow, shoulder = (body[table[side]] for table in (WRISTS, ELBOWS, SHOULDERS))
    if not (wrist[2] and elbow[2] and shoulder[2]):
        return None
    forearm = wrist[:2] - elbow[:2]
    length = 1.5 * max(np.hypot(*forearm), 0.9 * np.hypot(*(elbow[:2] - shoulder[:2])))
    x, y = np.maximum(wrist[:2] + 0.33 * forearm - length / 2, 0)
    return _clip(float(x), float(y), float(length), height, width)


def find_face_box(body: Floats, height: int, width: int) -> tuple[int, int, int] | None:
    """(x, y, side) of the square around the nose: three times the distance of an eye, or 1.5 times that of an ear."""
    nose, eyes, ears = body[0], body[[14, 15]], body[[16, 17]]
    if not nose[2] or not (eyes[:, 2].any() or ears[:, 2].any()):
        return None
    reach = 0.0
    for points, factor in ((eyes, 3.0), (ears, 1.5)):
        seen = points[points[:, 2] > 0, :2]
        reach = max([reach, *(factor * np.abs(seen - nose[:2]).max(axis=1))])
    x, y = np.maximum(nose[:2] - reach, 0)
    # As controlnet_aux: the left half decides whether the square has to be cut, the whole is what is cut.
    across = width - x if x + reach > width else 2 * reach
    down = height - y if y + reach > height else 2 * reach
    length = min(across, down)
    return (int(x), int(y), int(length)) if length >= MIN_BOX else None


def _clip(x: float, y: float, length: float, height: int, width: int) -> tuple[int, int, int] | None:
    length = min(length, width - x if x + length > width else length, height - y if y + length > height else length)
    return (int(x), int(y), int(length)) if length >= MIN_BOX else None


def _hands(net: nn.Module, scaled: Bytes, bodies: Sequence[Floats]) -> list[tuple[Floats | None, Floats | None]]:
    """(left, right) of each person."""
    import cv2

    height, width = scaled.shape[:2]
    wanted = [
        (index, side, box)
        for index, body in enumerate(bodies)
        for side in ("left", "right")
        if (box := find_hand_box(body, side, height, width)) is not None
    ]
    pairs: list[dict[str, Floats]] = [{} for _ in bodies]
    if wanted:
        cuts = [cv2.GaussianBlur(scaled[y : y + n, x : x + n], (0, 0), 0.8) for _, _, (x, y, n) in wanted]
        average = np.zeros((len(wanted), HAND_MAP, HAND_MAP, HAND_POINTS + 1))
        for scale in HAND_SCALES:
            side_px = int(scale * BOX)
            for number, cut in enumerate(cuts):  # one by one: at the largest scale a hand takes 300 MB of maps
                x = to_input(resize_for_net(np.asarray(cut, np.uint8), (side_px, side_px)))
                (output,) = infer(net, x)
                large = cv2.resize(_maps(output), None, fx=STRIDE, fy=STRIDE, interpolation=cv2.INTER_LANCZOS4)
                average[number] += resize_maps(
                    np.asarray(large, np.float32)[:side_px, :side_px], (HAND_MAP, HAND_MAP)
                ) / len(HAND_SCALES)
        for maps, (index, side, box) in zip(average, wanted, strict=True):
            pairs[index][side] = decode_hand(maps[..., :HAND_POINTS], box)
    return [(pair.get("left"), pair.get("right")) for pair in pairs]


def decode_hand(maps: Floats, box: tuple[int, int, int]) -> Floats:
    """[128, 128, 21] -> [21, 3] in pixels of the picture: the peak of the heaviest connected part of each map."""
    import cv2
    from scipy.ndimage import gaussian_filter

    x, y, length = box
    points = np.zeros((HAND_POINTS, 3))
    for part in range(HAND_POINTS):
        raw = maps[..., part]
        binary = (gaussian_filter(raw, sigma=SIGMA) > ON_MAP).astype(np.uint8)
        if not binary.any():
            continue
        labels = np.asarray(cv2.connectedComponents(binary, connectivity=8)[1])
        heaviest = 1 + int(np.argmax(np.bincount(labels.ravel(), weights=raw.ravel())[1:]))
        inside = np.where(labels == heaviest, raw, 0.0)
        row, column = np.unravel_index(int(np.argmax(inside)), inside.shape)
        at = int(float(column) * length / HAND_MAP), int(float(row) * length / HAND_MAP)
        if min(at) > 0:
            points[part] = at[0] + x, at[1] + y, min(1.0, float(inside[row, column]))
    return points


def _face(net: nn.Module, scaled: Bytes, body: Floats) -> Floats | None:
    """[70, 3], or None without a face box or any point. Missing points are 0, so that no index shifts."""
    box = find_face_box(body, *scaled.shape[:2])
    if box is None:
        return None
    x, y, length = box
    cut = resize_for_net(scaled[y : y + length, x : x + length], (FACE_INPUT, FACE_INPUT))
    small = torch.from_numpy(cut.astype(np.float32).transpose(2, 0, 1)[None] / 256.0 - 0.5)
    size = scaled[y : y + length, x : x + length].shape[:2]
    maps = F.interpolate(infer(net, small)[-1], size, mode="bilinear", align_corners=True)[0, :FACE_POINTS]
    scores, index = maps.flatten(1).max(1)
    scores, index = scores.cpu().double().numpy(), index.cpu().numpy()
    points = np.stack([index % size[1] + x, index // size[1] + y, np.minimum(scores, 1.0)], axis=1).astype(np.float64)
    points[(scores <= ON_MAP) | (index % size[1] == 0) | (index // size[1] == 0)] = 0
    return points if points.any() else None
