"""Collects the nodes of all families. A fault in one is logged by name and hides no other.

What a node raises leaves Steer here. ComfyUI writes it into its log, and an error of the log ends the thread that runs
prompts.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from .api import ComfyExtension, io
from .text.printable import get_log, raises_printable

FAMILIES = ("noise", "seeds", "prompts", "sweep", "preprocess", "control", "demo")

CALLED = ("execute", "fingerprint_inputs", "validate_inputs", "check_lazy_status")  # by ComfyUI, of a node

log = get_log(__name__)


def load_families(
    families: Iterable[str] = FAMILIES, package: str = __package__ or "nodes"
) -> list[type[io.ComfyNode]]:
    """The usable nodes of the families: those in the NODES lists of the modules `<package>.<family>.nodes`.

    ComfyUI builds all schemas inside one `try`, so a single faulty one would drop the whole pack. Each is built here
    first. A family or node that raises is logged with its name and left out.
    """
    nodes: list[type[io.ComfyNode]] = []
    for family in families:
        try:
            listed = importlib.import_module(f"{package}.{family}.nodes").NODES
        except Exception:
            log.exception("Steer: the node family '%s' could not be loaded; the others are not affected.", family)
            continue
        nodes.extend(_guard(node) for node in listed if _has_valid_schema(node, family))
    return nodes


def _guard(node: type[io.ComfyNode]) -> type[io.ComfyNode]:
    """The node, whose errors can be printed wherever ComfyUI sends them."""
    for name in CALLED:
        own = node.__dict__.get(name)
        if isinstance(own, classmethod) and not hasattr(own.__func__, "__wrapped__"):
            setattr(node, name, classmethod(raises_printable(own.__func__)))
    return node


def _has_valid_schema(node: type[io.ComfyNode], family: str) -> bool:
    try:
        node.GET_SCHEMA()
    except Exception:
        log.exception(
            "Steer: the node '%s' of family '%s' has a faulty schema and was left out.", node.__name__, family
        )
        return False
    return True


class SteerExtension(ComfyExtension):
    """Steer as ComfyUI sees it."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Every usable node of Steer."""
        return load_families()
