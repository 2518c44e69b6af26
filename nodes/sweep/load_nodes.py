"""Load Cells: pictures of a sweep's folder, back in a graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import folder_paths
import torch

from ..api import io, search_words
from ..text.printable import get_log
from .choices import CATEGORY

if TYPE_CHECKING:
    from .folder.manifest import Manifest

log = get_log(__name__)


class LoadCells(io.ComfyNode):
    """Pictures of a sweep's folder, chosen by their labels."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerLoadCells",
            **search_words("load images", "load folder", "xyz plot"),
            display_name="Load Cells",
            category=CATEGORY,
            description="Loads pictures of a Sweep's folder, chosen by their labels: angry; meadows.",
            inputs=[
                io.String.Input(
                    "folder",
                    default="",
                    tooltip="The folder of a Sweep: its output folder, or a name inside ComfyUI's output folder.",
                ),
                io.String.Input(
                    "selection",
                    default="",
                    tooltip="Labels to look for, such as angry, meadows. Write one in each line, or put commas "
                    "between them. A semicolon means both, a bar one of two. Empty: all cells.",
                ),
                io.Int.Input(
                    "limit",
                    default=64,
                    min=0,
                    max=65536,
                    tooltip="At most this many pictures, because all of them lie in memory together. 0: no limit.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="images",
                    is_output_list=True,
                    tooltip="The pictures one by one, in the order of the axes. Sizes may differ.",
                ),
                io.String.Output(
                    display_name="labels",
                    is_output_list=True,
                    tooltip="What differs between the pictures. Connect it to labels of Contact Sheet or Difference.",
                ),
                io.Int.Output(display_name="count", tooltip="How many pictures there are."),
            ],
        )

    @classmethod
    def fingerprint_inputs(
        cls, folder: str | None = None, selection: str | None = None, limit: int | None = None
    ) -> str:
        """Changes with the folder. One that comes by a link is None: then it changes with any folder that was read."""
        from .folder.changes import READ

        try:
            return READ.state() if folder is None else open_manifest(folder).fingerprint()
        except (ValueError, OSError):
            return ""  # execute says what is wrong

    @classmethod
    def execute(cls, folder: str, selection: str, limit: int) -> io.NodeOutput:
        from ..comfy_progress import track_progress
        from .folder.changes import READ
        from .folder.selection import choose_cells, label_cells, read_picture, require_grid

        manifest = open_manifest(folder)
        READ.note(manifest)
        grid = require_grid(manifest)
        matching = choose_cells(grid, selection)
        # One that is damaged is chosen, too, so that it is named.
        finished = [cell for cell in matching if manifest.finished(cell.key) or manifest.is_damaged(cell.key)]
        if not finished:
            last = next((state for cell in matching if (state := manifest.state(cell.key)) and state.error), None)
            reason = f" One failed with: {last.error}" if last else ""
            raise ValueError(
                f"selection: none of the {len(matching)} cells that it names has a picture yet.{reason} "
                "Run the Sweep of this folder."
            )
        chosen = finished[: limit or None]
        if len(chosen) < len(matching):
            log.warning(
                "Load Cells: %d of %d cells are loaded; %d have no picture, %d are beyond the limit.",
                len(chosen),
                len(matching),
                len(matching) - len(finished),
                len(finished) - len(chosen),
            )
        images: list[torch.Tensor] = []
        for cell in track_progress(chosen, len(chosen)):
            record = manifest.state(cell.key)
            if record is None or record.file is None:
                raise ValueError(f"the picture of {', '.join(cell.labels)} vanished while it was loaded. Run again.")
            images.append(read_picture(manifest.folder / record.file)[None])
        return io.NodeOutput(images, label_cells(grid, chosen), len(images))


def open_manifest(folder: str) -> Manifest:
    """The manifest of a folder inside ComfyUI's output folder.

    Raises:
        ValueError: there is none.
    """
    from .folder.manifest import Manifest
    from .folder.selection import find_sweep

    return Manifest(find_sweep(Path(folder_paths.get_output_directory()), folder))
