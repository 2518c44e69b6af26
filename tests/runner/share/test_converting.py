"""convert: the standard output holds JSON alone, and a ComfyUI that does not run is started once to be asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

RUNNER = Path(__file__).parents[1]
INFO: dict[str, Any] = json.loads((RUNNER / "data" / "nodes.json").read_text(encoding="utf-8"))


@pytest.fixture
def convert(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    """Runs `convert` with answers of ComfyUIs that are counted; gives exit code, output and errors."""
    from steer.runner import cli
    from steer.runner.share import definitions

    started: list[Path] = []

    def ask(comfyui: Path, own: bool) -> Any:
        started.append(comfyui)
        return INFO

    monkeypatch.setattr(definitions, "_start_and_ask", ask)
    monkeypatch.setattr(definitions, "KEPT", tmp_path / "kept")

    def run(*arguments: object) -> tuple[int, str, str, int]:
        code = cli.run(["convert", *map(str, arguments)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err, len(started)

    return run


@pytest.fixture
def comfyui(tmp_path: Path) -> Path:
    for name in ("main.py", "nodes.py", "custom_nodes/pack/nodes.py", "custom_nodes/.git/x.py"):
        path = tmp_path / "comfyui" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path / "comfyui"


def test_a_comfyui_is_asked_once_until_its_nodes_change(convert: Any, comfyui: Path, tmp_path: Path):
    import os

    file = RUNNER / "cases" / "subgraph.json"
    code, out, err, started = convert(file, "--comfyui", comfyui)
    assert (code, err, started) == (0, "", 1)
    assert list(json.loads(out)) == ["1", "2:10", "2:11", "3"]
    assert convert(file, "--comfyui", comfyui)[1:] == (out, "", 1)
    for changed in (comfyui / "custom_nodes" / "pack" / "nodes.py", comfyui / "nodes.py"):
        before = convert(file, "--comfyui", comfyui)[3]
        os.utime(changed, (2**31, 2**31 + before))
        assert convert(file, "--comfyui", comfyui)[3] == before + 1
    assert len(list((tmp_path / "kept").iterdir())) == 1, "an older answer is not kept"
    (kept,) = (tmp_path / "kept").iterdir()
    kept.write_text("[]")
    assert convert(file, "--comfyui", comfyui)[::3] == (0, 4), "a damaged one is asked for again"


def test_several_files_are_one_object_and_a_file_may_take_it(convert: Any, comfyui: Path, tmp_path: Path):
    files = [RUNNER / "cases" / f"{name}.json" for name in ("subgraph", "api-comment")]
    code, out, _, _ = convert(*files, "--comfyui", comfyui)
    assert (code, list(json.loads(out))) == (0, [str(file) for file in files])
    target = tmp_path / "out.json"
    code, out, err, _ = convert(files[0], "--comfyui", comfyui, "--out", target)
    assert (code, out, err) == (0, "", f"wrote {target}\n")
    assert list(json.loads(target.read_text())) == ["1", "2:10", "2:11", "3"]


def test_what_cannot_be_done_is_said_beside_the_output(convert: Any, comfyui: Path, tmp_path: Path):
    case = RUNNER / "cases"
    for arguments, words in [
        ((case / "group-node.json", "--comfyui", comfyui), "is a group node of an older ComfyUI"),
        ((case / "subgraph.json", "--comfyui", tmp_path), "is not a ComfyUI folder"),
        ((case / "subgraph.json", "--comfyui", comfyui, "--out", tmp_path / "no" / "such" / "file"), "No such file"),
    ]:
        code, out, err, _ = convert(*arguments)
        assert (code, out) == (1, "")
        assert words in err
    code, out, err, _ = convert(case / "bypass-of-another-type.json", "--comfyui", comfyui)
    assert code == 0
    assert json.loads(out)["5"]["inputs"] == {}
    assert "its input 'mask' is empty" in err
