"""Whatever stands in a workflow file: one clear line, an exit code that says so, and never a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from malformed import spoiled_files
from PIL import Image, PngImagePlugin

CASES = Path(__file__).parent / "cases"
INFO: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "nodes.json").read_text(encoding="utf-8"))
DOCUMENTS = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(CASES.glob("*.json"))]
NOTHING_ELSE = {0, 1, 2}
FILES = 300


class _Fleet:
    """ComfyUIs that are asked what they have, and that nothing reaches."""

    object_info = INFO
    models: dict[str, str] = {}
    workers: tuple[()] = ()

    def check(self, jobs: Any) -> list[str]:
        for job in jobs:
            assert job.key
            json.dumps(job.prompt, allow_nan=False)
        raise OSError("nothing is sent")

    def close(self) -> None: ...


@pytest.fixture
def comfyui(tmp_path: Path) -> Path:
    """The folder of a ComfyUI that has no nodes."""
    (tmp_path / "comfyui").mkdir()
    (tmp_path / "comfyui" / "main.py").write_text("")
    return tmp_path / "comfyui"


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command in this process, by its words or parsed; gives its exit code and what it printed."""
    from steer.runner import cli
    from steer.runner.batch import command
    from steer.runner.share import convert

    monkeypatch.setattr(command, "_fleet", lambda options: _Fleet())
    monkeypatch.setattr(convert, "_definitions", lambda options: INFO)

    def run(*arguments: object) -> tuple[int, str, str]:
        options = arguments[0] if len(arguments) == 1 else cli.parse([str(each) for each in arguments])
        code = cli.call(options)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_spoiled_files_are_refused_or_read_and_never_end_in_a_traceback(tmp_path: Path, comfyui: Path, ask: Any):
    from steer.runner import cli

    refused = 0
    path, out = tmp_path / "w.json", tmp_path / "out"
    packing = ("pack", path, "-o", tmp_path / "w.zip", "--allow-missing", "--force", "--comfyui", comfyui)
    check, pack, queue, convert = (  # parsed once: that takes longer than most files
        cli.parse([str(each) for each in arguments])
        for arguments in (
            ("check", path, "--comfyui", comfyui),
            packing,
            ("queue", path, "--out", out),
            ("convert", path),
        )
    )
    for content in spoiled_files(DOCUMENTS, FILES):
        path.write_bytes(content)
        code, text, said = ask(convert)
        refused += code
        assert (code, bool(text)) in {(0, True), (1, False)}, content
        if code == 0:
            json.loads(text)
        else:
            assert said.startswith(f"Error: {path}"), said
            assert len(said.splitlines()) == 1
        assert ask(check)[0] in NOTHING_ELSE, content
        assert ask(pack)[0] in NOTHING_ELSE, content
        code, text, said = ask(queue)
        assert code == 2, content
        assert "Error: " in text + said
    assert FILES // 3 < refused < FILES, "some of them can be read"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"nodes": [5]}, r"nodes\[0\] is a whole number, not an object"),
        ({"nodes": {}}, "its nodes are no list"),
        ({"nodes": [{"id": {}, "type": "A"}]}, r"nodes\[0\].id is an object"),
        ({"nodes": [{"id": 1}]}, r"nodes\[0\].type is missing, not text"),
        ({"nodes": [{"id": 1, "type": "A", "inputs": [{"link": []}]}]}, r"nodes\[0\].inputs\[0\].link is a list"),
        ({"nodes": [{"id": 1, "type": "A", "outputs": 3}]}, r"nodes\[0\].outputs is a whole number, not a list"),
        ({"nodes": [{"id": 1, "type": "A", "widgets_values": "text"}]}, r"nodes\[0\].widgets_values is text"),
        ({"nodes": [{"id": 1, "type": "A", "properties": 4}]}, r"nodes\[0\].properties is a whole number"),
        ({"nodes": [], "links": [7]}, r"links\[0\] is a whole number, not an object"),
        ({"nodes": [], "links": [[1, 2]]}, r"links\[0\] has fewer than five entries"),
        ({"nodes": [], "links": [[1, 2, "a", 3, 0]]}, r"links\[0\].origin_slot is text, not a whole number"),
        ({"nodes": [], "definitions": []}, "definitions is a list, not an object"),
        ({"nodes": [], "definitions": {"subgraphs": [{"nodes": []}]}}, r"definitions.subgraphs\[0\].id is no text"),
        ({"nodes": [{"id": 1, "type": "A", "widgets_values": [float("nan")]}]}, "the number nan"),
        ('{"nodes": [{"id": 1, "type": "A", "widgets_values": [1e999]}]}', "the number inf"),
        ('{"nodes": ' + "[" * 300 + "]" * 300 + "}", "nested more than 100 deep"),
        ('{"nodes": ' + "[" * 99999 + "]" * 99999 + "}", "nested too deeply"),
        ({"1": {"class_type": "A", "inputs": {}}, "2": {"inputs": {}}}, "the node '2' has no class_type"),
        ([], "it is a list"),
        (5, "it is a number"),
        ("null", "it is null"),
        ({}, "neither a list of nodes"),
        ({"people": []}, "it is a list of keypoints"),
        ({"format": 1, "steer": "0.2", "workflow": "w.json"}, "it is the list in a zip"),
        ('{"key": "a", "file": null}\n{"key": "b", "file": null}\n', "a list of JSON lines"),
        ("", "it is empty"),
        ("<!doctype html><title>404</title>", "it is a web page"),
        (b"PK\x03\x04", "it is a zip"),
        (b"\x00\x01\xff", "it is no text"),
        (b"\x89PNG\r\n\x1a\n", "a picture that cannot be read: it is damaged or cut off"),
        ({"a-1": {"prompt": [1, "a-1", {}], "outputs": {}}}, "an answer of ComfyUI's /history"),
        ('{"nodes": {}}'.encode("utf-16"), "its nodes are no list"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, comfyui: Path, ask: Any, content: Any, words: str):
    path = tmp_path / "w.json"
    content = content if isinstance(content, (str, bytes)) else json.dumps(content)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    for command in (("convert", path), ("check", path, "--comfyui", comfyui), ("pack", path), ("queue", path)):
        code, text, said = ask(*command)
        assert code, command
        assert _has(words, " ".join((text + said).split())), command


