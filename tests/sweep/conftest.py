"""What the family's tests share: a ComfyUI with an empty output folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
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
