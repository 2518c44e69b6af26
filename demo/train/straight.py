"""A perceptual loss for straight lines: what M-LSD sees in a decoded picture, against what it sees in the drawing.

A seam of two pale walls, two pixels wide, hardly counts in any error of colours; blurred, it is lost to the eye and to
a detector. The loss asks for M-LSD's own features there, as perceptual losses ask for those of a classifier.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ...preprocessors.lines.mlsd import load_mlsd

ENLARGED = 2  # M-LSD is trained on pictures of 512 px
CENTRES, ENDS = 0.5, 0.05  # weights of the centres' scores and of the end points' places beside the features
OFF_A_LINE = 0.02  # weight of places that are no line's centre


def as_input(pictures: torch.Tensor) -> torch.Tensor:
    """float [N, 3, H, W] in 0..1 -> M-LSD's input [N, 4, 2H, 2W]."""
    large = F.interpolate(pictures, scale_factor=ENLARGED, mode="bilinear", align_corners=False)
    ones = torch.full_like(large[:, :1], 1 / 127.5 - 1)
    return torch.cat([2 * large - 1, ones], 1).contiguous(memory_format=torch.channels_last)


class LineLoss:
    """(decoded, drawn), float [N, 3, H, W] in 0..1 with H and W multiples of 8, -> how differently M-LSD sees them."""

    def __init__(self) -> None:
        self.net = load_mlsd()

    def __call__(self, decoded: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            wanted_features = self.net.features(as_input(drawn))
            wanted = self.net.block23(wanted_features)
        features = self.net.features(as_input(decoded))
        found = self.net.block23(features)
        unlike = (features - wanted_features).abs().mean() / wanted_features.abs().mean()
        centre = wanted[:, 0].sigmoid()
        total = centre.sum().clamp(min=1.0)
        score = F.binary_cross_entropy_with_logits(found[:, 0], centre, centre + OFF_A_LINE, reduction="sum")
        sure = F.binary_cross_entropy_with_logits(wanted[:, 0], centre, centre + OFF_A_LINE, reduction="sum")
        ends = F.smooth_l1_loss(found[:, 1:], wanted[:, 1:], reduction="none", beta=2.0)
        return unlike + CENTRES * (score - sure) / total + ENDS * (centre[:, None] * ends).sum() / total
