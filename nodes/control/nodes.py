"""The nodes of the family Control."""

from __future__ import annotations

from ..api import io
from . import face_nodes
from .guide_nodes import ControlNetGuide

NODES: list[type[io.ComfyNode]] = [ControlNetGuide, *face_nodes.NODES]
