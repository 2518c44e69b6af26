"""Pictures with a known look, as they come in from elsewhere: resized, cut, and saved with losses.

Everything is made from seeds. Sources are of two halves: one to choose thresholds by, the other to report.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image
from steer.preprocessors.lines.draw import draw_lines
from steer.preprocessors.recognise import EDGES, LINES, OTHER, PHOTOGRAPH, POSE, THIN, Look
from steer.tests.support.hint_pictures import draw_hint, photograph, photograph_files, scene

TUNING, REPORTED = 0, 1
# The first picture of each half. Another one for the second makes its drawings and what is done to pictures anew, once
# someone has looked at them. Looked at before: 0 and 100,000.
_FIRST = (0, 200_000)
FILTERS = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
    "area": cv2.INTER_AREA,
}
# How many of 100 pictures are of each source, what they are, and the share of them that is inverted.
SOURCES: dict[str, tuple[int, str, float]] = {
    "our canny": (8, EDGES, 0.4),
    "their canny": (8, EDGES, 0.4),
    "edges of shapes": (4, EDGES, 0.4),
    "our mlsd": (6, LINES, 0.4),
    "our lsd": (5, LINES, 0.4),
    "their mlsd": (5, LINES, 0.4),
    "lines of any slope": (4, LINES, 0.4),
    "our pose": (10, POSE, 0.4),
    "their pose": (10, POSE, 0.4),
    "soft edges": (12, OTHER, 0.4),
    "depth": (12, OTHER, 0.4),
    "photograph": (16, PHOTOGRAPH, 0.2),
}
_SMALLEST, _LARGEST = 120, 2048
_TIMES = 4  # each source picture is used so often, another way each time


@dataclass(frozen=True)
class Sample:
    """look: what the picture is. source: of SOURCES. done: what was done to it."""

    look: Look
    source: str
    done: str
    picture: np.ndarray


@dataclass(frozen=True)
class Result:
    """found: what a sample is taken for. verdict: right, in doubt or wrong."""

    sample: Sample
    found: Look
    verdict: str


def judge(sample: Sample, found: Look) -> Result:
    """In doubt is an answer of which ControlNet Guide says that it may be this or that, and complains of nothing."""
    expected = sample.look
    if found.what == expected.what and (found.inverted == expected.inverted or expected.what in (OTHER, PHOTOGRAPH)):
        return Result(sample, found, "right")
    thin = expected.what in (EDGES, LINES) and found == Look(THIN, expected.inverted)
    return Result(
        sample,
        found,
        "in doubt" if thin or (found.what == OTHER and not (found.inverted and not expected.inverted)) else "wrong",
    )


def samples(half: int, count: int, more: bool = False) -> Iterator[Sample]:
    """`count` pictures of TUNING or REPORTED. more: cut, padded, darker or saved twice too."""
    order = [name for name, (often, _, _) in SOURCES.items() for _ in range(often)]
    order = [order[(37 * number) % len(order)] for number in range(len(order))]
    used = dict.fromkeys(SOURCES, 0)
    for number in range(count):
        source = order[number % len(order)]
        _, what, inverted = SOURCES[source]
        r = np.random.default_rng([half, _FIRST[half] + number, int(more)])
        picture = _source_picture(source, half, _FIRST[half] + used[source] // _TIMES)
        used[source] += 1
        is_inverted = bool(r.random() < inverted)
        picture = 255 - picture if is_inverted else picture
        done, picture = _transform(picture, r, more)
        look = Look(what, is_inverted and what in (EDGES, LINES, POSE))
        yield Sample(look, source + (", inverted" if is_inverted else ""), done, picture)


@lru_cache(maxsize=64)
def _source_picture(source: str, half: int, index: int) -> np.ndarray:
    """Scenes and photographs of the two halves have nothing in common."""
    number = index if source.endswith("pose") else 2 * index + half  # of all sizes, in both halves
    own = np.random.default_rng([half, index, 7])
    picture = photograph((2 * int(own.integers(10**6)) + half) % (len(photograph_files()) // 2 * 2))
    if source == "photograph":
        return picture
    if source in _DRAWN:
        return _DRAWN[source](own)
    if source == "soft edges":
        return draw_soft_edges(scene("", number) if index % 2 else picture, own)
    variant = number if source.endswith("pose") else index // 2  # and with all thresholds
    made = draw_hint(source, variant, scene(source, number) if index % 2 else picture)
    return made if made.any() else draw_hint(source, variant, scene("mlsd", number))


def _transform(picture: np.ndarray, r: np.random.Generator, more: bool) -> tuple[str, np.ndarray]:
    done = []
    if more:
        picture = _cut_or_pad(picture, r, done)
    for _ in range(1 + int(more and r.random() < 0.3)):
        picture = _resize(picture, r, done)
        picture = _save(picture, r, done)
    if more and r.random() < 0.5:
        gamma = float(np.exp(r.uniform(-0.4, 0.4)))
        done.append(f"gamma {gamma:.2f}")
        picture = np.round(255 * (picture / 255.0) ** gamma).astype(np.uint8)
    return ", ".join(done), picture


def _resize(picture: np.ndarray, r: np.random.Generator, done: list[str]) -> np.ndarray:
    scale = float(np.exp(r.uniform(np.log(0.3), np.log(3.0))))
    scale = min(max(scale, _SMALLEST / min(picture.shape[:2])), _LARGEST / max(picture.shape[:2]))
    name = list(FILTERS)[r.integers(len(FILTERS))]
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    done.append(f"x{scale:.2f} {name}")
    return np.asarray(cv2.resize(picture, size, interpolation=FILTERS[name]), np.uint8)


def _save(picture: np.ndarray, r: np.random.Generator, done: list[str]) -> np.ndarray:
    kind = ("PNG", "JPEG", "WEBP")[r.integers(3)]
    quality = int(r.integers(75 if kind == "JPEG" else 60, 96))
    done.append(kind if kind == "PNG" else f"{kind} {quality}")
    if kind == "PNG":
        return picture
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, quality=quality)
    return np.array(Image.open(file).convert("RGB"))


def _cut_or_pad(picture: np.ndarray, r: np.random.Generator, done: list[str]) -> np.ndarray:
    height, width = picture.shape[:2]
    if r.random() < 0.5:
        rows, columns = (int(side * r.uniform(0.6, 1)) for side in (height, width))
        top, left = int(r.integers(height - rows + 1)), int(r.integers(width - columns + 1))
        cut = picture[top : top + rows, left : left + columns]
        if cut.std() > 4:
            done.append("cut")
            return np.ascontiguousarray(cut)
        return picture
    level = int(np.median(picture)) if r.random() < 0.7 else 0
    done.append(f"padded with {level}")
    around = [int(side * r.uniform(0, 0.2)) for side in (height, height, width, width)]
    return cv2.copyMakeBorder(picture, *around, cv2.BORDER_CONSTANT, value=(level,) * 3)


def draw_soft_edges(picture: np.ndarray, r: np.random.Generator) -> np.ndarray:
    """Soft grey edges on black, uint8 [H, W, 3], as HED, PiDiNet and the like draw: strong ones bright, and blurred."""
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (0, 0), float(r.uniform(0.8, 2.5)))
    grey = grey.astype(np.float32)
    strength = np.hypot(cv2.Scharr(grey, -1, 1, 0), cv2.Scharr(grey, -1, 0, 1))
    strength = cv2.GaussianBlur(strength, (0, 0), float(r.uniform(0.6, 2.0)))
    top = float(np.percentile(strength, 97)) or 1.0
    soft = np.clip(strength / top, 0, 1) ** float(r.uniform(0.9, 1.8))
    soft[soft < 0.06] = 0
    return np.repeat((255 * soft).astype(np.uint8)[..., None], 3, axis=2)


def draw_any_lines(r: np.random.Generator) -> np.ndarray:
    """5 to 80 straight lines of any slope and length, uint8 [H, W, 3], as M-LSD's are drawn."""
    side, count = int(r.choice([256, 512, 768])), int(r.integers(5, 80))
    middle, angle = r.uniform(0, side, (count, 2)), r.uniform(0, np.pi, count)
    half = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (side * r.uniform(0.02, 0.4, count))[:, None]
    return draw_lines(np.concatenate([middle - half, middle + half], axis=1), side, side)


