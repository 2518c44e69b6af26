"""Records that lie, and what stands where a file should be: noticed, named, and nothing else is lost."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from steer.files import NotAFileError, is_inside, read_plain, write_whole
from steer.nodes.sweep.folder.manifest import MANIFEST, AxisRecord, CellPlan, CellRecord, Manifest
from steer.nodes.sweep.folder.saving import file_stem, folder_inside
from steer.nodes.sweep.folder.selection import find_cell, name_cell
from steer.nodes.sweep.folder.viewer import render_page
from steer.nodes.sweep.plan.cell_widget import OneCell, read_cell

AXIS = AxisRecord("seed", ("seed 1", "seed 2"))
CELLS = [CellPlan("a", (0,), ("seed 1",)), CellPlan("b", (1,), ("seed 2",))]
GOOD = {"kind": "cell", "key": "b", "file": "b.png", "error": None, "values": {}, "seconds": 1.0, "bytes": 3}
pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")


def picture(path: Path, color: tuple[int, int, int] = (1, 2, 3)) -> Path:
    Image.new("RGB", (8, 8), color).save(path)
    return path


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Two cells, of which the first is done."""
    found = Manifest(tmp_path / "s")
    found.start("moods", [AXIS], CELLS)
    picture(found.folder / "a.png")
    found.record(CellRecord("a", "a.png", None, {"seed": 1}, 0.5))
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {"seconds": 10**400},
        {"seconds": "1e999"},
        {"bytes": 10**400},
        {"bytes": -1},
        {"bytes": True},
        {"values": {"cfg": 10**400}},
        {"file": "\ud83d.png"},
        {"file": "a\0b.png"},
        {"file": "../b.png"},
        {"file": "x\\..\\..\\b.png"},
        {"key": None},
        {"sha256": 7},
    ],
)
def test_a_line_that_cannot_be_is_skipped_and_said(
    manifest: Manifest, caplog: pytest.LogCaptureFixture, changes: dict[str, object]
):
    lines = [json.dumps(GOOD | changes).replace('"1e999"', "1e999"), '{"kind": "cell", "seconds": NaN}', "[" * 100_000]
    with open(manifest.path, "a", encoding="ascii") as file:
        file.write("".join(f"{line}\n" for line in lines))
    again = Manifest(manifest.folder)
    assert again.finished("a") is not None
    assert again.state("b") is None
    assert "3 of the lines" in caplog.text
    assert render_page(again).encode()


def test_labels_and_errors_of_a_foreign_manifest_are_printable(manifest: Manifest):
    axes = [{"name": "x\ud83d", "labels": ["cut \ud83d"]}]
    grid = {
        "kind": "grid",
        "title": "\x1b[2J",
        "axes": axes,
        "cells": [{"key": "c", "at": [0], "labels": ["cut \ud83d"]}],
    }
    failed = GOOD | {"key": "c", "file": None, "error": "no \ud83d"}
    with open(manifest.path, "a", encoding="ascii") as file:
        file.write(f"{json.dumps(grid)}\n{json.dumps(failed)}\n")
    again = Manifest(manifest.folder)
    assert again.grid is not None
    assert (again.grid.title, again.grid.axes[0].labels) == ("\\x1b[2J", ("cut \\ud83d",))
    assert "\\ud83d" in (again.state("c") or CELLS[0]).error


def test_other_bytes_of_the_same_size_are_noticed(manifest: Manifest, caplog: pytest.LogCaptureFixture):
    path, again = manifest.folder / "a.png", Manifest(manifest.folder)
    before, times = path.read_bytes(), path.stat()
    state = again.fingerprint()
    for content in (b"x" * len(before), before[:-30] + bytes(30), before[:45] + b"????" + before[49:]):
        path.write_bytes(content)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert again.finished("a") is None
        assert again.is_damaged("a")
        assert again.fingerprint() != state
    path.write_bytes(before)
    assert again.finished("a") is not None
    assert Manifest(manifest.folder).fingerprint() == state
    assert not caplog.records
    picture(path, (9, 9, 9)) if len(before) == len(picture(path, (9, 9, 9)).read_bytes()) else picture(path, (3, 2, 1))
    assert again.finished("a") is not None, "a picture that was retouched stays"
    assert "was changed after it was made" in caplog.text


def test_a_record_without_a_hash_counts_by_its_size(manifest: Manifest):
    path = picture(manifest.folder / "b.png")
    with open(manifest.path, "a", encoding="ascii") as file:
        file.write(json.dumps(GOOD | {"bytes": path.stat().st_size}) + "\n")
    assert Manifest(manifest.folder).finished("b") is not None


