"""The graph that runs, as nodes look into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

# A node of the API prompt by its id; None where there is none.
GetNode = Callable[[str], "Mapping[str, Any] | None"]


def nodes_of(dynprompt: Any) -> GetNode:
    """The nodes of the hidden input `dynprompt`, with those that nodes added; none when a node is called alone."""
    return lambda node_id: dynprompt.get_node(node_id) if dynprompt and dynprompt.has_node(node_id) else None


def is_link(value: Any) -> bool:
    """Whether the input of a node is a link, by ComfyUI's own rule (comfy_execution.graph_utils.is_link)."""
    return (
        isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int | float)
    )
