"""The style of the house: what ruff and the type checker see, and the few rules that they do not know."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("nodes", "preprocessors", "demo", "workflows", "runner", "tests")
MAX_LINES = 350
MAX_FLAT = 16  # .py files in one folder
FLAT = {"demo/scenes", "workflows/source"}  # one file for each scene and slide
MAX_EXCEPTIONS = 30  # from ruff's formatting
VAGUE_CLASSES = {"Given", "Asked", "Made", "Seen", "Ended"}
VAGUE_WORD = re.compile(r"(?<![a-zA-Z])t[o]ld(?![a-zA-Z])")  # also in a name
EXCEPTION = re.compile(r"# fmt: (?:skip|off)")
# Public classes of one name in several modules, with the reason.
SAME_CLASS: dict[str, str] = {}


@cache
def _sources() -> list[tuple[str, str]]:
    """Name and text of every file of code."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")] + [*ROOT.glob("*.py")]
    return [(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


CHECKERS = [["ruff", "check"], ["ruff", "format", "--check"], ["pyrefly", "check"]]


@pytest.mark.parametrize("command", CHECKERS, ids=" ".join)
def test_checker_is_content(command: list[str]):
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run([str(program), *command[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_code_is_ascii():
    assert not [name for name, text in _sources() if not text.isascii()]


def test_files_are_short():
    assert not [name for name, text in _sources() if text.count("\n") > MAX_LINES]


def test_folders_are_small():
    sizes = Counter(Path(name).parent.as_posix() for name, _ in _sources())
    assert not {folder: count for folder, count in sizes.items() if count > MAX_FLAT and folder not in FLAT}


def test_few_lines_are_left_out_of_the_formatting():
    exceptions = {name: len(EXCEPTION.findall(text)) for name, text in _sources() if name != "tests/pack/test_style.py"}
    assert sum(exceptions.values()) <= MAX_EXCEPTIONS, {name: count for name, count in exceptions.items() if count}


def test_no_vague_words():
    assert not [name for name, text in _sources() if VAGUE_WORD.search(text)]
    assert not [f"{name}: {found}" for found, names in _classes().items() if found in VAGUE_CLASSES for name in names]


def test_a_class_name_means_one_thing():
    twice = {found: names for found, names in _classes().items() if len(names) > 1}
    assert not {found: names for found, names in twice.items() if found not in SAME_CLASS}
    assert set(SAME_CLASS) <= set(twice), "SAME_CLASS names a class that is there once only"


@cache
def _classes() -> dict[str, list[str]]:
    """The public classes outside of tests, and the files that define them."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, text in _sources():
        for node in ast.parse(text).body if not name.startswith("tests/") else ():
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(name)
    return found
