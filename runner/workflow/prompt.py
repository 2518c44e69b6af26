"""A prompt in ComfyUI's API format: a dictionary of nodes by id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...nodes.prompt_graph import is_link

Prompt = dict[str, dict[str, Any]]


class WorkflowError(Exception):
    """A workflow file, or an option that changes one, cannot be used. The message says which and why."""


def missing_nodes(kinds: Iterable[str]) -> WorkflowError:
    """The error for kinds of nodes that a ComfyUI lacks."""
    return WorkflowError(f"This ComfyUI has no node named {', '.join(kinds)}. Is the pack it belongs to installed?")


def node_title(prompt: Prompt, node_id: str) -> str:
    """What the user calls a node: its title, else its kind, else its id."""
    node = prompt.get(node_id, {})
    return str(node.get("_meta", {}).get("title") or node.get("class_type") or node_id)


def is_node(data: Any) -> bool:
    """Whether `data` is a node of the API format."""
    return isinstance(data, dict) and isinstance(data.get("class_type"), str) and isinstance(data.get("inputs"), dict)


def is_prompt(data: Any) -> bool:
    """Whether `data` is a workflow in API format."""
    return isinstance(data, dict) and bool(data) and all(map(is_node, data.values()))


def sources_of(node: dict[str, Any]) -> set[str]:
    """The ids of the nodes that a node's inputs come from."""
    return {value[0] for value in node["inputs"].values() if is_link(value)}


def ancestors(prompt: Prompt, node_id: str) -> set[str]:
    """The node and all that it needs."""
    found: set[str] = set()
    todo = [node_id]
    while todo:
        current = todo.pop()
        if current not in found and current in prompt:
            found.add(current)
            todo += sources_of(prompt[current])
    return found


def find_nodes(prompt: Prompt, name: str) -> list[str]:
    """The ids of the nodes with that title, kind or id; upper and lower case are alike."""
    return [
        node_id
        for node_id, node in prompt.items()
        if is_called(name, node_title(prompt, node_id), node["class_type"], node_id)
    ]


def is_called(name: str, *names: str) -> bool:
    """Whether `name` is one of the names; upper and lower case are alike."""
    return name.casefold() in (each.casefold() for each in names)


def widgets_of(node: dict[str, Any]) -> list[str]:
    """Those inputs of a node that are values, not links."""
    return [name for name, value in node["inputs"].items() if not is_link(value)]
