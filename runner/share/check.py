"""`python run.py check`: which nodes, models and input files workflows need, and which of them are missing."""

from __future__ import annotations

import argparse
import sys
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from ...files import is_inside
from ..comfyui.address import full_url
from ..comfyui.client import ComfyClient
from ..comfyui.inventory import ComfyFolder, RunningComfy
from ..comfyui.messages import QueueError
from ..engine import SetupError, require_comfyui
from ..workflow.bundled import list_twins
from ..workflow.conversion import as_offered
from ..workflow.media import OUTPUT, is_asset
from ..workflow.needs import (
    ModelNeed,
    NodeNeed,
    folders_beside,
    local_file,
    model_needs,
    named_files,
    node_needs,
)
from ..workflow.prompt import WorkflowError
from ..workflow.reading import Document, Graph, read_graph, read_workflow
from ..workflow.workflow import Workflow
from .archive import plain
from .options import ALL_THERE, NOT_CHECKED, SOMETHING_MISSING, WHICH_COMFYUI


@dataclass
class Findings:
    """What a workflow needs, and whether it is there. packs: None where the kind of node is missing."""

    nodes: list[tuple[NodeNeed, str | None]] = field(default_factory=list)
    models: list[tuple[ModelNeed, bool]] = field(default_factory=list)
    files: list[tuple[str, bool]] = field(default_factory=list)
    outputs: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def missing(self) -> int:
        """How many things are not there."""
        found = [pack is not None for _, pack in self.nodes]
        found += [there for _, there in (*self.models, *self.files, *self.outputs)]
        return found.count(False)


def run(options: argparse.Namespace) -> int:
    """Check the files and print what was found; returns the exit code."""
    missing = 0
    try:
        workflows = {path: read_workflow(path) for path in options.files}
        place = _place(options, workflows)
        for path, data in workflows.items():
            findings = examine(data, place, [*options.input, *folders_beside(path)])
            print(plain(f"{path}, checked against {place.name}:"))
            print("\n".join(f"  {line}" for line in describe(findings)), flush=True)
            missing += findings.missing
    except (WorkflowError, QueueError, SetupError, OSError) as error:
        say_error(error)
        return NOT_CHECKED
    return SOMETHING_MISSING if missing else ALL_THERE


def _place(options: argparse.Namespace, workflows: dict[Path, Document]) -> RunningComfy | ComfyFolder:
    if options.comfyui_url:
        return RunningComfy(ComfyClient(full_url(options.comfyui_url)))
    require_comfyui(options.comfyui, WHICH_COMFYUI)
    if (options.comfyui / "extra_model_paths.yaml").is_file():
        print("Note: extra_model_paths.yaml is not read. --comfyui-url URL asks the running ComfyUI, which knows it.")
    return ComfyFolder(options.comfyui, {need.kind for data in workflows.values() for need in node_needs(data)})


def examine(data: Document, place: RunningComfy | ComfyFolder, folders: list[Path]) -> Findings:
    """What the workflow needs of `place` to run; input files may also lie in `folders`.

    A running ComfyUI is judged by what its nodes offer, as `queue` is.
    """
    offered = Workflow(data, place.object_info).offered() if isinstance(place, RunningComfy) else {}
    choices = list(offered)

    def has_model(need: ModelNeed) -> bool:
        name = as_offered(need.name, choices)
        return offered[name] if name in offered else place.has_model(need)

    def has_file(name: str) -> bool:
        if not is_inside(name):
            return False
        return local_file(name, folders) is not None or (not is_asset(name) and place.has_input(name))

    outputs = named_files(data, idle=False, folder=OUTPUT)
    return Findings(
        [(need, place.pack_of(need)) for need in node_needs(data, idle=False)],
        [(need, has_model(need)) for need in model_needs(data, idle=False)],
        [(name, has_file(name)) for name in named_files(data, idle=False)],
        [(name, is_inside(name) and _has_output(place, name)) for name in outputs],
    )


def _has_output(place: RunningComfy | ComfyFolder, name: str) -> bool:
    if isinstance(place, ComfyFolder):
        return local_file(name, [place.folder / OUTPUT]) is not None
    folder, _, file = name.rpartition("/")
    query = urllib.parse.urlencode({"filename": file, "subfolder": folder, "type": OUTPUT})
    return not is_asset(name) and place.client.has(f"/view?{query}")


def twins_with_models(place: RunningComfy | ComfyFolder) -> dict[str, Graph]:
    """Those bundled twins by name of which `place` has every model."""
    twins = {path.stem: read_graph(path) for path in list_twins()}
    return {name: graph for name, graph in twins.items() if all(map(place.has_model, model_needs(graph, idle=False)))}


def describe(findings: Findings) -> Iterator[str]:
    """The findings as lines for people."""
    there = sorted((pack, need.kind) for need, pack in findings.nodes if pack is not None)
    for pack, pairs in groupby(there, key=lambda pair: pair[0]):
        yield plain(f"there    nodes of {pack}: {', '.join(kind for _, kind in pairs)}")
    for need, pack in findings.nodes:
        if pack is None:
            source = f"of {need.pack} {need.version}".strip() if need.pack else "(the workflow does not name its pack)"
            yield plain(f"MISSING  node {need.kind} {source}")
    for need, has in findings.models:
        yield plain(f"{_word(has)} model {'/'.join(filter(None, (need.directory, need.name)))}")
        if not has and need.url:
            yield plain(f"         {need.url}")
    for kind, files in (("input", findings.files), ("output", findings.outputs)):
        for name, has in files:
            yield plain(f"{_word(has)} {kind} file {name}")
            if not has and is_asset(name):
                yield "         It is named by its content, and no loader opens it so: choose it in the node again."
    yield f"{findings.missing or 'Nothing'} missing."


def _word(there: bool) -> str:
    return "there   " if there else "MISSING "


def say_error(error: Exception, before: str = "Error: ") -> None:
    """Print an error beside the output. Of a file it is one line; the text of a stranger in it steers no terminal."""
    text = f"{before}{error}"
    lines = [text] if isinstance(error, WorkflowError) else text.splitlines()
    print("\n".join(map(plain, lines)), file=sys.stderr)
