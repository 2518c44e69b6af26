"""Nets of the zoo under Steer's guides and under ComfyUI's own nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from .controls import Kind, network_of
from .families import Family
from .patches import PatchKind
from .runs import Run, look, sample, sigmas_of
from .vaes import vae_of

GUIDE = {
    "strength": 1.0,
    "start_percent": 0.0,
    "end_percent": 1.0,
    "mode": "balanced",
    "fit": "crop",
    "kind": "any",
    "feather": 0,
}
PATCH_GUIDE = {name: value for name, value in GUIDE.items() if name != "mode"}


def hint(seed: int, height: int = 64, width: int = 64) -> torch.Tensor:
    """IMAGE [1, height, width, 3] of random colours."""
    return torch.rand(1, height, width, 3, generator=torch.Generator().manual_seed(seed))


@dataclass
class Bench:
    """One net of the zoo with its family: guided by Steer, and by ComfyUI's own node."""

    comfy: Any
    kind: Kind | PatchKind
    net: Any
    model: Any

    @property
    def family(self) -> Family:
        return self.kind.family

    @property
    def networks(self) -> list[torch.nn.Module]:
        if isinstance(self.kind, PatchKind):  # it runs in parts
            return [part for part in self.net.model.modules() if not list(part.children())]
        network = network_of(self.net)
        return [] if network is None else [network]

    def sigmas(self, steps: int) -> torch.Tensor:
        return sigmas_of(self.model, steps)

    def run(self, guided: tuple[Any, Any, Any], sigmas: torch.Tensor, **more: Any) -> Run:
        """guided: MODEL, positive and negative."""
        more.setdefault("networks", self.networks)
        return sample(self.family, *guided, sigmas, **more)

    def look(self, guided: tuple[Any, Any, Any], sigmas: torch.Tensor, **more: Any) -> Run:
        """What the model gives at the beginning of each step, on the same noise."""
        more.setdefault("networks", self.networks)
        return look(self.family, *guided, sigmas, **more)

    @property
    def plain(self) -> tuple[Any, Any, Any]:
        return self.model, self.family.prompt(1), self.family.prompt(2)

    def guided(self, **given: Any) -> tuple[Any, Any, Any]:
        """MODEL, positive and negative, as Steer's node makes them."""
        return self.call(**given)[0]

    def call(self, **given: Any) -> tuple[tuple[Any, Any, Any], tuple[Any, ...]]:
        """The same, and what the node gives: its stack, hint and report."""
        model, positive, negative = self.plain
        inputs = {"image": hint(3), "latent": self.family.latent()} | given
        if isinstance(self.kind, PatchKind):
            inputs = PATCH_GUIDE | {"model": model, "model_patch": self.net, "vae": vae_of(self.family)} | inputs
            patched, *rest = self.comfy.call("SteerModelPatchGuide", **inputs)
            return (patched, positive, negative), tuple(rest)
        inputs = GUIDE | {"positive": positive, "negative": negative, "control_net": self.net} | inputs
        if self.kind.vae:
            inputs.setdefault("vae", vae_of(self.family))
        first, second, *rest = self.comfy.call("SteerControlNetGuide", **inputs)
        return (model, first, second), tuple(rest)

    def stock(self, strength: float = 1.0, mask: torch.Tensor | None = None, seed: int = 3) -> tuple[Any, Any, Any]:
        """As ComfyUI's own node makes them."""
        model, positive, negative = self.plain
        vae = vae_of(self.family)
        if isinstance(self.kind, PatchKind):
            node = self.comfy.nodes.NODE_CLASS_MAPPINGS[self.kind.node]
            with torch.inference_mode():
                patched = getattr(node(), node.FUNCTION)(
                    model=model, model_patch=self.net, vae=vae, image=hint(seed), strength=strength, mask=mask
                )[0]
            return patched, positive, negative
        given = self.net, vae if self.kind.vae else None, hint(seed)
        if mask is not None:
            node = self.comfy.nodes.NODE_CLASS_MAPPINGS["ControlNetInpaintingAliMamaApply"]
            return model, *node.execute(positive, negative, *given, mask, strength, 0.0, 1.0).result
        net, vae, image = given
        apply = self.comfy.nodes.ControlNetApplyAdvanced().apply_controlnet
        return model, *apply(positive, negative, net, image, strength, 0.0, 1.0, vae=vae)
