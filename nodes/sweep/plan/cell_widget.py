"""The widget `cell` of a Sweep: what its text asks for.

The text is a wire format. Saved workflows, pictures and divided batches (runner/batch/sweeps.py) hold it:

    (blank)                                         the whole sweep
    ?                                               the plan of the whole sweep, and no picture
    -                                               nothing: the sweep is set aside
    angry; seed 3                                   one cell, by its labels or some of them, as in Load Cells
    ["angry", "seed 3"]                             one cell, by all its labels (JSON), where they hold ; or |
    [["angry", "seed 3"], ["angry", "seed 4"]]      several cells that are made together (JSON)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CELL = "cell"  # the name of the widget
PLAN = "?"
ASIDE = "-"
TEMP_CELLS = "steer-cells"  # a folder in ComfyUI's temp folder: several cells, until the batch has fetched them
Labels = tuple[str, ...]


@dataclass(frozen=True)
class WholeSweep:
    """Make every cell that the folder lacks."""


@dataclass(frozen=True)
class PlanOnly:
    """Make nothing. The report is the plan of the whole sweep as JSON."""


@dataclass(frozen=True)
class SetAside:
    """Make nothing. Nodes that need the sheet wait."""


@dataclass(frozen=True)
class OneCell:
    """Make one cell. text: as the widget has it. labels: all labels of the cell; None where the text is a selection."""

    text: str
    labels: Labels | None = None


@dataclass(frozen=True)
class SeveralCells:
    """Make these cells together. They may differ in the seed only."""

    cells: tuple[OneCell, ...]


CellRequest = WholeSweep | PlanOnly | SetAside | OneCell | SeveralCells
_MODES: dict[str, CellRequest] = {"": WholeSweep(), PLAN: PlanOnly(), ASIDE: SetAside()}


def read_cell(text: str) -> CellRequest:
    """What the text of the widget asks for."""
    if mode := _MODES.get(text.strip()):
        return mode
    if several := read_cells(text):
        return SeveralCells(tuple(OneCell(write_cell(labels), labels) for labels in several))
    labels = _read_json(text)
    return OneCell(text, tuple(labels) if _are_labels(labels) else None)


def read_cells(text: str) -> list[Labels] | None:
    """The labels of each cell that `write_cells` wrote; None for any other text."""
    cells = _read_json(text)
    if not isinstance(cells, list) or not cells or not all(_are_labels(labels) for labels in cells):
        return None
    return [tuple(labels) for labels in cells]


def write_cell(labels: Sequence[str]) -> str:
    """The text that asks for the cell with these labels, one an axis."""
    return json.dumps(list(labels), ensure_ascii=False)


def write_cells(cells: Sequence[Sequence[str]]) -> str:
    """The text that asks for several cells, by the labels of each."""
    return json.dumps([list(labels) for labels in cells], ensure_ascii=False)


def is_whole_sweep(node: Mapping[str, Any]) -> bool:
    """Whether a Sweep of an API prompt makes all its cells: its `cell` is blank or absent."""
    return isinstance(read_cell(str(node["inputs"].get(CELL) or "")), WholeSweep)


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # of thousands of brackets
        return None


def _are_labels(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(label, str) for label in value)
