"""Union ControlNets: one net for many kinds of hint; a number says which it gets. Pure: it reads a net's layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...preprocessors.recognise import EDGES, EMPTY, LINES, POSE, THIN, Look
from .choices import ANY, CANNY, MLSD, OPENPOSE

# By the name of the weights that only such a net has. xinsir's for SDXL, as ComfyUI's control_types.py numbers them;
# those of InstantX and Shakker Labs for Flux, as their model cards do. Flux has no number for the lines of a room.
_TYPES: dict[str, dict[str, int]] = {
    "task_embedding": {OPENPOSE: 0, CANNY: 3, MLSD: 3},
    "controlnet_mode_embedder": {CANNY: 0, MLSD: 0, OPENPOSE: 4},
}
_MADE_FOR = {EDGES: CANNY, LINES: MLSD, THIN: CANNY, POSE: OPENPOSE}


def list_types(net: Any) -> dict[str, int]:
    """The numbers of a union net's kinds of hint; empty for every other net."""
    model = getattr(net, "control_model", None)
    return next((types for name, types in _TYPES.items() if getattr(model, name, None) is not None), {})


def set_union_type(net: Any, looks: Sequence[Look], kind: str) -> tuple[Any, str]:
    """`net` with the type that its hints need, as a copy, and a line for the report; any other net as it is.

    A type that Set Union ControlNet Type gave stays. looks: of the hints; those of one colour say nothing. kind: what
    the user says they are, or "any" if their looks decide.
    """
    types = list_types(net)
    if not types or net.extra_args.get("control_type"):
        return net, ""
    looked = {_MADE_FOR.get(look.what, ANY) for look in looks if look.what != EMPTY}
    kinds = looked if kind == ANY else {kind}
    numbers = {types.get(one, -1) for one in kinds}
    if len(numbers) != 1 or -1 in numbers:
        line = "a union ControlNet whose hint is not one that is known here: put Set Union ControlNet Type before it"
        return net, line
    chosen = net.copy()
    chosen.set_extra_arg("control_type", [numbers.pop()])
    return chosen, f"a union ControlNet: its type is set to {', '.join(sorted(kinds))}"
