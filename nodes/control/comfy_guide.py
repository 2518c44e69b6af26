"""What the node ControlNet Guide does: the hint is fitted and checked, then applied, and a report is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch

from ...preprocessors.pictures import read_picture
from ...preprocessors.recognise import Look, sample_indices
from ..comfy_progress import show_text
from ..prompt_graph import nodes_of
from ..text.printable import get_log
from ..timed_ranges import warn_overwritten
from .choices import ANY
from .comfy_control import Conditioning, apply_stack, blacken_masked, check_batch, check_net, needs_mask, target_size
from .families import MODEL, NET, check_family, name_upstream
from .fit import Hint, fit_mask, has_other_shape, prepare_hint
from .hint_check import check_hints, choose_kind, describe_doubt
from .masks import check_mask, feather_batch, list_blank
from .stack import Control, ControlStack, check_control
from .union import set_union_type

log = get_log(__name__)
# What was logged of each node, as long as the graph runs in which it did: lists call a node once for each item.
_LOGGED: WeakKeyDictionary[Any, set[tuple[str, str]]] = WeakKeyDictionary()
_NO_MASK = "this ControlNet is for inpainting: connect mask, which says what is repainted, or nothing will be"
_REPAINTED = "this ControlNet is for inpainting: it repaints the mask, {:.0%} of the picture; feather is not used"


@dataclass(frozen=True)
class GuideInputs:
    """The inputs of the node, by the names of its sockets.

    image: hints [B, H, W, C] in 0..1. mask: [M, H, W] in 0..1. feather: in pixels of the picture to be made.
    """

    control_net: Any
    strength: float
    start_percent: float
    end_percent: float
    mode: str
    fit: str
    kind: str
    feather: int
    image: torch.Tensor | None
    latent: dict[str, Any] | None
    mask: torch.Tensor | None
    keypoints: Any
    lines: Any
    vae: Any
    control: ControlStack | None = None


def guide(
    positive: Conditioning, negative: Conditioning, inputs: GuideInputs, hidden: Any
) -> tuple[Conditioning, Conditioning, Control, str]:
    """Both prompts with the ControlNet, its entry of the stack, and a report.

    hidden: the node's hidden inputs unique_id and dynprompt.

    Raises:
        ValueError: an input cannot be used, or two do not go together.
    """
    check_net(inputs.control_net, inputs.vae)
    node_id, get_node = str(hidden.unique_id or ""), nodes_of(hidden.dynprompt)
    name = name_upstream(get_node, node_id, "control_net", NET)
    check_family(inputs.control_net, (positive, negative), name, name_upstream(get_node, node_id, "positive", MODEL))
    size = target_size(inputs.control_net, inputs.latent, inputs.vae)
    hint = prepare_hint(inputs.image, inputs.keypoints, inputs.lines, size, inputs.fit)
    check_batch("hints", len(hint.image), inputs.latent)
    area, mask_notes = _leave_out_missing(inputs, hint, *_place_mask(inputs, hint))
    pictures = {number: read_picture(hint.image, number) for number in sample_indices(len(hint.image))}
    kind = choose_kind(name, inputs.kind)
    looks, complaints = check_hints(pictures, kind, any_tone=inputs.kind == ANY)
    net, union_note = set_union_type(inputs.control_net, looks, kind)
    own = Control(
        net,
        blacken_masked(hint.image, area) if needs_mask(net) and area is not None else hint.image,
        inputs.strength,
        inputs.start_percent,
        inputs.end_percent,
        inputs.mode,
        mask=area,
        vae=inputs.vae,
        name=name,
    )
    check_control(own)
    warnings = [*complaints, _warn_of_idle(own), warn_overwritten((positive, negative))]
    stack_note = _warn_of_lost(positive, inputs.control)
    positive, negative = apply_stack((own,), positive, negative)
    _log_once([text for text in warnings if text], name, hidden.dynprompt, node_id)
    lines = [_summarise(own), *warnings, _list_looks(looks), union_note, stack_note, *hint.notes, *mask_notes]
    report = "\n".join(filter(None, lines))
    show_text(report)
    return positive, negative, own, report


def _summarise(own: Control) -> str:
    if own.strength == 0:
        return "strength 0: the ControlNet is left out"
    span = f", from {own.start_percent:.0%} to {own.end_percent:.0%} of sampling"
    if (own.start_percent, own.end_percent) == (0, 1):
        span = ""
    return f"{own.name or 'ControlNet'}: strength {own.strength:g}, {own.mode}{span}"


def _warn_of_idle(own: Control) -> str:
    """A warning if the range is empty: ComfyUI runs a ControlNet from the sigma of its start to that of its end."""
    if own.strength == 0 or own.start_percent < own.end_percent:
        return ""
    return (
        f"start_percent and end_percent are both {own.start_percent:g}, so the ControlNet acts at no step. Set "
        "end_percent higher than start_percent, or strength to 0 to leave it out"
    )


def _list_looks(looks: Sequence[Look]) -> str:
    names = "hint: " + ", ".join(dict.fromkeys(map(str, looks)))
    return "\n".join([names, *filter(None, dict.fromkeys(map(describe_doubt, looks)))])


def _log_once(texts: Sequence[str], name: str, dynprompt: Any, node_id: str) -> None:
    """Each sentence once for a node in one run of a graph."""
    logged = set[tuple[str, str]]() if dynprompt is None else _LOGGED.setdefault(dynprompt, set())
    for text in texts:
        if (node_id, text) not in logged:
            logged.add((node_id, text))
            log.warning("ControlNet Guide%s: %s.", f" ({name})" if name else "", text)


def _warn_of_lost(positive: Conditioning, stack: ControlStack | None) -> str:
    """A warning if `positive` brings more ControlNets than the stack that a Sweep would get, else ""."""
    brought = max((_chain_length(values.get("control")) for _, values in positive), default=0)
    if brought <= len(stack or ()):
        return ""
    return (
        "positive carries a ControlNet that the output control does not hand on: for a Sweep, connect control of the "
        "ControlNet Guide before this one too"
    )


def _chain_length(control: Any) -> int:
    return 0 if control is None else 1 + _chain_length(control.previous_controlnet)


def _leave_out_missing(
    inputs: GuideInputs, hint: Hint, area: torch.Tensor | None, notes: list[str]
) -> tuple[torch.Tensor | None, list[str]]:
    """`area` [M, H, W], or None for everywhere, without the pictures whose keypoints are null, and the notes on it."""
    count, height, width = (int(side) for side in hint.image.shape[:3])
    is_video = inputs.latent is not None and inputs.latent["samples"].ndim == 5
    if not hint.missing or needs_mask(inputs.control_net) or is_video:
        return area, notes
    if area is None:
        area = torch.ones(1, height, width)
    if len(area) not in (1, count):
        return area, notes
    area = area.repeat(count // len(area), 1, 1)
    area[list(hint.missing)] = 0.0
    return area, [*notes, f"picture {_list_numbers(hint.missing)}: its keypoints are null, so there is no control"]


def _list_numbers(numbers: Sequence[int]) -> str:
    return ", ".join(str(number + 1) for number in numbers)


def _place_mask(inputs: GuideInputs, hint: Hint) -> tuple[torch.Tensor | None, list[str]]:
    """The mask at its place, [M, H, W], feathered in pixels of the picture, and lines for the report."""
    inpaints = needs_mask(inputs.control_net)
    if inputs.mask is None:
        return None, [_NO_MASK] if inpaints else []
    area, target = check_mask(inputs.mask), (int(hint.image.shape[1]), int(hint.image.shape[2]))
    check_batch("masks", len(area), inputs.latent)
    size, notes = (int(area.shape[1]), int(area.shape[2])), []
    if has_other_shape(size, target):
        follows = size == hint.before
        area = check_mask(fit_mask(area, target, inputs.fit if follows else "stretch"))
        how = f"moved with it ({inputs.fit})" if follows else "stretched onto the picture"
        notes = [f"the mask is {size[1]}x{size[0]}, the picture {target[1]}x{target[0]}: the mask is {how}"]
    if blank := list_blank(area):
        nothing = "nothing is repainted" if inpaints else "there is no control"
        notes.append(f"picture {_list_numbers(blank)}: its mask is empty, so {nothing}")
    if inpaints:
        return area, [*notes, _REPAINTED.format(float(area.mean()))]
    feather = inputs.feather * area.shape[1] / target[0]
    return feather_batch(area, round(feather)), [*notes, f"acts on {float(area.mean()):.0%} of the picture"]
