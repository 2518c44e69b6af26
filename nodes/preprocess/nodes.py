"""Nodes of the family Preprocess: thin wrappers over `preprocessors/`."""

from __future__ import annotations

from ..api import io
from . import line_nodes, pose_nodes
from .canny_nodes import Canny

NODES: list[type[io.ComfyNode]] = [Canny, *line_nodes.NODES, *pose_nodes.NODES]
