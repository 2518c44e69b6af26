"""Input files that newer ComfyUIs name by their content: found, sent under a plain name, or reported as missing.

Since about 0.18 a Load Image may hold `blake3:HASH`. ComfyUI's page shows the file by that name (/view), but Load Image
itself opens names of its input folder alone, so that a prompt with such a name is refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

PICTURE = b"a picture"
HASH = blake3(PICTURE).hexdigest()
PACKED = f"{HASH}.png"
INFO: dict[str, Any] = {
    "LoadImage": {
        "input": {"required": {"image": [["other.png"], {"image_upload": True}]}},
        "input_order": {"required": ["image"]},
        "output": ["IMAGE"],
        "output_name": ["IMAGE"],
        "output_is_list": [False],
        "output_node": True,
    }
}


def workflow(name: str = f"blake3:{HASH}", kind: str = "LoadImage") -> dict[str, Any]:
    node = {"id": 1, "type": kind, "mode": 0, "inputs": [], "widgets_values": [name, "image"], "properties": {}}
    return {"nodes": [node | {"outputs": [{"name": "IMAGE", "type": "IMAGE", "links": None}]}], "links": []}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A workflow beside other pictures, in whose input folder nobody has put the file yet."""
    (tmp_path / "input" / "pasted").mkdir(parents=True)
    (tmp_path / "input" / "other.png").write_bytes(b"another picture")
    (tmp_path / "input" / "notes.txt").write_bytes(PICTURE)
    path = tmp_path / "w.json"
    path.write_text(json.dumps(workflow()), encoding="utf-8")
    return path


def put(folder: Path, name: str = "cat.png") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(PICTURE)
    return folder / name


def runner(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    from steer.runner import cli

    code = cli.run([*map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


@pytest.mark.parametrize("place", ["input", "input/pasted", ".", "photos"])
def test_pack_sends_the_file_and_the_workflow_names_it(
    tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str], place: str
):
    """Beside the workflow, anywhere in an input folder, or in a folder that is named."""
    pack = ["pack", file, "-o", tmp_path / "w.zip", "--comfyui", tmp_path / "none", "--input", tmp_path / "photos"]
    code, text = runner(capsys, *pack)
    assert (code, f"blake3:{HASH[:8]}" in text) == (1, True), text
    assert not (tmp_path / "w.zip").exists()
    put(tmp_path / place)
    code, text = runner(capsys, *pack)
    assert code == 0, text
    assert runner(capsys, "unpack", tmp_path / "w.zip", "--to", tmp_path / "new")[0] == 0
    assert (tmp_path / "new" / "input" / PACKED).read_bytes() == PICTURE
    assert json.loads((tmp_path / "new" / "w.json").read_bytes()) == workflow(PACKED)


def test_pack_without_the_file_names_it(tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]):
    arguments = ["pack", file, "-o", tmp_path / "w.zip", "--comfyui", tmp_path / "none", "--allow-missing"]
    code, text = runner(capsys, *arguments)
    assert code == 0
    assert f"not packed, not found: 'blake3:{HASH[:40]}" in text
    assert json.loads(file.read_bytes()) == workflow()


def test_a_file_of_the_output_folder_goes_there(tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]):
    file.write_text(json.dumps(workflow(kind="LoadImageOutput")), encoding="utf-8")
    put(tmp_path / "output")
    code, text = runner(capsys, "pack", file, "-o", tmp_path / "w.zip", "--comfyui", tmp_path / "none")
    assert code == 0, text
    assert runner(capsys, "unpack", tmp_path / "w.zip", "--to", tmp_path / "new")[0] == 0
    assert (tmp_path / "new" / "output" / PACKED).read_bytes() == PICTURE


def test_no_link_brings_a_file_in_from_outside(tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "input" / "link.png").symlink_to(put(tmp_path / "secrets"))
    code, _ = runner(capsys, "pack", file, "-o", tmp_path / "w.zip", "--comfyui", tmp_path / "none")
    assert code == 1


def test_check_says_whether_it_is_where_queue_finds_it(tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]):
    """A ComfyUI that has the file is no help: it opens none by its content."""
    from steer.runner.comfyui.inventory import RunningComfy
    from steer.runner.share.check import describe, examine
    from steer.runner.workflow.needs import folders_beside

    class Client:
        url = ""

        def node_definitions(self) -> Any:
            return INFO

        def has(self, path: str) -> bool:
            return "blake3" in path

    place: Any = RunningComfy(Client())  # type: ignore[bad-argument-type]
    for data in (workflow(), workflow(kind="LoadImageOutput")):
        found = examine(data, place, folders_beside(file))
        assert [has for _, has in (*found.files, *found.outputs)] == [False]
        lines = list(describe(found))
        assert any(line.startswith("MISSING ") and line.endswith(f" file blake3:{HASH}") for line in lines)
        assert any("choose it in the node again" in line for line in lines)
    put(tmp_path / "input")
    found = examine(workflow(), place, folders_beside(file))
    assert found.files == [(f"blake3:{HASH}", True)]


def test_queue_sends_it_under_a_plain_name(tmp_path: Path, file: Path):
    from steer.runner.batch.jobs import make_jobs
    from steer.runner.batch.servers import ServerWorker
    from steer.runner.workflow.needs import folders_beside

    sent: list[tuple[str, bytes]] = []
    ran: list[Any] = []

    class Client:
        url = "http://here"

        def upload(self, name: str, content: bytes) -> str:
            sent.append((name, content))
            return f"there/{name}"

        def run(self, prompt: Any, *_: Any) -> Any:
            ran.append(prompt)
            raise RuntimeError("enough")

        def cancel(self, prompt_id: str) -> None: ...

    def job() -> Any:
        (made,) = make_jobs({"w": (workflow(), folders_beside(file))}, INFO)
        return made

    assert job().files == ()
    put(tmp_path / "input" / "pasted")
    with pytest.raises(Exception, match="enough"):
        ServerWorker(Client()).run(job())  # type: ignore[bad-argument-type]
    assert sent == [(PACKED, PICTURE)]
    assert [prompt["1"]["inputs"]["image"] for prompt in ran] == [f"there/{PACKED}"]


def test_a_file_that_changed_is_read_again(tmp_path: Path):
    from steer.runner.workflow.media import find_asset

    path = put(tmp_path)
    assert find_asset(f"blake3:{HASH.upper()}", [tmp_path]) == path
    path.write_bytes(b"something else")
    assert find_asset(f"blake3:{HASH}", [tmp_path]) is None
