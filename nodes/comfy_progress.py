"""Progress bars, Cancel and the line of text below a running node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import comfy.model_management
import comfy.sample
import comfy.samplers
import comfy.sd
import comfy.utils
from comfy_execution.utils import get_executing_context


def track_progress(items: Iterable[Any], count: int) -> Iterator[Any]:
    """The items, with progress after each and Cancel before each."""
    progress = comfy.utils.ProgressBar(count)
    iterator = iter(items)
    for _ in range(count):
        comfy.model_management.throw_exception_if_processing_interrupted()
        yield next(iterator)
        progress.update(1)


def show_text(text: str) -> None:
    """Show a line on the node that is running (it is gone after a reload; outputs say the same)."""
    from server import PromptServer  # loading it is not this pack's to do

    context = get_executing_context()
    server = getattr(PromptServer, "instance", None)
    if context is not None and server is not None:
        server.send_progress_text(text, context.node_id)


def send_progress_text(text: str, node_id: str) -> None:
    """Text below the node, where this ComfyUI has that and runs as a server."""
    from server import PromptServer  # there when a graph runs

    instance = getattr(PromptServer, "instance", None)
    if instance is not None and hasattr(instance, "send_progress_text"):
        instance.send_progress_text(text, node_id)
