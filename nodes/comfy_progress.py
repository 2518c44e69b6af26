"""Progress bars, Cancel and the line of text below a running node."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import comfy.model_management
import comfy.utils
from comfy_execution.utils import get_executing_context

from .text.printable import printable

Item = TypeVar("Item")
FRAMES_S = 0.3  # a browser draws within that, and a frontend looks at its messages once it draws


def track_progress(items: Iterable[Item], count: int) -> Iterator[Item]:
    """The first `count` of the items. The bar moves after each; Cancel takes effect before each.

    Raises:
        InterruptProcessingException: the user pressed Cancel.
    """
    progress = comfy.utils.ProgressBar(count)
    iterator = iter(items)
    for _ in range(count):
        comfy.model_management.throw_exception_if_processing_interrupted()
        yield next(iterator)
        progress.update(1)


def show_text(text: str, node_id: str = "") -> None:
    """Show a line below the node that is running, in the browser that queued it. A prompt that none queued shows none.

    A reload removes it, so outputs say the same. node_id: another node, such as the one that added this one to the run.
    """
    if listener := _find_listener():
        server, client, context = listener
        server.send_progress_text(printable(text), node_id or context.node_id, sid=client)


def drop_preview() -> None:
    """Take the live preview off the node that is running: its pictures come next.

    Frontends of late 2026 show the last preview in place of a node's pictures until the node begins anew, so it is said
    to be gone for a moment. Others show its progress again.
    """
    if listener := _find_listener():
        server, client, context = listener
        server.send_sync("progress_state", {"prompt_id": context.prompt_id, "nodes": {}}, client)
        time.sleep(FRAMES_S)
        comfy.utils.ProgressBar(1).update(1)
        time.sleep(FRAMES_S)


def _find_listener() -> tuple[Any, str, Any] | None:
    """The server, the browser that queued the prompt, and what is running; None if no browser did."""
    from server import PromptServer  # there when a graph runs; loading it is not this pack's to do

    context = get_executing_context()
    server = getattr(PromptServer, "instance", None)
    client = getattr(server, "client_id", None)
    # To None would be to everyone.
    return None if context is None or server is None or client is None else (server, client, context)
