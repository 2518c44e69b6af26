"""What a shared workflow's zip says about itself: `steer-bundle.json`. Pure.

The zip holds that list, the workflow beside it, a README.txt, the input files under `input/`, and the pictures that it
should make under `expected/`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from ..workflow.needs import ModelNeed, NodeNeed
from .archive import ArchiveError, check_names, quote

LIST = "steer-bundle.json"
README = "README.txt"
INPUT, OUTPUT, EXPECTED = "input/", "output/", "expected/"
_FOLDERS = (INPUT, OUTPUT, EXPECTED)
FORMAT = 1
MAX_LIST = 4 << 20  # bytes
MAX_TEXT = 1000

T = TypeVar("T")


@dataclass(frozen=True)
class BundleFile:
    """A file of the zip and its sha256 in hex."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Bundle:
    """steer: the version that packed it. workflow: the name of the workflow's file. models: they are not in the zip."""

    steer: str
    workflow: str
    files: tuple[BundleFile, ...]
    models: tuple[ModelNeed, ...] = ()
    nodes: tuple[NodeNeed, ...] = ()

    @property
    def inputs(self) -> list[str]:
        """The names of the input files, as the workflow names them."""
        return [file.name.removeprefix(INPUT) for file in self.files if file.name.startswith(INPUT)]

    @property
    def outputs(self) -> list[str]:
        """The names of the files of ComfyUI's output folder that the workflow reads."""
        return [file.name.removeprefix(OUTPUT) for file in self.files if file.name.startswith(OUTPUT)]

    @property
    def expected(self) -> list[str]:
        """The names of the pictures that the workflow should make."""
        return [file.name for file in self.files if file.name.startswith(EXPECTED)]

    def to_json(self) -> str:
        """The list as text, for the zip."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: bytes) -> Bundle:
        """The bundle that a list describes.

        Raises:
            ArchiveError: `pack` would not have written this list.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ArchiveError(f"{LIST} is not JSON ({error}).") from error
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ArchiveError(f"{LIST} is not a list of format {FORMAT}. Was it packed by a newer Steer?")
        bundle = cls(
            _text(data, "steer"),
            _text(data, "workflow"),
            _rows(data, "files", BundleFile),
            _rows(data, "models", ModelNeed),
            _rows(data, "nodes", NodeNeed),
        )
        names = [file.name for file in bundle.files]
        check_names([LIST, *names])
        strays = [n for n in names if n not in (bundle.workflow, README) and not n.startswith(_FOLDERS)]
        if bundle.workflow not in names or "/" in bundle.workflow or not bundle.workflow.endswith(".json"):
            raise ArchiveError(f"its workflow {quote(bundle.workflow)} is not among its files.")
        if strays:
            raise ArchiveError(f"{quote(strays[0])} is neither the workflow nor under {', '.join(_FOLDERS)}.")
        return bundle


def readme(bundle: Bundle) -> str:
    """How to use the zip, for someone who has opened it by hand."""
    lines = [
        f"A ComfyUI workflow, packed by Steer {bundle.steer} (python run.py pack).",
        "",
        f"1. Copy what is in {INPUT} into the input folder of your ComfyUI."
        if bundle.inputs
        else "1. It needs no input files.",
        *([f"   Copy what is in {OUTPUT} into its output folder."] if bundle.outputs else []),
        f"2. Drop {bundle.workflow} into ComfyUI's window.",
        *(
            [f"3. Compare what it makes with {EXPECTED}, or: python run.py unpack ZIP --remake"]
            if bundle.expected
            else []
        ),
        "",
        *list_needs(bundle),
    ]
    return "\n".join(lines) + "\n"


def list_needs(bundle: Bundle) -> list[str]:
    """Lines that name the packs and models that the workflow needs."""
    packs = sorted({(need.pack, need.version) for need in bundle.nodes if need.pack and need.pack != "comfy-core"})
    lines = ["Node packs: " + (", ".join(f"{pack} {version}".strip() for pack, version in packs) or "none named")]
    unknown = [need.kind for need in bundle.nodes if not need.pack]
    if unknown:
        lines.append(f"Nodes of packs that are not known: {', '.join(unknown)}")
    lines.append("Models, each for its folder in ComfyUI's models folder:" if bundle.models else "Models: none named")
    for model in bundle.models:
        lines.append(f"  {'/'.join(filter(None, (model.directory, model.name)))}")
        lines += [f"    {word} {value}" for word, value in (("url", model.url), ("sha256", model.sha256)) if value]
    return lines


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key, "")
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
        raise ArchiveError(f"{LIST}: {quote(key)} is not a short text on one line.")
    return value


def _rows(data: dict[str, Any], key: str, kind: type[T]) -> tuple[T, ...]:
    rows: Sequence[Any] = data.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ArchiveError(f"{LIST}: '{key}' is not a list of objects.")
    names = [field.name for field in fields(kind)]  # type: ignore[bad-argument-type]
    return tuple(kind(*(_text(row, name) for name in names)) for row in rows)
