"""A ComfyUI that is asked what it has: a running one by its URL, or one that does not run by its folders."""

from __future__ import annotations

import os
import re
import urllib.parse
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from ..workflow.conversion import options_of
from ..workflow.needs import ModelNeed, NodeNeed, local_file, model_file
from .client import ComfyClient

CORE = "comfy-core"
# Listed by /models, but no models; to list custom_nodes, ComfyUI walks through every link and all that lies there.
NO_MODELS = {"custom_nodes", "configs"}
_RENAMED = {"unet": "diffusion_models", "clip": "text_encoders"}  # as ComfyUI itself maps old names
_CORE_SOURCES = ("nodes.py", "comfy_extras", "comfy_api_nodes")
_LEFT_OUT = {"node_modules", "tests", "test", "__pycache__", "venv"}
_LARGEST = 4 << 20
# What declares a kind of node: node_id="Kind" (V3) or NodeId = "Kind", or "Kind": and ["Kind"] = in a table of classes.
_DECLARED = re.compile(rb"""(?i:node_?id)\s*=\s*["']([^"'\n]+)["']|["']([^"'\n]+)["']\s*(?:\]\s*=|:)""")
_PACK_NAME = re.compile(r"""^name\s*=\s*["']([^"']+)["']""", re.MULTILINE)
_REMOTE = re.compile(r"^\s*url\s*=\s*\S+?[:/]([^/:\s]+/[^/\s]+?)(?:\.git)?/?\s*$", re.MULTILINE)


class RunningComfy:
    """The ComfyUI that `client` talks to.

    Raises:
        ServerLost: it does not answer.
        BadAnswer: it does not answer as a ComfyUI.
    """

    def __init__(self, client: ComfyClient) -> None:
        self.client = client
        self.name = f"the ComfyUI at {client.url}"
        self.object_info: dict[str, Any] = client.node_definitions()

    def pack_of(self, need: NodeNeed) -> str | None:
        """The pack that has this kind of node here, None where there is none."""
        if need.kind not in self.object_info:
            return None
        module = str(self.object_info[need.kind].get("python_module") or "")
        own = module.removeprefix("custom_nodes.").split(".")[0] if module.startswith("custom_nodes.") else CORE
        return need.pack or own

    def has_model(self, need: ModelNeed) -> bool:
        """Whether a model is there: in the folder that the workflow says, if this ComfyUI has it, else in any."""
        name = need.name.replace("\\", "/")
        first, _, rest = need.directory.replace("\\", "/").strip("/").partition("/")
        folder = _RENAMED.get(first, first)
        if folder in self._folders:
            return "/".join(filter(None, (rest, name))) in self._folders[folder]
        return name in self._offered or any(name in files for files in self._folders.values())

    def has_input(self, name: str) -> bool:
        """Whether its input folder holds the file `name`."""
        folder, _, file = name.rpartition("/")
        query = urllib.parse.urlencode({"filename": file, "subfolder": folder, "type": "input"})
        return self.client.has(f"/view?{query}")

    @cached_property
    def _folders(self) -> dict[str, set[str]]:
        """The files in each of the folders of models."""
        found: dict[str, set[str]] = {}
        for folder in set(self.client.names("/models")) - NO_MODELS:
            files = self.client.names(f"/models/{urllib.parse.quote(folder, safe='')}")
            found[folder] = {name.replace("\\", "/") for name in files}
        return found

    @cached_property
    def _offered(self) -> set[str]:
        """What the loaders offer to choose; some have folders of their own."""
        return {name.replace("\\", "/") for node in self.object_info.values() for name in _choices(node)}


def _choices(node: dict[str, Any]) -> Iterator[str]:
    for part in (node.get("input") or {}).values():
        for spec in part.values() if isinstance(part, dict) else ():
            listed = spec[0] if spec and isinstance(spec[0], list) else []
            names = (*listed, *(options_of(spec).get("options") or ()))
            yield from (name for name in names if isinstance(name, str))


class ComfyFolder:
    """A ComfyUI on the disk. What its sources declare counts as there; only a running one knows what it loaded."""

    def __init__(self, folder: Path, kinds: Collection[str]) -> None:
        """kinds: those that will be asked for."""
        self.folder, self.kinds = folder, set(kinds)
        self.name = f"the ComfyUI in {folder}"

    def pack_of(self, need: NodeNeed) -> str | None:
        """The pack that has this kind of node here, None where there is none."""
        if need.kind in self._declared:
            return need.pack or self._declared[need.kind]
        # A pack may make up the names of its nodes while it is loaded: if it is there, so are they.
        return need.pack if need.pack != CORE and need.pack.casefold() in self._packs else None

    def has_model(self, need: ModelNeed) -> bool:
        """Whether a model is there: in the folder that the workflow says, else in any."""
        return model_file(need, self.folder / "models") is not None

    def has_input(self, name: str) -> bool:
        """Whether its input folder holds the file `name`."""
        return local_file(name, [self.folder / "input"]) is not None

    @cached_property
    def _declared(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for pack in self._custom:
            found |= dict.fromkeys(self._declared_in(_sources(pack)), _name(pack))
        core = [path for name in _CORE_SOURCES for path in _sources(self.folder / name)]
        return found | dict.fromkeys(self._declared_in(core), CORE)

    def _declared_in(self, sources: Collection[Path] | Iterator[Path]) -> set[str]:
        names = {kind.encode("utf-8", "surrogatepass") for kind in self.kinds}
        found: set[bytes] = set()
        for path in sources:
            found |= {name for pair in _DECLARED.findall(path.read_bytes()) for name in pair if name in names}
        return {name.decode("utf-8", "surrogatepass") for name in found}

    @cached_property
    def _custom(self) -> list[Path]:
        folder = self.folder / "custom_nodes"
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
        return [path for path in paths if not path.name.endswith(".disabled") and path.name[0] not in "._"]

    @cached_property
    def _packs(self) -> set[str]:
        """The names of the packs that are installed: folder, name in the registry, owner/name on GitHub."""
        names = {_name(path) for path in self._custom}
        for path in self._custom:
            for file, pattern in (("pyproject.toml", _PACK_NAME), (".git/config", _REMOTE)):
                if (path / file).is_file():
                    names |= set(pattern.findall((path / file).read_text(encoding="utf-8", errors="replace"))[:1])
        return {name.casefold() for name in names}


def _name(pack: Path) -> str:
    return pack.stem if pack.is_file() else pack.name


def _sources(path: Path) -> Iterator[Path]:
    """The Python files (and those of the browser) of a pack."""
    if path.is_file():
        yield path
    for folder, inner, files in os.walk(path):
        inner[:] = [name for name in inner if name not in _LEFT_OUT and not name.startswith(".")]
        for name in files:
            file = Path(folder) / name
            if name.endswith((".py", ".js")) and file.is_file() and file.stat().st_size <= _LARGEST:
                yield file
