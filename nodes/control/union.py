"""Union ControlNets: one net for many kinds of hint; a number says which it gets. Pure: it reads a net's layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...preprocessors.recognise import EDGES, EMPTY, LINES, POSE, THIN, Look
from .choices import (
    ANY,
    BLUR,
    CANNY,
    DEPTH,
    GRAY,
    LOW_QUALITY,
    MLSD,
    NORMAL,
    OPENPOSE,
    REPAINT,
    SEGMENT,
    SOFT,
    TILE,
)

# By the name of the weights that only such a net has. xinsir's for SDXL, as ComfyUI's control_types.py numbers them;
# those of InstantX and Shakker Labs for Flux, as their model cards do. Flux has no number for the lines of a room.
_SDXL = {OPENPOSE: 0, DEPTH: 1, SOFT: 2, CANNY: 3, MLSD: 3, NORMAL: 4, SEGMENT: 5, TILE: 6, REPAINT: 7}
_FLUX = {CANNY: 0, MLSD: 0, TILE: 1, DEPTH: 2, BLUR: 3, OPENPOSE: 4, GRAY: 5, LOW_QUALITY: 6}
_TYPES: dict[str, dict[str, int]] = {"task_embedding": _SDXL, "controlnet_mode_embedder": _FLUX}
_MADE_FOR = {EDGES: CANNY, LINES: MLSD, THIN: CANNY, POSE: OPENPOSE}
_BY_HAND = (
    "a union ControlNet whose hint is not one that is known here: choose its kind, or put Set Union ControlNet Type "
    "before it"
)


def list_types(net: Any) -> dict[str, int]:
    """The numbers of a union net's kinds of hint, as many as it has; empty for every other net."""
    model = getattr(net, "control_model", None)
    for name, types in _TYPES.items():
        part = getattr(model, name, None)
        if part is not None:
            count = int(getattr(part, "weight", part).shape[0])
            return {kind: number for kind, number in types.items() if number < count}
    return {}


def set_union_type(net: Any, looks: Sequence[Look], kind: str) -> tuple[Any, str]:
    """`net` with the type that its hints need, as a copy, and a line for the report; any other net as it is.

    A type that Set Union ControlNet Type gave stays. looks: of the hints; those of one colour say nothing. kind: what
    the user says they are, or "any" if their looks decide.
    """
    types = list_types(net)
    if not types or net.extra_args.get("control_type"):
        return net, ""
    looked = {_MADE_FOR.get(look.what, ANY) for look in looks if look.what != EMPTY}
    if kind not in (ANY, *types):
        return net, f"this union ControlNet has no type for {kind}. It has {', '.join(types)}"
    kinds = looked if kind == ANY else {kind}
    numbers = {types.get(one, -1) for one in kinds}
    if len(numbers) != 1 or -1 in numbers:
        return net, _BY_HAND
    chosen = net.copy()
    chosen.set_extra_arg("control_type", [numbers.pop()])
    return chosen, f"a union ControlNet: its type is set to {', '.join(sorted(kinds))}"
