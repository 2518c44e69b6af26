"""Whether a file that came from a server is what its name says. Pure."""

from __future__ import annotations

import io
from pathlib import PurePosixPath

from PIL import Image, UnidentifiedImageError

PICTURES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".apng"))
# How files of other kinds begin: at which byte, and with what.
_STARTS: dict[str, tuple[int, tuple[bytes, ...]]] = {
    ".mp4": (4, (b"ftyp",)),
    ".mov": (4, (b"ftyp", b"moov", b"mdat", b"wide", b"free")),
    ".webm": (0, (b"\x1a\x45\xdf\xa3",)),
    ".mkv": (0, (b"\x1a\x45\xdf\xa3",)),
    ".flac": (0, (b"fLaC", b"ID3")),
    ".wav": (0, (b"RIFF", b"RF64")),
    ".ogg": (0, (b"OggS",)),
    ".opus": (0, (b"OggS",)),
    ".glb": (0, (b"glTF",)),
    ".zip": (0, (b"PK",)),
    ".tif": (0, (b"II", b"MM")),
    ".tiff": (0, (b"II", b"MM")),
    ".exr": (0, (b"\x76\x2f\x31\x01",)),
}
_PAGE = (b"<!doctype html", b"<html")
_PAGES = frozenset((".html", ".htm", ".xhtml", ".svg", ".txt", ".md"))
_PNG_END = b"\0\0\0\0IEND\xae\x42\x60\x82"


def find_fault(name: str, content: bytes) -> str:
    """Why `content` cannot be the file `name`; empty where it can. A picture must be whole."""
    ending = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    if not content:
        return "it is empty"
    if ending in PICTURES:
        return _picture_fault(content)
    if ending not in _PAGES and content[:200].lstrip().lower().startswith(_PAGE):
        return "it is a web page"
    place, starts = _STARTS.get(ending, (0, ()))
    if starts and not content[place : place + 8].startswith(starts):
        return f"it does not begin as a file of the kind {ending} does"
    return ""


def _picture_fault(content: bytes) -> str:
    try:
        with Image.open(io.BytesIO(content)) as picture:
            if picture.format == "PNG" and _PNG_END not in content[-64:]:
                return "it is not whole"
            _load(picture)
    except UnidentifiedImageError:
        return "it is no picture"
    except Image.DecompressionBombError:  # a picture may be larger than Pillow opens unasked
        return "" if content.startswith(b"\x89PNG") and _PNG_END in content[-64:] else "it is too large to be checked"
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, OverflowError) as error:  # Pillow's
        return f"it is no whole picture ({error})"
    return ""


def _load(picture: Image.Image) -> None:
    """Read all frames. Raises what Pillow raises for what is broken or cut off."""
    for number in range(getattr(picture, "n_frames", 1)):
        picture.seek(number)
        picture.load()
