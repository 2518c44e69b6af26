"""Which Steer this is: its version, and hashes of its code and weights. A running ComfyUI sends it at ROUTE.

Batches over several machines compare them, because another Steer makes other pictures under the same names.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Mapping
from fnmatch import translate
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from ..files import known_sha256

F = TypeVar("F")

PACK = Path(__file__).resolve().parents[1]
ROUTE = "/steer/identity"
CODE = ("nodes", "preprocessors", "demo")  # with the files beside these folders
# The lines of .comfyignore about code. What they keep out of a release does not count, so that a Steer from the
# registry is the same as a checkout. "/" at the end: the whole folder.
UNSHIPPED = (
    "run.py",
    "demo/draw_pictures.py",
    "demo/judges/",
    "demo/scenes/",
    "demo/train/",
    "nodes/text/fonts_build.py",
    "preprocessors/networks/build*.py",
)
WEIGHTS = ("demo/weights", "preprocessors/weights")


def identity(pack: Path = PACK) -> dict[str, str]:
    """`steer` (the version in pyproject.toml), `code` and `weights` (SHA-256) of the Steer in a folder.

    Raises:
        OSError: a file cannot be read.
        ValueError: pyproject.toml names no version.
    """
    return {**_code_and_version(pack), "weights": _weights_of(pack)}


_LOADED: dict[Path, dict[str, str]] = {}
_LOADING = threading.Lock()


def loaded_identity(pack: Path = PACK) -> dict[str, str]:
    """`steer` and `code` as they were when this was asked first: `serve_identity` asks when ComfyUI loads the pack.

    Code that changes later is not the code that runs.

    Raises:
        OSError: a file cannot be read.
        ValueError: pyproject.toml names no version.
    """
    with _LOADING:
        if pack not in _LOADED:
            _LOADED[pack] = _code_and_version(pack)
        return _LOADED[pack]


def running_identity(pack: Path = PACK) -> dict[str, str]:
    """`loaded_identity` and `weights`, which are read when a node needs them.

    Raises:
        OSError: a file cannot be read.
        ValueError: pyproject.toml names no version.
    """
    return {**loaded_identity(pack), "weights": _weights_of(pack)}


def _code_and_version(pack: Path) -> dict[str, str]:
    return {"steer": version(pack), "code": _code_of(pack)}


def version(pack: Path = PACK) -> str:
    """Steer's version, from pyproject.toml.

    Raises:
        OSError: it cannot be read.
        ValueError: it names no version.
    """
    for line in (pack / "pyproject.toml").read_text(encoding="utf-8").splitlines():
        if line.startswith("version = "):
            return line.split('"')[1]
    raise ValueError(f"{pack / 'pyproject.toml'} names no version")


def _code_of(pack: Path) -> str:
    """Without pathlib, which takes twice as long, beside the loading of ComfyUI."""
    root = str(pack)
    files = [name for name in os.listdir(root) if name.endswith(".py")]
    for code in CODE:
        for folder, _, names in os.walk(os.path.join(root, code)):
            within = folder[len(root) + 1 :].replace(os.sep, "/")
            files += [f"{within}/{name}" for name in names if name.endswith(".py")]
    return _hash_of({name: os.path.join(root, name) for name in files if is_shipped(name)}, _sha256_of_text)


def is_shipped(name: str) -> bool:
    """Whether the code file `name`, relative to the pack, is in a release."""
    return _not_shipped().match(name) is None


@cache
def _not_shipped() -> re.Pattern[str]:
    return re.compile("|".join(translate(f"{line}*" if line.endswith("/") else line) for line in UNSHIPPED))


def _weights_of(pack: Path) -> str:
    paths = [path for folder in WEIGHTS for path in (pack / folder).glob("*.safetensors")]
    # Read once, or each request would read all of them.
    return _hash_of({path.relative_to(pack).as_posix(): path for path in paths}, known_sha256)


def _hash_of(files: Mapping[str, F], hash_file: Callable[[F], str]) -> str:
    """The SHA-256 of the names and contents of files."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name} {hash_file(files[name])}\n".encode())
    return digest.hexdigest()


def _sha256_of_text(path: str) -> str:
    """The SHA-256 with one kind of line end: git writes them as the system likes."""
    with open(path, "rb", buffering=0) as file:
        return hashlib.sha256(file.read().replace(b"\r\n", b"\n")).hexdigest()


def serve_identity(pack: Path = PACK) -> None:
    """Let ComfyUI's server answer at ROUTE. Without a server it does nothing.

    The code is hashed beside the loading, when ComfyUI loads it: files that change later are not those that run.
    Weights are read when a node needs them, so they are hashed when a request comes.
    """
    instance = getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
    if instance is None:
        return
    try:
        version(pack)
        # Beside the loading: ComfyUI does not wait for it.
        threading.Thread(target=loaded_identity, args=(pack,), daemon=True).start()
    except (OSError, ValueError) as error:  # without an answer the nodes work all the same
        logging.getLogger(__name__).warning(
            "Steer: %s does not answer, so no batch can use this ComfyUI: %s", ROUTE, error
        )
        return
    from aiohttp import web

    @instance.routes.get(ROUTE)
    async def _(_: Any) -> web.Response:
        return web.json_response(await asyncio.to_thread(running_identity, pack))
