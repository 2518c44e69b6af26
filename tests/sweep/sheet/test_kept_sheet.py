"""The sheet that a sweep shows is drawn once for what the folder holds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from PIL import Image
from steer.files import flush_later
from steer.nodes.sweep.folder.manifest import AxisRecord, CellPlan, CellRecord, Manifest

SIDE = 24


def test_the_sheet_of_an_unchanged_folder_is_read_again_bit_for_bit(
    comfy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import folder_paths
    from steer.nodes.sweep.run import comfy_sheet

    monkeypatch.setattr(folder_paths, "get_temp_directory", lambda: str(tmp_path / "temp"))
    manifest = Manifest(tmp_path / "kept")
    cells = [CellPlan(letter, (number,), (letter,)) for number, letter in enumerate("abc")]
    manifest.start("letters", [AxisRecord("letter", ("a", "b", "c"))], cells)
    for number, cell in enumerate(cells):
        noise = torch.randint(
            0, 256, (SIDE, SIDE, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(number)
        )
        Image.fromarray(noise.numpy()).save(manifest.folder / f"{cell.key}.png")
        manifest.record(CellRecord(cell.key, f"{cell.key}.png", None, {}, 0.1))
    drawn: list[object] = []
    draw = comfy_sheet.draw_folder_sheet
    monkeypatch.setattr(
        comfy_sheet, "draw_folder_sheet", lambda *given, **named: drawn.append(given) or draw(*given, **named)
    )
    prompt = {"1": {"class_type": "SteerSweepGraph", "inputs": {}}}
    first = comfy_sheet.sheet_of(manifest, prompt, {"workflow": {"nodes": []}})
    again = comfy_sheet.sheet_of(Manifest(manifest.folder), prompt, {})
    assert len(drawn) == 1
    assert torch.equal(first.picture, again.picture)
    assert first.shown == again.shown
    assert first.picture.shape[1] < 6 * SIDE, "small pictures are not made larger"
    file = tmp_path / "temp" / first.shown["images"][0]["subfolder"] / first.shown["images"][0]["filename"]
    with Image.open(file) as image:
        assert {"prompt", "workflow"} <= image.info.keys()
    (manifest.folder / "b.png").unlink()
    less = comfy_sheet.sheet_of(manifest, prompt, {})
    assert len(drawn) == 2
    assert not torch.equal(first.picture, less.picture)


def test_a_file_that_could_not_be_flushed_is_said_by_the_next_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    real, asked = os.fsync, []

    def fail(descriptor: int) -> None:
        asked.append(os.fstat(descriptor).st_ino)
        if asked[-1] == (tmp_path / "full" / "a").stat().st_ino:
            raise OSError(28, "the disk is full")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    flush_later(tmp_path / "full" / "a")
    flush_later(tmp_path / "b")
    while (tmp_path / "b").stat().st_ino not in asked:
        pass
    flush_later(tmp_path / "b")
    with pytest.raises(OSError, match="full"):
        flush_later(tmp_path / "full" / "a")
