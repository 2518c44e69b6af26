"""The nodes of the family Seeds."""

from __future__ import annotations

from ..api import io
from .seed_nodes import PerImageStepNoise, RescueSeed, SeededNoiseNode, Seeds
from .spread_nodes import MeasureSpread, SeedSpread

NODES: list[type[io.ComfyNode]] = [Seeds, SeededNoiseNode, PerImageStepNoise, RescueSeed, SeedSpread, MeasureSpread]
