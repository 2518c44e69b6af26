"""Collects the nodes of all families. A fault in one is logged by name and hides no other.

What a node raises leaves Steer here. ComfyUI writes it into its log, and an error of the log ends the thread that runs
prompts.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

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
        for node in listed:
            schema = _schema_of(node, family)
            if schema is not None:
                _guard(node, schema)
                nodes.append(node)
    return nodes


def _guard(node: type[io.ComfyNode], schema: io.Schema) -> None:
    """Let a node's errors be such as can be printed wherever ComfyUI sends them, and its texts and numbers be such."""
    texts = [each.id for each in schema.inputs if isinstance(each, io.Combo.Input | io.String.Input)]
    numbers = [each.id for each in schema.inputs if isinstance(each, io.Float.Input)]
    for name in CALLED:
        own = node.__dict__.get(name)
        if isinstance(own, classmethod) and not hasattr(own.__func__, "__wrapped__"):
            function = _checks_widgets(own.__func__, texts, numbers) if name == "execute" else own.__func__
            setattr(node, name, classmethod(raises_printable(function)))


def _checks_widgets(execute: Callable[..., Any], texts: Sequence[str], numbers: Sequence[str]) -> Callable[..., Any]:
    """`execute`, after a look at its texts and numbers: ComfyUI lets a prompt put anything in their place, and NaN."""

    @functools.wraps(execute)
    def call(*args: Any, **named: Any) -> Any:
        for name in (*texts, *numbers):
            value = named.get(name)
            for each in value if isinstance(value, list) else (value,):
                if name in texts and each is not None and not isinstance(each, str):
                    raise ValueError(f"{name}: {str(each)[:40]} is no text. Choose or write one.")
                if isinstance(each, float) and math.isnan(each):
                    raise ValueError(f"{name}: nan is no number. Write one.")
        return execute(*args, **named)

    return call


def _schema_of(node: type[io.ComfyNode], family: str) -> io.Schema | None:
    """The schema of a node; None, and a line in the log, where it is faulty."""
    try:
        return node.GET_SCHEMA()
    except Exception:
        log.exception(
            "Steer: the node '%s' of family '%s' has a faulty schema and was left out.", node.__name__, family
        )
        return None


class SteerExtension(ComfyExtension):
    """Steer as ComfyUI sees it."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Every usable node of Steer."""
        return load_families()
