"""What the node ControlNet Guide does: the hint is fitted, checked and told, then applied."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch

from ...preprocessors.pictures import rgb_bytes
from ...preprocessors.recognise import Look, sample_indices
from ..comfy_progress import show_text
from ..prompt_graph import nodes_of
from .choices import ANY
from .comfy_control import Conditioning, apply_stack, check_batch, check_net, needs_mask, target_size, without_masked
from .families import MODEL, NET, check_family, name_upstream
from .fit import ASPECT_TOLERANCE, Hint, fit_mask, prepare_hint
from .hint_check import check, wanted_by
from .masks import check_mask, feather_batch
from .stack import Control, ControlStack, check_control
from .union import set_union_type

log = logging.getLogger(__name__)
# What was logged of each node, as long as the graph runs in which it did: lists call a node once for each item.
_LOGGED: WeakKeyDictionary[Any, set[tuple[str, str]]] = WeakKeyDictionary()
_NO_MASK = "this ControlNet is for inpainting: connect mask, which says what is made anew, or nothing will be"
_ANEW = "this ControlNet is for inpainting: the mask is what is made anew, {:.0%} of the picture; feather is not used"


@dataclass(frozen=True)
class GuideInputs:
    """The inputs of the node, by the names of its sockets."""

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
    positive: Conditioning, negative: Conditioning, asked: GuideInputs, hidden: Any
) -> tuple[Conditioning, Conditioning, Control, str]:
    """Both prompts with the ControlNet, its entry of the stack, and a report. Raises ValueError for what cannot be.

    hidden: the node's hidden inputs unique_id and dynprompt.
    """
    check_net(asked.control_net, asked.vae)
    node_id, get_node = str(hidden.unique_id or ""), nodes_of(hidden.dynprompt)
    name = name_upstream(get_node, node_id, "control_net", NET)
    check_family(asked.control_net, (positive, negative), name, name_upstream(get_node, node_id, "positive", MODEL))
    size = target_size(asked.control_net, asked.latent, asked.vae)
    hint = prepare_hint(asked.image, asked.keypoints, asked.lines, size, asked.fit)
    check_batch("hints", len(hint.image), asked.latent)
    area, notes = _mask(asked, hint)
    pictures = {number: rgb_bytes(hint.image, number) for number in sample_indices(len(hint.image))}
    wanted = wanted_by(name, asked.kind)
    looks, complaints = check(pictures, wanted, any_tone=asked.kind == ANY)
    net, told = set_union_type(asked.control_net, looks, wanted)
    image = without_masked(hint.image, area) if needs_mask(net) and area is not None else hint.image
    own = Control(
        net,
        image,
        asked.strength,
        asked.start_percent,
        asked.end_percent,
        asked.mode,
        mask=area,
        vae=asked.vae,
        name=name,
    )
    check_control(own)
    lost = _lost(positive, asked.control)
    positive, negative = apply_stack((own,), positive, negative)
    _log_once(complaints, name, hidden.dynprompt, node_id)
    report = "\n".join(
        [_summary(own), *complaints, _list_looks(looks), *filter(None, [told, lost]), *hint.notes, *notes]
    )
    show_text(report)
    return positive, negative, own, report


def _summary(own: Control) -> str:
    if own.strength == 0:
        return "strength 0: the ControlNet is left out"
    span = (
        ""
        if (own.start_percent, own.end_percent) == (0, 1)
        else (f", from {own.start_percent:.0%} to {own.end_percent:.0%} of sampling")
    )
    return f"{own.name or 'ControlNet'}: strength {own.strength:g}, {own.mode}{span}"


def _list_looks(looks: Sequence[Look]) -> str:
    return "hint: " + ", ".join(dict.fromkeys(map(str, looks)))


def _log_once(texts: Sequence[str], name: str, dynprompt: Any, node_id: str) -> None:
    """Each sentence once for a node in one run of a graph."""
    logged = set[tuple[str, str]]() if dynprompt is None else _LOGGED.setdefault(dynprompt, set())
    for text in texts:
        if (node_id, text) not in logged:
            logged.add((node_id, text))
            log.warning("ControlNet Guide%s: %s.", f" ({name})" if name else "", text)


def _lost(positive: Conditioning, stack: ControlStack | None) -> str:
    """What to tell if `positive` brings more ControlNets than the stack that a Sweep would get."""
    brought = max((_chain_length(values.get("control")) for _, values in positive), default=0)
    if brought <= len(stack or ()):
        return ""
    return (
        "positive carries a ControlNet that the output control does not hand on: for a Sweep, connect control of the "
        "ControlNet Guide before this one too"
    )


def _chain_length(control: Any) -> int:
    return 0 if control is None else 1 + _chain_length(control.previous_controlnet)


def _mask(asked: GuideInputs, hint: Hint) -> tuple[torch.Tensor | None, list[str]]:
    """The mask at its place and feathered in pixels of the picture, and what to tell of it."""
    inpaints = needs_mask(asked.control_net)
    if asked.mask is None:
        return None, [_NO_MASK] if inpaints else []
    area, target = check_mask(asked.mask), (int(hint.image.shape[1]), int(hint.image.shape[2]))
    check_batch("masks", len(area), asked.latent)
    size, notes = (int(area.shape[1]), int(area.shape[2])), []
    if abs(size[1] * target[0] / (size[0] * target[1]) - 1) > ASPECT_TOLERANCE:
        follows = size == hint.before
        area = check_mask(fit_mask(area, target, asked.fit if follows else "stretch"))
        how = f"moved with it ({asked.fit})" if follows else "stretched onto the picture"
        notes = [f"the mask is {size[1]}x{size[0]}, the picture {target[1]}x{target[0]}: the mask is {how}"]
    if inpaints:
        return area, [*notes, _ANEW.format(float(area.mean()))]
    feather = asked.feather * area.shape[1] / target[0]
    return feather_batch(area, round(feather)), [*notes, f"acts on {float(area.mean()):.0%} of the picture"]
