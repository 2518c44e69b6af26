"""index.html in a sweep's folder: one file that shows its pictures in any browser, offline, with axis pickers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ....files import write_whole
from ...text.printable import get_log, printable
from .manifest import CellRecord, Grid, Manifest

VIEWER = "index.html"
MAX_GRIDS = 20  # the last grids of the folder, of which the page shows one at a time
_TEMPLATE = Path(__file__).with_name("viewer.html")

log = get_log(__name__)


def write_viewer(manifest: Manifest) -> Path:
    """Write the page whole, so that an open one is never torn, and return its path.

    Raises:
        ValueError: the manifest holds no grid.
        OSError: the page cannot be written.
    """
    path = manifest.folder / VIEWER
    write_whole(path, render_page(manifest).encode(), flush=False)  # it can be written again
    return path


def keep_viewer(manifest: Manifest, node: str) -> None:
    """Write the page. Where it cannot be written, the log says so: a sweep goes on without it. node: its name there."""
    try:
        write_viewer(manifest)
    except OSError as error:
        log.warning("%s: the page that shows the folder cannot be written: %s", node, error)


def render_page(manifest: Manifest) -> str:
    """The HTML of the page. No text of the sweep can leave the JSON in which it stands.

    Raises:
        ValueError: the manifest holds no grid.
    """
    if manifest.grid is None:
        raise ValueError(f"The manifest {manifest.path} holds no grid to show. Run the Sweep of this folder.")
    grids = list(dict.fromkeys(reversed(manifest.grids)))[:MAX_GRIDS]
    keys = {cell.key for grid in grids for cell in grid.cells}
    data = {
        "grids": [_describe_grid(grid) for grid in grids],
        "states": {key: _describe_state(manifest, record) for key in sorted(keys) if (record := manifest.state(key))},
    }
    text = json.dumps(data, separators=(",", ":"))
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return _TEMPLATE.read_text(encoding="utf-8").replace("DATA", text, 1)


def _describe_grid(grid: Grid) -> dict[str, Any]:
    sizes = " x ".join(str(len(axis.labels)) for axis in grid.axes)
    return {
        "title": grid.title,
        "name": " ".join(part for part in (grid.title, f"({sizes})" if sizes else "") if part),
        "axes": [{"name": axis.title or axis.name, "labels": axis.labels} for axis in grid.axes],
        "cells": {",".join(map(str, cell.at)): cell.key for cell in grid.cells},
    }


def _describe_state(manifest: Manifest, record: CellRecord) -> dict[str, Any]:
    """A picture that vanished counts as not made."""
    done = manifest.finished(record.key)
    return {
        "file": done.file if done else None,
        "error": record.error,
        "values": [[name, _write_value(value)] for name, value in record.values.items()],
        "seconds": record.seconds,
    }


def _write_value(value: Any) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
