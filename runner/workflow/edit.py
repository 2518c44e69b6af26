"""Workflow files: which there are, reading one, changing a widget, turning it into a prompt for the API."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..pack import ROOT
from .prompt import Prompt, WorkflowError, find_nodes, widgets_of
from .ui_graph import server_nodes, subgraphs

Workflow = dict[str, Any]
FOLDER = ROOT / "workflows"
SD15_TWIN = "-sd15"
_PROBE = "steer-probe-value"
_CHOICE = f"{{{_PROBE}|{_PROBE}}}"


@dataclass(frozen=True)
class Setting:
    """`--set TITLE.widget=value`."""

    title: str
    widget: str
    value: Any

    @classmethod
    def parse(cls, text: str) -> Setting:
        target, equals, value = text.partition("=")
        title, dot, widget = target.rpartition(".")
        if not equals or not dot or not title.strip() or not widget.strip():
            raise WorkflowError(
                f"--set {text}: write it as NODE_TITLE.widget=value, for example --set Canny.low_threshold=50"
            )
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = value
        return cls(title.strip(), widget.strip(), parsed)


def note_of(graph: Workflow) -> tuple[str, str]:
    """(question, what to look at) of a slide, from the heading and the "Look at" paragraph of its note; else empty."""
    notes = (str(node["widgets_values"][0]) for node in graph.get("nodes", []) if node.get("type") == "MarkdownNote")
    for text in notes:
        paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
        question = next((part.removeprefix("## ") for part in paragraphs if part.startswith("## ")), "")
        return question, next((part for part in paragraphs if part.startswith("**Look at**")), "")
    return "", ""


def list_bundled() -> list[Path]:
    """The bundled workflows in lecture order, without the twins that need a downloaded checkpoint."""
    return sorted(path for path in FOLDER.glob("[0-9]*.json") if not path.stem.endswith(SD15_TWIN))


def find(name: str) -> list[Path]:
    """The workflows that `--only NAME` means: a file, a bundled name, or the start of one ("08", "08-canny")."""
    if name.endswith(".json"):
        path = Path(name) if Path(name).exists() else FOLDER / name
        if not path.is_file():
            raise WorkflowError(f"--only {name}: there is no such file")
        return [path]
    exact = FOLDER / f"{name}.json"
    found = [exact] if exact.exists() else [path for path in list_bundled() if path.stem.startswith(name)]
    if not found:
        names = ", ".join(path.stem for path in list_bundled())
        raise WorkflowError(f"--only {name}: no bundled workflow has that name. There are: {names}")
    return found


def read_workflow(path: Path) -> Workflow:
    try:
        workflow = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WorkflowError(f"{path} is not a workflow file: {error}") from error
    if not isinstance(workflow, dict) or not isinstance(workflow.get("nodes"), list):
        raise WorkflowError(f"{path} is JSON but not a workflow: it has no list of nodes. Save it from ComfyUI again.")
    return workflow


def to_prompt(workflow: Workflow, object_info: dict[str, Any]) -> Prompt:
    """The API prompt of a UI workflow. Raises WorkflowError where this ComfyUI lacks a node that runs."""
    from comfy_cli.workflow_to_api import (  # pyright: ignore[reportMissingTypeStubs]
        WorkflowConversionError,
        convert_ui_to_api,
    )

    missing = sorted({str(node.get("type")) for node in server_nodes(workflow, idle=False)} - set(object_info))
    if missing:
        raise WorkflowError(
            f"This ComfyUI has no node named {', '.join(missing)}. Is the pack it belongs to installed?"
        )
    try:
        prompt = convert_ui_to_api(workflow, object_info)  # copies it first
    except WorkflowConversionError as error:
        raise WorkflowError(f"The workflow cannot be read: {error}. Save it from ComfyUI again.") from error
    sent = set(object_info) | {str(graph.get("id")) for graph in subgraphs(workflow)}
    return {i: node for i, node in prompt.items() if node["class_type"] in sent}  # the rest are labels and switches


def settle(workflow: Workflow, object_info: dict[str, Any], place: str = "") -> Workflow:
    """A copy in which the choices of `{a|b}` in its prompts are made, so that it is the same prompt each time.

    They hang on the text, its node and `place` (such as the seed) alone. ComfyUI's frontend makes them at random.
    """
    changed = copy.deepcopy(workflow)
    for graph in (changed, *subgraphs(changed)):
        for node in graph.get("nodes") or []:
            values = node.get("widgets_values") or []
            for key in list(values) if isinstance(values, dict) else range(len(values)):
                text = values[key]
                if isinstance(text, str) and "{" in text:
                    values[key] = _CHOICE
                    prompt = to_prompt(changed, object_info)
                    chooses = any(_PROBE in each["inputs"].values() for each in prompt.values())
                    where = f"{place}\n{graph.get('id')}\n{node.get('id')}\n{key}\n{text}"
                    values[key] = _choose(text, where) if chooses else text
    return changed


def _choose(text: str, where: str) -> str:
    """The text with its choices made; a brace that is left is one to be drawn, and stays so when read again."""
    from comfy_cli.workflow_to_api import process_dynamic_prompt  # pyright: ignore[reportMissingTypeStubs]

    state = random.getstate()
    random.seed(where)
    try:
        return str(process_dynamic_prompt(text)).replace("{", "\\{")
    finally:
        random.setstate(state)


def has_node(workflow: Workflow, object_info: dict[str, Any], setting: Setting) -> bool:
    return bool(find_nodes(to_prompt(workflow, object_info), setting.title))


def apply(workflow: Workflow, object_info: dict[str, Any], setting: Setting) -> Workflow:
    """The workflow with one widget changed, so that the pictures it saves carry the value that made them.

    Where a widget's value sits in `widgets_values` is found by putting a mark into each place in turn and looking
    where it comes out: the converter alone knows the order.
    """
    prompt = to_prompt(workflow, object_info)
    places = [
        locate(workflow, object_info, node_id, setting.widget, f"--set {setting.title}.{setting.widget}")
        for node_id in find_nodes(prompt, setting.title)
    ]
    return with_values(workflow, places, setting.value)


@dataclass(frozen=True)
class Place:
    """Where a UI workflow keeps the value of a widget: in `widgets_values` of a node, at a number or name."""

    node_id: str
    key: int | str


def locate(workflow: Workflow, object_info: dict[str, Any], node_id: str, widget: str, who: str) -> Place:
    """Where the value of a node's widget is. Raises WorkflowError, beginning with `who` asks, where it has none.

    All others must stay as they are: a mark in the place of "randomize" behind a seed shifts them all by one.
    """
    inputs = to_prompt(workflow, object_info).get(node_id, {}).get("inputs", {})
    changed = copy.deepcopy(workflow)
    node = _node(changed, node_id)
    if node is None:
        raise WorkflowError(f"{who}: that node is inside a subgraph; open the workflow to change it")
    values = node.get("widgets_values") or []
    for key in list(values) if isinstance(values, dict) else range(len(values)):
        old, values[key] = values[key], _PROBE
        if to_prompt(changed, object_info)[node_id]["inputs"] == inputs | {widget: _PROBE}:
            return Place(node_id, key)
        values[key] = old
    raise WorkflowError(f"{who}: the node has no such widget. It has: {', '.join(widgets_of(inputs))}")


def with_values(workflow: Workflow, places: Iterable[Place], value: Any) -> Workflow:
    """A copy of the workflow with `value` in all these places."""
    changed = copy.deepcopy(workflow)
    for place in places:
        node = _node(changed, place.node_id)
        assert node is not None  # locate() has found it
        node["widgets_values"][place.key] = value
    return changed


def _node(workflow: Workflow, node_id: str) -> dict[str, Any] | None:
    """The node of a UI workflow that an API prompt calls `node_id`, such as 12:7 for node 7 in the subgraph 12."""
    graph = workflow
    *path, last = node_id.split(":")
    for part in path:
        kind = next((str(n["type"]) for n in graph.get("nodes", []) if str(n["id"]) == part), "")
        graph = next((g for g in subgraphs(workflow) if g["id"] == kind), {})
    return next((node for node in graph.get("nodes", []) if str(node["id"]) == last), None)
