"""The front door: it parses first, by the standard library alone, and makes nothing for help or for a wrong call."""

from __future__ import annotations

import ast
import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CPU_LIMIT_S = 0.5  # measured: 0.15 to 0.25
COMMANDS = ["slides", "queue", "check", "pack", "unpack", "test", "bench", "report", "train", "workflows", "weights"]
# Of typing, newer than Python 3.8.
NEW_IN_TYPING = {"TypeAlias", "ParamSpec", "Concatenate", "TypeGuard", "Self", "Never", "Unpack", "Annotated"}
CONTAINERS = {"dict", "list", "tuple", "set", "frozenset", "type", "Callable", "Sequence", "Iterator", "Mapping"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code as a fresh clone has it, without an environment."""
    folder = tmp_path_factory.mktemp("clone")
    for path in [*ROOT.glob("*.py"), *(p for room in ("runner", "demo", "nodes") for p in (ROOT / room).rglob("*.py"))]:
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return folder


def call(checkout: Path, *arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    """run.py (or `code`) by a Python that sees no package but the standard library."""
    program = ["-c", code] if code else [str(checkout / "run.py")]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        [sys.executable, "-S", "-B", *program, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=checkout,
        env=environment,
        timeout=60,
    )


def content(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_needs_nothing_and_makes_nothing(checkout: Path, arguments: list[str]):
    before = content(checkout)
    done = call(checkout, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(name in done.stdout for name in (COMMANDS if len(arguments) == 1 else arguments[:1]))
    assert content(checkout) == before


@pytest.mark.skipif(os.name == "nt", reason="there is no time of children")
def test_help_is_there_at_once(checkout: Path):
    costs = []
    for _ in range(3):  # the best: other programs on this machine cost cache and clock
        before = os.times()
        call(checkout, "queue", "--help")
        after = os.times()
        costs.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert min(costs) < CPU_LIMIT_S


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["qeue", "x"], "there is no command 'qeue'. Did you mean queue?"),
        (["w.json"], "there is no command 'w.json'."),
        (["queue", "w.json", "--comfy", "x"], "there is no option '--comfy'. Did you mean --comfyui?"),
        (["queue", "w.json", "--comfy=x"], "there is no option '--comfy'. Did you mean --comfyui?"),
        (["queue"], "the following arguments are required: FILE"),
        (["--sevre"], "there is no option '--sevre'. Did you mean --serve?"),
        (["check", "w.json", "--seeds", "1"], "there is no option '--seeds'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_call_is_refused_before_anything_is_made(checkout: Path, arguments: list[str], words: str):
    before = content(checkout)
    done = call(checkout, *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "--help" in done.stderr
    assert content(checkout) == before


def test_without_a_command_the_slides_run():
    from steer.runner import cli

    for arguments in ([], ["--only", "08"], ["slides", "--only", "08"]):
        assert cli.parse(arguments).function == "slides.command:run"


def test_options_of_other_programs_pass_on():
    from steer.runner import cli

    for command in (["test"], ["bench", "seeds"], ["report", "model"], ["weights"]):
        assert cli.parse([*command, "-x", "--unknown", "3"]).rest == ["-x", "--unknown", "3"]
    assert cli.parse(["report", "model", "--help"]).rest == ["--help"]
    assert cli.parse(["test", "--fast", "-k", "canny", "tests/runner"]).rest == ["-k", "canny", "tests/runner"]


def test_each_command_has_a_function_and_says_what_it_needs():
    from steer.runner import cli, setup

    _, commands = cli.build_parser()
    assert set(COMMANDS) <= commands.keys()
    for name, parser in commands.items():
        module, _, function = parser.get_default("function").partition(":")
        assert callable(getattr(importlib.import_module(f"steer.runner.{module}"), function)), name
    needs = {name: cli.parse([name, *more]) for name, *more in (["queue", "w"], ["check", "w"], ["test"], ["slides"])}
    assert {name: each.needs(each) for name, each in needs.items()} == {
        "queue": setup.Needs(),
        "check": setup.Needs(),
        "test": setup.Needs(engine=True, dev=True),
        "slides": setup.Needs(engine=True),
    }


@pytest.mark.parametrize("module", ["batch.command", "share.check", "share.command"])
def test_what_needs_the_small_packages_alone_runs_without_the_large_ones(module: str):
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['numpy', 'torch', 'cv2', 'ray']))\n"
        "from runner.pack import load_pack; load_pack()\n"
        f"import importlib; importlib.import_module('steer.runner.{module}')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_run_py_is_short():
    assert len((ROOT / "run.py").read_text("utf-8").splitlines()) < 40


def test_an_old_python_gets_as_far_as_the_message(checkout: Path):
    """Python 3.8 is not here: what it would load before the message holds nothing that it cannot read or run."""
    code = (
        "import sys; from runner.pack import load_pack; load_pack(); from steer.runner import cli\n"
        "print(*(m.__file__ for m in sys.modules.values() if getattr(m, '__file__', None)), sep='\\n')"
    )
    done = call(checkout, code=code)
    assert done.returncode == 0, done.stderr
    files = [Path(line) for line in done.stdout.splitlines() if line.startswith(str(checkout))]
    assert len(files) > 8
    for file in [*files, checkout / "run.py"]:
        tree = ast.parse(file.read_text("utf-8"), feature_version=(3, 8))
        assert not list(find_newer(tree)), file.relative_to(checkout)


def find_newer(tree: ast.AST) -> Iterator[str]:
    """What Python 3.8 cannot load: newer names of typing; unions and generic containers that are no annotations."""
    if isinstance(tree, (ast.FunctionDef, ast.Lambda)):
        return  # it is not called
    if isinstance(tree, ast.If) and isinstance(tree.test, ast.Name) and tree.test.id == "TYPE_CHECKING":
        for node in tree.orelse:
            yield from find_newer(node)
        return
    if isinstance(tree, ast.ImportFrom) and tree.module == "typing":
        yield from NEW_IN_TYPING & {alias.name for alias in tree.names}
    if isinstance(tree, ast.Subscript) and isinstance(tree.value, ast.Name) and tree.value.id in CONTAINERS:
        yield ast.unparse(tree)
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.BitOr):
        yield ast.unparse(tree)
    for name, value in ast.iter_fields(tree):
        if name not in ("annotation", "returns"):
            for node in value if isinstance(value, list) else [value]:
                if isinstance(node, ast.AST):
                    yield from find_newer(node)
