"""index.html in a sweep's folder: one file that shows its pictures in any browser, offline, with axis pickers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .manifest import CellRecord, Grid, Manifest

VIEWER = "index.html"
MAX_GRIDS = 20  # of those that were ever asked for in the folder; the last ones
_TEMPLATE = Path(__file__).with_name("viewer.html")


def write_viewer(manifest: Manifest) -> Path:
    """Write the page anew and return its path. It is put in place whole, so that an open one is never torn.

    Raises ValueError for a manifest without a grid and OSError where it cannot be written.
    """
    path = manifest.folder / VIEWER
    unfinished = path.with_suffix(".html.part")
    try:
        unfinished.write_text(page(manifest), encoding="utf-8")
        os.replace(unfinished, path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    return path


def page(manifest: Manifest) -> str:
    """The HTML of the page. No text of the sweep can leave the JSON that it stands in."""
    if manifest.grid is None:
        raise ValueError(f"The manifest {manifest.path} holds no grid to show. Run the Sweep of this folder.")
    grids = list(dict.fromkeys(reversed(manifest.grids)))[:MAX_GRIDS]
    keys = {cell.key for grid in grids for cell in grid.cells}
    data = {
        "grids": [_grid(grid) for grid in grids],
        "states": {key: _state(manifest, record) for key in sorted(keys) if (record := manifest.state(key))},
    }
    text = json.dumps(data, separators=(",", ":"))
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return _TEMPLATE.read_text(encoding="utf-8").replace("DATA", text, 1)


def _grid(grid: Grid) -> dict[str, Any]:
    sizes = " x ".join(str(len(axis.labels)) for axis in grid.axes)
    return {
        "title": grid.title,
        "name": " ".join(part for part in (grid.title, f"({sizes})" if sizes else "") if part),
        "axes": [{"name": axis.name, "labels": axis.labels} for axis in grid.axes],
        "cells": {",".join(map(str, cell.at)): cell.key for cell in grid.cells},
    }


def _state(manifest: Manifest, record: CellRecord) -> dict[str, Any]:
    """A picture that vanished counts as not made."""
    done = manifest.finished(record.key)
    return {
        "file": done.file if done else None,
        "error": record.error,
        "values": [[name, _cell_entry(value)] for name, value in record.values.items()],
        "seconds": record.seconds,
    }


def _cell_entry(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
