"""The text of an Image Axis: folders, files and patterns in ComfyUI's input folder, in natural order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ....files import is_inside
from ...axis import Axis, PictureFile, PoseFile
from ...choices import PICTURE, POSE
from ...text.error import TextError
from ...text.nearest import find_nearest_names
from ...text.ranges import MAX_VALUES, split_items

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")
POSES = (".json",)
_PATTERN = set("*?[")
_NUMBER = re.compile(r"(\d+)")


def read_files(text: str, base: Path) -> Axis:
    """The axis of the files that a text names, one folder, file or pattern a line. base: ComfyUI's input folder.

    All of them are pictures, or all are POSE_KEYPOINT files. A folder gives its pictures, or where it has none its pose
    files. Each file counts once.

    Raises:
        TextError: a line names nothing, or what lies outside the folder.
        ValueError: there is none, or both kinds.
    """
    names: dict[str, None] = {}
    for position, line in split_items(text, "\n"):
        for name in _expand(text, position, line.replace("\\", "/"), base):
            names[name] = None
            if len(names) > MAX_VALUES:
                raise TextError(text, position, f"these are more than {MAX_VALUES} files. Use fewer.")
    if not names:
        raise ValueError("files: it is empty. Write a folder of ComfyUI's input folder, or names of files, one a line.")
    poses = [name for name in names if name.lower().endswith(POSES)]
    if poses and len(poses) < len(names):
        raise ValueError(f"files: pictures and poses together, such as {poses[0]}. Make an axis of each.")
    kind = PoseFile if poses else PictureFile
    return Axis(POSE if poses else PICTURE, tuple(map(kind, names)), tuple(_labels(list(names))))


def natural_order(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts names as people do: pose2 before pose10."""
    parts = _NUMBER.split(name.casefold())
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def _expand(text: str, position: int, line: str, base: Path) -> Iterator[str]:
    if not is_inside(line.strip("/") or ".."):
        raise TextError(text, position, f"'{line[:40]}' lies outside ComfyUI's input folder. Move the files there.")
    line = line.strip("/")
    path = base / line
    if path.is_file():
        if not line.lower().endswith(PICTURES + POSES):
            raise TextError(
                text, position, f"'{line[:40]}' is no picture and no pose. Use {', '.join(PICTURES + POSES)}."
            )
        yield line
        return
    found = sorted(
        base.glob(line) if _PATTERN & set(line) else path.glob("*"), key=lambda each: natural_order(each.name)
    )
    inside = [each for each in found if each.is_file() and base.resolve() in each.resolve().parents]
    chosen = [each for each in inside if each.name.lower().endswith(PICTURES)]
    chosen = chosen or [each for each in inside if each.name.lower().endswith(POSES)]
    if not chosen:
        raise TextError(
            text, position, f"there is no picture or pose '{line[:40]}' in ComfyUI's input folder.{_near(line, base)}"
        )
    yield from (each.relative_to(base).as_posix() for each in chosen)


def _near(line: str, base: Path) -> str:
    folder = (base / line).parent
    names = [each.relative_to(base).as_posix() for each in folder.glob("*")] if folder.is_dir() else []
    near = find_nearest_names(line, names, 3)
    return f" Nearest are: {', '.join(near)}." if near else ""


def _labels(names: list[str]) -> Iterator[str]:
    """The names without folder and ending, where that tells them apart."""
    often = Counter(PurePosixPath(name).stem for name in names)
    for name in names:
        stem = PurePosixPath(name).stem
        yield stem if often[stem] == 1 else name
