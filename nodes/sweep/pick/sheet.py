"""The numbered sheet of Early Pick, and its report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from ..sheet.layout import Style, draw, lay_out
from .store import EarlyPicture

MEGAPIXELS = 64.0
_GREEN = torch.tensor([0.0, 0.62, 0.45])


class Counted(Protocol):
    """What the report counts. rows: of pictures that the network computed in this run."""

    rows: int
    missed: int
    steps: int
    sigmas: torch.Tensor

    @property
    def draws(self) -> Sequence[object]:
        """One for each picture."""


def draw_sheet(early: Sequence[EarlyPicture], seeds: Sequence[str], chosen: Sequence[int], cell: int) -> torch.Tensor:
    """IMAGE [1, H, W, 3] of all pictures with their numbers; the chosen ones are framed.

    Raises:
        ValueError: the sheet would be too large.
    """
    pictures = [_framed(picture, index in chosen) for index, picture in enumerate(early)]
    labels = [f"{number}: {seed}" for number, seed in enumerate(seeds, start=1)]
    style = Style(cell_size=cell, max_megapixels=MEGAPIXELS)
    return draw(lay_out([(each.shape[0], each.shape[1]) for each in pictures], labels, style), pictures)


def _framed(picture: EarlyPicture, chosen: bool) -> torch.Tensor:
    assert picture.preview is not None
    shown = picture.preview.float() / 255.0
    if chosen:
        width = max(2, round(max(shown.shape[:2]) / 40))
        inside = torch.zeros(shown.shape[:2], dtype=torch.bool)
        inside[width:-width, width:-width] = True
        shown = torch.where(inside[..., None], shown, _GREEN)
    return shown


def write_report(job: Counted, chosen: Sequence[int]) -> str:
    """How many steps of pictures were needed, and how many all seeds to the end would be."""
    count, total = len(job.draws), len(job.sigmas) - 1
    early, late = count * job.steps, len(chosen) * (total - job.steps)
    lines = [f"{count} seeds x {job.steps} of {total} steps: {early:,} steps of pictures."]
    if chosen:
        numbers = ", ".join(str(index + 1) for index in chosen)
        share = 100.0 * (early + late) / (count * total)
        lines.append(
            f"Picked {numbers}: {late:,} more. {early + late:,} in place of {count * total:,} ({share:.0f} %)."
        )
    else:
        lines.append("Nothing is picked yet. Write numbers of the sheet into pick, then run again.")
    lines.append(f"The network computed {job.rows:,} pictures in this run; what it answered before was kept.")
    if job.missed:
        lines.append(f"{job.missed} kept answers did not fit and were computed again.")
    return "\n".join(lines)
