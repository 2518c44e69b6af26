"""Where a report is written. Its folder is made as soon as the option is read: not at the end, after hours of work."""

from __future__ import annotations

from pathlib import Path


def output_file(text: str) -> Path:
    """The file that `--out` names, in a folder that is there."""
    path = Path(text)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def output_folder(text: str) -> Path:
    """The folder that `--out` names, and that is there."""
    path = Path(text)
    path.mkdir(parents=True, exist_ok=True)
    return path
