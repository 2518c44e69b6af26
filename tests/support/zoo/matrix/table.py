"""The whole matrix and its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..families import FAMILIES, Family
from . import control, prompts, sampling
from .verdict import Check, Verdict

CHECKS: tuple[Check, ...] = (*sampling.CHECKS, *prompts.CHECKS, *control.CHECKS)
Cells = Mapping[tuple[str, str], Verdict]  # by node and family


def draw_table(cells: Cells, checks: Sequence[Check] = CHECKS, families: Sequence[Family] = FAMILIES) -> list[str]:
    """The lines of the matrix in Markdown: a row for each node, a word for each family; then the notes."""
    lines = [
        f"| node | what is checked | {' | '.join(family.name for family in families)} |",
        f"|---|---|{'---|' * len(families)}",
    ]
    for check in checks:
        words = [cells[check.node, family.name].word for family in families]
        lines.append(f"| **{check.node}** | {check.promise} | {' | '.join(words)} |")
    notes = [
        f"- {check.node}, {family.name}: {cells[check.node, family.name].note}"
        for check in checks
        for family in families
        if cells[check.node, family.name].note
    ]
    return [*lines, "", *notes]
