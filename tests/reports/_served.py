"""A ComfyUI of its own for a report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...runner import setup
from ...runner.comfyui.client import ComfyClient
from ...runner.comfyui.process import ComfyServer, own_folders


@contextmanager
def served(folder: Path, *arguments: str) -> Iterator[ComfyClient]:
    """A ComfyUI on the CPU with fresh folders in `folder`."""
    given = ["--cpu", *own_folders(folder, "output", "user", "temp", "input"), *arguments]
    with ComfyServer(setup.COMFYUI, setup.PYTHON, folder / "comfyui.log", arguments=given) as server:
        yield ComfyClient(server.url, server.check_alive)