@pipes
def test_a_pipe_is_not_waited_for(manifest: Manifest):
    (manifest.folder / "a.png").unlink()
    os.mkfifo(manifest.folder / "a.png")
    assert manifest.finished("a") is None
    assert Manifest(manifest.folder).finished("a") is None
    manifest.path.unlink()
    os.mkfifo(manifest.path)
    for act in (lambda: Manifest(manifest.folder), lambda: manifest.record(CellRecord("b", None, "no", {}, 0.0))):
        with pytest.raises(NotAFileError, match=rf"{MANIFEST} is a pipe, where a file should be"):
            act()
    os.mkfifo(manifest.folder / "page.html.part")
    write_whole(manifest.folder / "page.html", b"page")
    assert (manifest.folder / "page.html").read_bytes() == b"page"


def test_nothing_is_written_through_a_link(manifest: Manifest, tmp_path: Path):
    outside = tmp_path / "outside.txt"
    outside.write_bytes(b"mine\n")
    manifest.path.unlink()
    manifest.path.symlink_to(outside)
    with pytest.raises(NotAFileError, match="is a link"):
        manifest.record(CellRecord("b", None, "no", {}, 0.0))
    for name in ("page.html", "page.html.part"):
        (manifest.folder / name).symlink_to(outside)
    write_whole(manifest.folder / "page.html", b"page")
    assert outside.read_bytes() == b"mine\n"
    assert not (manifest.folder / "page.html").is_symlink()
    dangling = manifest.folder / "dangling.jsonl"
    dangling.symlink_to(tmp_path / "new")
    manifest.path = dangling
    with pytest.raises(NotAFileError):
        manifest.record(CellRecord("b", None, "no", {}, 0.0))
    assert not (tmp_path / "new").exists()


def test_a_folder_in_the_place_of_a_file_is_named(manifest: Manifest):
    for name in ("page.html", "whole.html.part"):
        (manifest.folder / name).mkdir()
        with pytest.raises(NotAFileError, match=r"is a folder, where a file should be\. Move it away"):
            write_whole(manifest.folder / name.removesuffix(".part"), b"page")
    with pytest.raises(NotAFileError):
        read_plain(manifest.folder)
    manifest.path.unlink()
    manifest.path.mkdir()
    with pytest.raises(NotAFileError, match="is a folder"):
        Manifest(manifest.folder)


@pytest.mark.parametrize("name", ["con", "COM1", "com\u00b9.png", "LPT\u00b3", "nul.tar.gz", "CONIN$", "aux .txt"])
def test_names_of_devices_are_one_rule(name: str, tmp_path: Path):
    from steer.runner.files import plain_file_name, safe_name
    from steer.runner.share.archive import name_fault

    with pytest.raises(ValueError, match="for a device"):
        folder_inside(tmp_path, f"moods/{name}")
    assert "device" in name_fault(f"input/{name}")
    assert plain_file_name(name).startswith("_")
    for made in (file_stem([name], "0123456789ab"), safe_name(name)):
        assert not name_fault(f"{made}.png"), made


def test_no_file_system_has_halves_of_characters():
    assert is_inside("a/\uc6c3.png")
    assert not any(map(is_inside, ("\ud83d.png", "a/\udcff", "a\0b", "", "../a")))


@pytest.mark.parametrize(
    ("labels", "others", "text"),
    [
        (("angry", "seed 3"), ("sad", "seed 4"), "angry; seed 3"),
        (("seed 3",), ("seed 30",), "seed 3"),
        (("a; b", "seed 3"), ("c", "seed 4"), '["a; b", "seed 3"]'),
        (("a|b",), ("c",), '["a|b"]'),
        (("Angry",), ("angry",), '["Angry"]'),
        (("-",), ("a",), '["-"]'),
        (("",), ("a",), '[""]'),
        (("two\nlines",), ("a",), '["two\\nlines"]'),
        (('["a"]',), ("a",), '["[\\"a\\"]"]'),
    ],
)
def test_a_picture_names_its_cell_as_the_help_teaches(
    tmp_path: Path, labels: tuple[str, ...], others: tuple[str, ...], text: str
):
    axes = [AxisRecord(f"axis {i}", pair) for i, pair in enumerate(zip(labels, others, strict=True))]
    places = [(i, j)[: len(axes)] for i in range(2) for j in range(2)]
    cells = [CellPlan(str(at), at, tuple(axes[n].labels[i] for n, i in enumerate(at))) for at in dict.fromkeys(places)]
    manifest = Manifest(tmp_path)
    manifest.start("", axes, cells)
    assert manifest.grid is not None
    assert name_cell(cells[0], manifest.grid) == text
    for cell in cells:
        request = read_cell(name_cell(cell, manifest.grid))
        assert isinstance(request, OneCell)
        assert find_cell(manifest.grid, request) == cell


