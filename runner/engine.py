"""Which ComfyUI the commands run on: Steer's own, a folder of the user's, or a tag of ComfyUI's repository.

A command is given another one by `--comfyui PATH` or `--comfyui-tag TAG`. It then begins again as a process that finds
that folder in its environment, so that every path of the set-up is right from the start. Standard library only.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OWN = ROOT / ".comfyui"
VARIABLE = "STEER_COMFYUI"  # of the environment: the folder of another ComfyUI
TAGS = ROOT / ".comfyui-tags"
VENVS = ROOT / ".venvs"
REPOSITORY = "https://github.com/Comfy-Org/ComfyUI"
PYTHONS = (
    ".venv/bin/python",
    "venv/bin/python",
    ".venv/Scripts/python.exe",
    "venv/Scripts/python.exe",
    "../python_embeded/python.exe",
)


class SetupError(Exception):
    """Something that the commands need cannot be had. The message says what to try."""


def engine_folder() -> Path:
    """The folder of the ComfyUI that this process works with."""
    return Path(os.environ.get(VARIABLE) or OWN)


def is_own() -> bool:
    """Whether that is the ComfyUI that run.py unpacks itself."""
    return engine_folder() == OWN


def venv_folder() -> Path:
    """The environment for that ComfyUI. One for a ComfyUI of the user's sees its packages and changes none of them."""
    folder = engine_folder()
    if is_own():
        return ROOT / ".venv"
    return VENVS / f"{folder.name}-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


def python_of(comfyui: Path) -> Path:
    """The Python that a ComfyUI folder brings along: its venv, the portable build's, else the one running now."""
    for name in PYTHONS:
        if (comfyui / name).exists():
            return comfyui / name
    return Path(sys.executable)


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Add --comfyui, --comfyui-tag and --comfyui-repository to a command that runs a ComfyUI of its own."""
    group = parser.add_argument_group("another ComfyUI")
    group.add_argument("--comfyui", type=Path, metavar="PATH", dest="engine", help="use this ComfyUI, not an own one")
    group.add_argument(
        "--comfyui-tag", metavar="TAG", dest="engine_tag", help="use this version of ComfyUI, fetched with git and kept"
    )
    group.add_argument(
        "--comfyui-repository", metavar="URL", dest="engine_repository", default=REPOSITORY, help="where to fetch from"
    )


def chosen_engine(options: argparse.Namespace) -> Path | None:
    """The other ComfyUI that the options ask for, fetched if need be; None: this process has the right one.

    Raises:
        SetupError: it is no ComfyUI, or the tag cannot be fetched.
    """
    folder, tag = getattr(options, "engine", None), getattr(options, "engine_tag", None)
    if folder and tag:
        raise SetupError("--comfyui and --comfyui-tag name two ComfyUIs. Give one of them.")
    wanted = fetch_tag(tag, options.engine_repository) if tag else folder.resolve() if folder else None
    if wanted is None or wanted == engine_folder():
        return None
    require_comfyui(wanted)
    return wanted


def require_comfyui(folder: Path, advice: str = "Give --comfyui the folder that holds ComfyUI's main.py.") -> None:
    """Accept a folder that holds a ComfyUI. advice: what the message ends with.

    Raises:
        SetupError: it holds none.
    """
    if not (folder / "main.py").is_file():
        raise SetupError(f"{folder} is not a ComfyUI folder (it has no main.py). {advice}")


def fetch_tag(tag: str, repository: str) -> Path:
    """The folder of a tag of ComfyUI's repository, cloned once.

    Raises:
        SetupError: there is no git, or it cannot clone the tag.
    """
    target = TAGS / "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in tag)
    if (target / "main.py").is_file():
        return target
    shutil.rmtree(target, ignore_errors=True)  # what an interrupted clone left
    target.parent.mkdir(exist_ok=True)
    print(f"Fetching ComfyUI {tag} from {repository} ...", file=sys.stderr, flush=True)
    command = ["git", "clone", "--quiet", "--depth", "1", "--branch", tag, "--", repository, str(target)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"GIT_TERMINAL_PROMPT": "0"})
    except OSError as error:
        raise SetupError(f"--comfyui-tag needs git, which does not run here ({error}).") from error
    if done.returncode:
        shutil.rmtree(target, ignore_errors=True)
        raise SetupError(
            f"git cannot fetch ComfyUI {tag} from {repository}: {done.stderr.strip()[-300:]} "
            "Check the tag and the network, or give --comfyui a folder."
        )
    return target


def begin_again(folder: Path, argv: Sequence[str]) -> int:
    """Run the same command in a process that works with the ComfyUI in `folder`; returns its exit code."""
    command = [sys.executable, str(ROOT / "run.py"), *argv]
    environment = os.environ | {VARIABLE: str(folder)}
    if os.name == "nt":  # exec would detach from the console there
        return subprocess.call(command, env=environment)
    os.execve(command[0], command, environment)


def share_packages(python: Path, venv: Path) -> None:
    """Make the packages of a ComfyUI's own Python visible in `venv`, behind those of `venv` itself."""
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    theirs, ours = (
        subprocess.check_output([str(each), "-c", ask], text=True).strip()
        for each in (python, venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    )
    (Path(ours) / "comfyui.pth").write_text(f"{theirs}\n", encoding="utf-8")
