"""Which nodes of a UI workflow are sent to the server, and which are not, as ComfyUI's frontend decides it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .frontend.shape import subgraphs_of

MUTED, BYPASSED = 2, 4
PRIMITIVE = "PrimitiveNode"
VIRTUAL = {"Note", "MarkdownNote", "Reroute", PRIMITIVE, "GetNode", "SetNode"}
# rgthree's, which have sockets and are never sent either; its Reroute passes a value on and is not among them.
SWITCHES = {
    f"{name} (rgthree)"
    for name in (
        "Bookmark",
        "Fast Actions Button",
        "Fast Bypasser",
        "Fast Groups Bypasser",
        "Fast Groups Muter",
        "Fast Muter",
        "Label",
        "Mute / Bypass Relay",
        "Mute / Bypass Repeater",
        "Node Collector",
        "Random Unmuter",
    )
}


def server_nodes(workflow: dict[str, Any], idle: bool) -> Iterator[dict[str, Any]]:
    """Every node that the server must know, those inside subgraphs too.

    idle: also those that do not run: muted, bypassed, or in a subgraph that is or that nothing uses.
    """
    inner = {str(graph["id"]): graph for graph in subgraphs_of(workflow)}
    todo = [workflow, *inner.values()] if idle else [workflow]
    seen: set[str] = set()
    while todo:
        for node in todo.pop(0).get("nodes") or []:
            if not isinstance(node, dict) or (not idle and node.get("mode") in (MUTED, BYPASSED)):
                continue
            kind = str(node.get("type"))
            if kind not in inner:
                if kind not in VIRTUAL | SWITCHES and not _is_label(node):
                    yield node
            elif not idle and kind not in seen:
                seen.add(kind)
                todo.append(inner[kind])


def _is_label(node: dict[str, Any]) -> bool:
    """Whether a node has no socket of any kind; the frontend gives every widget of a node of the server one."""
    return node.get("inputs") == [] and node.get("outputs") == []
