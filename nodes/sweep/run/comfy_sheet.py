"""The sheet that a sweep shows: drawn once for what the folder holds, and read again as long as that stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import folder_paths
import torch
from comfy.cli_args import args

from ...text.printable import get_log
from ..folder.manifest import Manifest
from ..folder.saving import to_bytes, write_png
from ..folder.selection import read_picture
from ..folder.viewer import VIEWER
from ..plan.cell_key import hash_json
from ..sheet.folder_sheet import draw_folder_sheet, draw_notice

SHEET_CELL, SHEET_MEGAPIXELS = 256, 32.0  # of the sheet that the node shows; Contact Sheet draws others of the folder
_SHEETS = "steer-sheets"  # a folder in ComfyUI's temp folder, which ComfyUI empties when it starts

log = get_log(__name__)


@dataclass(frozen=True)
class ShownSheet:
    """A sheet, IMAGE [1, H, W, 3], and what the node shows of it."""

    picture: torch.Tensor
    shown: Mapping[str, Any]


def sheet_of(manifest: Manifest, prompt: Mapping[str, Any], info: Mapping[str, Any]) -> ShownSheet:
    """The sheet of the whole folder. prompt, info: of the run, for the head of the file that the node shows.

    Raises:
        OSError: the file cannot be written.
    """
    title = manifest.grid.title if manifest.grid else ""
    name = f"{hash_json([str(manifest.folder), title, manifest.fingerprint()])[:32]}.png"
    path = Path(folder_paths.get_temp_directory()) / _SHEETS / name
    shown = {"images": ({"filename": name, "subfolder": _SHEETS, "type": "temp"},), "animated": (False,)}
    try:
        return ShownSheet(read_picture(path)[None], shown)
    except ValueError:  # not there yet
        picture = _draw(manifest)
    texts = {} if args.disable_metadata else {"prompt": prompt, **info}
    write_png(path, to_bytes(picture[0]), texts, compress_level=1)
    return ShownSheet(picture, shown)


def _draw(manifest: Manifest) -> torch.Tensor:
    """A notice where so many cells fit on no sheet."""
    try:
        return draw_folder_sheet(manifest, SHEET_CELL, SHEET_MEGAPIXELS, enlarge=False)
    except ValueError as error:
        log.info("Sweep: %s", error)
        count = len(manifest.grid.cells) if manifest.grid else 0
        return draw_notice(
            f"{count:,} cells are too many for one sheet. Open {VIEWER} in {manifest.folder}, or choose some with Load "
            "Cells."
        )
