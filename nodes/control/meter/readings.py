"""What a control adds against the model itself, by step and layer. Pure: numbers in, numbers and words out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...text.plural import count_things

SLACK = 1e-5  # by which a noise level may lie above the edge that it stands for: float32 rounds


@dataclass(frozen=True)
class Reading:
    """One control joins the model at one layer in one call of the network.

    control: its number, from 0. sigma: the noise level of the call. Sums of squares: added: of what the control adds.
    hidden: of the model's own values there. outside: of what it adds where its mask is 0.
    """

    control: int
    sigma: float
    layer: str
    added: float
    hidden: float
    outside: float = 0.0


@dataclass(frozen=True)
class Shares:
    """One control: how large what it adds is against the model's own values, 1 for as large.

    layers: in the order in which the model meets them. cells: [steps][layers]; 0 where it adds nothing. steps: of all
    layers together. outside: as `steps`, of what lies outside of its mask, over all steps.
    """

    title: str
    layers: tuple[str, ...]
    cells: tuple[tuple[float, ...], ...]
    steps: tuple[float, ...]
    outside: float

    @property
    def most(self) -> float:
        """The largest cell."""
        return max((cell for row in self.cells for cell in row), default=0.0)


def find_step(sigma: float, edges: Sequence[float]) -> int:
    """The step, from 0, to which a call at `sigma` belongs. edges: the schedule, falling."""
    begun = sum(edge >= sigma * (1.0 - SLACK) for edge in edges[:-1])
    return max(0, begun - 1)


def collect_shares(readings: Sequence[Reading], titles: Sequence[str], edges: Sequence[float]) -> list[Shares]:
    """The shares of each control. titles: of all controls. edges: the schedule, falling, one more than its steps."""
    return [
        _shares([reading for reading in readings if reading.control == number], title, edges)
        for number, title in enumerate(titles)
    ]


def _shares(readings: Sequence[Reading], title: str, edges: Sequence[float]) -> Shares:
    layers = tuple(dict.fromkeys(reading.layer for reading in readings))
    count = max(1, len(edges) - 1)
    sums = [[[0.0, 0.0] for _ in layers] for _ in range(count)]
    outside = 0.0
    for reading in readings:
        cell = sums[find_step(reading.sigma, edges)][layers.index(reading.layer)]
        cell[0] += reading.added
        cell[1] += reading.hidden
        outside += reading.outside
    cells = tuple(tuple(_share(*cell) for cell in row) for row in sums)
    steps = tuple(_share(sum(cell[0] for cell in row), sum(cell[1] for cell in row)) for row in sums)
    return Shares(title, layers, cells, steps, _share(outside, sum(reading.hidden for reading in readings)))


def _share(added: float, hidden: float) -> float:
    return math.sqrt(added / hidden) if hidden > 0.0 else 0.0


def percent(share: float) -> str:
    """ "12.3 %"; "0 %" only for what is exactly nothing."""
    if share == 0.0:
        return "0 %"
    return f"{100.0 * share:.1f} %" if share >= 0.0005 else "under 0.1 %"


def write_report(shares: Sequence[Shares]) -> str:
    """Each control in a paragraph: where it adds most, which steps it leaves alone, and all steps."""
    return "\n\n".join(map(_describe, shares))


def _describe(shares: Shares) -> str:
    total = len(shares.steps)
    acting = [step + 1 for step, share in enumerate(shares.steps) if share > 0.0]
    if not acting:
        return f"{shares.title}\nIt adds nothing in any of {count_things(total, 'step')}."
    step, layer = max(
        ((step, layer) for step in range(total) for layer in range(len(shares.layers))),
        key=lambda place: shares.cells[place[0]][place[1]],
    )
    lines = [
        shares.title,
        f"It adds most in step {step + 1} at {shares.layers[layer]}: {percent(shares.most)} of the model's own values.",
        f"It adds something in {len(acting)} of {count_things(total, 'step')}, from step {acting[0]} to {acting[-1]}.",
    ]
    if "mask" in shares.title:
        lines.append(f"Outside of its mask it adds {percent(shares.outside)}.")
    lines.append("By step: " + ", ".join(f"{i + 1}: {percent(share)}" for i, share in enumerate(shares.steps)) + ".")
    return "\n".join(lines)
