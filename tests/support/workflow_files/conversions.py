"""Prompts of ComfyUI's frontend and of Steer for the same workflow, compared node by node."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from steer.runner.workflow import Workflow
from steer.runner.workflow.frontend import texts
from steer.runner.workflow.frontend.kinds import inputs_of, options_of
from steer.runner.workflow.prompt import WorkflowError
from steer.runner.workflow.ui_graph import VIRTUAL

ROOT = Path(__file__).resolve().parents[3]
CASES = ROOT / "tests" / "runner" / "cases"
TEMPLATES = ("core", "json", "media_api", "media_image", "media_other", "media_video")
Graph = dict[str, Any]
EXACT = 2**53  # whole numbers above are not exact in a browser


# Where Steer differs on purpose: the name of the case, and why.
ON_PURPOSE = {
    "group-node": "a legacy group node is refused, with the way to make a subgraph of it",
    "primitive-by-reroute": "a PrimitiveNode behind a Reroute: this frontend sends what the widget held before",
    "subgraph-older-values-with-control": "this frontend takes the control behind a seed for the next value",
}


@dataclass
class Comparison:
    """How the two prompts of a workflow differ. shown: values that only the frontend's own widgets read.

    on_purpose: why, where Steer means to differ.
    """

    name: str
    nodes: int = 0
    values: int = 0
    different: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    on_purpose: str = ""


class _First:
    """In the place of a random generator: the first of each choice, as the browser's page is made to choose."""

    def __init__(self, seed: object = None) -> None: ...

    def choice(self, options: list[str]) -> str:
        return options[0]


def our_prompt(graph: Graph, object_info: Mapping[str, Any]) -> Graph | str:
    """Steer's prompt, or why there is none."""
    try:
        with mock.patch.object(texts.random, "Random", _First):
            return json.loads(json.dumps(Workflow(graph, dict(object_info)).prompt))
    except WorkflowError as error:
        return str(error)


def compare(name: str, theirs: Graph | str, ours: Graph | str, object_info: Mapping[str, Any]) -> Comparison:
    """theirs, ours: the prompts, or why there is none."""
    found = _compare(Comparison(name), theirs, ours, object_info)
    if found.different and name in ON_PURPOSE:
        found.different, found.on_purpose = [], ON_PURPOSE[name]
    return found


def _compare(found: Comparison, theirs: Graph | str, ours: Graph | str, object_info: Mapping[str, Any]) -> Comparison:
    if isinstance(theirs, str) or isinstance(ours, str):
        if isinstance(theirs, str) != isinstance(ours, str):
            found.different.append(f"frontend: {str(theirs)[:120]}; Steer: {str(ours)[:120]}")
        return found
    found.nodes = len(theirs)
    for node_id in theirs.keys() | ours.keys():
        one, other = theirs.get(node_id), ours.get(node_id)
        if one is None or other is None or one["class_type"] != other["class_type"]:
            found.different.append(f"node {node_id}: {_kind(one)} and {_kind(other)}")
            continue
        inputs = inputs_of(object_info.get(one["class_type"], {}))
        declared = {each for each, spec in inputs if "remote" not in options_of(spec)}  # those show a list of their own
        for key in one["inputs"].keys() | other["inputs"].keys():
            found.values += 1
            pair = one["inputs"].get(key, "nothing"), other["inputs"].get(key, "nothing")
            if not _alike(*pair):
                line = f"{one['class_type']}.{key} ({node_id}): {pair[0]!r} and {pair[1]!r}"
                (found.different if key in declared else found.shown).append(line)
    return found


def _kind(node: Graph | None) -> str:
    return node["class_type"] if node else "nothing"


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)) and abs(one) > EXACT:
        return float(one) == float(other)
    return one == other and (isinstance(one, bool) == isinstance(other, bool))


def official_templates() -> Iterator[tuple[str, Graph]]:
    """The workflows of ComfyUI's own template packages by name, the smallest first."""
    specs = (importlib.util.find_spec(f"comfyui_workflow_templates_{part}") for part in TEMPLATES)
    folders = (folder for spec in specs if spec for folder in spec.submodule_search_locations or ())
    for path in sorted((path for folder in folders for path in Path(folder).rglob("*.json")), key=_size_and_name):
        graph = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(graph, dict) and isinstance(graph.get("nodes"), list):
            yield path.stem, graph


def _size_and_name(path: Path) -> tuple[int, str]:
    return path.stat().st_size, path.name


def is_known(graph: Graph, object_info: Mapping[str, Any]) -> bool:
    """Whether ComfyUI has every kind of node of a workflow."""
    subgraphs = (graph.get("definitions") or {}).get("subgraphs") or []
    kinds = {node["type"] for each in (graph, *subgraphs) for node in each["nodes"]}
    groups = {kind for kind in kinds if kind.startswith("workflow>")}
    return not kinds - {each["id"] for each in subgraphs} - object_info.keys() - VIRTUAL - groups
