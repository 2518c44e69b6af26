"""Which Steer this is: its version, and hashes of its code and weights. A running ComfyUI tells at GET /steer/identity.

Batches over several machines compare them, because another Steer makes other pictures under the same names.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

PACK = Path(__file__).resolve().parents[1]
ROUTE = "/steer/identity"
CODE = ("nodes", "preprocessors", "demo")
WEIGHTS = ("demo/weights", "preprocessors/weights")


def identity(pack: Path = PACK) -> dict[str, str]:
    """`steer` (the version in pyproject.toml), `code` and `weights` (sha256) of the Steer in a folder."""
    code = [path for folder in CODE for path in (pack / folder).rglob("*.py")] + [*pack.glob("*.py")]
    weights = [path for folder in WEIGHTS for path in (pack / folder).glob("*.safetensors")]
    return {"steer": version(pack), "code": _hash_of(pack, code, text=True), "weights": _hash_of(pack, weights)}


def version(pack: Path = PACK) -> str:
    """Steer's version, as pyproject.toml says."""
    for line in (pack / "pyproject.toml").read_text(encoding="utf-8").splitlines():
        if line.startswith("version = "):
            return line.split('"')[1]
    raise ValueError(f"{pack / 'pyproject.toml'} names no version")


def _hash_of(pack: Path, paths: Collection[Path], text: bool = False) -> str:
    """Of names and contents; the ends of lines in text do not count, which git writes as the system likes."""
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(pack).as_posix(), path) for path in paths):
        content = path.read_bytes()
        plain = content.replace(b"\r\n", b"\n") if text else content
        digest.update(f"{name} {hashlib.sha256(plain).hexdigest()}\n".encode())
    return digest.hexdigest()


def tell() -> None:
    """Let ComfyUI's server answer at ROUTE; where ComfyUI runs without one there is nobody to ask."""
    instance = getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
    if instance is None:
        return
    from aiohttp import web

    @instance.routes.get(ROUTE)
    async def _(_: Any) -> web.Response:
        return web.json_response(await asyncio.to_thread(identity))
