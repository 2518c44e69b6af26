"""Which Steer this is: which files count, when they are read, and that a release and its checkout are the same."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pathspec import GitIgnoreSpec

ROOT = Path(__file__).resolve().parents[2]
IGNORED = (ROOT / ".comfyignore").read_text("utf-8").splitlines()


def test_the_code_hash_leaves_out_what_comfyignore_does():
    from steer.nodes.identity import CODE, UNSHIPPED

    about_code = {line for line in IGNORED if line.startswith(tuple(f"{folder}/" for folder in CODE))}
    at_the_top = {line for line in IGNORED if "/" not in line and line.endswith(".py")}
    assert about_code | at_the_top == set(UNSHIPPED)


def test_a_steer_from_the_registry_is_the_same_as_its_checkout(tmp_path: Path):
    from steer.nodes.identity import identity

    ignored = GitIgnoreSpec.from_lines(IGNORED)
    mine = ("nodes", "preprocessors", "demo", "runner", "tests", "workflows")  # not .venv and .comfyui
    code = [path for folder in mine for path in (ROOT / folder).rglob("*.py")] + [*ROOT.glob("*.py")]
    names = [path.relative_to(ROOT).as_posix() for path in code]
    shipped = [name for name in names if not ignored.match_file(name)]
    assert {"__init__.py", "files.py", "demo/store.py", "preprocessors/networks/registry.py"} <= set(shipped)
    assert not {"run.py", "demo/train/vae.py", "preprocessors/networks/build_graphs.py"} & set(shipped)
    for name in [*shipped, "pyproject.toml"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    same = identity(ROOT)["code"]
    assert identity(tmp_path)["code"] == same
    for name in shipped:
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content + b"# edited\n")
        assert identity(tmp_path)["code"] != same, f"{name} ships and does not count"
        (tmp_path / name).write_bytes(content)


class _Server:
    """What ComfyUI's server is to `serve_identity`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, Any] = {}
        instance = SimpleNamespace(routes=SimpleNamespace(get=lambda route: lambda f: self.answers.update({route: f})))
        module = SimpleNamespace(PromptServer=SimpleNamespace(instance=instance))
        monkeypatch.setitem(sys.modules, "server", module)

    def ask(self) -> dict[str, str]:
        return json.loads(asyncio.run(self.answers["/steer/identity"](None)).body)


def _small_pack(folder: Path) -> tuple[Path, Path]:
    """A pack of one code and one weight file."""
    code, weights = folder / "nodes" / "a.py", folder / "demo" / "weights" / "unet.safetensors"
    for path in (code, weights):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"one")
    (folder / "pyproject.toml").write_text('version = "7"\n')
    return code, weights


def test_a_running_comfyui_sends_the_hash_of_the_code_it_has_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from steer.nodes.identity import identity, loaded_identity, serve_identity

    code, _ = _small_pack(tmp_path)
    server, before = _Server(monkeypatch), identity(tmp_path)
    serve_identity(tmp_path)
    loaded_identity(tmp_path)  # it is hashed beside the loading; this waits for it
    code.write_bytes(b"two")  # git pull, and no restart
    (tmp_path / "pyproject.toml").write_text('version = "8"\n')
    assert identity(tmp_path) != before
    assert server.ask() == before


def test_weights_are_read_once_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from steer import files
    from steer.nodes.identity import serve_identity

    _, weights = _small_pack(tmp_path)
    server, read = _Server(monkeypatch), []
    monkeypatch.setattr(files, "_SETTLED_NS", 0)
    monkeypatch.setattr(files, "sha256_of", lambda path, hash_of=files.sha256_of: read.append(path) or hash_of(path))
    serve_identity(tmp_path)
    first = server.ask()
    assert server.ask() == first
    assert read == [weights]
    weights.write_bytes(b"two")
    assert server.ask()["weights"] != first["weights"]
    assert read == [weights, weights]


def test_a_steer_without_a_version_loads_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from steer.nodes.identity import serve_identity

    server = _Server(monkeypatch)
    serve_identity(tmp_path)  # no pyproject.toml
    assert not server.answers
