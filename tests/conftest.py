"""Shared fixtures. The pack is loaded once as `steer`; ComfyUI comes in only for the tests that ask for it."""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from comfy_inprocess import InProcessComfy
    from steer.runner.comfyui.client import ComfyClient
    from steer.runner.comfyui.process import ComfyServer

ROOT = Path(__file__).resolve().parents[1]

# No deadline for an example: on a busy machine tests failed by the clock alone.
settings.register_profile("steer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steer")


def _load_pack() -> None:
    """Run the checkout's own loader without putting the checkout on sys.path."""
    spec = importlib.util.spec_from_file_location("steer_pack_loader", ROOT / "runner" / "pack.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.load_pack()


_load_pack()
assert str(ROOT) not in map(os.path.abspath, sys.path), "run the suite as `python run.py test` or `pytest tests`"


# The files that take longest, the longest first: the last to begin would keep one worker busy alone.
LONG = (
    "runner/test_bundled_workflows.py",
    "control/test_slides.py",
    "sweep/graph/test_in_the_browser.py",
    "runner/test_runner.py",
    "sweep/pick/test_every_sampler.py",
    "runner/frontends/test_newer_frontends.py",
    "sweep/graph/test_hostile_sweeps.py",
    "demo/test_quality.py",
    "control/test_hints.py",
    "preprocess/test_mlsd.py",
    "sweep/find/test_finder.py",
    "noise/test_schedule.py",
    "runner/slides/test_measuring.py",
    "prompts/test_dial.py",
    "seeds/test_samplers.py",
    "sweep/test_sweep_pictures.py",
    "sweep/graph/test_official_templates.py",
    "sweep/test_sweep_server.py",
    "demo/test_lines_in_training.py",
    "demo/test_parity.py",
    "pack/test_imports.py",
    "pack/test_style.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first. A worker takes whole files, in the order of the items."""
    ranks = {(ROOT / "tests" / name): rank for rank, name in enumerate(LONG)}
    items.sort(key=lambda item: ranks.get(item.path, len(LONG)))  # the others stay in their order


def pytest_collection_finish() -> None:
    """Leave what stays until the end out of every collection of garbage."""
    gc.freeze()


@pytest.fixture(scope="session")
def comfy_session(tmp_path_factory: pytest.TempPathFactory) -> InProcessComfy:
    from comfy_inprocess import InProcessComfy

    return InProcessComfy(tmp_path_factory.mktemp("comfy"))


@pytest.fixture
def comfy(comfy_session: InProcessComfy) -> InProcessComfy:
    """A real ComfyUI in this process with an empty cache."""
    comfy_session.fresh()
    return comfy_session


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComfyServer]:
    """A real ComfyUI server process with Steer linked in, shared by all tests of the run."""
    from steer.runner import setup
    from steer.runner.comfyui.process import ComfyServer, own_folders

    folder = tmp_path_factory.mktemp("server")
    # A new user sees the template browser first, which takes the browser seconds to draw.
    settings = folder / "user" / "default" / "comfy.settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"Comfy.TutorialCompleted": True}))
    arguments = ["--cpu", *own_folders(folder, "output", "user", "temp")]
    loras = folder / "models" / "loras"  # where tests put files that only they need
    loras.mkdir(parents=True)
    models = folder / "models.yaml"
    models.write_text(json.dumps({"tests": {"loras": str(loras)}}))
    arguments += ["--extra-model-paths-config", str(models)]
    with ComfyServer(setup.COMFYUI, setup.PYTHON, folder / "comfyui.log", arguments=arguments) as running:
        yield running


@pytest.fixture
def client(server: ComfyServer) -> ComfyClient:
    from steer.runner.comfyui.client import ComfyClient

    return ComfyClient(server.url, server.check_alive)


@pytest.fixture(scope="session")
def browser() -> str:
    """The program file of an installed browser."""
    from steer.runner.dev.testing import find_browser

    found = os.environ.get("STEER_BROWSER") or find_browser()
    assert found, "no Chromium, Chrome or Edge found; `python run.py test` installs one or leaves these tests out"
    return found
