"""The nodes of the family Demo."""

from __future__ import annotations

from ..api import io
from .demo_nodes import DemoControlNet, DemoModel, DemoPicture

NODES: list[type[io.ComfyNode]] = [DemoModel, DemoControlNet, DemoPicture]
