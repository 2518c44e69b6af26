"""check: what a workflow needs is found, or reported as missing, in folders and on a running server alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


def node(kind: str, *widgets: Any, **properties: Any) -> dict[str, Any]:
    return {"id": 1, "type": kind, "widgets_values": list(widgets), "properties": properties}


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def checked(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    from steer.runner import cli

    code = cli.run(["check", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


@pytest.fixture
def comfyui(tmp_path: Path) -> Path:
    """The folders of a ComfyUI with four packs, of which one is switched off."""
    home = tmp_path / "comfyui"
    write(home / "main.py", "")
    write(home / "nodes.py", 'NODE_CLASS_MAPPINGS = {\n    "LoadImage": LoadImage,\n}\n')
    write(home / "comfy_extras" / "nodes_x.py", 'io.Schema(node_id="Extra", display_name="Other")\nprint("Absent")')
    write(home / "custom_nodes" / "one" / "deep" / "a.py", "MAPPINGS['Declared'] = 1\nuses('Absent')")
    write(home / "custom_nodes" / "some-folder" / "pyproject.toml", '[project]\nname = "made-up"\n')
    write(home / "custom_nodes" / "cloned" / ".git" / "config", "[remote]\n\turl = https://github.com/who/What.git\n")
    write(home / "custom_nodes" / "off.disabled" / "a.py", '{"Off": 1}')
    write(home / "models" / "loras" / "sub" / "small.safetensors", "x")
    write(home / "input" / "here.png", "x")
    return home


def test_folders(tmp_path: Path, comfyui: Path, capsys: pytest.CaptureFixture[str]):
    good = [
        node("LoadImage", "here.png", cnr_id="comfy-core"),
        node("LoadImage", "beside.png"),
        node("Extra"),
        node("Declared"),
        node("Computed name", cnr_id="made-up", ver="1.0"),
        node("Cloned", aux_id="who/what"),
        node("LoraLoader", "sub\\small.safetensors", cnr_id="made-up"),
        node("MarkdownNote", "text"),
    ]
    file = write(tmp_path / "w" / "good.json", {"nodes": good})
    write(tmp_path / "w" / "beside.png", "x")
    code, text = checked(capsys, file, "--comfyui", comfyui)
    assert code == 0, text
    assert "MISSING" not in text
    for line in ("comfy-core: Extra, LoadImage", "one: Declared", "made-up: Computed name, LoraLoader"):
        assert f"there    nodes of {line}\n" in text
    bad = {
        "node Absent (the workflow does not name its pack)": node("Absent"),
        "node Off of off 2": node("Off", cnr_id="off", ver="2"),
        "node Extra2 of comfy-core": node("Extra2", cnr_id="comfy-core"),
        "input file gone.png": node("LoadImage", "gone.png"),
        "input file blake3:af13": node("LoadImage", "blake3:af13", "image"),
        "input file ../comfyui/input/here.png": node("LoadImage", "../comfyui/input/here.png"),
        "model vae/small.safetensors\n           https://x.test/": node(
            "LoadImage",
            "small.safetensors",
            models=[{"name": "small.safetensors", "directory": "vae", "url": "https://x.test/"}],
        ),
    }
    for missing, lacking in bad.items():
        code, text = checked(capsys, write(file, {"nodes": [*good, lacking]}), "--comfyui", comfyui)
        assert (code, text.count("MISSING")) == (1, 1), missing
        assert f"MISSING  {missing}" in text
        assert "1 missing." in text
    api = {"1": {"class_type": "Absent", "inputs": {"x": "no.ckpt"}}}
    code, text = checked(capsys, file, write(tmp_path / "api.json", api), "--comfyui", comfyui)
    assert (code, text.count("MISSING")) == (1, 1 + 2), "every file is checked"


def test_what_cannot_be_checked_has_an_exit_code_of_its_own(
    tmp_path: Path, comfyui: Path, capsys: pytest.CaptureFixture[str]
):
    from steer.runner.comfyui.process import free_port

    file = write(tmp_path / "x.json", {"nodes": []})
    for arguments, words in [
        ([file, "--comfyui", tmp_path], "is not a ComfyUI folder"),
        ([tmp_path / "none.json", "--comfyui", comfyui], "none.json: there is no such file in"),
        ([file, "--comfyui-url", f"127.0.0.1:{free_port()}"], "does not answer"),
    ]:
        code, text = checked(capsys, *arguments)
        assert code == 2
        assert words in text
    code, text = checked(capsys, write(file, {"nodes": [node("A\x1b[2J\nB")]}), "--comfyui", comfyui)
    assert code == 1
    assert text.replace("\n", "").isprintable(), "a control character of the workflow reached the terminal"


def test_a_running_comfyui_is_asked_for_a_model_in_the_folder_it_belongs_to():
    from steer.runner.comfyui.inventory import RunningComfy
    from steer.runner.workflow.needs import ModelNeed

    class Client:
        url = ""
        answers: dict[str, Any] = {
            "/object_info": {"Own": {"input": {"required": {"file": [["own.pt"], {}]}}}},
            "/models": ["checkpoints", "loras", "text_encoders", "custom_nodes"],
            "/models/checkpoints": ["sub\\big.safetensors"],
            "/models/loras": ["small.safetensors"],
            "/models/text_encoders": ["words.safetensors"],
        }

        def get(self, path: str) -> Any:
            return self.answers[path]

        names = get

        def node_definitions(self) -> Any:
            return self.answers["/object_info"]

    place = RunningComfy(Client())
    for name, directory, there in [
        ("small.safetensors", "checkpoints", False),
        ("small.safetensors", "loras", True),
        ("small.safetensors", "", True),
        ("sub\\big.safetensors", "checkpoints", True),
        ("big.safetensors", "checkpoints/sub", True),
        ("big.safetensors", "checkpoints", False),
        ("words.safetensors", "clip", True),
        ("own.pt", "a-folder-of-its-own", True),
        ("other.pt", "a-folder-of-its-own", False),
    ]:
        assert place.has_model(ModelNeed(name, directory)) == there, (name, directory)


@pytest.mark.server
def test_a_running_comfyui_and_its_folders_agree(server, client, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    from steer.runner import setup
    from steer.runner.comfyui.inventory import ComfyFolder, RunningComfy
    from steer.runner.workflow.needs import NodeNeed

    running = RunningComfy(client)
    assert len(running.object_info) > 400
    folder = ComfyFolder(setup.COMFYUI, running.object_info)
    ours = {kind: folder.pack_of(NodeNeed(kind)) for kind in running.object_info}
    assert ours == {kind: running.pack_of(NodeNeed(kind)) for kind in running.object_info}
    assert ours["SteerCanny"] == "steer"
    assert running.pack_of(NodeNeed("NoSuchNode")) is None
    twin = ROOT / "workflows" / "09-mlsd-one-room-two-styles-sd15.json"
    code, text = checked(capsys, twin, "--comfyui-url", server.url.removeprefix("http://"))
    assert (code, text.count("MISSING")) == (1, 2), text
    assert "MISSING  model checkpoints/v1-5-pruned-emaonly-fp16.safetensors\n           https://huggingface.co/" in text
    sent = client.upload("checking/\uadf8\ub9bc.png", b"a picture")
    api = {
        "1": {"class_type": "LoadImage", "inputs": {"image": sent}},
        "2": {"class_type": "LoadImage", "inputs": {"image": "checking/none.png"}},
    }
    code, text = checked(capsys, write(tmp_path / "api.json", api), "--comfyui-url", server.url)
    assert (code, text.count("MISSING")) == (1, 1), text
    assert f"there    input file {sent}" in text


def test_pack_names_the_nodes_of_packs_that_it_does_not_know_and_brings_files_of_the_output_folder(
    tmp_path: Path, comfyui: Path, capsys: pytest.CaptureFixture[str]
):
    from steer.runner import cli

    korean = "\uadf8\ub9bc \ub178\ub4dc"
    nodes = [node("LoadImage", "here.png"), node("LoadImageOutput", "deep/made.png"), node("Declared"), node(korean)]
    file = write(tmp_path / "w" / "w.json", {"nodes": [each | {"id": i} for i, each in enumerate(nodes, start=1)]})
    (comfyui / "output" / "deep").mkdir(parents=True)
    assert checked(capsys, file, "--comfyui", comfyui)[1].count("MISSING  output file deep/made.png\n") == 1
    (comfyui / "output" / "deep" / "made.png").write_bytes(b"a picture")
    assert "there    output file deep/made.png\n" in checked(capsys, file, "--comfyui", comfyui)[1]
    assert cli.run(["pack", str(file), "-o", str(tmp_path / "w.zip"), "--comfyui", str(comfyui)]) == 0
    assert f"Nodes of packs that are not known: LoadImageOutput, {korean}\n" in capsys.readouterr().out
    assert cli.run(["unpack", str(tmp_path / "w.zip"), "--to", str(tmp_path / "new")]) == 0
    text = capsys.readouterr().out
    assert f"Copy what is in {tmp_path / 'new' / 'output'} into ComfyUI's output folder." in text
    assert korean in text
    assert (tmp_path / "new" / "output" / "deep" / "made.png").read_bytes() == b"a picture"


@pytest.mark.parametrize("name", ["SUB/Small.safetensors", "sub\\small.safetensors", "sub/small.safetensors"])
def test_check_finds_a_model_as_queue_does_whatever_the_letters_and_slashes(
    tmp_path: Path, comfyui: Path, capsys: pytest.CaptureFixture[str], name: str
):
    file = write(tmp_path / "w.json", {"nodes": [node("LoraLoader", name, cnr_id="made-up")]})
    code, text = checked(capsys, file, "--comfyui", comfyui)
    assert (code, f"there    model loras/{name}" in text) == (0, True)
    write(comfyui / "models" / "loras" / "sub" / "SMALL.safetensors", "y")
    code, text = checked(capsys, file, "--comfyui", comfyui)
    assert code == (1 if name.startswith("SUB") else 0), "two may be meant"


def test_a_running_comfyui_is_judged_by_what_its_nodes_offer():
    from steer.runner.comfyui.inventory import RunningComfy
    from steer.runner.share.check import examine

    lora = {"input": {"required": {"lora_name": [["sub/foo.safetensors", "B.safetensors", "b.safetensors"], {}]}}}

    class Client:
        url = ""

        def node_definitions(self) -> Any:
            return {"LoraLoader": lora}

        def names(self, path: str) -> Any:
            return ["loras"] if path == "/models" else ["b.safetensors"]

    place = RunningComfy(Client())
    for name, there in [
        ("sub\\foo.safetensors", True),
        ("SUB/FOO.safetensors", True),
        ("b.safetensors", True),
        ("other/b.safetensors", False),
        ("B.SAFETENSORS", False),
    ]:
        for data in (
            {"nodes": [node("LoraLoader", name)]},
            {"1": {"class_type": "LoraLoader", "inputs": {"lora_name": name}}},
        ):
            assert [has for _, has in examine(data, place, []).models] == [there], name


@pytest.mark.parametrize("command", ["pack", "check", "convert", "unpack", "remake"])
def test_a_file_that_is_not_there_is_said_with_the_folder_and_what_to_do(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    from steer.runner import cli

    monkeypatch.chdir(tmp_path)
    for name, place in (("none.zip", f"no such file in {tmp_path}"), ("a/none.zip", f"no folder {tmp_path / 'a'}")):
        assert cli.run([command, name]) in (1, 2)
        said = "".join(capfd.readouterr()).replace("\n", " ")
        assert f"there is {place}. Correct the name, or give the whole path of the file." in said
        assert name in said
        assert "Errno" not in said
