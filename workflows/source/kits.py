"""The models a slide is built on: the embedded ones, or Stable Diffusion 1.5 for the twin `NN-...-sd15.json`.

A kit also holds the size and the sampler settings that suit its models. The twins on today's models (today.py) may also
differ in how they load them and in how their control acts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node, Output

LOADER, CONTROL_LOADER = 156, 108  # pixels of height in every kit: newer frontends give a missing model a line
LEAST_LOADER = 98  # of the classic renderer, for a loader that has a widget
GUIDE_REPORT = 136  # pixels of height for the words that a guide shows after Run
_ARCHIVE = "https://huggingface.co/Comfy-Org/stable-diffusion-v1-5-archive/resolve/main"
_CONTROLNETS = "https://huggingface.co/comfyanonymous/ControlNet-v1-1_fp16_safetensors/resolve/main"


class Models(NamedTuple):
    """The node that loads them, and its outputs."""

    node: Node
    model: Output
    clip: Output
    vae: Output


Pair = tuple["Output", "Output"]  # positive and negative


class Guided(NamedTuple):
    """A node that guides by a hint. model: where the control is in the model, that; else None."""

    node: Node
    pair: Pair
    model: Output | None = None


class Free(NamedTuple):
    """A sampler, and its cfg."""

    sampler: str
    cfg: float


class Kit(ABC):
    """suffix: what the file's name ends in. mark: what its thumbnail says. size: side of a picture in pixels. steps,
    cfg, sampler, scheduler: for the slides' sampler. latent: the node of empty latents. about, about_control: what a
    note adds. slides: the numbers of those that have the kit; empty for all. control_loader: pixels of height of the
    node that loads a control.

    control_cfg: cfg where a ControlNet guides. It holds the shapes as it is, and a high cfg would wash out the seams of
    pale walls in the embedded model's rooms.

    sampler: deterministic, so that another word changes little else. noisy: for slides whose
    pictures need not stay alike. With noise in every step it draws whole limbs, where the other melts them.
    """

    suffix: str
    mark: str = ""
    size: int
    steps: int
    cfg: float
    control_cfg: float
    sampler: str = "dpmpp_2m"
    noisy: Free | None = None
    scheduler: str = "karras"
    latent: str = "EmptyLatentImage"
    about: str = ""
    about_control: str = ""
    slides: tuple[str, ...] = ()
    control_loader: int = CONTROL_LOADER

    def models(self, graph: GraphBuilder) -> Models:
        """The node that loads them, and its outputs."""
        node = self._model(graph)
        node.data["size"][1], node.least = LOADER, max(LEAST_LOADER, node.least or 0)
        return Models(node, node[0], node[1], node[2])

    @abstractmethod
    def _model(self, graph: GraphBuilder) -> Node: ...

    def control_net(self, graph: GraphBuilder, kind: str) -> Node:
        """CONTROL_NET for hints of `kind` (canny, mlsd or openpose)."""
        node = self._control_net(graph, kind)
        node.data["size"][1] = self.control_loader
        return node

    @abstractmethod
    def _control_net(self, graph: GraphBuilder, kind: str) -> Node: ...

    def guide(
        self, graph: GraphBuilder, models: Models, net: Node, pair: Pair, hint: Output, kind: str, latent: Output
    ) -> Guided:
        """The node that guides by a hint of `kind`, with what `control_net` gave."""
        node = graph.node(
            "SteerControlNetGuide",
            more=GUIDE_REPORT,
            positive=pair[0],
            negative=pair[1],
            control_net=net[0],
            image=hint,
            **self._guide_values(models, kind),
        )
        return Guided(node, (node[0], node[1]))

    def _guide_values(self, models: Models, kind: str) -> dict[str, Any]:
        """Further inputs of the guide."""
        return {}

    @property
    def free(self) -> Free:
        """For slides whose pictures need not stay alike."""
        return self.noisy or Free(self.sampler, self.cfg)

    def note(self, text: str, control: bool = False) -> str:
        """The note of a slide, with what is special with these models."""
        return self.words(text) + self.about + (self.about_control if control else "")

    def words(self, text: str) -> str:
        """A text of a slide, in the words of these models."""
        return text

    def has_slide(self, name: str) -> bool:
        """Whether the slide has a twin on these models."""
        return not self.slides or name.startswith(self.slides)


class DemoKit(Kit):
    """The embedded model, which needs no download."""

    suffix, size, steps, cfg, control_cfg = "", 256, 20, 5.0, 3.0
    noisy = Free("dpmpp_2m_sde", 4.0)

    def _model(self, graph: GraphBuilder) -> Node:
        return graph.node("SteerDemoModel", called="Model")

    def _control_net(self, graph: GraphBuilder, kind: str) -> Node:
        return graph.node("SteerDemoControlNet", called="ControlNet", kind=kind)


class StableDiffusionKit(Kit):
    """Stable Diffusion 1.5 by ComfyUI's own loaders; ComfyUI offers to download what is missing."""

    suffix, mark, size, steps, cfg, control_cfg = "-sd15", "SD 1.5", 512, 20, 7.0, 7.0

    def _model(self, graph: GraphBuilder) -> Node:
        name = "v1-5-pruned-emaonly-fp16.safetensors"
        node = graph.node("CheckpointLoaderSimple", called="Model", ckpt_name=name)
        return node.with_model(name, f"{_ARCHIVE}/{name}", "checkpoints")

    def _control_net(self, graph: GraphBuilder, kind: str) -> Node:
        name = f"control_v11p_sd15_{kind}_fp16.safetensors"
        node = graph.node("ControlNetLoader", called="ControlNet", control_net_name=name)
        return node.with_model(name, f"{_CONTROLNETS}/{name}", "controlnet")
