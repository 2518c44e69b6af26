"""The inputs of ComfyUI's nodes, read from their declarations."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from comfy_execution.graph import get_input_info

from ...api import io
from .targets import ANY, CHOICE, Target

DYNAMIC_CHOICE = "COMFY_DYNAMICCOMBO_V3"  # a choice that brings inputs of its own


def kinds_of_nodes() -> Mapping[str, Any]:
    """The classes of all nodes that ComfyUI has, by their kind."""
    import nodes  # ComfyUI's, which is there when a graph runs

    return getattr(nodes, "NODE_CLASS_MAPPINGS")  # noqa: B009  # the checker takes `nodes` for this pack's


def read_target(prompt: Mapping[str, Any], node_id: str, name: str) -> Target:
    """What the input `name` of a node takes. An input that its node does not declare takes anything."""
    node = prompt[node_id]
    kind = kinds_of_nodes().get(node["class_type"])
    title = title_of(node)
    found = get_input_info(kind, name) if kind is not None else (None, None, None)
    declared: Any = found[0]
    options: Any = found[2] or {}
    if declared is None:
        return Target(node_id, name, title, ANY)
    checks = _has_own_check(kind, name)
    if isinstance(declared, list | tuple):
        return Target(node_id, name, title, CHOICE, tuple(declared), checks_itself=checks)
    if str(declared) == CHOICE:
        listed = options.get("options")
        known = tuple(listed) if isinstance(listed, list | tuple) and "remote" not in options else None
        return Target(node_id, name, title, CHOICE, known, checks_itself=checks)
    if str(declared) == DYNAMIC_CHOICE:
        keys = tuple(option["key"] for option in options.get("options", ()))
        return Target(node_id, name, title, CHOICE, keys, checks_itself=checks)
    low, high = (options.get(limit) for limit in ("min", "max"))
    return Target(node_id, name, title, str(declared), None, low, high, checks)


def title_of(node: Mapping[str, Any]) -> str:
    """What the artist calls a node of a prompt."""
    meta = node.get("_meta")
    named = meta.get("title") if isinstance(meta, dict) else None
    return str(named or node["class_type"])


def _has_own_check(kind: Any, name: str) -> bool:
    """Whether the node checks this input by a function of its own: its choices are then not all it takes."""
    check = getattr(kind, "VALIDATE_INPUTS", None)
    own = getattr(kind, "validate_inputs", None)
    if own is not None and getattr(own, "__func__", own) is not io.ComfyNode.validate_inputs.__func__:
        check = own
    try:
        taken = inspect.signature(check).parameters if check is not None else {}
    except (TypeError, ValueError):
        return False
    return name in taken or any(part.kind is part.VAR_KEYWORD for part in taken.values())
