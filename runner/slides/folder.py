"""The folder of a slide's pictures: what a run puts there, what the next one takes away, what is checked of them."""

from __future__ import annotations

import io
import json
import mimetypes
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ...files import is_inside, sha256_of
from ..comfyui.messages import Picture

RECORD = ".steer-run.json"  # the files of the last run by name, with the sha256 of each


def keep(folder: Path, shown: Sequence[tuple[Picture, bytes]]) -> tuple[list[tuple[Picture, Path]], dict[str, bool]]:
    """Write the files that a run has shown into `folder` in the place of the last run's; returns where, and the checks.

    A picture that one node shows several times is written once. A file that no run has written, or that was changed
    since, is neither deleted nor overwritten. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _delete_last(folder)
    kept: list[tuple[Picture, Path]] = []
    seen: set[tuple[str, bytes]] = set()
    blank, untold, broken = [], [], []
    try:
        for picture, content in shown:
            if (picture.node_id, content) in seen:
                continue
            seen.add((picture.node_id, content))
            path = _free(folder / f"{len(kept) + 1:02}-{_plain_name(picture.filename)}")
            path.write_bytes(content)
            kept.append((picture, path))
            if not is_picture(path):
                continue
            try:
                with Image.open(io.BytesIO(content)) as image:
                    if all(low == high for low, high in image.convert("RGB").getextrema()):
                        blank.append(path)
                    # Other formats keep it elsewhere, or not at all.
                    if picture.type == "output" and image.format == "PNG" and "workflow" not in image.info:
                        untold.append(path)
            except (UnidentifiedImageError, OSError):
                broken.append(path)
    finally:
        record = {path.name: sha256_of(path) for _, path in kept}
        (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    only_others = bool(kept) and not any(is_picture(path) for _, path in kept)
    return kept, {
        "made files" if only_others else "made pictures": bool(kept),
        "no picture is blank": not blank,
        "no picture is broken": not broken,
        "saved pictures open as this workflow": not untold,
    }


def is_picture(path: Path) -> bool:
    """Whether a file is a picture of pixels, by its name."""
    kind = kind_of(path)
    return kind.startswith("image/") and kind != "image/svg+xml"


def kind_of(path: Path) -> str:
    """The MIME type of a file by its name; empty where it tells none."""
    return mimetypes.guess_type(path.name)[0] or ("image/webp" if path.suffix.lower() == ".webp" else "")


def _delete_last(folder: Path) -> None:
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # no run has been here, or what it wrote cannot be told any more
    for name, sha256 in record.items() if isinstance(record, dict) else ():
        path = folder / name
        if is_inside(name) and path.parent == folder and path.is_file() and sha256_of(path) == sha256:
            path.unlink()


def _free(path: Path) -> Path:
    """The path, or with a number where there is a file already."""
    number, free = 2, path
    while free.exists():
        free, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return free


def _plain_name(name: str) -> str:
    """A file name of the server without the folders that it may hold."""
    return name.replace("\\", "/").rpartition("/")[2] or "file"
