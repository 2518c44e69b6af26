"""Names of input files, also those that newer ComfyUIs make from the content of a file: `blake3:` and its hash.

ComfyUI's page shows a file under such a name, but its loaders open none: before a run it needs a plain name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_CLIPS = (".mp4", ".webm", ".mov", ".mkv", ".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a")
_SHAPES = (".glb", ".gltf", ".obj", ".fbx", ".stl")
MEDIA_FILES = _PICTURES + _CLIPS + _SHAPES
INPUT, OUTPUT = "input", "output"  # ComfyUI's folders of files that a workflow may name
_ASSET = "blake3:"
_PIECE = 1 << 24  # bytes read at once


def is_media(name: str) -> bool:
    """Whether a text names a file of pictures, sound or shapes."""
    return name.lower().endswith(MEDIA_FILES) or is_asset(name)


def is_asset(name: str) -> bool:
    """Whether a file is named by its content."""
    return name.startswith(_ASSET)


def plain_name(name: str, path: Path) -> str:
    """The name under which the input file at `path` is sent: of one named by its content HASH.png, else its own."""
    return f"{name.removeprefix(_ASSET).lower()}{path.suffix}" if is_asset(name) else name


def find_asset(name: str, folders: Sequence[Path]) -> Path | None:
    """The file that is named by its content: in one of `folders`, or anywhere below one of ComfyUI's."""
    wanted = name.removeprefix(_ASSET).lower()
    for folder in folders:
        for path in _media_in(folder):
            state = path.stat()
            if _blake3_of(path, state.st_size, state.st_mtime_ns) == wanted:
                return path
    return None


def _media_in(folder: Path) -> Iterator[Path]:
    """The files in a folder that a loader may open; none that a link brings in from outside it."""
    inside = folder.resolve()
    for path in sorted(folder.rglob("*") if folder.name in (INPUT, OUTPUT) else folder.glob("*")):
        if path.name.lower().endswith(MEDIA_FILES) and path.is_file() and path.resolve().is_relative_to(inside):
            yield path


@lru_cache(maxsize=16384)
def _blake3_of(path: Path, size: int, mtime_ns: int) -> str:
    """In hex; size and time of the file say when to read it again."""
    from blake3 import blake3  # needed for such names alone

    digest = blake3()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
