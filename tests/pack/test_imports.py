"""Who may import whom, who may import ComfyUI, and what loading the pack costs and pulls in."""

from __future__ import annotations

import ast
import graphlib
import importlib.metadata
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from steer.runner.engine import engine_folder

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("nodes", "preprocessors", "demo", "workflows", "runner", "tests")

# The rooms of the house, the lowest first: each may import itself and the rooms named behind it, which all stand above
# it in the table. "nodes" are the modules that lie in nodes/ itself; a folder in nodes/ is a room of its own.
SHARED = ("files", "nodes/text", "nodes")
ROOMS: dict[str, tuple[str, ...]] = {
    "files": (),
    "preprocessors": ("files",),
    "demo": ("files", "preprocessors"),
    "nodes/text": ("files",),
    "nodes": ("files", "nodes/text"),
    "nodes/noise": SHARED,
    "nodes/seeds": SHARED,
    "nodes/prompts": SHARED,
    "nodes/demo": (*SHARED, "demo"),
    "nodes/preprocess": (*SHARED, "preprocessors"),
    "nodes/control": (*SHARED, "preprocessors", "nodes/preprocess"),
    "nodes/sweep": (*SHARED, "preprocessors", "nodes/preprocess", "nodes/seeds", "nodes/prompts", "nodes/control"),
    "workflows": ("files", "preprocessors", "demo", "nodes/seeds"),
    "runner": (*SHARED, "preprocessors", "demo", "nodes/seeds", "nodes/sweep", "workflows"),
    "the pack": ("nodes",),  # __init__.py and run.py
}
# tests/ may import every room, and no room imports tests/.

FORBIDDEN = {"diffusers", "controlnet_aux", "cv2", "matplotlib", "skimage", "transformers", "regex"}
COMFY_MODULES = {
    "comfy",
    "comfy_api",
    "comfy_extras",
    "comfy_execution",
    "folder_paths",
    "latent_preview",
    "node_helpers",
    "server",
    "execution",
    "nodes",
}
COMFY_FILES = re.compile(r"(comfy_\w+|\w+_nodes|nodes|api)\.py")
LIMIT_MS = 50.0


@cache
def _modules() -> dict[str, Path]:
    """The file of every module, by its name in the pack: "nodes.seeds.text"; "" is the pack's own __init__.py."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")] + [*ROOT.glob("*.py")]
    names = {path: path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in paths}
    return {re.sub(r"\.?__init__$", "", name): path for path, name in names.items()}


@cache
def _statements(path: Path) -> list[ast.Import | ast.ImportFrom]:
    """The imports of a file, wherever they stand. To parse and walk all files takes seconds."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


@cache
def _imports() -> dict[str, set[str]]:
    """The modules of the pack that each module imports: anywhere in it, also in functions and for types alone."""
    return {name: set(_imported_modules(name, path)) - {name} for name, path in _modules().items()}


def _imported_modules(name: str, path: Path) -> Iterator[str]:
    package = list(filter(None, name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]))
    for node in _statements(path):
        if isinstance(node, ast.Import):
            yield from (_in_pack(alias.name) for alias in node.names if _in_pack(alias.name) in _modules())
        else:
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            base = base if node.level else _in_pack(base)
            if node.level or base in _modules():
                for alias in node.names:
                    found = f"{base}.{alias.name}".lstrip(".")
                    yield found if found in _modules() else base


def _in_pack(name: str) -> str:
    """The name in the pack of what tests import: "steer.nodes.axis", or "fuzz" from tests/support."""
    if name == "steer" or name.startswith("steer."):
        return name.removeprefix("steer").lstrip(".")
    support = f"tests.support.{name}"
    return support if support in _modules() else "no module of the pack"


def _room(name: str) -> str:
    first, *rest = name.split(".")
    if first == "nodes" and rest and (ROOT / "nodes" / rest[0]).is_dir():
        return f"nodes/{rest[0]}"
    return first if first in (*FOLDERS, "files") else "the pack"


