"""Names that schemas of several families show, apart from the logic: loading the pack needs only them."""

from __future__ import annotations

# The socket type of an Axis (axis.py) in ComfyUI.
AXIS_TYPE = "STEER_AXIS"
# The socket type of several of them, a tuple, from Join Axes.
AXES_TYPE = "STEER_AXES"
# The socket type of a control stack (control/stack.py): a tuple of Control, the first applied first.
CONTROL_STACK_TYPE = "STEER_CONTROL_STACK"

# What can vary. Prompts may vary along several axes at once, everything else along one.
SEED, PROMPT, CFG, STEPS, DENOISE, SAMPLER, SCHEDULER = (
    "seed",
    "prompt",
    "cfg",
    "steps",
    "denoise",
    "sampler",
    "scheduler",
)
CONTROL_STRENGTH, CONTROL_START, CONTROL_END = CONTROLS = ("control strength", "control start", "control end")
SWITCH_TIME, CHECKPOINT, LORA = "switch time", "checkpoint", "LoRA"
DIFFUSION_MODEL, TEXT_ENCODER, VAE_FILE = SINGLE_FILES = ("diffusion model", "text encoder", "VAE")
CLIP_SKIP, GUIDANCE = "CLIP skip", "Flux guidance"
# What an axis for a Sweep Graph alone varies: whatever its Sweep Value is wired to.
NUMBER, TEXT, PICTURE, POSE = "number", "text", "picture", "pose"
