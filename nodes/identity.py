"""Which Steer this is: its version, and hashes of its code and weights. A running ComfyUI tells at GET /steer/identity.

Batches over several machines compare them, because another Steer makes other pictures under the same names.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sys
from collections.abc import Callable, Collection
from functools import lru_cache
from pathlib import Path
from typing import Any

PACK = Path(__file__).resolve().parents[1]
ROUTE = "/steer/identity"
CODE = ("nodes", "preprocessors", "demo")
# What .comfyignore keeps out of a release does not count: a Steer from the registry is the same as a checkout.
UNSHIPPED = (
    "run.py",
    "demo/draw_pictures.py",
    "demo/judges/",
    "demo/scenes/",
    "demo/train/",
    "nodes/text/fonts_build.py",
    "preprocessors/networks/build",
)
WEIGHTS = ("demo/weights", "preprocessors/weights")


def identity(pack: Path = PACK) -> dict[str, str]:
    """`steer` (the version in pyproject.toml), `code` and `weights` (sha256) of the Steer in a folder."""
    return {"steer": version(pack), "code": _code_of(pack), "weights": _weights_of(pack)}


def version(pack: Path = PACK) -> str:
    """Steer's version, as pyproject.toml says."""
    for line in (pack / "pyproject.toml").read_text(encoding="utf-8").splitlines():
        if line.startswith("version = "):
            return line.split('"')[1]
    raise ValueError(f"{pack / 'pyproject.toml'} names no version")


def _code_of(pack: Path) -> str:
    paths = [path for folder in CODE for path in (pack / folder).rglob("*.py")] + [*pack.glob("*.py")]
    shipped = [path for path in paths if not path.relative_to(pack).as_posix().startswith(UNSHIPPED)]
    return _hash_of(pack, shipped, _sha256_of_text)


def _weights_of(pack: Path) -> str:
    paths = [path for folder in WEIGHTS for path in (pack / folder).glob("*.safetensors")]
    return _hash_of(pack, paths, _sha256_of_weights)


def _hash_of(pack: Path, paths: Collection[Path], sha256_of: Callable[[Path], str]) -> str:
    """Of names and contents."""
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(pack).as_posix(), path) for path in paths):
        digest.update(f"{name} {sha256_of(path)}\n".encode())
    return digest.hexdigest()


def _sha256_of_text(path: Path) -> str:
    """The ends of lines do not count, which git writes as the system likes."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def _sha256_of_weights(path: Path) -> str:
    status = path.stat()
    return _sha256_of_state(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _sha256_of_state(path: Path, size: int, mtime_ns: int) -> str:
    """Of a file that has this size and time: read once, or each question would read all weights."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tell(pack: Path = PACK) -> None:
    """Let ComfyUI's server answer at ROUTE; where ComfyUI runs without one there is nobody to ask.

    The code is hashed now (some milliseconds), when ComfyUI loads it: what lies there later may not be what runs.
    Weights are read when a node needs them, so for them the files of the moment count.
    """
    instance = getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
    if instance is None:
        return
    try:
        loaded = {"steer": version(pack), "code": _code_of(pack)}
    except (OSError, ValueError) as error:  # without an answer the nodes work all the same
        logging.getLogger(__name__).warning(
            "Steer: %s is not answered, so no batch can use this ComfyUI: %s", ROUTE, error
        )
        return
    from aiohttp import web

    @instance.routes.get(ROUTE)
    async def _(_: Any) -> web.Response:
        return web.json_response(loaded | {"weights": await asyncio.to_thread(_weights_of, pack)})
