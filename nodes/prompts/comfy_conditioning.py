"""CONDITIONING whose prompt changes between two steps, for any of ComfyUI's samplers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import node_helpers
import torch

from ..schedule_edges import PercentToSigma, read_edges
from ..timed_ranges import find_boundary, set_range
from .timed import TimedPrompt, plan_timed

Conditioning = list[Any]
# Of one prompt: Cancel does not reach a text encoder while it is at work, and each 20 letters cost it a pass.
MAX_LETTERS = 20_000


def model_percent_to_sigma(model: Any) -> PercentToSigma:
    """The schedule that ComfyUI reads start_percent and end_percent by, with the patches of the MODEL applied."""
    own: Any = model.get_model_object("model_sampling")
    return lambda percent: float(own.percent_to_sigma(percent))


def encode(clip: Any, text: str) -> Conditioning:
    """CONDITIONING of `text`, as ComfyUI's CLIPTextEncode makes it.

    Raises:
        ValueError: there is no CLIP, the text has more than MAX_LETTERS, or it holds half of a character, which no
            tokenizer takes.
    """
    if clip is None:
        raise ValueError("clip: there is none. The checkpoint may lack a text encoder: connect a loader that has one.")
    if len(text) > MAX_LETTERS:
        raise ValueError(
            f"the prompt '{text[:40]}...' has {len(text):,} letters; the limit is {MAX_LETTERS:,}. Shorten it."
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = text[max(0, error.start - 12) : error.start + 1]
        raise ValueError(f"the prompt holds half of a character, behind '{half}'. Remove it.") from None
    return clip.encode_from_tokens_scheduled(clip.tokenize(text))


def timed_conditioning(
    text: str,
    sigmas: torch.Tensor,
    model: Any,
    mode: str,
    encoder: Callable[[str], Conditioning],
) -> tuple[Conditioning, TimedPrompt]:
    """The conditioning of a timed prompt, and its plan. Each distinct prompt is encoded once.

    sigmas: [N + 1] of N steps. mode: one of TIME_MODES. The first prompt has no start_percent and the last no
    end_percent, so that both ends are covered.

    Raises:
        ValueError: as `plan_timed`.
    """
    plan = plan_timed(text, sigmas, model_percent_to_sigma(model), mode)
    encoded: dict[str, Conditioning] = {}
    result: Conditioning = []
    limits = [None, *plan.percents, None]
    for number, segment in enumerate(plan.segments):
        if segment.text not in encoded:
            encoded[segment.text] = encoder(segment.text)
        values = set_range(limits[number], limits[number + 1])
        result += node_helpers.conditioning_set_values(encoded[segment.text], values)
    return result, plan


def delay(before: Conditioning, after: Conditioning, step: int, sigmas: Any, model: Any) -> tuple[Conditioning, str]:
    """`before` up to step `step` - 1 and `after` from `step` on, counted from 1, and a sentence that says so.

    sigmas: [N + 1] of N steps, or None. model: MODEL, or None.

    Raises:
        ValueError: one of the two is missing, or the schedule has no such step or no moment for the change.
    """
    for name, value in (("sigmas", sigmas), ("model", model)):
        if value is None:
            raise ValueError(f"{name}: from_step {step} needs it. Connect the {name} of the sampler, or set it to 1.")
    edges = read_edges(sigmas)
    if step > len(edges) - 1:
        raise ValueError(f"from_step: the schedule has {len(edges) - 1} steps. Use 1 to {len(edges) - 1}.")
    percent = find_boundary(edges, step - 1, model_percent_to_sigma(model))
    result = node_helpers.conditioning_set_values(before, set_range(None, percent))
    result += node_helpers.conditioning_set_values(after, set_range(percent, None))
    return result, f"It acts from step {step} of {len(edges) - 1} on (sigma {edges[step - 1]:.3g})."
