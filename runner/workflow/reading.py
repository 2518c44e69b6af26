"""Workflow files as they lie on the disk: in either of ComfyUI's two formats, or in a picture that ComfyUI saved."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from ..files import say_missing
from .frontend.shape import check_graph, check_values
from .prompt import Prompt, WorkflowError, is_node, is_prompt

Graph: TypeAlias = dict[str, Any]  # the UI format: what ComfyUI saves, with a list of nodes
Document: TypeAlias = "Graph | Prompt"  # what a file may hold; the second is the API format, which ComfyUI exports

MAX_FILE = 1 << 28  # bytes
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF", b"GIF8")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # so Windows PowerShell writes what a command prints
_MARKS = ("workflow", "prompt")  # under which pictures hold the two formats, the one to prefer first
_COMMENT = ("_", "#", "/", "$")  # begins a key of an API file that is no node
# What else people name, by how it begins. In words for `FILE is ...`.
_OTHERS = {
    b"PK\x03\x04": "a zip. Unpack one of `run.py pack` with `run.py unpack` and name the workflow in it",
    b"\x1f\x8b": "a packed archive. Unpack it and name the workflow in it",
    b"7z\xbc\xaf": "a packed archive. Unpack it and name the workflow in it",
    b"%PDF": "a PDF",
    b"GGUF": "a model",
    b"\x1aE\xdf\xa3": "a video. Steer reads workflows from pictures and JSON files",
    b"OggS": "a sound. Steer reads workflows from pictures and JSON files",
    b"fLaC": "a sound. Steer reads workflows from pictures and JSON files",
}
# JSON that is no workflow, by keys that it has.
_KINDS: dict[str, tuple[str, ...]] = {
    "the list in a zip of `run.py pack`. Name the workflow beside it": ("format", "steer", "workflow"),
    "an answer of ComfyUI's /object_info, the list of its nodes": ("KSampler", "SaveImage"),
    "a list of keypoints. Steer's Pose Render reads it": ("people",),
    "a list of what a sweep made. Name one of its pictures instead": ("axes", "cells"),
    "a record of what a batch made. Name one of its pictures instead": ("job", "files"),
    "a record of what a sweep made. Name one of its pictures instead": ("key", "file"),
}


class _Found(NamedTuple):
    """A document, and the bytes of a workflow file for it."""

    data: Document
    content: bytes


def read_workflow(path: Path) -> Document:
    """The content of a workflow file in UI or API format, or of the workflow in a picture.

    Raises:
        WorkflowError: the file cannot be read or is something else. The message says what.
    """
    return _read(path).data


def read_content(path: Path) -> tuple[Document, bytes]:
    """The workflow and the bytes of a JSON file that holds it: of a JSON file, its own.

    Raises:
        WorkflowError: as read_workflow.
    """
    found = _read(path)
    return found.data, found.content


class PictureTexts(NamedTuple):
    """What a picture carries: the prompt that made it, the workflow, and one more text; each may be missing."""

    prompt: Prompt | None
    graph: Graph | None
    more: str | None


def read_picture_texts(path: Path, more: str, needed: bool = True) -> PictureTexts:
    """The texts of a picture that ComfyUI saved. more: the name of one more. needed: it must have prompt or workflow.

    Raises:
        WorkflowError: it is no picture, or has neither prompt nor workflow.
    """
    content = _read_bytes(path)
    if not content.startswith(_PICTURES):
        raise WorkflowError(f"{path} is no picture that Steer knows. Name a PNG, WebP or JPEG that ComfyUI saved.")
    if needed and not _texts_of(path, content, _MARKS):
        _read_picture(path, content)  # says what is wrong with it
    found = _texts_of(path, content, (*_MARKS, more))
    read = {mark: _parse(found[mark], f"{path}, its {mark},") for mark in _MARKS if mark in found}
    prompt, graph = read.get("prompt"), read.get("workflow")
    return PictureTexts(prompt, None if is_prompt(graph) else graph, found.get(more))


def read_graph(path: Path) -> Graph:
    """The content of a workflow file in UI format.

    Raises:
        WorkflowError: the file cannot be read, or is something else, such as an API export.
    """
    data = read_workflow(path)
    if is_prompt(data):
        raise WorkflowError(f"{path} is an API export, which has no graph. Save the workflow from ComfyUI instead.")
    return data


def _read(path: Path) -> _Found:
    content = _read_bytes(path)
    if content.startswith(_PICTURES):
        return _read_picture(path, content)
    for start, what in _OTHERS.items():
        if content.startswith(start):
            raise WorkflowError(f"{path} is not a workflow file: it is {what}.")
    if content[4:8] == b"ftyp":
        raise WorkflowError(f"{path} is not a workflow file: it is a video. Steer reads pictures and JSON files.")
    try:
        text = content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig")
    except ValueError:
        raise WorkflowError(f"{path} is not a workflow file: it is no text, and no picture that Steer knows.") from None
    if not text.strip():
        raise WorkflowError(f"{path} is not a workflow file: it is empty.")
    if text.lstrip().startswith("<"):
        raise WorkflowError(f"{path} is not a workflow file: it is a web page. Download the file itself.")
    return _Found(_parse(text, str(path)), text.encode() if content.startswith(_UTF_16) else content)


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise WorkflowError(f"{path} is not a workflow file: it is a folder. Name the files in it.")
        if path.exists() and not path.is_file():
            raise WorkflowError(f"{path} is not a workflow file: it is a pipe or a device.")
        if path.is_file() and path.stat().st_size > MAX_FILE:
            raise WorkflowError(f"{path} is not a workflow file: it has more than {MAX_FILE >> 20} MB.")
        return path.read_bytes()
    except FileNotFoundError:
        raise WorkflowError(f"{path}: {say_missing(path)}") from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise WorkflowError(f"{path} is not a workflow file: {error}") from error


def _parse(text: str, name: str) -> Document:
    """The document that a JSON text holds. name: of its file.

    Raises:
        WorkflowError: it is no workflow, or one that cannot be read.
    """
    try:
        data = json.loads(text)
    except RecursionError:
        raise WorkflowError(f"{name} is not a workflow file: it is nested too deeply.") from None
    except ValueError as error:
        if len(lines := text.strip().splitlines()) > 1 and all(line.lstrip().startswith("{") for line in lines[:3]):
            raise WorkflowError(
                f"{name} is not a workflow file: it is a list of JSON lines, such as a manifest. Name one of its "
                "pictures instead."
            ) from None
        raise WorkflowError(f"{name} is not a workflow file: {error}") from error
    try:
        return as_document(data, name)
    except WorkflowError as error:
        raise error if str(error).startswith(name) else WorkflowError(f"{name}: {error}") from error


def as_document(data: Any, name: str) -> Document:
    """The workflow that JSON holds, also inside a request to ComfyUI, checked as far as it can be without a ComfyUI.

    Raises:
        WorkflowError: it is something else, or it cannot be read.
    """
    if isinstance(data, dict) and isinstance(data.get("nodes"), list):
        check_graph(data)
        return data
    if isinstance(data, dict) and any(map(is_node, data.values())):
        return _as_prompt(data)
    for key in ("workflow", "prompt", "output") if isinstance(data, dict) else ():
        inner = data[key] if isinstance(data.get(key), dict) else None
        if inner is not None and (isinstance(inner.get("nodes"), list) or any(map(is_node, inner.values()))):
            return as_document(inner, name)
    raise WorkflowError(f"{name} is JSON but no workflow: {_describe(data)}. Save it from ComfyUI again.")


def _describe(data: Any) -> str:
    if not isinstance(data, dict):
        kinds = {list: "a list", str: "text", bool: "true or false", type(None): "null"}
        return f"it is {kinds.get(type(data), 'a number')}"
    for what, keys in _KINDS.items():
        if all(key in data for key in keys):
            return f"it is {what}"
    if "nodes" in data:
        return "its nodes are no list"
    if data and all(isinstance(value, dict) and "class_type" in value for value in data.values()):
        return "its nodes have no inputs"
    if data and all(isinstance(value, dict) and {"prompt", "outputs"} <= value.keys() for value in data.values()):
        return "it is an answer of ComfyUI's /history. Name one of the pictures that it lists instead"
    return "it has neither a list of nodes, as ComfyUI saves it, nor nodes by number, as ComfyUI exports it for the API"


def _as_prompt(data: Mapping[str, Any]) -> Prompt:
    """The nodes of an API file, without its comments and without what ComfyUI's cache notes in them."""
    prompt: Prompt = {}
    for node_id, node in data.items():
        if is_node(node):
            prompt[node_id] = {key: value for key, value in node.items() if key != "is_changed"}
            if not isinstance(node.get("_meta", {}), dict):
                prompt[node_id].pop("_meta")
        elif isinstance(node, dict) and not node_id.startswith(_COMMENT):
            raise WorkflowError(f"the node '{node_id}' has no class_type or no inputs. Export it from ComfyUI again.")
    check_values(prompt)
    return prompt


