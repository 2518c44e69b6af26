"""Measures what a bundled slide promises, right after it ran. Its promise is in workflows/source, beside `build`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..comfyui.client import ComfyClient
from ..workflow.prompt import Prompt

if TYPE_CHECKING:
    from ...workflows.source.measure import Measurement


def measure_promise(client: ComfyClient, name: str, prompt: Prompt) -> list[Measurement]:
    """What the slide called `name` promises, measured; nothing for other workflows.

    Raises:
        QueueError: a picture or text of the slide could not be had from ComfyUI.
    """
    # The judges need torch, which run.py does not have where it only drives a ComfyUI of the user.
    from ...workflows.source.slides import SLIDES
    from .probe import ClientProbe

    promises = {slide.NAME: slide.promise for slide in SLIDES}
    return promises[name](ClientProbe(client, prompt)) if name in promises else []
