"""The models a slide is built on: the embedded ones, or Stable Diffusion 1.5 for the twin `NN-...-sd15.json`.

A kit also holds the size and the sampler settings that suit its models. Nothing else may differ between twins.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node, Output

LOADER, CONTROL_LOADER = 104, 86  # pixels of height, the same in both kits
_ARCHIVE = "https://huggingface.co/Comfy-Org/stable-diffusion-v1-5-archive/resolve/main"
_CONTROLNETS = "https://huggingface.co/comfyanonymous/ControlNet-v1-1_fp16_safetensors/resolve/main"


class Models(NamedTuple):
    """The node that loads them, and its outputs."""

    node: Node
    model: Output
    clip: Output
    vae: Output


class Kit(ABC):
    """suffix: what the file's name ends in. size: side of a picture in pixels. steps, cfg: for the slides' sampler.

    control_cfg: cfg where a ControlNet guides. It holds the shapes as it is, and a high cfg would wash out the seams of
    pale walls in the embedded model's rooms.
    """

    suffix: str
    size: int
    steps: int
    cfg: float
    control_cfg: float

    def models(self, graph: GraphBuilder) -> Models:
        """The node that loads them, and its outputs."""
        node = self._model(graph)
        node.data["size"][1] = LOADER
        return Models(node, node[0], node[1], node[2])

    @abstractmethod
    def _model(self, graph: GraphBuilder) -> Node: ...

    def control_net(self, graph: GraphBuilder, kind: str) -> Node:
        """CONTROL_NET for hints of `kind` (canny, mlsd or openpose)."""
        node = self._control_net(graph, kind)
        node.data["size"][1] = CONTROL_LOADER
        return node

    @abstractmethod
    def _control_net(self, graph: GraphBuilder, kind: str) -> Node: ...


class DemoKit(Kit):
    """The embedded model, which needs no download."""

    suffix, size, steps, cfg, control_cfg = "", 256, 20, 5.0, 3.0

    def _model(self, graph: GraphBuilder) -> Node:
        return graph.node("SteerDemoModel", called="Model")

    def _control_net(self, graph: GraphBuilder, kind: str) -> Node:
        return graph.node("SteerDemoControlNet", called="ControlNet", kind=kind)


class StableDiffusionKit(Kit):
    """Stable Diffusion 1.5 by ComfyUI's own loaders; ComfyUI offers to download what is missing."""

    suffix, size, steps, cfg, control_cfg = "-sd15", 512, 20, 7.0, 7.0

    def _model(self, graph: GraphBuilder) -> Node:
        name = "v1-5-pruned-emaonly-fp16.safetensors"
        node = graph.node("CheckpointLoaderSimple", called="Model", ckpt_name=name)
        return node.with_model(name, f"{_ARCHIVE}/{name}", "checkpoints")

    def _control_net(self, graph: GraphBuilder, kind: str) -> Node:
        name = f"control_v11p_sd15_{kind}_fp16.safetensors"
        node = graph.node("ControlNetLoader", called="ControlNet", control_net_name=name)
        return node.with_model(name, f"{_CONTROLNETS}/{name}", "controlnet")


KITS: tuple[Kit, ...] = (DemoKit(), StableDiffusionKit())
