"""The one place that imports ComfyUI's V3 node API, and what newer ComfyUIs know beyond the oldest that Steer runs on.

v0_0_2 is the versioned name its maintainers ask packs to use; it holds the same objects as `latest`.
"""

import inspect
from collections.abc import Callable
from typing import Any

from comfy_api.v0_0_2 import ComfyExtension, io, ui

__all__ = ["ComfyExtension", "fold", "io", "search_words", "ui"]


def _takes(call: Callable[..., Any], name: str) -> bool:
    return name in inspect.signature(call).parameters


_KNOWS_WORDS = _takes(io.Schema, "search_aliases")


def search_words(*words: str) -> dict[str, Any]:
    """For a schema: words by which the node is found too, where ComfyUI knows such. 0.3.75 searches names alone."""
    return {"search_aliases": list(words)} if _KNOWS_WORDS else {}


def fold(declared: io.Input) -> io.Input:
    """The input, which is rarely touched: the frontend folds it away, and it keeps its place among the widgets.

    In this form every ComfyUI sends it to the frontend, whether its API has a name for it or not. Nodes 2.0 in the
    frontend 1.32 shows it all the same.
    """
    declared.extra_dict["advanced"] = True
    return declared
