"""What is connected to a Sweep, and the graph around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ...choices import GUIDANCE
from ...control.stack import ControlStack, with_values
from ...prompt_graph import GetNode, nodes_of
from .cells import BY_SAMPLER, BY_SIGMAS, Connected, Settings, name_axis


@dataclass(frozen=True)
class SweepInputs:
    """What is connected to a Sweep. latent: LATENT of one picture. sampler, sigmas, control: None if unconnected."""

    model: Any
    clip: Any
    vae: Any
    latent: dict[str, Any]
    control: ControlStack | None = None
    sampler: Any = None
    sigmas: torch.Tensor | None = None

    @property
    def connected(self) -> Connected:
        """Which of the optional inputs are connected."""
        return Connected(self.control is not None, self.sampler is not None, self.sigmas is not None)

    @property
    def overridden(self) -> tuple[str, ...]:
        """The settings that a connected SAMPLER or SIGMAS replaces."""
        by_sampler = BY_SAMPLER if self.sampler is not None else ()
        by_sigmas = BY_SIGMAS if self.sigmas is not None else ()
        return (*by_sampler, *by_sigmas)


@dataclass(frozen=True)
class GraphAround:
    """The graph around a Sweep.

    node_id: the Sweep's own id. dynprompt: ComfyUI's graph of this run, None when the node is called alone. prompt: the
    API prompt as it was queued. info: what the frontend sends for the head of a picture, such as the workflow.
    """

    node_id: str
    dynprompt: Any
    prompt: dict[str, Any]
    info: dict[str, Any]

    @classmethod
    def read(cls, hidden: Any) -> GraphAround:
        """From the node's hidden inputs unique_id, dynprompt, prompt and extra_pnginfo."""
        return cls(str(hidden.unique_id or ""), hidden.dynprompt, hidden.prompt or {}, hidden.extra_pnginfo or {})

    @property
    def get_node(self) -> GetNode:
        """The nodes of this run."""
        return nodes_of(self.dynprompt)


def name_axes(graph: GraphAround) -> list[str]:
    """For axis_1 to axis_4 that are connected, the title of the node they come from; empty where it is not known."""
    own = graph.get_node(graph.node_id) or {}
    links = [own.get("inputs", {}).get(f"axis_{number}") for number in range(1, 5)]
    return [name_axis(graph.get_node(str(link[0]))) for link in links if isinstance(link, list)]


def check_latent(latent: dict[str, Any]) -> None:
    """Check that a LATENT is one picture that can be sampled.

    Raises:
        ValueError: it is not.
    """
    samples = latent["samples"]
    if samples.is_nested or samples.ndim < 4:
        raise ValueError("latent: it is of several sizes or no picture. Connect a LATENT with one picture.")
    if samples.numel() == 0:
        raise ValueError("latent: it is empty. Connect a LATENT with one picture.")
    if samples.shape[0] != 1:
        raise ValueError(
            f"latent: it holds {samples.shape[0]} pictures, and a cell makes one. Set batch_size of the node that "
            "makes it to 1; the Sweep makes its own batches."
        )
    if not bool(torch.isfinite(samples).all()):
        raise ValueError("latent: it holds NaN or infinite values. Check the node that made it.")


def check_guidance(model: Any) -> None:
    """Check that a MODEL reads the guidance that FluxGuidance sets: it has an embedding for it.

    Raises:
        ValueError: it does not, so that all cells would be one picture.
    """
    network = model.get_model_object("diffusion_model")
    if not getattr(getattr(network, "params", None), "guidance_embed", False):
        raise ValueError(
            f"axis of {GUIDANCE}: the model ({type(model.model).__name__}) takes no such guidance. Flux.1 dev and "
            "Flux.2 dev do. Vary the cfg instead."
        )


def set_control_values(stack: ControlStack, settings: Settings) -> ControlStack:
    """The stack with the strength, start and end that the settings have."""
    values = {
        "strength": settings.control_strength,
        "start_percent": settings.control_start,
        "end_percent": settings.control_end,
    }
    return with_values(stack, **{name: value for name, value in values.items() if value is not None})
