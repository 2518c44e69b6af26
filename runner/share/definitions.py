"""What nodes a ComfyUI has, asked once: a running one each time, one that does not run is started and remembered."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from ...files import write_whole
from .. import setup
from ..comfyui.address import full_url
from ..comfyui.client import ComfyClient
from ..comfyui.messages import QueueError
from ..comfyui.process import ComfyServer, has_gpu, own_folders
from ..engine import OWN, python_of, require_comfyui
from .options import WHICH_COMFYUI

KEPT = OWN / "steer-nodes"  # one file for each ComfyUI
_LEFT_OUT = {"node_modules", "__pycache__", "tests", "output", "venv", "web"}


def ask_running(url: str) -> dict[str, Any]:
    """The nodes of a running ComfyUI, as its /object_info declares them.

    Raises:
        QueueError: it does not answer, or with something else.
    """
    return ComfyClient(full_url(url)).node_definitions()


def ask_folder(comfyui: Path, own: bool) -> dict[str, Any]:
    """The nodes of the ComfyUI in a folder. It is started to be asked, unless it was before and nothing has changed.

    own: it is Steer's own, which runs in the environment of run.py.

    Raises:
        SetupError: there is no ComfyUI.
        ServerError: it does not start.
        QueueError: it gives no answer.
    """
    comfyui = comfyui.resolve()
    require_comfyui(comfyui, WHICH_COMFYUI)
    place = hashlib.sha256(str(comfyui).encode(errors="surrogateescape")).hexdigest()[:12]
    kept = KEPT / f"{place}-{_fingerprint(comfyui)}.json"
    try:
        return _checked(json.loads(kept.read_text(encoding="utf-8")))
    except (OSError, ValueError, QueueError):
        found = _start_and_ask(comfyui, own)
    KEPT.mkdir(parents=True, exist_ok=True)
    for older in KEPT.glob(f"{place}-*.json"):
        older.unlink()
    write_whole(kept, json.dumps(found).encode())
    return found


def _start_and_ask(comfyui: Path, own: bool) -> dict[str, Any]:
    python = setup.PYTHON if own else python_of(comfyui)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temp:
        folders = own_folders(Path(temp), "temp", "user", "output")  # nothing of the user's is touched
        arguments = [*folders, *([] if has_gpu(python) else ["--cpu"])]
        with ComfyServer(comfyui, python, Path(temp) / "comfyui.log", arguments=arguments) as server:
            return ComfyClient(server.url, server.check_alive).node_definitions()


def _checked(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict) or not all(isinstance(node, dict) for node in found.values()):
        raise QueueError("its /object_info is no list of nodes. Is it a ComfyUI?")
    return found


def _fingerprint(comfyui: Path) -> str:
    """A hash of what decides which nodes a ComfyUI has: its files and packs, with the time of their last change."""
    digest = hashlib.sha256()
    for folder in (comfyui / "comfy_extras", comfyui / "comfy_api_nodes", *_packs(comfyui)):
        digest.update(f"{folder.name} {_last_change(folder)}\n".encode(errors="replace"))
    for name in ("nodes.py", "comfyui_version.py"):
        path = comfyui / name
        digest.update(f"{name} {path.stat().st_mtime_ns if path.is_file() else 0}\n".encode())
    return digest.hexdigest()[:20]


def _packs(comfyui: Path) -> list[Path]:
    folder = comfyui / "custom_nodes"
    return sorted(path for path in folder.iterdir() if path.name[0] not in "._") if folder.is_dir() else []


def _last_change(path: Path) -> int:
    """When the newest of a pack's Python files was changed, in ns."""
    if path.is_file():
        return path.stat().st_mtime_ns
    newest = 0
    for folder, inner, files in os.walk(path.resolve()):
        inner[:] = [name for name in inner if name not in _LEFT_OUT and not name.startswith(".")]
        times = ((Path(folder) / name).stat().st_mtime_ns for name in files if name.endswith(".py"))
        newest = max(newest, *times, 0)
    return newest
