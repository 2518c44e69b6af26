"""Canny's report, and pictures that are edges already, which are passed on."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import torch

from .lines.draw import redraw
from .pictures import fit_points, read_picture
from .recognise import EDGES, Look, recognise_exact, sample_indices, warn_ready_made
from .report import describe_pass_on, number_lines

log = logging.getLogger(__name__)
NO_EDGES = "no edges: lower both thresholds, or turn on auto"


def pass_on_edges(images: torch.Tensor, hint: torch.Tensor, fit: str) -> dict[int, str]:
    """Put into `hint` [B, H, W, 3] those of `images` that are Canny hints already, brought to its size by `fit`.

    Returns a line for the report on each, by its number from 0.
    """
    lines = {}
    for index, glance in enumerate(images[:, ::7, ::7]):
        if not bool(((glance == 0) | (glance == 1)).all()):  # nearly every picture ends here, which takes no time
            continue
        picture = read_picture(images, index)
        if recognise_exact(picture) == Look(EDGES):
            placement = fit_points(picture.shape[:2], (hint.shape[1], hint.shape[2]), fit)
            lines[index] = describe_pass_on("a Canny hint", picture, placement, "its lines redrawn")
            hint[index] = torch.from_numpy(redraw(picture, placement)).to(hint) / 255
    return lines


def report_edges(images: torch.Tensor, hint: torch.Tensor, passed_on: Mapping[int, str]) -> str:
    """How much of each of Canny's hints [B, H, W, 3] is edges, or the line on one that was passed on.

    A warning, also in the log, where a picture of `images` has no edges or is a hint itself.
    """
    sampled = set(sample_indices(len(images)))
    lines = []
    for index, edges in enumerate(hint[..., 0]):
        if index in passed_on:
            lines.append(passed_on[index])
            continue
        share, warning = float(edges.mean()), ""
        if not share:
            warning = NO_EDGES
        elif index in sampled:
            warning = warn_ready_made(read_picture(images, index))
        if warning:
            log.warning("Canny, picture %d: %s.", index + 1, warning)
        parts = [f"{share:.1%} of the picture is edges" if share else "", warning]
        lines.append("; ".join(filter(None, parts)))
    return number_lines(lines)
