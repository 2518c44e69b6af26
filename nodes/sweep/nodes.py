"""The nodes of the family Sweep."""

from __future__ import annotations

from ..api import io
from .axes_nodes import ImageAxis, JoinAxes, ZipAxes
from .axis_nodes import ValueAxis
from .difference_nodes import Difference
from .find_nodes import ExpressionFinder
from .graph_nodes import SweepGraph, SweepValue
from .load_nodes import LoadCells
from .pick_nodes import EarlyPick
from .sheet_nodes import ContactSheet
from .sweep_nodes import Sweep

NODES: list[type[io.ComfyNode]] = [
    ValueAxis,
    ImageAxis,
    ZipAxes,
    JoinAxes,
    Sweep,
    SweepValue,
    SweepGraph,
    ExpressionFinder,
    EarlyPick,
    LoadCells,
    ContactSheet,
    Difference,
]
