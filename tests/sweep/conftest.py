"""What the family's tests share: a ComfyUI with an empty output folder."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from graph_lab import wait_for
from sweep_lab import Lab, giver


@pytest.fixture
def lab(comfy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    import folder_paths

    before = folder_paths.get_output_directory()
    folder_paths.set_output_directory(str(tmp_path / "output"))
    lab = Lab(comfy, tmp_path / "output")
    monkeypatch.setitem(comfy.nodes.NODE_CLASS_MAPPINGS, "TestGive", giver(lab.given))
    yield lab
    folder_paths.set_output_directory(before)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """A file system in memory of the size that is asked for, and asked for again; where, if it must lie there."""
    used = set[Path]()

    def sized(size: str, place: Path = tmp_path / "disk") -> Path:
        place.mkdir(exist_ok=True)
        used.add(place)
        again = "remount," if place.is_mount() else ""
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"{again}size={size}", "tmpfs", place], capture_output=True
        )
        if done.returncode:
            pytest.skip("this user may not mount a file system")
        return place

    yield sized
    for place in filter(Path.is_mount, used):
        wait_for(partial(_unmount, place), limit=10.0)


def _unmount(place: Path) -> bool:
    """Whether it is off. The disk is busy while its last picture is flushed, beside the test."""
    return subprocess.run(["umount", place], capture_output=True).returncode == 0
