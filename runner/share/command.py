"""`python run.py pack` and `unpack`: a workflow and all that a colleague needs to open it, as one zip."""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from ...files import is_inside, sha256_of
from ...nodes.identity import version
from ..comfyui.inventory import ComfyFolder
from ..workflow.media import INPUT as INPUT_FOLDER
from ..workflow.media import OUTPUT as OUTPUT_FOLDER
from ..workflow.media import plain_name
from ..workflow.needs import (
    ModelNeed,
    NodeNeed,
    folders_beside,
    local_file,
    model_file,
    model_needs,
    named_files,
    node_needs,
)
from ..workflow.prompt import WorkflowError
from ..workflow.reading import Document, read_content
from .archive import ArchiveError, check_names, copy_entry, extract, list_entries, open_zip, plain, quote
from .bundle import EXPECTED, INPUT, LIST, MAX_LIST, OUTPUT, README, Bundle, BundleFile, list_needs, readme
from .check import say_error

_MOMENT = (1980, 1, 1, 0, 0, 0)  # of every entry, so that the same files make the same zip


def pack(options: argparse.Namespace) -> int:
    """Pack a workflow and say what the zip holds; returns the exit code."""
    output: Path = options.output or Path(f"{options.file.stem}.zip")
    try:
        folders = [*options.input, *folders_beside(options.file), options.comfyui / "input"]
        bundle, missing = write_bundle(
            options.file,
            output,
            folders,
            options.comfyui / "models",
            options.allow_missing,
            options.force,
            options.expected,
        )
    except (WorkflowError, ArchiveError, OSError) as error:
        say_error(error)
        return 1
    plural = "s" if len(bundle.inputs) != 1 else ""
    print(f"{output}: {quote(bundle.workflow)} and {len(bundle.inputs)} input file{plural}")
    for name in missing:
        print(f"  not packed, not found: {quote(name)}")
    print("\n".join(f"  {plain(line)}" for line in list_needs(bundle)))
    return 0


def write_bundle(
    file: Path,
    output: Path,
    folders: list[Path],
    models: Path,
    allow_missing: bool = False,
    force: bool = False,
    expected: Sequence[Path] = (),
) -> tuple[Bundle, list[str]]:
    """Pack `file` into the zip `output`; returns what was packed and the input files that `folders` lack.

    expected: pictures that it should make.

    A file that is named by a path out of them counts as missing. The zip appears whole or not at all.

    Raises:
        WorkflowError: an input file is missing, which is not allowed, or the file is no workflow.
        ArchiveError: a name could not be unpacked everywhere.
        OSError: from the disk.
    """
    if output.exists() and not force:
        raise WorkflowError(f"{output} is there already. Choose another name with -o, or replace it with --force.")
    data, content = read_content(file)
    names = named_files(data)
    outside = [name for name in names if not is_inside(name)]
    if outside and not allow_missing:
        raise WorkflowError(
            f"The workflow names {', '.join(map(quote, outside))}, which lies outside the input folder and is not "
            "sent along. Copy it into the input folder and choose it there, or pack without it: --allow-missing."
        )
    found = {name: None if name in outside else local_file(name, folders) for name in names}
    missing = [name for name, path in found.items() if path is None]
    if missing and not allow_missing:
        raise WorkflowError(
            f"The input files {', '.join(map(quote, missing))} are in none of these folders: "
            f"{', '.join(map(str, folders))}. Say where they are with --input DIR, or pack without them: "
            "--allow-missing."
        )
    made, packed = _find_outputs(data, folders), dict[str, bytes]()
    for folder, files in ((INPUT, found), (OUTPUT, made)):
        for name, path in files.items():
            if path is not None:
                sent = plain_name(name, path)
                if sent != name:  # no loader opens a file by its content
                    content = content.replace(name.encode(), sent.encode())
                packed[folder + sent] = path.read_bytes()
    packed |= {f"{EXPECTED}{path.name}": path.read_bytes() for path in expected}
    contents = {file.with_suffix(".json").name: content, **packed}
    missing += [f"{OUTPUT}{name}" for name, path in made.items() if path is None]
    check_names([LIST, README, *contents])
    needs = tuple(identify(need, models) for need in model_needs(data))
    nodes = tuple(_with_packs(node_needs(data), models.parent))
    for each in (*needs, *nodes):
        _require_printable(each)
    workflow = next(iter(contents))
    text = readme(Bundle(version(), workflow, _files(contents), needs, nodes)).encode()
    contents[README] = text
    bundle = Bundle(version(), workflow, _files(contents), needs, nodes)
    Bundle.from_json(bundle.to_json().encode())  # what could not be read back fails here, not at the colleague
    partial = output.with_name(f".{output.name}.part")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in {LIST: bundle.to_json().encode(), **contents}.items():
                archive.writestr(_entry(name), content)
        os.replace(partial, output)
    finally:
        partial.unlink(missing_ok=True)
    return bundle, missing


