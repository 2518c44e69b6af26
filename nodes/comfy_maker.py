"""What made a picture, beside its workflow: ComfyUI, Steer, the kind of processor, the model files.

Steer's pictures carry it under MARK, so that `run.py remake` can say why another machine makes another picture. A
running ComfyUI says the same of itself at ROUTE.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import folder_paths

from ..files import known_sha256
from .identity import running_identity

ROUTE = "/steer/maker"
MARK = "steer"  # the name of the text in the head of a picture
MAX_NAMES = 200  # of models that are asked for at once
BLOCKS, BLOCK = 64, 1 << 16  # what is read of a model file: 4 MB in even steps, its head and its end among them


def describe_maker(models: Collection[str]) -> dict[str, Any]:
    """`comfyui` and `steer` (versions), `code`, `weights` (see identity.py), `device` (such as "cpu" or "cuda") and
    `models`: the mark of each of these model files by name, "" for one that is not there.
    """
    import comfy.model_management

    device = comfy.model_management.get_torch_device().type
    return {
        "comfyui": _comfyui_version(),
        "device": device,
        **running_identity(),
        "models": {name: _mark_of(name) for name in sorted(models)},
    }


def describe_maker_of(prompt: Mapping[str, Any]) -> dict[str, Any]:
    """`describe_maker` with those model files that the inputs of an API prompt name; a text may name one a line."""
    found = describe_maker(name_models(prompt))
    found["models"] = {name: mark for name, mark in found["models"].items() if mark}
    return found


def name_models(prompt: Mapping[str, Any]) -> set[str]:
    """What may be a model file among the texts of an API prompt."""
    values = [value for node in prompt.values() for value in node["inputs"].values() if isinstance(value, str)]
    names = {line.strip() for value in values for line in value.splitlines()}
    return {name for name in names if _is_model(name)}


def _comfyui_version() -> str:
    try:
        from comfyui_version import __version__
    except ImportError:  # before 0.3
        return ""
    return str(__version__)


def _mark_of(name: str) -> str:
    return " ".join(map(mark_file, find_model_files(name)))


def find_model_files(name: str) -> list[Path]:
    """The files of this name in all of ComfyUI's model folders: the text does not say which of them a node reads."""
    if not _is_model(name):
        return []
    found = [folder_paths.get_full_path(kind, name) for kind in sorted(folder_paths.folder_names_and_paths)]
    return [Path(path) for path in dict.fromkeys(found) if path]


def _is_model(name: str) -> bool:
    return name.lower().endswith((*folder_paths.supported_pt_extensions, ".gguf"))


def mark_file(path: Path) -> str:
    """A hash, 16 hexadecimal digits, of a file's size and of BLOCKS pieces of it; of the whole of a small file.

    To read a checkpoint whole would take longer than a picture. Two that differ, differ in more than a few places.

    Raises:
        OSError: it cannot be read.
    """
    state = path.stat()
    if state.st_size <= BLOCKS * BLOCK:
        return known_sha256(path)[:16]
    return _mark_of_state(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4096)
def _mark_of_state(path: Path, size: int, mtime_ns: int) -> str:
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for number in range(BLOCKS):
            file.seek(number * (size - BLOCK) // (BLOCKS - 1))
            digest.update(file.read(BLOCK))
    return digest.hexdigest()[:16]


def serve_maker() -> None:
    """Let ComfyUI's server answer at ROUTE to `?model=NAME&model=NAME`. Without a server it does nothing."""
    instance = getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
    if instance is None:
        return
    from aiohttp import web

    @instance.routes.get(ROUTE)
    async def _(request: web.Request) -> web.Response:
        names = request.query.getall("model", [])
        if len(names) > MAX_NAMES:
            raise web.HTTPBadRequest(text=f"at most {MAX_NAMES} names of models")
        return web.json_response(await asyncio.to_thread(describe_maker, names))
