"""The nodes of the family Noise."""

from __future__ import annotations

from ..api import io
from .forward_nodes import ForwardDiffusion, ForwardDiffusionLatent
from .published_nodes import BlendSchedules, PublishedSchedule
from .reverse_nodes import ReverseDiffusion
from .schedule_nodes import NoiseSchedule, SchedulePlot

NODES: list[type[io.ComfyNode]] = [
    NoiseSchedule,
    PublishedSchedule,
    BlendSchedules,
    SchedulePlot,
    ForwardDiffusion,
    ForwardDiffusionLatent,
    ReverseDiffusion,
]
