"""The manifest keeps what is finished, whatever happens to the file."""

from __future__ import annotations

import errno
import json
import logging
import os
import resource
import time
from contextlib import nullcontext
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from steer.nodes import journal
from steer.nodes.sweep.folder.manifest import MANIFEST, AxisRecord, CellPlan, CellRecord, Manifest

MOODS = AxisRecord("prompt", ("smiling", "angry", "laughing"))


def cells(*axes: AxisRecord, salt: str = "") -> list[CellPlan]:
    places = product(*(range(len(axis.labels)) for axis in axes))
    return [
        CellPlan(f"{salt}{number:010x}", at, tuple(axis.labels[i] for axis, i in zip(axes, at, strict=True)))
        for number, at in enumerate(places)
    ]


def done(folder: Path, key: str, content: bytes = b"picture") -> CellRecord:
    (folder / f"{key}.png").write_bytes(content)
    return CellRecord(key, f"{key}.png", None, {"seed": 3, "prompt": "\u63a8 \u2028 \ud800"}, 1.5)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Three cells: done, blank, missing."""
    found = Manifest(tmp_path / "sweep")
    found.start("moods", [MOODS], cells(MOODS))
    found.record(done(found.folder, "0000000000"))
    found.record(CellRecord("0000000001", None, "no such LoRA", {}, 0.1))
    return found


def states(manifest: Manifest) -> list[Any]:
    assert manifest.grid
    return [(manifest.state(cell.key), manifest.finished(cell.key)) for cell in manifest.grid.cells]


def test_another_process_reads_what_was_written(manifest: Manifest):
    again = Manifest(manifest.folder)
    assert again.grid == manifest.grid
    assert states(again) == states(manifest)
    first, second, third = states(again)
    assert first[0] == first[1] == done(manifest.folder, "0000000000")
    assert second[0].error == "no such LoRA"
    assert second[1] is None
    assert third == (None, None)
    assert again.fingerprint() == manifest.fingerprint()
    assert Manifest(manifest.folder / "nothing here").grid is None


@pytest.mark.parametrize("kept", [0, 1, 30, -1])
def test_a_torn_last_line_is_ignored_and_cut(manifest: Manifest, kept: int):
    before = manifest.path.read_bytes()
    manifest.record(done(manifest.folder, "0000000002"))
    whole = manifest.path.read_bytes()
    torn = whole[len(before) :]
    manifest.path.write_bytes(before + torn[: kept if kept >= 0 else len(torn) - 1])
    again = Manifest(manifest.folder)
    assert again.finished("0000000000")
    assert again.state("0000000002") is None
    again.record(done(manifest.folder, "0000000002"))
    assert manifest.path.read_bytes() == whole


def test_a_manifest_torn_in_its_first_line_begins_anew(tmp_path: Path):
    (tmp_path / MANIFEST).write_bytes(b'{"kind":"gri')
    manifest = Manifest(tmp_path)
    assert manifest.grid is None
    manifest.start("moods", [MOODS], cells(MOODS))
    assert Manifest(tmp_path).grid == manifest.grid


def test_lines_of_another_kind_are_skipped_with_one_warning(manifest: Manifest, caplog: pytest.LogCaptureFixture):
    lines = manifest.path.read_bytes().splitlines(keepends=True)
    others = [b'{"kind":"note","text":"hello"}\n', b"\xff\xfe\n", b"\n", b"[" * 100_000 + b"\n"]
    outside = json.dumps({**json.loads(lines[1]), "file": "../../secret.png"}).encode() + b"\n"
    manifest.path.write_bytes(b"".join([others[0], lines[0], *others[1:], *lines[1:], outside]))
    with caplog.at_level(logging.WARNING):
        again = Manifest(manifest.folder)
    assert states(again) == states(manifest)
    assert [record.getMessage() for record in caplog.records] == [
        f"Steer: 5 of the lines of {manifest.path} cannot be read and are skipped; the first is line 1. Another "
        "version may have written them."
    ]


@pytest.mark.parametrize(
    "file", ["../a.png", "/a.png", "C:a.png", "a\\..\\..\\b.png", "\\\\host\\a.png", "a\0.png", ""]
)
def test_a_file_outside_the_folder_is_refused(file: str):
    with pytest.raises(ValueError, match="not inside the folder"):
        CellRecord("k", file, None, {}, 0.0)


def test_a_picture_that_vanished_or_changed_is_not_finished(manifest: Manifest):
    picture = manifest.folder / "0000000000.png"
    seen = {manifest.fingerprint()}
    picture.write_bytes(b"cut")
    assert manifest.finished("0000000000") is None
    seen.add(manifest.fingerprint())
    picture.write_bytes(b"picture")
    assert manifest.fingerprint() in seen
    picture.unlink()
    assert manifest.finished("0000000000") is None
    assert manifest.state("0000000000")
    assert len(seen) == 2
    assert manifest.fingerprint() in seen, "cut or gone: not finished either way"


def test_every_attempt_at_an_unfinished_cell_shows_in_the_fingerprint(manifest: Manifest):
    seen = [manifest.fingerprint()]
    for _ in range(2):  # the same failure twice: a third run must not be hidden by the cache
        manifest.record(CellRecord("0000000001", None, "no such LoRA", {}, 0.1))
        seen.append(manifest.fingerprint())
    manifest.record(done(manifest.folder, "0000000001"))
    manifest.record(done(manifest.folder, "0000000002"))
    seen.append(manifest.fingerprint())
    assert len(set(seen)) == len(seen)
    manifest.record(CellRecord("another sweep's", None, "failed", {}, 0.1))
    manifest.start("moods", [MOODS], cells(MOODS))
    assert Manifest(manifest.folder).fingerprint() == seen[-1]


def test_the_name_of_a_run_is_that_of_its_grid(manifest: Manifest):
    assert (manifest.run, manifest.complete) == ("", False)
    manifest.start("moods", [MOODS], cells(MOODS), "first")
    manifest.start("moods", [MOODS], cells(MOODS))  # a run with nothing to make
    assert Manifest(manifest.folder).run == manifest.run == "first"
    for cell in cells(MOODS):
        manifest.record(done(manifest.folder, cell.key))
    again = Manifest(manifest.folder)
    assert (again.run, again.complete) == ("first", True)
    again.start("one", [AxisRecord("prompt", MOODS.labels[:1])], cells(MOODS)[:1])
    assert (again.run, Manifest(manifest.folder).run, again.complete) == ("", "", True)


def test_two_grids_in_one_folder_share_what_is_finished(manifest: Manifest):
    more = AxisRecord("prompt", (*MOODS.labels, "sad"))
    seeds = AxisRecord("seed", ("seed 1", "seed 2"))
    manifest.start("moods", [more], cells(more))
    assert manifest.finished("0000000000")
    manifest.start("seeds", [seeds, MOODS], cells(seeds, MOODS, salt="f"))
    again = Manifest(manifest.folder)
    assert [grid.title for grid in again.grids] == ["moods", "moods", "seeds"]
    assert again.grid == manifest.grid
    assert states(again) == [(None, None)] * 6
    again.start("moods", [more], cells(more))
    assert again.finished("0000000000")


@pytest.mark.parametrize("room", [0, 1, 60])
def test_a_full_disk_leaves_the_manifest_as_it_was(manifest: Manifest, room: int):
    before, seen = manifest.path.read_bytes(), states(manifest)
    record = done(manifest.folder, "0000000002")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + room, hard))  # the system refuses what lies beyond
    try:
        with pytest.raises(OSError, match="What is finished stays") as caught:
            manifest.record(record)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
    assert manifest.path.read_bytes() == before
    assert states(manifest) == states(Manifest(manifest.folder)) == seen
    manifest.record(record)
    assert Manifest(manifest.folder).finished("0000000002")


@pytest.mark.parametrize("full", [False, True])
def test_a_line_that_another_process_appends_in_between_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: bool
):
    path, looked = tmp_path / "lines", journal._cut_torn_line
    path.write_bytes(b'{"before":1}\n')

    def look(*given: Any) -> int:
        end = looked(*given)
        with path.open("ab") as file:
            file.write(b'{"theirs":1}\n')
        return end

    def sync(number: int) -> None:
        raise OSError(errno.ENOSPC, "the disk is full")

    monkeypatch.setattr(journal, "_cut_torn_line", look)
    if full:
        monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(OSError, match="full") if full else nullcontext():
        journal.append_line(path, {"ours": 1})
    assert path.read_bytes() == b'{"before":1}\n{"theirs":1}\n' + (b"" if full else b'{"ours":1}\n')


def test_impossible_grids_and_records_are_refused(tmp_path: Path):
    manifest = Manifest(tmp_path / "sweep")
    for wrong in (
        [CellPlan("k", (3,), ("sad",))],
        [CellPlan("k", (0, 0), ("a", "b"))],
        [CellPlan("k", (0,), ())],
        [CellPlan("k", (0,), ("a",)), CellPlan("l", (0,), ("a",))],
    ):
        with pytest.raises(ValueError, match="grid 'moods'"):
            manifest.start("moods", [MOODS], wrong)
    with pytest.raises(ValueError, match="either a file or an error"):
        CellRecord("k", "a.png", "failed", {}, 0.0)
    assert not manifest.folder.exists()


def test_a_thousand_cells_are_read_in_well_under_a_second(tmp_path: Path):
    axes = [AxisRecord("seed", tuple(f"seed {i}" for i in range(100))), AxisRecord("cfg", tuple("0123456789"))]
    manifest = Manifest(tmp_path)
    manifest.start("many", axes, cells(*axes))
    lines = []
    for cell in cells(*axes):
        manifest.record(done(tmp_path, cell.key))
        lines.append(cell.key)
    began = time.perf_counter()
    again = Manifest(tmp_path)
    assert all(again.finished(key) for key in lines)
    again.fingerprint()
    assert time.perf_counter() - began < 1.0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("kind", "key", "file", "error", "values", "seconds", "bytes", "title", "axes", "cells", "at", "labels")


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(FIELDS), JSON), max_size=4), st.binary(max_size=40))
@example([(1, "bytes", None)], b"")
@example([(0, "cells", [{"key": "k", "at": [-1], "labels": ["a"]}])], b"\n\0\n")
def test_any_line_is_read_or_skipped(manifest: Manifest, changes: list[tuple[int, str, Any]], tail: bytes):
    original = manifest.path.read_bytes()
    lines = [json.loads(line) for line in original.splitlines()]
    for number, name, value in changes:
        lines[number][name] = value
    try:
        manifest.path.write_bytes(original + b"".join(json.dumps(line).encode() + b"\n" for line in lines) + tail)
        again = Manifest(manifest.folder)
        assert again.grid
        states(again)
        again.fingerprint()
        again.start("after", [MOODS], cells(MOODS))
        again.record(CellRecord("0000000002", None, "failed", {}, 0.0))
        last = Manifest(manifest.folder)
        assert last.grid
        assert last.grid.title == "after"
        assert last.state("0000000002") == again.state("0000000002")
    finally:
        manifest.path.write_bytes(original)
