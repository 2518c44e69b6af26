"""What changed between pictures: a number, a heat map, and how much of it lies inside a mask."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from .pictures import clean_values, to_rgb

# 17 evenly spaced colours of "magma" (Nathaniel Smith and Stefan van der Walt for matplotlib, CC0): black, purple,
# red, yellow, white, with a perceived lightness that grows evenly with the value.
MAGMA = (
    (0, 0, 4),
    (10, 8, 34),
    (29, 17, 71),
    (54, 16, 107),
    (81, 18, 124),
    (106, 28, 129),
    (131, 38, 129),
    (156, 46, 127),
    (183, 55, 121),
    (208, 65, 111),
    (231, 82, 99),
    (245, 107, 92),
    (252, 137, 97),
    (254, 167, 114),
    (254, 196, 136),
    (253, 226, 163),
    (252, 253, 191),
)
SCALE_PERCENTILE = 99.5  # of a picture's changes: what the brightest colour stands for when it is chosen automatically
SMALLEST_WEIGHT = 1e-6  # pixels in all: a mask with less covers nothing
ALMOST_ONLY = 100.0  # times as much inside the mask as outside
SMALLEST_SCALE = 1.0 / 255.0  # less than one step of an 8-bit picture is not made visible as a change


@dataclass(frozen=True)
class Change:
    """Mean absolute changes in 0..1: of the whole picture, inside the mask, outside it (None where no pixel is).

    peak: the change of the pixel that changed most.
    """

    whole: float
    inside: float | None = None
    outside: float | None = None
    peak: float = 0.0

    @property
    def ratio(self) -> float | None:
        """How many times stronger the change is inside; infinite when nothing changed outside, None if unknown."""
        if self.inside is None or self.outside is None or self.inside == self.outside == 0.0:
            return None
        return math.inf if self.outside == 0.0 else self.inside / self.outside


def map_changes(picture: torch.Tensor, reference: torch.Tensor, name: str) -> torch.Tensor:
    """|picture - reference|, averaged over the colours: [H, W] in 0..1.

    Both [H, W, C]. Values are clamped to 0..1, NaN counts as 0. A fourth channel is left out, one channel is grey.

    Raises:
        ValueError: the sizes differ. name: of the picture, for the message.
    """
    if picture.shape[:2] != reference.shape[:2]:
        raise ValueError(
            f"images: {name} is {picture.shape[1]} x {picture.shape[0]}, but the reference is "
            f"{reference.shape[1]} x {reference.shape[0]}. Scale them to one size first."
        )
    return (to_rgb(picture) - to_rgb(reference)).abs().mean(dim=-1)


def measure(changes: torch.Tensor, mask: torch.Tensor | None = None) -> Change:
    """The means of a change map [H, W]. mask: [H, W] in 0..1, the weight of a pixel inside."""
    values = changes.to(torch.float64)
    peak = values.max().item()
    if mask is None:
        return Change(values.mean().item(), peak=peak)
    inside = mask.to(torch.float64)
    return Change(values.mean().item(), _mean(values, inside), _mean(values, 1.0 - inside), peak)


def fit_mask(mask: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """MASK [h, w] -> [height, width] in 0..1, bilinear as ComfyUI scales masks."""
    mask = clean_values(mask)
    if mask.shape == (height, width):
        return mask
    return torch.nn.functional.interpolate(mask[None, None], (height, width), mode="bilinear")[0, 0]


def choose_scale(changes: Sequence[torch.Tensor]) -> float:
    """The change, in 0..1, that gets the brightest colour: one for all maps [H, W], so that they can be compared."""
    highest = max(float(np.percentile(values.numpy(), SCALE_PERCENTILE)) for values in changes)
    return max(highest, SMALLEST_SCALE)


def draw_heat_map(changes: torch.Tensor, scale: float) -> torch.Tensor:
    """[H, W] -> [H, W, 3] in 0..1: black for no change, the brightest colour for `scale` and more."""
    table = torch.tensor(MAGMA, dtype=torch.float32) / 255.0
    place = (changes / scale).clamp(0.0, 1.0) * (len(MAGMA) - 1)
    low = place.floor().clamp(max=len(MAGMA) - 2).long()
    share = (place - low)[..., None]
    return table[low] * (1.0 - share) + table[low + 1] * share


def describe(change: Change, has_mask: bool) -> str:
    """What is seen: "changed: 67 % at most, 4.3 % on average" and, with a mask, how much of it lies inside."""
    if change.peak < SMALLEST_SCALE / 2:
        return "no change" if change.peak == 0.0 else "no change that one can see"
    text = f"changed: {_percent(change.peak)} at most"
    if not has_mask:
        return f"{text}, {_percent(change.whole)} on average"
    if change.inside is None:
        return f"{text}; the mask is empty"
    if change.outside is None:
        return f"{text}; the mask covers all"
    ratio = change.ratio
    if ratio is None or math.isinf(ratio):
        return f"{text}, only inside the mask"
    if ratio >= ALMOST_ONLY:
        return f"{text}, almost only inside the mask"
    if ratio == 0.0:
        return f"{text}, only outside the mask"
    if ratio < 1.0:
        return f"{text}, {1.0 / ratio:.2g} times as much outside the mask"
    return f"{text}, {ratio:.2g} times as much inside the mask"


def report_changes(captions: Sequence[str], changes: Sequence[Change], scale: float) -> str:
    """Each caption with its means: "... (4.3 % on average; inside 12 %, outside 1 %)". Then what the colours mean."""
    lines = []
    for caption, change in zip(captions, changes, strict=True):
        means = f"{_percent(change.whole)} on average"
        if change.inside is not None and change.outside is not None:
            means += f"; inside {_percent(change.inside)}, outside {_percent(change.outside)}"
        lines.append(f"{caption} ({means})")
    return "\n".join([*lines, f"Heat maps: black is no change, the brightest colour {_percent(scale)} and more."])


def _percent(value: float) -> str:
    """Two digits: 67 %, 4.3 %, 0.051 %. What is not zero never reads as zero."""
    return f"{float(f'{100.0 * value:.2g}'):g} %"


def _mean(values: torch.Tensor, weights: torch.Tensor) -> float | None:
    total = weights.sum().item()
    return None if total < SMALLEST_WEIGHT else (values * weights).sum().item() / total
