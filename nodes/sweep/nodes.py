"""The nodes of the family Sweep."""

from __future__ import annotations

from ..api import io
from .axis_nodes import ValueAxis
from .load_nodes import LoadCells
from .sheet_nodes import ContactSheet, Difference
from .sweep_nodes import Sweep

NODES: list[type[io.ComfyNode]] = [ValueAxis, Sweep, LoadCells, ContactSheet, Difference]
