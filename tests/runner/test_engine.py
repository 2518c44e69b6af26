"""Another ComfyUI than Steer's own: a folder, or a tag of a repository."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest
from steer.runner import engine


def git(folder: Path, *arguments: str) -> None:
    names = {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, env=os.environ | names)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository that looks like ComfyUI's, with the tag v1."""
    folder = tmp_path / "repository"
    (folder / "custom_nodes").mkdir(parents=True)
    (folder / "custom_nodes" / "kept").touch()
    (folder / "main.py").write_text("first")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    git(folder, "tag", "v1")
    (folder / "main.py").write_text("second")
    git(folder, "commit", "-qam", "second")
    return folder


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    engine.add_engine_options(parser)
    return parser.parse_args(arguments)


def test_a_tag_is_fetched_once_and_kept(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engine, "TAGS", tmp_path / "tags")
    asked = options("--comfyui-tag", "v1", "--comfyui-repository", repository.as_uri())
    folder = engine.chosen_engine(asked)
    assert folder == tmp_path / "tags" / "v1"
    assert (folder / "main.py").read_text() == "first"
    git(repository, "tag", "-d", "v1")
    assert engine.chosen_engine(asked) == folder, "it is not fetched again"
    missing = options("--comfyui-tag", "v2/../x", "--comfyui-repository", repository.as_uri())
    with pytest.raises(engine.SetupError, match="git cannot fetch ComfyUI v2"):
        engine.chosen_engine(missing)
    assert [path.name for path in (tmp_path / "tags").iterdir()] == ["v1"]


def test_a_folder_is_used_if_it_is_a_comfyui(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert engine.chosen_engine(options("--comfyui", str(repository))) == repository
    with pytest.raises(engine.SetupError, match=r"no main\.py"):
        engine.chosen_engine(options("--comfyui", str(tmp_path)))
    with pytest.raises(engine.SetupError, match="two ComfyUIs"):
        engine.chosen_engine(options("--comfyui", str(repository), "--comfyui-tag", "v1"))
    monkeypatch.setenv(engine.VARIABLE, str(repository))
    assert engine.chosen_engine(options("--comfyui", str(repository))) is None, "this process has it"
    assert engine.venv_folder().parent == engine.VENVS
    assert engine.chosen_engine(options()) is None


@pytest.mark.slow
def test_a_venv_sees_the_packages_of_another_python(tmp_path: Path):
    for name in ("theirs", "ours"):
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / name)], check=True)
    programs = {
        name: tmp_path / name / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        for name in ("theirs", "ours")
    }
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(subprocess.check_output([programs["theirs"], "-c", where], text=True).strip())
    (packages / "only_theirs.py").write_text("VALUE = 7")
    engine.share_packages(programs["theirs"], tmp_path / "ours")
    assert subprocess.check_output([programs["ours"], "-c", "import only_theirs; print(only_theirs.VALUE)"]) == b"7\n"