def test_progress_goes_to_the_browser_that_queued_it(comfy, monkeypatch: pytest.MonkeyPatch):
    from browser_texts import listen
    from steer.nodes.comfy_progress import show_text

    receiver = listen(monkeypatch)
    monkeypatch.setattr(
        "steer.nodes.comfy_progress.get_executing_context", lambda: type("Context", (), {"node_id": "7"})()
    )
    show_text("cell 1\x1b[2J of \ud83d")
    receiver.client_id = None
    show_text("to nobody")
    assert receiver.said == [("7", "cell 1\\x1b[2J of \\ud83d")]


def test_after_cancel_the_node_says_what_is_saved(lab, monkeypatch: pytest.MonkeyPatch):
    import comfy.model_management
    from steer.nodes.seeds.choices import MAX_SEED
    from steer.nodes.sweep.run import comfy_run
    from sweep_lab import SMALL, seeds_axis

    said: list[str] = []

    def show(text: str) -> None:
        said.append(text)
        if text.startswith("cell 3"):
            comfy.model_management.interrupt_current_processing()

    monkeypatch.setattr(comfy_run, "show_text", show)
    graph = lab.graph(axis_1=seeds_axis(1, 2, 3, MAX_SEED))
    assert lab.comfy.run(graph).interrupted
    assert said[-1] == f"2 of 4 saved. Press Run to go on. {SMALL}"
    said.clear()
    monkeypatch.setattr(comfy_run, "show_text", said.append)
    assert lab.comfy.run(graph).error is None
    assert [text.split(":")[0] for text in said[1:3]] == ["cell 3 of 4", "cell 4 of 4"]
    assert said[3:] == [f"4 of 4 saved. {SMALL}"]


def test_a_sweep_that_has_all_says_so_whether_comfyui_calls_it_or_not(
    lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    from browser_texts import listen
    from sweep_lab import SMALL, node, seeds_axis

    said = listen(monkeypatch).said
    graph = lab.graph(axis_1=seeds_axis(1, 2)) | {"report": node("PreviewAny", source=["sweep", 2])}
    assert "Made 2 in" in lab.comfy.run(copy.deepcopy(graph)).outputs["report"]["text"][0]
    nothing = "Nothing new to make: 2 of 2 are there. Change folder, or press Run with new values."
    assert ("sweep", nothing) not in said
    said.clear()
    caplog.set_level("INFO")
    assert lab.comfy.run(copy.deepcopy(graph)).executed == []
    assert said == [("sweep", nothing)]
    assert "'s' has all 2 pictures of its last run. With the same values there is nothing new to make" in caplog.text
    lab.comfy.fresh()
    (report,) = lab.comfy.run(copy.deepcopy(graph)).outputs["report"]["text"]
    assert report.endswith(f"{nothing}\n{SMALL}")
    assert said[-1] == ("sweep", f"{nothing} {SMALL}")


def test_a_cell_whose_place_is_taken_fails_alone(lab):
    from sweep_lab import seeds_axis

    graph = lab.graph(axis_1=seeds_axis(1, 2))
    assert lab.comfy.run(graph).error is None
    first, second = sorted((lab.output / "s").glob("*.png"))
    first.unlink()
    first.mkdir()
    lab.comfy.fresh()
    result = lab.comfy.run(graph)
    assert result.error is None, result.message
    assert second.is_file()
    assert "is a folder, where a file should be" in (lab.output / "s" / MANIFEST).read_text(encoding="ascii")


@pytest.mark.parametrize("name", ["queue", "gallery"])
def test_a_full_disk_leaves_the_old_page(small_disk: Callable[[str], Path], name: str):
    disk = small_disk("64k")
    page = disk / "index.html"
    write_whole(page, b"old")
    if name == "gallery":
        from steer.runner.slides import gallery
        from steer.runner.slides.slide import Slide

        with pytest.raises(OSError, match="space"):
            gallery.write([Slide("s", error="x" * 200_000)], disk)
    else:
        with pytest.raises(OSError, match="space"):
            write_whole(page, b"x" * 200_000)
    assert page.read_bytes() == b"old"
    assert list(disk.iterdir()) == [page]
