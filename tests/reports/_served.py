"""A ComfyUI of its own for a report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...runner import setup
from ...runner.comfyui.client import ComfyClient
from ...runner.comfyui.process import ComfyServer


@contextmanager
def served(folder: Path) -> Iterator[ComfyClient]:
    """A ComfyUI on the CPU with fresh folders in `folder`."""
    places = []
    for kind in ("output", "user", "temp", "input"):
        (folder / kind).mkdir(parents=True)
        places += [f"--{kind}-directory", str(folder / kind)]
    with ComfyServer(setup.COMFYUI, setup.PYTHON, folder / "comfyui.log", arguments=["--cpu", *places]) as server:
        yield ComfyClient(server.url, server.check_alive)
