"""Where the pictures of a sweep are saved and how: inside the output folder, whole or not at all, recorded at once."""

from __future__ import annotations

import io
import json
import os
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ....files import NotAFileError, is_device, write_whole
from .manifest import CellRecord, Manifest

if TYPE_CHECKING:
    import numpy as np
    import torch

    from ..plan.cells import Cell

MAX_FOLDER, MAX_STEM = 200, 80  # bytes of a name
_PART = re.compile(r"\.([0-9]{1,9})\.part$")
_FORBIDDEN = '<>:"|?*%'


class SweepFolder:
    """The folder of a sweep while its cells are made: each is saved and recorded as soon as it ends."""

    def __init__(
        self, manifest: Manifest, texts: Callable[[Cell], Mapping[str, Any]], overridden: Collection[str] = ()
    ) -> None:
        """texts: what the picture of a cell holds in its head. overridden: settings that made no picture here."""
        self.manifest, self.texts, self.overridden = manifest, texts, overridden

    def find_missing(self, cells: Sequence[Cell]) -> list[Cell]:
        """The cells without a picture, each key once, in their order."""
        missing: dict[str, Cell] = {}
        for cell in cells:
            if self.manifest.finished(cell.key) is None:
                missing.setdefault(cell.key, cell)
        return list(missing.values())

    def save(self, cell: Cell, picture: torch.Tensor, seconds: float) -> None:
        """Write the picture [H, W, C] in 0..1 of a cell and record it.

        Raises:
            OSError: one of the two cannot be written.
        """
        file = f"{file_stem(cell.name, cell.key)}.png"
        write_png(self.manifest.folder / file, to_bytes(picture), self.texts(cell))
        self._record(cell, file, None, seconds)

    def record_fault(self, cell: Cell, reason: str, seconds: float) -> None:
        """Record why a cell has no picture.

        Raises:
            OSError: the manifest cannot be written.
        """
        self._record(cell, None, reason, seconds)

    def _record(self, cell: Cell, file: str | None, error: str | None, seconds: float) -> None:
        values = {name: value for name, value in cell.settings.values().items() if name not in self.overridden}
        self.manifest.record(CellRecord(cell.key, file, error, values, seconds))


def folder_inside(base: Path, folder: str) -> Path:
    """The folder that `folder` names inside `base`, such as `moods` or `moods/first`, usable on any system.

    Raises:
        ValueError: it leaves `base`, also by a link, or some system cannot have it.
    """
    name = folder.strip().replace("\\", "/")
    parts = name.split("/")
    fault = ""
    if not name:
        fault = "it is empty"
    elif name.startswith("/") or re.match(r"[A-Za-z]:", name):
        fault = "it begins at the root of a disk"
    elif any(part in ("", ".", "..") for part in parts):
        fault = "it has an empty part, . or .. between slashes"
    elif found := next((letter for letter in name if letter in _FORBIDDEN or not letter.isprintable()), ""):
        fault = f"it has the character {found!r}"
    elif len(name.encode()) > MAX_FOLDER:
        fault = f"it is too long with {len(name)} characters"
    elif found := next(filter(is_device, parts), ""):
        fault = f"Windows keeps the name '{found}' for a device"
    elif any(part != part.strip() or part.endswith(".") for part in parts):
        fault = "a part of it begins or ends with a space or a dot"
    if fault:
        raise ValueError(f"folder: {fault}. Write a name inside ComfyUI's output folder, such as sweeps/moods.")
    home = base.resolve()
    found_path = (home / name).resolve()
    if home not in found_path.parents:
        raise ValueError(f"folder: '{name}' leads out of ComfyUI's output folder by a link. Choose another name.")
    if found_path.exists() and not found_path.is_dir():
        raise ValueError(f"folder: '{name}' is a file. Choose another name.")
    return found_path


def file_stem(labels: Sequence[str], key: str) -> str:
    """The name of a cell's file without its ending: its labels, up to MAX_STEM bytes, and ten digits of its key.

    labels: those that differ between cells. The key makes the name the only one. Accents are composed (NFC), so that
    every file system spells the name in one way.
    """
    # What is cut off here could not come into the name; to compose thousands of accents takes very long.
    text = unicodedata.normalize("NFC", "-".join(label[: 4 * MAX_STEM] for label in labels)[: 4 * MAX_STEM])
    text = re.sub(r"[^\w.,+=()-]+", "_", text).strip("_.")
    text = text.encode()[:MAX_STEM].decode(errors="ignore").rstrip("_.-")
    return f"{'_' if is_device(text) else ''}{text or 'cell'}-{key[:10]}"


def to_bytes(picture: torch.Tensor) -> np.ndarray:
    """[H, W, C] in 0..1 as uint8, as ComfyUI's Save Image rounds it."""
    import numpy as np  # a batch names files where there is none

    return np.clip(255.0 * picture.cpu().numpy(), 0, 255).astype(np.uint8)


def remove_unfinished(folder: Path) -> None:
    """Remove the half-written pictures of servers that were killed. Those of servers that run stay."""
    import psutil  # ComfyUI needs it too

    for path in folder.glob("*.part"):
        process = _PART.search(path.name)
        if process and (int(process[1]) == os.getpid() or not psutil.pid_exists(int(process[1]))):
            path.unlink(missing_ok=True)


def write_png(path: Path, pixels: np.ndarray, texts: Mapping[str, Any], compress_level: int = 4) -> None:
    """Save `pixels`, uint8 [H, W, C], with `texts` as JSON in its head. A broken write leaves nothing under this name.

    Raises:
        NotAFileError: a folder is there.
        OSError: it cannot be written. The message names the file.
    """
    info = PngInfo()
    for name, value in texts.items():
        info.add_text(name, json.dumps(value))
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG", pnginfo=info, compress_level=compress_level)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Of two servers with one folder each has its own part. The manifest knows a torn picture by its hash.
        write_whole(path, content.getbuffer(), f"{os.getpid()}.part", flush=False)
    except NotAFileError:
        raise
    except OSError as error:
        raise OSError(
            error.errno,
            f"The picture {path} cannot be written ({error.strerror or error}). What is finished stays: make room, or "
            "let ComfyUI write there, and run it again.",
        ) from error