def _find_outputs(data: Document, folders: list[Path]) -> dict[str, Path | None]:
    """The files of ComfyUI's output folder that a workflow reads: where they are, None where they are not found."""
    places = [folder.parent / OUTPUT_FOLDER for folder in folders if folder.name == INPUT_FOLDER]
    names = named_files(data, folder=OUTPUT_FOLDER)
    return {name: local_file(name, places) if is_inside(name) else None for name in names}


def _with_packs(needs: list[NodeNeed], comfyui: Path) -> list[NodeNeed]:
    """The kinds of nodes with the packs that this ComfyUI has them from, where the workflow does not name them."""
    unnamed = {need.kind for need in needs if not need.pack}
    place = ComfyFolder(comfyui, unnamed)
    return [need if need.pack else replace(need, pack=place.pack_of(need) or "") for need in needs]


def _require_printable(need: ModelNeed | NodeNeed) -> None:
    fault = next((text for text in asdict(need).values() if not text.isprintable()), None)
    if fault is not None:
        raise ArchiveError(
            f"the workflow names {quote(fault)}, which no list can hold. Give it another name in ComfyUI."
        )


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _MOMENT)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o100644 << 16
    return entry


def _files(contents: dict[str, bytes]) -> tuple[BundleFile, ...]:
    return tuple(BundleFile(name, hashlib.sha256(content).hexdigest()) for name, content in contents.items())


def identify(need: ModelNeed, models: Path) -> ModelNeed:
    """The model with the folder and sha256 of the file under `models`, where it is there; else as the workflow says."""
    path = model_file(need, models)
    if path is None:
        return need
    directory = need.directory or path.relative_to(models).parts[0]
    return replace(need, directory=directory, sha256=sha256_of(path))


def unpack(options: argparse.Namespace) -> int:
    """Unpack a zip and say what to do with its files; returns the exit code."""
    target: Path = options.to or Path(options.zip.stem)
    try:
        bundle = open_bundle(options.zip, target, int(options.limit * 1e9))
    except (ArchiveError, OSError) as error:
        say_error(error, f"Error: {options.zip} was not unpacked, nothing was written: ")
        return 1
    print(f"{target / bundle.workflow}: drop it into ComfyUI's window. Packed by Steer {bundle.steer}.")
    if bundle.inputs:
        print(
            f"  Copy what is in {target / INPUT.rstrip('/')} into ComfyUI's input folder; `run.py queue` finds it "
            "where it is."
        )
    if bundle.outputs:
        print(f"  Copy what is in {target / OUTPUT.rstrip('/')} into ComfyUI's output folder.")
    print("\n".join(f"  {plain(line)}" for line in list_needs(bundle)))
    if options.remake:
        from .remake import remake_bundle

        return remake_bundle(target, bundle, options.comfyui_url)
    if bundle.expected:
        print(f"  What it should make is in {target / EXPECTED.rstrip('/')}. --remake makes it again and compares.")
    return 0


def open_bundle(path: Path, target: Path, limit: int) -> Bundle:
    """Unpack the zip at `path` as the new folder `target`; returns what it holds.

    Raises:
        ArchiveError: something about the zip is not as `pack` writes it, or its files are more than `limit` bytes.
            Nothing was written.
        OSError: from the disk.
    """
    with open_zip(path) as archive:
        entries = list_entries(archive, limit)
        if LIST not in entries:
            raise ArchiveError(f"it holds no {LIST}, so `run.py pack` has not made it.")
        text = io.BytesIO()
        copy_entry(archive, entries[LIST], text.write, MAX_LIST)
        bundle = Bundle.from_json(text.getvalue())
        files = {file.name: file.sha256 for file in bundle.files}
        if files.keys() != entries.keys() - {LIST}:
            stray = sorted(files.keys() ^ (entries.keys() - {LIST}))[0]
            raise ArchiveError(f"{quote(stray)} is in the zip or in its {LIST}, but not in both.")
        extract(archive, {entries[name]: sha256 for name, sha256 in files.items()}, target)
    return bundle
