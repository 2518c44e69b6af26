"""Sampling with ControlNets on small models, recorded from inside ComfyUI's sampler."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from tiny_model import sigmas_of, tiny_conditioning

GUIDE = {
    "strength": 0.8,
    "start_percent": 0.0,
    "end_percent": 1.0,
    "mode": "balanced",
    "fit": "crop",
    "kind": "auto",
    "feather": 0,
}  # the widgets of ControlNet Guide
LATENT = {"samples": torch.zeros(1, 4, 8, 8)}


@dataclass
class Step:
    """One call of the model: residuals it was given (or None), the sigma, and which conditionings it was for."""

    residuals: dict[str, list[torch.Tensor | None]] | None
    sigma: float
    sides: list[int]

    @property
    def tensors(self) -> list[torch.Tensor]:
        """The residuals from the shallowest to the middle one."""
        if self.residuals is None:
            return []
        return [x for key in ("output", "middle") for x in self.residuals[key] if x is not None]


@dataclass
class Run:
    latent: torch.Tensor
    steps: list[Step] = field(default_factory=list)
    calls: int = 0


class Lab:
    """A random model of the SD 1.5 layout and what samples with it, recording from inside."""

    def __init__(self, model: Any, context: int | None = None) -> None:
        self.model = model
        self.prompts = [tiny_conditioning(seed) for seed in (1, 2)]
        if context is not None:
            self.prompts = [
                [[torch.randn(1, 77, context, generator=torch.Generator().manual_seed(seed)), {}]] for seed in (1, 2)
            ]

    def hint(self, seed: int, batch: int = 1, side: int = 64) -> torch.Tensor:
        return torch.rand(batch, side, side, 3, generator=torch.Generator().manual_seed(seed))

    def run(self, positive: Any, negative: Any, steps: int = 2, batch: int = 1, nets: tuple[Any, ...] = ()) -> Run:
        """Euler, cfg 4. `nets`: control networks whose calls are counted."""
        import comfy.samplers

        run = Run(torch.empty(0))

        def record(apply_model: Any, given: dict[str, Any]) -> torch.Tensor:
            residuals = given["c"].get("control")
            residuals = (
                None
                if residuals is None
                else {key: [None if x is None else x.clone() for x in tensors] for key, tensors in residuals.items()}
            )
            run.steps.append(Step(residuals, float(given["timestep"][0]), list(given["cond_or_uncond"])))
            return apply_model(given["input"], given["timestep"], **given["c"])

        def count(*_: Any) -> None:
            run.calls += 1

        watched = self.model.clone()
        watched.set_model_unet_function_wrapper(record)
        guider = comfy.samplers.CFGGuider(watched)
        guider.set_conds(positive, negative)
        guider.set_cfg(4.0)
        noise = torch.randn(batch, 4, 8, 8, generator=torch.Generator().manual_seed(7))
        hooks = [net.control_model.register_forward_pre_hook(count) for net in nets]
        try:
            with torch.inference_mode():
                run.latent = guider.sample(
                    noise,
                    torch.zeros_like(noise),
                    comfy.samplers.sampler_object("euler"),
                    sigmas_of(self.model, steps),
                    disable_pbar=True,
                    seed=1,
                )
        finally:
            for hook in hooks:
                hook.remove()
        return run