def _read_picture(path: Path, content: bytes) -> _Found:
    """The workflow that ComfyUI has put into a picture, or the prompt where there is no workflow."""
    found = _texts_of(path, content, _MARKS)
    faults = []
    for mark in _MARKS:
        if mark in found:
            try:
                data = _parse(found[mark], f"{path}, its {mark},")
            except WorkflowError as error:
                faults.append(str(error))
                continue
            return _Found(data, (json.dumps(data, ensure_ascii=True, indent=1) + "\n").encode())
    raise WorkflowError(
        faults[0]
        if faults
        else f"{path} is a picture without a workflow in it. It was not saved by ComfyUI, or saved again by another "
        "program."
    )


def _texts_of(path: Path, content: bytes, marks: Collection[str]) -> dict[str, str]:
    """The texts of a picture under these marks: of its own fields, or of its EXIF as `workflow:{...}`."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as picture:
            found = {key: value for key, value in picture.info.items() if key in marks and isinstance(value, str)}
            for value in picture.getexif().values():
                mark, colon, text = str(value).partition(":")
                if colon and mark.lower() in marks:
                    found.setdefault(mark.lower(), text.rstrip("\0"))
            return found
    except Image.UnidentifiedImageError:  # its own words name an object in memory
        raise WorkflowError(f"{path} is a picture that cannot be read: it is damaged or cut off.") from None
    # What Pillow raises for pictures that are no pictures; the last two come from a damaged EXIF.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, struct.error, KeyError) as error:
        raise WorkflowError(f"{path} is a picture that cannot be read: {error}") from error
