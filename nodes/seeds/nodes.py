"""The nodes of the family Seeds."""

from __future__ import annotations

from ..api import io
from .seed_nodes import PerImageStepNoise, RescueSeed, SeededNoiseNode, Seeds

NODES: list[type[io.ComfyNode]] = [Seeds, SeededNoiseNode, PerImageStepNoise, RescueSeed]
