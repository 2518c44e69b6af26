"""The options of the trainings: read without torch, passed on as they were written, in a folder that stays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from steer.demo.train import options as training

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("part", training.PARTS)
def test_the_help_of_a_part_needs_no_torch(part: str):
    code = "import sys; sys.modules['torch'] = None; sys.argv = ['run.py', *sys.argv[1:]]; exec(open('run.py').read())"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, '.'); __file__ = 'run.py'; {code}",
            "train",
            part,
            "-h",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"run.py train {part}" in done.stdout
    assert "--minutes" in done.stdout


def test_the_arguments_go_to_the_program_as_they_were_written(monkeypatch: pytest.MonkeyPatch):
    from steer.runner import cli
    from steer.runner.dev import modules

    calls: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(modules, "launch", lambda module, arguments: calls.append((module, arguments)) or 0)
    assert cli.run(["train", "controlnet-mlsd", "--minutes", "3", "--shipped"]) == 0
    assert cli.run(["train", "model"]) == 0
    assert calls == [
        ("demo.train.controlnet", ["mlsd", "--minutes", "3", "--shipped"]),
        ("demo.train.model", []),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["model", "--minuts", "3"], "there is no option '--minuts'. Did you mean --minutes?"),
        (["vae", "--sampled", "0.5"], "--sampled needs --decoder-only with --shipped"),
        (["modle"], "invalid choice: 'modle'"),
    ],
)
def test_what_a_part_does_not_take_is_refused_before_anything_starts(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    from steer.runner import cli

    with pytest.raises(SystemExit) as ended:
        cli.parse(["train", *arguments])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_checkpoints_stay_in_the_old_folder_until_they_are_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    new, old = tmp_path / ".train", tmp_path / ".comfyui" / "train"
    monkeypatch.setattr(training, "NEW_FOLDER", new)
    monkeypatch.setattr(training, "OLD_FOLDER", old)

    def default(option: str) -> Any:
        return getattr(training.parse("controlnet-canny", []), option)

    assert default("out") == new / "controlnet-canny"
    old.mkdir(parents=True)
    assert default("model") == old / "model" / "model.safetensors"
    new.mkdir()
    assert default("vae") == old / "vae" / "vae.safetensors", "an empty folder"
    (new / "model").mkdir()
    assert default("out") == new / "controlnet-canny"
