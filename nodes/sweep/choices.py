"""Names and limits that the family's schemas show, apart from the logic: loading the pack needs only them."""

from __future__ import annotations

from ..choices import (
    CFG,
    CHECKPOINT,
    CLIP_SKIP,
    CONTROL_END,
    CONTROL_START,
    CONTROL_STRENGTH,
    DENOISE,
    GUIDANCE,
    LORA,
    NUMBER,
    SAMPLER,
    SCHEDULER,
    SINGLE_FILES,
    STEPS,
    SWITCH_TIME,
    TEXT,
)

CATEGORY = "Steer/Sweep"
MAX_CELLS = 65536  # that max_cells takes
# Value Axis: all that it varies, the last two for a Sweep Graph alone; of that what files are,
# and what has names of ComfyUI.
KINDS = (
    CFG,
    STEPS,
    DENOISE,
    SAMPLER,
    SCHEDULER,
    CHECKPOINT,
    LORA,
    CONTROL_STRENGTH,
    CONTROL_START,
    CONTROL_END,
    SWITCH_TIME,
    *SINGLE_FILES,
    CLIP_SKIP,
    GUIDANCE,
    NUMBER,
    TEXT,
)
FILES = (CHECKPOINT, LORA, *SINGLE_FILES)
NAMES = (SAMPLER, SCHEDULER, *FILES)
# Sweep: what a cell that fails means for the others.
BLANK, STOP = ON_ERROR = ("blank", "stop")
# Contact Sheet
THEMES = ("light", "dark")
MAX_CELL = 8192

FIND_BY = BY_PIXELS, BY_SHAPE = ("pixels of the face", "shape of mouth and brows")
