"""What the node ControlNet Guide does: the hint is fitted, checked and told, then applied."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ...preprocessors.pictures import rgb_bytes
from ..preprocess.engine import tell
from ..prompt_graph import nodes_of
from .engine import Conditioning, apply_stack, check_batch, check_net, target_size
from .families import MODEL, NET, check_family, name_upstream
from .fit import ASPECT_TOLERANCE, Hint, prepared
from .hints import Look, check, sampled, wanted_by
from .masks import check_mask, feathered_batch
from .stack import Control, check_control
from .union import typed

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
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


def guide(
    positive: Conditioning, negative: Conditioning, asked: Asked, hidden: Any
) -> tuple[Conditioning, Conditioning, Control, str]:
    """Both prompts with the ControlNet, its entry of the stack, and a report. Raises ValueError for what cannot be.

    hidden: the node's hidden inputs unique_id and dynprompt.
    """
    check_net(asked.control_net, asked.vae)
    node_id, get_node = str(hidden.unique_id or ""), nodes_of(hidden.dynprompt)
    name = name_upstream(get_node, node_id, "control_net", NET)
    check_family(asked.control_net, (positive, negative), name, name_upstream(get_node, node_id, "positive", MODEL))
    size = target_size(asked.control_net, asked.latent, asked.vae)
    hint = prepared(asked.image, asked.keypoints, asked.lines, size, asked.fit)
    check_batch("hints", len(hint.image), asked.latent)
    area, notes = _mask(asked.mask, asked.feather, hint, asked.latent)
    pictures = {number: rgb_bytes(hint.image, number) for number in sampled(len(hint.image))}
    wanted = wanted_by(name, asked.kind)
    looks, complaints = check(pictures, wanted)
    net, told = typed(asked.control_net, looks, wanted)
    own = Control(
        net, hint.image, asked.strength, asked.start_percent, asked.end_percent, asked.mode, mask=area, vae=asked.vae,
        name=name,
    )  # fmt: skip
    check_control(own)
    positive, negative = apply_stack((own,), positive, negative)
    for text in complaints:
        log.warning("ControlNet Guide%s: %s.", f" ({name})" if name else "", text)
    report = "\n".join([_summary(own), *complaints, _seen(looks), *filter(None, [told]), *hint.notes, *notes])
    tell(report)
    return positive, negative, own, report


def _summary(own: Control) -> str:
    if own.strength == 0:
        return "strength 0: the ControlNet is left out"
    span = "" if (own.start_percent, own.end_percent) == (0, 1) else (
        f", from {own.start_percent:.0%} to {own.end_percent:.0%} of sampling"
    )  # fmt: skip
    return f"{own.name or 'ControlNet'}: strength {own.strength:g}, {own.mode}{span}"


def _seen(looks: Sequence[Look]) -> str:
    return "hint: " + ", ".join(dict.fromkeys(map(str, looks)))


def _mask(
    mask: torch.Tensor | None, feather: int, hint: Hint, latent: dict[str, Any] | None
) -> tuple[torch.Tensor | None, list[str]]:
    """The mask feathered, and what to tell of it."""
    if mask is None:
        return None, []
    area = feathered_batch(check_mask(mask), feather)
    check_batch("masks", len(area), latent)
    (height, width), (rows, columns) = area.shape[-2:], hint.image.shape[1:3]
    if abs(width * rows / (height * columns) - 1) > ASPECT_TOLERANCE:
        return area, [
            f"the mask is {width}x{height}, the hint {columns}x{rows}: the mask is stretched onto the picture"
        ]
    return area, [f"acts on {float(area.mean()):.0%} of the picture"]
