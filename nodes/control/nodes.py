"""The nodes of the family Control."""

from __future__ import annotations

from ..api import io
from . import face_nodes
from .guide_nodes import ControlNetGuide
from .meter.meter_nodes import ControlMeter
from .patches.patch_nodes import ModelPatchGuide
from .reference.reference_nodes import ReferenceHint
from .steps.steps_nodes import ControlStepsNode

NODES: list[type[io.ComfyNode]] = [
    ControlNetGuide,
    ModelPatchGuide,
    ReferenceHint,
    ControlStepsNode,
    *face_nodes.NODES,
    ControlMeter,
]
