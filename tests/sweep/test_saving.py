"""Folders and files of a sweep: inside the output folder, whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import resource
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from steer.nodes.sweep.folder.saving import MAX_FOLDER, file_stem, folder_inside, write_png

KEY = "0123456789abcdef"


@pytest.mark.parametrize(
    "name", ["moods", " moods ", "a/b/c", "a\\b", "\ud654\ub0a8", "con-test", "a.b", "x" * MAX_FOLDER]
)
def test_names_that_stay_inside(tmp_path: Path, name: str):
    assert tmp_path.resolve() in folder_inside(tmp_path, name).parents


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("..", r"\.\."),
        ("a/../../b", r"\.\."),
        ("a\\..\\b", r"\.\."),
        (".", "empty part"),
        ("a//b", "empty part"),
        ("/etc", "root of a disk"),
        ("\\\\host\\x", "root of a disk"),
        ("C:\\x", "root of a disk"),
        ("\ud654" * 100, "100 characters"),
        ("\ud800", "character"),
        ("a\0b", "character"),
        ("a%date%", "'%'"),
        ("ab:c", "':'"),
        ("x" * 300, "300 characters"),
        ("CON", "device"),
        ("a/nul.txt", "device"),
        ("com1/b", "device"),
        ("CONIN$", "device"),
        ("com\u00b9.txt", "device"),
        ("a./b", "dot"),
        ("a /b", "space"),
        ("a\nb", "character"),
    ],
)
def test_names_that_are_refused(tmp_path: Path, name: str, fault: str):
    with pytest.raises(ValueError, match=f"folder: .*{fault}"):
        folder_inside(tmp_path, name)


def test_a_link_out_of_the_output_folder_and_a_file_are_refused(tmp_path: Path):
    home = tmp_path / "output"
    home.mkdir()
    (home / "out").symlink_to(tmp_path)
    (home / "file").write_text("x")
    for name, fault in (("out", "by a link"), ("out/deeper", "by a link"), ("file", "is a file")):
        with pytest.raises(ValueError, match=fault):
            folder_inside(home, name)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40))
def test_no_name_leaves_the_output_folder(tmp_path: Path, name: str):
    try:
        folder = folder_inside(tmp_path, name)
    except ValueError as error:
        assert str(error).startswith("folder: ")  # noqa: PT017  # any name may be refused, but plainly
    else:
        folder.mkdir(parents=True, exist_ok=True)
        assert tmp_path.resolve() in Path(os.path.realpath(folder)).parents


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=120), max_size=4))
def test_any_labels_make_a_file_name_that_every_system_takes(tmp_path: Path, labels: list[str]):
    stem = file_stem(labels, KEY)
    assert stem.endswith("-0123456789")
    assert not set(stem) & set('/\\:*?"<>|%\0\n')
    assert len(stem.encode()) <= 100
    (tmp_path / f"{stem}.png").write_bytes(b"")


@pytest.mark.parametrize(
    ("labels", "stem"),
    [
        ((), "cell-0123456789"),
        (("",), "cell-0123456789"),
        (("angry", "seed 3"), "angry-seed_3-0123456789"),
        (("x" * 81,), f"{'x' * 80}-0123456789"),
        (("\ud654" * 40,), f"{chr(0xD654) * 26}-0123456789"),
        (("e\u0301",), "\u00e9-0123456789"),
    ],
    ids=["no labels", "an empty label", "two labels", "over 80 bytes", "no letter is cut in two", "accents composed"],
)
def test_a_cell_has_one_file_name(labels: tuple[str, ...], stem: str):
    assert file_stem(labels, KEY) == stem


def test_a_picture_is_saved_with_its_texts_and_replaces_none_by_halves(tmp_path: Path):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / "deep" / "a.png"
    write_png(path, pixels, {"prompt": {"1": "\ud654\ub0a8 <script>"}})
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))  # the system refuses what lies beyond
    try:
        with pytest.raises(OSError, match="What is finished stays") as caught:
            write_png(path, 255 - pixels, {})
        with pytest.raises(OSError, match="cannot be written"):
            write_png(path.with_name("b.png"), pixels, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["a.png"]
    with Image.open(path) as image:
        assert (np.array(image) == pixels).all()
        assert json.loads(image.info["prompt"]) == {"1": "\ud654\ub0a8 <script>"}
