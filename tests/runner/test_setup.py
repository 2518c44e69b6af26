"""The set-up of run.py: which Python it wants, and when the venv and its packages are made again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEW, OLD = "3.12.4 (main) [GCC]", "3.10.12 (main) [GCC]"


def test_a_too_old_python_is_refused_before_anything_is_made(tmp_path: Path):
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from runner.pack import load_pack; load_pack()\n"
        f"import pathlib; from steer.runner import cli, setup; setup.VENV = pathlib.Path({str(tmp_path / 'venv')!r})\n"
        "sys.version_info = (3, 10, 12, 'final', 0); setup.PYTHON = setup.VENV / 'python'\n"
        "setup.venv.create = lambda *_, **__: sys.exit('a venv was made')\nsys.exit(cli.main([]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert "Set-up failed: run.py needs Python 3.11 or newer" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_the_readme_asks_for_the_python_that_the_setup_wants(name: str):
    from steer.runner import setup

    named = re.findall(r"Python (3\.\d+)", (ROOT / name).read_text("utf-8"))
    assert set(named) == {".".join(map(str, setup.OLDEST_PYTHON))}


class _Venv:
    """A venv whose Python says a version and notes what it is to install. made: how often it was made."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from steer.runner import setup

        self.folder, self.python, self.made = folder, folder / "python", 0
        monkeypatch.setattr(setup, "VENV", self.folder)
        monkeypatch.setattr(setup, "PYTHON", self.python)
        monkeypatch.setattr(setup, "is_own", lambda: True)
        monkeypatch.setattr(setup.venv, "create", self._create)

    def write(self, version: str) -> None:
        self.folder.mkdir(exist_ok=True)
        script = f"#!/bin/sh\nif [ \"$1\" = -c ]; then echo '{version}'; else echo \"$@\" >> '{self.folder}/pips'; fi\n"
        self.python.write_text(script)
        self.python.chmod(0o755)

    def _create(self, folder: Path, clear: bool = False, **_: Any) -> None:
        assert folder == self.folder
        assert clear or not folder.exists(), "what an older Python has installed would stay"
        self.made += 1
        for path in folder.glob("*"):
            path.unlink()
        self.write(NEW)

    def pips(self) -> int:
        """How often pip was called in this venv."""
        return len((self.folder / "pips").read_text().splitlines())


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for Python is a shell script")
def test_the_packages_hang_on_the_venvs_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from steer.runner import setup

    venv = _Venv(tmp_path / "venv", monkeypatch)
    setup.prepare(setup.Needs())
    assert (venv.made, venv.pips()) == (1, 1)
    for caller in ("3.11.2 (main) [GCC]", "3.13.0 (main) [GCC]"):
        monkeypatch.setattr("sys.version", caller)
        setup.prepare(setup.Needs())
    assert (venv.made, venv.pips()) == (1, 1), "another Python calls, the venv is the same"
    venv.write("3.12.5 (main) [GCC]")
    setup.prepare(setup.Needs())
    assert (venv.made, venv.pips()) == (1, 2), "another Python is in the venv"
    venv.write(OLD)
    setup.prepare(setup.Needs())
    assert (venv.made, venv.pips()) == (2, 1), "made again, and nothing of the old one left"


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for Python is a shell script")
def test_a_venv_that_does_not_run_is_named_and_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from steer.runner import setup

    venv = _Venv(tmp_path / "venv", monkeypatch)
    venv.write(NEW)
    venv.python.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(setup.SetupError, match=r"does not run\. Delete .*venv and run the same command again"):
        setup.prepare(setup.Needs())
    assert venv.python.exists()
    assert not venv.made
