"""Warnings in ComfyUI's log, each once for a node in one run of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from ...text.printable import get_log

log = get_log(__name__)
# What was logged of each node, as long as the graph runs in which it did: lists call a node once for each item.
_LOGGED: WeakKeyDictionary[Any, set[tuple[str, str]]] = WeakKeyDictionary()


def log_once(texts: Sequence[str], title: str, name: str, dynprompt: Any, node_id: str) -> None:
    """Log each sentence that was not logged yet. title: of the node. name: of the file that it is about."""
    logged = set[tuple[str, str]]() if dynprompt is None else _LOGGED.setdefault(dynprompt, set())
    for text in filter(None, texts):
        if (node_id, text) not in logged:
            logged.add((node_id, text))
            log.warning("%s%s: %s.", title, f" ({name})" if name else "", text)
