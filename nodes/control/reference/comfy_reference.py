"""What the node Reference Hint does: a hint at the picture's size, as a reference latent, in a part of sampling."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import node_helpers
import torch

from ....preprocessors.pictures import Size, size_of_latent
from ...comfy_progress import show_text
from ...timed_ranges import find_boundary, set_range
from ..comfy_control import Conditioning
from ..families import describe_prompt
from ..hints.comfy_hints import HintInputs, check_hint, check_is_picture
from ..hints.log import log_once
from ..steps.strengths import ControlSteps, describe_steps

_NET = "reference"
_CELL = 16  # pixels: a token of edit models is two cells of eight
# Families whose models do not look at reference latents, by the widths of prompts, and of pooled ones too where an edit
# model has prompts of the same width: OmniGen2 that of SDXL, others that of SD 3.
_DEAF = (128, 768, 1024, 1280)
_DEAF_POOLED = ((2048, 1280), (4096, 2048))
# Outside ends this far before inside begins: ComfyUI lets both act at a sigma that is exactly on the border.
_GAP = 1e-6
Span = tuple[float, float]


@dataclass(frozen=True)
class ReferenceInputs:
    """The inputs of the node, by the names of its sockets. hint: those that are about the hint."""

    vae: Any
    start_percent: float
    end_percent: float
    hint: HintInputs
    steps: ControlSteps | None = None


def add_reference(
    sides: tuple[Conditioning, ...], inputs: ReferenceInputs, hidden: Any
) -> tuple[list[Conditioning], torch.Tensor, str]:
    """Each side with the hint as its last reference latent, the hint, and a report.

    hidden: the node's hidden inputs unique_id and dynprompt.

    Raises:
        ValueError: an input cannot be used, or two do not go together.
    """
    if inputs.vae is None:
        raise ValueError("vae: the hint is given as a latent. Connect the VAE of the model.")
    for side in sides:
        _check_hears(side)
    spans, when = _spans(inputs)
    hint = check_hint(inputs.hint, _size(inputs), "", inpaints=False, net=_NET)
    if len(hint.image) != 1:
        raise ValueError(f"image: there are {len(hint.image)}, and a reference is one picture. Chain a node for each.")
    reference = inputs.vae.encode(hint.image)
    found = [_add(side, reference, spans) for side in sides]
    node_id = str(hidden.unique_id or "")
    log_once(hint.complaints, "Reference Hint", "", hidden.dynprompt, node_id)
    height, width = (int(side) for side in hint.image.shape[1:3])
    lines = [f"a reference of {width}x{height}{when}", *hint.complaints, hint.list_looks(), *hint.notes]
    report = "\n".join(filter(None, lines))
    show_text(report)
    return found, hint.image, report


def _size(inputs: ReferenceInputs) -> Size | None:
    """(height, width) of the latent in pixels; without one that of the picture, cut to whole tokens."""
    latent, image = inputs.hint.latent, inputs.hint.image
    if latent is not None:
        check_is_picture(latent, "references are pictures")
        return size_of_latent(latent, int(inputs.vae.spacial_compression_encode()))
    if not isinstance(image, torch.Tensor) or image.ndim != 4:
        return None
    height, width = (max(_CELL, int(side) // _CELL * _CELL) for side in image.shape[1:3])
    return height, width


def _check_hears(side: Conditioning) -> None:
    """Raises ValueError for prompts of a family whose models do not look at reference latents."""
    for tokens, values in side:
        pooled = values.get("pooled_output")
        widths = (tokens.shape[-1], 0 if pooled is None else pooled.shape[-1])
        if widths[0] in _DEAF or widths in _DEAF_POOLED:
            raise ValueError(
                f"positive: the prompt is of {describe_prompt(tokens, values)}, whose models do not look at "
                "references. Use an edit model (Qwen-Image-Edit, Flux Kontext, Flux.2, Klein, OmniGen2), or ControlNet "
                "Guide."
            )


def _spans(inputs: ReferenceInputs) -> tuple[list[Span], str]:
    """The parts of sampling, in percents, in which the reference is there, and the words for them."""
    start, end = inputs.start_percent, inputs.end_percent
    if not 0.0 <= start < end <= 1.0:
        raise ValueError(
            f"start_percent: {start:g} to end_percent {end:g} is no part of sampling. Use 0 to 1, the first below the "
            "second."
        )
    if inputs.steps is None:
        return [(start, end)], "" if (start, end) == (0, 1) else f", from {start:.0%} to {end:.0%} of sampling"
    strengths = inputs.steps.strengths_within(start, end)
    if set(strengths) - {0.0, 1.0}:
        raise ValueError("steps: a reference has no strength, it is there or not. Write strength 1 in Control Steps.")
    edges, percent_to_sigma, spans, last = inputs.steps.edges, inputs.steps.percent_to_sigma, list[Span](), 0
    for strength, group in groupby(strengths):
        first, last = last, last + len(list(group))
        if strength:
            begins = find_boundary(edges, first, percent_to_sigma) if first else 0.0
            spans.append((begins, find_boundary(edges, last, percent_to_sigma) if last < len(strengths) else 1.0))
    return spans, f"; {describe_steps(strengths)}"


def _add(side: Conditioning, reference: torch.Tensor, spans: list[Span]) -> Conditioning:
    """The entries of a side, each with the reference within `spans` and as it was outside of them."""
    found: Conditioning = []
    for tokens, values in side:
        own = values.get("start_percent", 0.0), values.get("end_percent", 1.0)
        entry = [[tokens, values]]
        with_it = node_helpers.conditioning_set_values(entry, {"reference_latents": [reference]}, append=True)
        if spans == [(0.0, 1.0)]:  # as ComfyUI's node, with the range that is there
            found += with_it
            continue
        for (begin, end), inside in _cut(own, spans):
            limits = set_range(
                begin if begin > 0.0 or "start_percent" in values else None,
                end if end < 1.0 or "end_percent" in values else None,
            )
            found += node_helpers.conditioning_set_values(with_it if inside else entry, limits)
    return found


def _cut(own: Span, spans: list[Span]) -> list[tuple[Span, bool]]:
    """The parts of a span that lie inside and outside of others, which do not meet, in their order."""
    parts: list[tuple[Span, bool]] = []
    at = own[0]
    for begin, end in spans:
        parts += [((at, min(begin - _GAP, own[1])), False), ((max(begin, own[0]), min(end, own[1])), True)]
        at = max(at, end + _GAP)
    parts.append(((at, own[1]), False))
    return [(part, inside) for part, inside in parts if part[0] < part[1]]
