"""`run.py test`: which tests it chooses, and that the fast ones ask for no browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would be run."""
    from steer.runner.dev import testing

    commands: list[list[str]] = []
    monkeypatch.setattr(testing.subprocess, "call", lambda command, **settings: commands.append(command) or 0)
    return commands


def marks_of(command: list[str]) -> str:
    """What pytest's own -m is given, the last one."""
    return command[len(command) - command[::-1].index("-m")]


@pytest.mark.parametrize(
    ("named", "everything"),
    [
        (["-k", "seeds"], True),
        (["tests/pack/test_help.py"], False),
        (["-x", "tests/pack/test_help.py::test_one"], False),
        (["--co"], True),
    ],
)
def test_all_tests_run_unless_some_are_named(commands: list[list[str]], named: list[str], everything: bool):
    from steer.runner import cli

    assert cli.run(["test", "--fast", *named]) == 0
    (command,) = commands
    assert ("tests" in command) == everything
    assert command[-len(named) :] == named


def test_the_fast_tests_look_for_no_browser(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch):
    from steer.runner import cli
    from steer.runner.dev import testing

    def fail() -> Any:
        raise AssertionError("a browser was looked for")

    monkeypatch.setattr(testing, "find_browser", fail)
    monkeypatch.setattr(testing, "install_browser", fail)
    assert cli.run(["test", "--fast", "-k", "seeds"]) == 0
    (command,) = commands
    assert marks_of(command) == "not server and not browser and not slow"
    assert command[-2:] == ["-k", "seeds"]


@pytest.mark.parametrize(("browser", "marks"), [("/usr/bin/chromium", ""), (None, "not browser")])
def test_without_a_browser_its_tests_are_left_out(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, browser: str | None, marks: str
):
    from steer.runner import cli
    from steer.runner.dev import testing

    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(testing, "find_browser", lambda: browser)
    monkeypatch.setattr(testing, "install_browser", lambda: None)
    assert cli.run(["test"]) == 0
    (command,) = commands
    assert marks_of(command) == marks


def test_in_ci_a_browser_must_be_there(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch):
    from steer.runner import cli
    from steer.runner.dev import testing

    monkeypatch.setenv("CI", "1")
    monkeypatch.setattr(testing, "find_browser", lambda: None)
    monkeypatch.setattr(testing, "install_browser", lambda: None)
    with pytest.raises(SystemExit, match="the browser tests are part of CI"):
        cli.run(["test"])
    assert not commands


def test_the_suite_keeps_what_it_compiles(monkeypatch: pytest.MonkeyPatch):
    """Else every ComfyUI that it starts would compile all sources again."""
    from steer.runner import cli
    from steer.runner.dev import testing

    environments: list[dict[str, str]] = []
    monkeypatch.setattr(testing.subprocess, "call", lambda command, **settings: environments.append(settings["env"]))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    cli.run(["test", "--fast"])
    (environment,) = environments
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert environment["OMP_NUM_THREADS"] == "1"


def test_every_report_makes_the_place_where_it_is_written_first(tmp_path: Path):
    """A report once worked for minutes and then found no folder to write to."""
    from steer.tests.reports.parts.places import output_file, output_folder

    assert output_file(str(tmp_path / "a" / "b.md")).parent.is_dir()
    assert output_folder(str(tmp_path / "c" / "d")).is_dir()
    options = [
        line.strip()
        for file in (Path(__file__).parents[1] / "reports").rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if 'add_argument("--out"' in line
    ]
    assert len(options) > 15
    assert [line for line in options if "type=output_" not in line] == []
