"""pack and unpack: what is packed comes out the same; whatever a zip holds, nothing outside the target is touched."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[3]
MODEL = b"not really a model"
URL = "https://example.org/fine.safetensors"
LIMIT = 2_000_000_000


def node(number: int, kind: str, widgets: list[Any], **properties: Any) -> dict[str, Any]:
    return {"id": number, "type": kind, "widgets_values": widgets, "properties": properties}


def ui_workflow() -> dict[str, Any]:
    models = [{"name": "fine.safetensors", "url": URL, "directory": "checkpoints", "hash": "00", "hash_type": "SHA256"}]
    return {
        "nodes": [
            node(1, "LoadImage", ["photos/\uace0\uc591\uc774.png", "image"], cnr_id="comfy-core", ver="0.3.75"),
            node(2, "CheckpointLoaderSimple", ["fine.safetensors"], cnr_id="comfy-core", models=models),
            node(3, "LoraLoader", ["sub/small.safetensors", 1, 1], cnr_id="comfy-core"),
            node(4, "SteerCanny", [100, 200], cnr_id="steer", ver="0.1.0"),
            node(5, "LoadImage", ["made.png [output]", "image"], cnr_id="comfy-core"),
        ],
        "links": [],
    }


def lay_out(folder: Path, data: Any) -> Path:
    """A workflow file beside an input folder, and a ComfyUI that has one of its two models."""
    (folder / "input" / "photos").mkdir(parents=True)
    (folder / "input" / "photos" / "\uace0\uc591\uc774.png").write_bytes(b"a cat")
    (folder / "comfyui" / "models" / "checkpoints").mkdir(parents=True)
    (folder / "comfyui" / "models" / "checkpoints" / "fine.safetensors").write_bytes(MODEL)
    file = folder / "cat.json"
    file.write_text(json.dumps(data), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("named", "known"),
    [
        ({"hash": "AB" * 32, "hash_type": "SHA256"}, "ab" * 32),
        ({"hash": "ab" * 32}, "ab" * 32),
        ({"hash": "ab" * 32, "hash_type": "BLAKE3"}, ""),
        ({"hash": "00"}, ""),
        ({}, ""),
    ],
)
def test_the_hash_that_a_workflow_names_for_a_model_counts_where_it_is_a_sha256(named: dict[str, str], known: str):
    from steer.runner.share.command import identify
    from steer.runner.workflow.needs import ModelNeed, model_needs

    model = {"name": "far.safetensors", "url": URL, "directory": "checkpoints", **named}
    workflow = {"nodes": [node(2, "CheckpointLoaderSimple", ["far.safetensors"], models=[model])], "links": []}
    (need,) = model_needs(workflow)
    assert need == identify(need, Path("nowhere")) == ModelNeed("far.safetensors", "checkpoints", URL, known)


def packed(folder: Path) -> Path:
    from steer.runner.share.command import write_bundle

    file = lay_out(folder, ui_workflow())
    write_bundle(file, folder / "cat.zip", [folder / "input"], folder / "comfyui" / "models")
    return folder / "cat.zip"


def tree(folder: Path) -> dict[str, bytes | str]:
    """Every path under a folder and what is there."""
    return {
        str(p.relative_to(folder)): os.readlink(p) if p.is_symlink() else p.read_bytes() if p.is_file() else "folder"
        for p in folder.rglob("*")
    }


@pytest.mark.parametrize("api", [False, True], ids=["ui", "api"])
def test_what_is_packed_comes_out_the_same(tmp_path: Path, api: bool):
    from steer.nodes.identity import version
    from steer.runner.share import command
    from steer.runner.workflow.needs import folders_beside

    data: Any = ui_workflow()
    if api:
        names = {"LoadImage": "image", "CheckpointLoaderSimple": "ckpt_name", "LoraLoader": "lora_name"}
        data = {
            str(n["id"]): {"class_type": n["type"], "inputs": {names.get(n["type"], "x"): n["widgets_values"][0]}}
            for n in data["nodes"]
        }
    file = lay_out(tmp_path / "a", data)
    made, again = tmp_path / "cat.zip", tmp_path / "again.zip"
    for output in (made, again):
        command.write_bundle(file, output, folders_beside(file), tmp_path / "a" / "comfyui" / "models")
    assert made.read_bytes() == again.read_bytes(), "the same files make the same zip"
    target = tmp_path / "deep" / "colleague"
    bundle = command.open_bundle(made, target, LIMIT)
    assert (target / bundle.workflow).read_bytes() == file.read_bytes()
    assert tree(target / "input") == tree(tmp_path / "a" / "input")
    assert {p.name for p in target.parent.iterdir()} == {"colleague"}
    assert bundle.steer == version()
    models = {m.name: m for m in bundle.models}
    assert models.keys() == {"fine.safetensors", "sub/small.safetensors"}
    fine = models["fine.safetensors"]
    assert (fine.directory, fine.sha256) == ("checkpoints", hashlib.sha256(MODEL).hexdigest())
    assert fine.url == ("" if api else URL)
    assert models["sub/small.safetensors"].sha256 == ""
    assert "SteerCanny" in {need.kind for need in bundle.nodes}
    assert api or "steer" in {need.pack for need in bundle.nodes}


def test_pack_never_takes_a_file_from_outside_and_names_what_is_missing(tmp_path: Path):
    from steer.runner.share.command import write_bundle
    from steer.runner.workflow.prompt import WorkflowError

    (tmp_path / "secret.png").write_bytes(b"secret")
    inputs = tmp_path / "x" / "input"
    inputs.mkdir(parents=True)
    (inputs / "link.png").symlink_to(tmp_path / "secret.png")
    output = tmp_path / "x.zip"
    for name, words in [
        ("../../secret.png", "outside the input folder"),
        (str(tmp_path / "secret.png"), "outside the input folder"),
        ("C:\\secret.png", "outside the input folder"),
        ("link.png", "in none of these folders"),
        ("nothing.png", "--input DIR"),
    ]:
        file = tmp_path / "x" / "x.json"
        file.write_text(json.dumps({"nodes": [node(1, "LoadImage", [name])]}), encoding="utf-8")
        with pytest.raises(WorkflowError, match=words):
            write_bundle(file, output, [inputs], tmp_path / "models")
        assert not output.exists()
    bundle, missing = write_bundle(file, output, [inputs], tmp_path / "models", allow_missing=True)
    assert (bundle.inputs, missing) == ([], ["nothing.png"])
    away = [str(tmp_path / "secret.png"), "C:\\secret.mp4"]
    listed = [node(1, "VHS_LoadVideoPath", away[1:]), node(2, "LoadImageFromPath", away[:1])]
    file.write_text(json.dumps({"nodes": listed}), encoding="utf-8")
    with pytest.raises(WorkflowError, match=r"outside the input folder.*--allow-missing"):
        write_bundle(file, tmp_path / "y.zip", [inputs], tmp_path / "models")
    bundle, missing = write_bundle(file, tmp_path / "y.zip", [inputs], tmp_path / "models", allow_missing=True)
    assert (bundle.inputs, missing) == ([], sorted(name.replace("\\", "/") for name in away))
    with pytest.raises(WorkflowError, match="--force"):
        write_bundle(file, output, [inputs], tmp_path / "models", allow_missing=True)


@dataclass
class Entry:
    """One entry of a zip made by hand, in which everything may be a lie. size: what it claims to unpack to."""

    name: str
    data: bytes = b"x"
    mode: int = 0o100644
    size: int | None = None
    flags: int = 0x800
    method: int = 8
    raw: bytes | None = None


def zip_by_hand(entries: list[Entry]) -> bytes:
    body, directory = io.BytesIO(), io.BytesIO()
    for e in entries:
        squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
        raw = e.raw if e.raw is not None else squeeze.compress(e.data) + squeeze.flush()
        size, name = len(e.data) if e.size is None else e.size, e.name.encode()
        common = struct.pack(
            "<HHHHHIIIHH", 20, e.flags, e.method, 0, 33, zlib.crc32(e.data), len(raw), size, len(name), 0
        )
        directory.write(b"PK\1\2" + struct.pack("<H", 0x314) + common)
        directory.write(struct.pack("<HHHII", 0, 0, 0, e.mode << 16, body.tell()) + name)
        body.write(b"PK\3\4" + common + name + raw)
    start, listed = body.tell(), directory.getvalue()
    end = struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(listed), start, 0)
    return body.getvalue() + listed + b"PK\5\6" + end


def hostile(*extra: Entry, workflow: str = "w.json", **changes: Any) -> bytes:
    """A bundle that is right but for `extra` entries, which its list names with their true hashes."""
    entries = [Entry(workflow, b"{}"), Entry("input/a.png", b"a"), *extra]
    files = [{"name": e.name, "sha256": hashlib.sha256(e.data).hexdigest()} for e in entries]
    listed = {"format": 1, "steer": "0.1.0", "workflow": workflow, "files": files, "models": [], "nodes": []} | changes
    return zip_by_hand([Entry("steer-bundle.json", json.dumps(listed).encode()), *entries])


ZEROS = zlib.compressobj(9, zlib.DEFLATED, -15)
MEGABYTE = ZEROS.compress(bytes(1 << 20)) + ZEROS.flush(zlib.Z_FULL_FLUSH)
BOMB = MEGABYTE * 3_400  # 3.5 GB of zeros in 3.5 MB

HOSTILE = {
    "parent": (hostile(Entry("../evil.png")), "leads out"),
    "parent within": (hostile(Entry("input/../../evil.png")), "leads out"),
    "backslashes": (hostile(Entry("input\\..\\..\\evil.png")), "leads out"),
    "absolute": (hostile(Entry("/evil.png")), "absolute"),
    "drive": (hostile(Entry("C:/evil.png")), "drive letter"),
    "drive, no slash": (hostile(Entry("c:evil.png")), "drive letter"),
    "share": (hostile(Entry("\\\\server\\evil.png")), "absolute"),
    "stream of NTFS": (hostile(Entry("input/a.png:evil")), "its name holds"),
    "device": (hostile(Entry("input/NUL.png")), "device on Windows"),
    "trailing dot": (hostile(Entry("input/evil.")), "dot or space"),
    "NUL": (hostile(Entry("input/a\0../evil.png")), "its name holds"),
    "escape sequence": (hostile(Entry("input/\x1b[2Jevil.png")), "its name holds"),
    "right to left": (hostile(Entry("input/gpj.\u202eexe")), "its name holds"),
    "folder": (hostile(Entry("input/folder/", b"")), "empty"),
    "long name": (hostile(Entry("input/" + "n" * 300 + ".png")), "has 310 characters"),
    "long name in bytes": (hostile(Entry("input/" + "\uace0" * 100 + ".png")), "255 bytes"),
    "link": (hostile(Entry("input/link.png", b"/etc/passwd", mode=0o120777)), "is a link"),
    "link, then through it": (hostile(Entry("input/d", b"..", mode=0o120777), Entry("input/d/evil.png")), "is a link"),
    "pipe": (hostile(Entry("input/pipe.png", mode=0o010644)), "not a plain file"),
    "duplicate": (hostile(Entry("input/a.png", b"other")), "twice"),
    "case": (hostile(Entry("input/A.PNG")), "case does not count"),
    "case of a folder": (hostile(Entry("Input/b.png")), "case does not count"),
    "accent in two ways": (hostile(Entry("input/\u00e9.png"), Entry("input/e\u0301.png")), "case does not count"),
    "file and folder": (hostile(Entry("input/a.png/b.png")), "file and as a folder"),
    "folder and file": (hostile(Entry("input/d/b.png"), Entry("input/d")), "file and as a folder"),
    "bomb": (hostile(*[Entry(f"input/{i}.png", raw=BOMB, size=3_400 << 20) for i in range(3)]), "10.7 GB"),
    "bomb that lies": (hostile(Entry("input/z.png", raw=BOMB, size=1000)), "damaged"),
    "many entries": (hostile(*[Entry(f"input/{i}.png") for i in range(10_001)]), "10004 entries"),
    "encrypted": (hostile(Entry("input/e.png", flags=0x801)), "encrypted"),
    "bzip2": (hostile(Entry("input/e.png", method=12)), "unusual"),
    "damaged": (hostile(Entry("input/z.png", raw=b"nonsense")), "damaged"),
    "elsewhere": (hostile(Entry("evil.bat")), "neither the workflow nor under"),
    "workflow named like its list": (hostile(workflow="steer-bundle.json"), "twice"),
    "no list": (zip_by_hand([Entry("w.json", b"{}")]), "no steer-bundle.json"),
    "newer": (hostile(format=2), "newer Steer"),
    "list that lacks a file": (hostile(files=[{"name": "w.json", "sha256": ""}]), "not in both"),
    "hash": (hostile(files=[{"name": n, "sha256": "0" * 64} for n in ("w.json", "input/a.png")]), "sha256 differs"),
    "deep list": (zip_by_hand([Entry("steer-bundle.json", b"[" * 200_000)]), "not JSON"),
    "huge list": (zip_by_hand([Entry("steer-bundle.json", b" " * (5 << 20))]), "longer"),
    "escape sequence in the list": (hostile(steer="\x1b[2J"), "short text"),
    "models of a wrong kind": (hostile(models=[{"name": ["x"]}]), "short text"),
    "not a zip": (b"PK\3\4 nonsense", "not a readable zip"),
    "empty": (b"", "not a readable zip"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_zip_writes_nothing_and_says_why(tmp_path: Path, case: str, capsys: pytest.CaptureFixture[str]):
    from steer.runner import cli

    content, words = HOSTILE[case]
    (tmp_path / "here").mkdir()
    zip_file = tmp_path / "evil.zip"
    zip_file.write_bytes(content)
    before, started = tree(tmp_path), time.monotonic()
    assert cli.run(["unpack", str(zip_file), "--to", str(tmp_path / "here" / "new" / "deep" / "target")]) == 1
    assert time.monotonic() - started < 20
    assert tree(tmp_path) == before, "something was written"
    error = capsys.readouterr().err
    assert "nothing was written" in error
    assert words in error
    assert error.rstrip("\n").isprintable(), "a control character of the zip reached the terminal"
    assert len(error) < 600 + len(str(tmp_path)) * 3


def test_the_zips_made_by_hand_are_hostile_only_where_they_mean_to_be(tmp_path: Path):
    from steer.runner.share.command import open_bundle

    (tmp_path / "good.zip").write_bytes(hostile(Entry("input/b/c.png", b"c" * 100_000)))
    bundle = open_bundle(tmp_path / "good.zip", tmp_path / "out", LIMIT)
    assert bundle.inputs == ["a.png", "b/c.png"]
    assert (tmp_path / "out" / "input" / "b" / "c.png").read_bytes() == b"c" * 100_000


def test_target_that_is_there_already_is_left_alone(tmp_path: Path):
    from steer.runner.share.archive import ArchiveError
    from steer.runner.share.command import open_bundle

    zip_file = packed(tmp_path / "a")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    full, file, link, empty = (tmp_path / name for name in ("full", "file", "link", "empty"))
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    file.write_text("mine")
    link.symlink_to(elsewhere, target_is_directory=True)
    before = tree(tmp_path)
    for target in (full, file, link):
        with pytest.raises(ArchiveError, match="--to"):
            open_bundle(zip_file, target, LIMIT)
    assert tree(tmp_path) == before
    empty.mkdir()
    assert open_bundle(zip_file, empty, LIMIT).workflow == "cat.json"
    assert (empty / "cat.json").is_file()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_zip_opens_as_what_was_packed_or_not_at_all(tmp_path: Path, data: st.DataObject):
    import shutil

    from steer.runner.share.archive import ArchiveError
    from steer.runner.share.command import open_bundle

    shutil.rmtree(tmp_path)
    good = bytearray(packed(tmp_path / "a").read_bytes())
    open_bundle(tmp_path / "a" / "cat.zip", tmp_path / "right", LIMIT)
    for place, value in data.draw(st.lists(st.tuples(st.integers(0, len(good) - 1), st.integers(0, 255)), max_size=4)):
        good[place] = value
    (tmp_path / "bad.zip").write_bytes(good[: data.draw(st.integers(len(good) // 2, len(good)))])
    before = tree(tmp_path)
    try:
        open_bundle(tmp_path / "bad.zip", tmp_path / "target", LIMIT)
    except ArchiveError:
        assert tree(tmp_path) == before
    else:
        packed_files = {k: v for k, v in tree(tmp_path / "right").items() if k != "steer-bundle.json"}
        assert tree(tmp_path / "target") == packed_files


def test_commands(tmp_path: Path):
    lay_out(tmp_path, ui_workflow())
    run = [sys.executable, str(ROOT / "run.py")]

    def done(*arguments: str) -> tuple[int, str]:
        ran = subprocess.run([*run, *arguments], capture_output=True, text=True, encoding="utf-8", cwd=tmp_path)
        assert "Traceback" not in ran.stderr
        return ran.returncode, ran.stdout + ran.stderr

    code, text = done("pack", "cat.json", "--comfyui", "comfyui")
    assert code == 0, text
    assert "checkpoints/fine.safetensors" in text
    assert hashlib.sha256(MODEL).hexdigest() in text
    assert URL in text
    code, text = done("unpack", "cat.zip")
    assert code == 0, text
    assert (tmp_path / "cat" / "cat.json").read_bytes() == (tmp_path / "cat.json").read_bytes()
    assert "steer 0.1.0" in text
    assert "ComfyUI's input folder" in text
    assert done("unpack", "cat.zip")[0] == 1
    assert done("pack", "cat.zip")[0] == 1