def test_the_graph_sees_imports_of_every_kind():
    assert "nodes.text.ranges" in _imports()["nodes.seeds.text"], "from ..text.ranges import"
    assert "nodes.identity" in _imports()[""], "inside a function"
    assert "tests.support.fuzz" in _imports()["tests.seeds.test_text"], "by its name alone"
    assert "preprocessors.canny" in _imports()["nodes.preprocess.canny_nodes"], "a module of a package"
    assert {_room(name) for name in _modules()} == {*ROOMS, "tests"}, "a room that the table does not know"


def test_the_table_has_no_arrow_up():
    rooms = list(ROOMS)
    for room, allowed in ROOMS.items():
        assert set(allowed) <= set(rooms[: rooms.index(room)]), f"{room} imports a room that stands below it"


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_what_the_table_allows(room: str):
    wrong = [
        f"{name} imports {other}"
        for name, others in _imports().items()
        for other in sorted(others)
        if _room(name) == room and _room(other) not in (room, *ROOMS[room])
    ]
    assert not wrong, "\n".join(wrong)


def test_no_module_imports_itself_through_others():
    try:
        graphlib.TopologicalSorter(_imports()).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_no_family_imports_another_familys_nodes():
    declare = re.compile(r"nodes\.\w+\.(nodes|\w+_nodes)")
    for name, others in _imports().items():
        foreign = {other for other in others if declare.fullmatch(other) and _room(other) != _room(name)}
        assert not foreign or _room(name) == "tests", f"{name} imports {foreign}"


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if folder != "tests"])
def test_only_files_that_say_so_import_comfyui(folder: str):
    for path in (ROOT / folder).rglob("*.py"):
        found, name = _imported_packages(path) & COMFY_MODULES, path.relative_to(ROOT)
        if folder != "nodes" or not COMFY_FILES.fullmatch(path.name):
            assert not found, f"{name} imports {found}. Name it comfy_{path.name}, or move that part."
        if path.name != "api.py":
            assert "comfy_api" not in found, f"{name}: only nodes/api.py imports comfy_api."


def _imported_packages(path: Path) -> set[str]:
    names: set[str] = set()
    for node in _statements(path):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_every_package_that_is_imported_is_asked_for_by_name():
    """A package that only comes along with another one is gone when that one changes."""
    wanted = {name for path in (ROOT / "runner" / "requirements").glob("*.txt") for name in _named_packages(path)}
    wanted |= _named_packages(engine_folder() / "requirements.txt")
    found = {name for path in _modules().values() for name in _imported_packages(path)}
    providers = importlib.metadata.packages_distributions()
    unnamed = {name for name in found & providers.keys() if wanted.isdisjoint(map(_normal, providers[name]))}
    assert not unnamed, f"{unnamed}: name them in runner/requirements"


def _named_packages(path: Path) -> set[str]:
    lines = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return {_normal(re.split("[^A-Za-z0-9._-]", line)[0]) for line in lines if line}


def _normal(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()


def test_comfyuis_own_nodes_module_wins(comfy):
    import nodes

    assert Path(str(nodes.__file__)).parent == engine_folder()
    assert str(ROOT) not in sys.path


def _measure(base: Path) -> list[dict[str, Any]]:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "tests" / "support" / "import_cost.py"),
            str(ROOT),
            str(base),
            str(engine_folder()),
        ],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"ms"')]


@pytest.mark.slow
def test_loading_is_cheap_and_pulls_in_nothing_heavy(tmp_path: Path):
    measured = _measure(tmp_path)
    first = measured[0]  # compiles the sources, as Python does on the first start after an installation
    assert first["nodes"], "the pack gave no nodes"
    assert not FORBIDDEN & set(first["pulled_in"]), first["pulled_in"]
    # The loading thread's own processor time: on a busy machine the clock also counts what others do.
    later = measured[1:] or [*_measure(tmp_path), *_measure(tmp_path)]
    cost = min(float(each["cpu_ms"]) for each in later)
    if cost >= LIMIT_MS:  # the machine may have a slow minute, which all of these fell into
        cost = min(cost, *(float(each["cpu_ms"]) for each in _measure(tmp_path)))
    assert cost < LIMIT_MS, f"loading the pack took {cost:.0f} ms"
