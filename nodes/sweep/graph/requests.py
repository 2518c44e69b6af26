"""What the widget `cell` of a Sweep Graph asks for: what that of a Sweep does (plan/cell_widget.py), and three more.

Those three stand in jobs that the node itself makes, never in a saved workflow:

    {"steer": "plan", "cell": text}                                   plan what `text` asks for: the axes are there
    {"steer": "job", "sweep": name, "number": 3}                      the job of a sweep under way (chain.py)
    {"steer": "made", "cell": text, "name": [...], "at": {...}, "temp": false}   one cell: its pictures come in
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..plan.cell_widget import CELL, CellRequest, Labels, read_cell
from .prompts import Json


@dataclass(frozen=True)
class NodeAnswer:
    """What the node gives. outputs: sheet, folder, report. ui: what it shows. expand: nodes to add, whose ids the
    outputs then name. to_save: pictures to save as Save Image does, and the prefix of their files."""

    outputs: tuple[Any, ...]
    ui: Json | None = None
    expand: Json | None = None
    to_save: tuple[Sequence[Any], str] | None = None


@dataclass(frozen=True)
class Widgets:
    """The widgets of a Sweep Graph."""

    folder: str
    max_cells: int
    on_error: str
    cell: str

    def with_cell(self, cell: str) -> Json:
        """As the inputs of a prompt."""
        return {"folder": self.folder, "max_cells": self.max_cells, "on_error": self.on_error, CELL: cell}


@dataclass(frozen=True)
class PlanNow:
    """The axes have come in: plan what the text asks for."""

    text: str


@dataclass(frozen=True)
class Job:
    """A job of a sweep under way. number: of its cell; the last one closes the sweep."""

    sweep: str
    number: int


@dataclass(frozen=True)
class CellToKeep:
    """One cell whose pictures come in. text: the widget as a picture shall have it. name: of its file.

    at: the place of each Sweep Value, by its node. temp: the file goes into ComfyUI's temp folder.
    """

    text: str
    name: Labels
    at: Mapping[str, int] = field(default_factory=dict)
    temp: bool = False


GraphRequest = CellRequest | PlanNow | Job | CellToKeep


def read_request(text: str) -> GraphRequest:
    """What the text of the widget asks for."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return read_cell(text)
    if not isinstance(found, dict):
        return read_cell(text)
    try:
        kind = found["steer"]
        if kind == "plan":
            return PlanNow(str(found["cell"]))
        if kind == "job":
            return Job(str(found["sweep"]), int(found["number"]))
        if kind == "made":
            at = {str(node): int(place) for node, place in found["at"].items()}
            return CellToKeep(str(found["cell"]), tuple(map(str, found["name"])), at, bool(found["temp"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        return read_cell(text)
    return read_cell(text)


def write_plan_now(text: str) -> str:
    """The text that asks to plan what `text` asks for."""
    return json.dumps({"steer": "plan", "cell": text})


def write_job(sweep: str, number: int) -> str:
    """The text of a job of a sweep."""
    return json.dumps({"steer": "job", "sweep": sweep, "number": number})


def write_made(text: str, name: Sequence[str], at: Mapping[str, int], temp: bool) -> str:
    """The text of one cell whose pictures come in."""
    return json.dumps({"steer": "made", "cell": text, "name": list(name), "at": dict(at), "temp": temp})
