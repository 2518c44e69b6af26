"""The folder of a slide's pictures: a run writes and checks them, the next one deletes them."""

from __future__ import annotations

import io
import json
import mimetypes
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ...files import is_inside, sha256_of, write_whole
from ..comfyui.messages import Picture
from ..files import plain_file_name

RECORD = ".steer-run.json"  # the files of the last run by name, with the sha256 of each
NOT_BLANK, NOT_BROKEN = "no picture is blank", "no picture is broken"
OPENS = "saved pictures open as this workflow"


def keep(folder: Path, files: Sequence[tuple[Picture, bytes]]) -> tuple[list[tuple[Picture, Path]], dict[str, bool]]:
    """Write what a run has made into `folder` in the place of the last run's files; returns where, and the checks.

    A picture that one node gives several times is written once. A file that no run has written, or that was changed
    since, is neither deleted nor overwritten.

    Raises:
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _delete_last(folder)
    written: list[tuple[Picture, Path]] = []
    faults: set[str] = set()
    try:
        for (_, content), picture in _without_repeats(files).items():
            path = _free(folder / f"{len(written) + 1:02}-{plain_file_name(picture.filename)}")
            write_whole(path, content)
            written.append((picture, path))
            if is_picture(path):
                faults |= _find_faults(content, picture.type == "output")
    finally:
        record = {path.name: sha256_of(path) for _, path in written}
        write_whole(folder / RECORD, (json.dumps(record, indent=1) + "\n").encode())
    only_others = bool(written) and not any(is_picture(path) for _, path in written)
    first = "made files" if only_others else "made pictures"
    return written, {first: bool(written)} | {check: check not in faults for check in (NOT_BLANK, NOT_BROKEN, OPENS)}


def _without_repeats(files: Sequence[tuple[Picture, bytes]]) -> dict[tuple[str, bytes], Picture]:
    """The first picture of each node's contents, in order."""
    first: dict[tuple[str, bytes], Picture] = {}
    for picture, content in files:
        first.setdefault((picture.node_id, content), picture)
    return first


def _find_faults(content: bytes, saved: bool) -> set[str]:
    """The checks that a picture fails. saved: it lies in ComfyUI's output folder."""
    faults: set[str] = set()
    try:
        with Image.open(io.BytesIO(content)) as image:
            if all(low == high for low, high in image.convert("RGB").getextrema()):
                faults.add(NOT_BLANK)
            # Other formats hold the workflow elsewhere, or not at all.
            if saved and image.format == "PNG" and "workflow" not in image.info:
                faults.add(OPENS)
    except (UnidentifiedImageError, OSError):
        faults.add(NOT_BROKEN)
    return faults


def is_picture(path: Path) -> bool:
    """Whether a file is a picture of pixels, by its name."""
    kind = kind_of(path)
    return kind.startswith("image/") and kind != "image/svg+xml"


def kind_of(path: Path) -> str:
    """The MIME type of a file by its name; empty where the name does not say."""
    return mimetypes.guess_type(path.name)[0] or ("image/webp" if path.suffix.lower() == ".webp" else "")


def _delete_last(folder: Path) -> None:
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # no run has been here, or nobody knows any more what it wrote
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