def _has(words: str, text: str) -> bool:
    import re

    return re.search(words, text) is not None


def test_no_text_of_a_file_reaches_the_terminal_as_it_is(tmp_path: Path, comfyui: Path, ask: Any):
    path = tmp_path / "w.json"
    path.write_text(json.dumps({"nodes": [{"id": 1, "type": "A\x1b[2J\nB\ud83d\uadf8"}]}), encoding="utf-8")
    for command in (("convert", path), ("check", path, "--comfyui", comfyui), ("pack", path, "--force")):
        _, text, said = ask(*command, *(["-o", tmp_path / "a.zip"] if command[0] == "pack" else []))
        assert "A\\x1b[2J\\nB\\ud83d\uadf8" in text + said, command
        assert (text + said).replace("\n", "").isprintable()


def test_other_things_than_files_are_named(tmp_path: Path, ask: Any):
    for place, words in [(tmp_path, "it is a folder"), (tmp_path / "none.json", "there is no such file")]:
        code, _, said = ask("convert", place)
        assert code == 1
        assert words in said
    Image.new("RGB", (4, 4)).save(tmp_path / "plain.png")
    assert "a picture without a workflow" in ask("convert", tmp_path / "plain.png")[2]


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.jpg"])
def test_a_picture_is_read_as_the_workflow_in_it(tmp_path: Path, comfyui: Path, ask: Any, name: str):
    graph = json.loads((CASES / "subgraph.json").read_text(encoding="utf-8"))
    prompt = {"1": {"class_type": "EmptyImage", "inputs": {"width": 5}, "is_changed": float("nan")}}
    for texts in ({"workflow": graph, "prompt": prompt}, {"prompt": prompt}):
        picture = Image.new("RGB", (8, 8))
        if name.endswith(".png"):
            info = PngImagePlugin.PngInfo()
            for key, value in texts.items():
                info.add_text(key, json.dumps(value))
            picture.save(tmp_path / name, pnginfo=info)
        else:
            exif = picture.getexif()
            for tag, (key, value) in zip((0x010F, 0x0110), texts.items(), strict=False):
                exif[tag] = f"{key}:{json.dumps(value)}"
            picture.save(tmp_path / name, exif=exif)
        code, text, said = ask("convert", tmp_path / name)
        assert code == 0, said
        assert set(json.loads(text)) == ({"1", "2:10", "2:11", "3"} if "workflow" in texts else {"1"})
        code, _, said = ask("pack", tmp_path / name, "-o", tmp_path / "p.zip", "--force", "--comfyui", comfyui)
        assert code == 0, said


def test_what_powershell_wrote_is_read(tmp_path: Path, comfyui: Path, ask: Any):
    """It writes UTF-16 where a command's output goes into a file."""
    path = tmp_path / "w.json"
    path.write_bytes((CASES / "subgraph.json").read_text(encoding="utf-8").encode("utf-16"))
    assert ask("convert", path)[1] == ask("convert", CASES / "subgraph.json")[1]
    code, _, said = ask("pack", path, "-o", tmp_path / "p.zip", "--force", "--comfyui", comfyui)
    assert code == 0, said


def test_api_files_in_a_request_and_with_comments_are_read(ask: Any):
    for name in ("api-wrapped", "api-comment"):
        code, text, said = ask("convert", CASES / f"{name}.json")
        assert (code, said) == (0, "")
        assert list(json.loads(text)) == ["20", "21", "22", "23", "24", "25", "26"]
    code, _, said = ask("convert", CASES / "api-choice.json")
    assert code == 0
    assert "Prompt.text is sent as it is: in an API file {a|b} is plain text" in said
