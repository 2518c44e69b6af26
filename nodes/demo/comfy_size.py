"""A warning of the embedded model where a sampler gives it a latent of another size than it was taught."""

from __future__ import annotations

from typing import Any

import comfy.model_patcher
import torch
from comfy.patcher_extension import WrappersMP
from comfy_execution.utils import get_executing_context

from ...demo.networks import LATENT, PICTURE
from ..comfy_progress import show_text
from ..taught_size import KEY, note_size
from ..text.printable import get_log

CELL = PICTURE // LATENT  # pixels of a cell of the latent

log = get_log(__name__)


def watch_size(model: comfy.model_patcher.ModelPatcher) -> None:
    """Make every sampler that uses `model` say once in a run, below its node and in the log, that the size is another.

    What it samples stays as it is.
    """
    warned: list[tuple[str, str]] = []  # the run and the node that were warned last

    def sample(executor: Any, noise: torch.Tensor, *others: Any, **named: Any) -> Any:
        note = note_size(model, (CELL * noise.shape[-2], CELL * noise.shape[-1])) if noise.ndim == 4 else ""
        context = get_executing_context()
        place = (context.prompt_id, context.node_id) if context else ("", "")
        if note and (place not in warned or not context):
            warned[:] = [place]
            log.warning("%s", note)
            show_text(note)
        return executor(noise, *others, **named)

    model.set_attachments(KEY, PICTURE)
    model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, sample)