def draw_shape_edges(r: np.random.Generator) -> np.ndarray:
    """Canny edges of balls, polygons and letters, uint8 [H, W, 3]."""
    side = int(r.choice([256, 512, 768]))
    picture = np.full((side, side, 3), r.integers(0, 255), np.uint8)
    for _ in range(int(r.integers(6, 40))):
        colour = [int(value) for value in r.integers(0, 255, 3)]
        x, y, size = int(r.integers(side)), int(r.integers(side)), int(side * r.uniform(0.03, 0.2))
        shape = r.integers(3)
        if shape == 0:
            cv2.ellipse(
                picture, (x, y), (size, int(size * r.uniform(0.4, 1))), float(r.uniform(0, 180)), 0, 360, colour, -1
            )
        elif shape == 1:
            around = np.sort(r.uniform(0, 2 * np.pi, int(r.integers(3, 9))))
            points = np.stack([x + size * np.cos(around), y + size * np.sin(around)], axis=1)
            cv2.fillPoly(picture, [points.astype(np.int32)], colour)
        else:
            cv2.putText(
                picture, "".join(r.choice(list("SBGaeRgm&38"), 3)), (x, y), 0, size / 20, colour, max(1, size // 12)
            )
    picture = cv2.GaussianBlur(picture, (0, 0), float(r.uniform(0.3, 1.5)))
    return np.repeat(cv2.Canny(picture, 60, 140)[..., None], 3, axis=2)


def draw_depth(r: np.random.Generator) -> np.ndarray:
    """A depth map, uint8 [H, W, 3], near is bright: a floor, a wall, and balls and boxes in front of them."""
    height, width = (int(side) for side in r.choice([256, 384, 512, 640], 2))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    horizon = height * float(r.uniform(0.2, 0.7))
    depth = np.clip((y - horizon) / (height - horizon), 0, 1) ** float(r.uniform(0.7, 1.3))
    depth = np.maximum(depth, float(r.choice([0.0, 0.0, 0.1, 0.25])))
    for near in np.sort(r.uniform(0.15, 1, int(r.integers(2, 7)))):
        across, down = width * float(r.uniform(0.05, 0.2)), height * float(r.uniform(0.08, 0.3))
        middle = width * float(r.random()), horizon + (height - horizon) * float(near) * 0.7
        u, v = (x - middle[0]) / across, (y - middle[1]) / down
        if r.random() < 0.6:
            bump = np.sqrt(np.clip(1 - u**2 - v**2, 0, None))
            depth = np.where(bump > 0, np.maximum(depth, near * (0.85 + 0.15 * bump)), depth)
        else:
            inside = (np.abs(u) < 1) & (np.abs(v) < 1)
            depth = np.where(inside, np.maximum(depth, near * (0.9 + 0.1 * u)), depth)
    noise = cv2.GaussianBlur(r.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 5)
    depth = np.clip(depth + 0.02 * float(r.random()) * noise / noise.std() * (depth > 0), 0, 1)
    return np.repeat((255 * depth).astype(np.uint8)[..., None], 3, axis=2)


_DRAWN = {"depth": draw_depth, "edges of shapes": draw_shape_edges, "lines of any slope": draw_any_lines}
