"""Sampling on the zoo, seen from inside the sampler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from .families import Family


@dataclass
class Call:
    """One call of the model: its sigma, the conditionings that it was for, and the residuals that it was given."""

    sigma: float
    sides: list[int]
    control: dict[str, list[torch.Tensor | None]] | None

    @property
    def residuals(self) -> list[torch.Tensor]:
        """Those that are there, in the order of their lists."""
        return [x for tensors in (self.control or {}).values() for x in tensors if x is not None]


@dataclass
class Run:
    """latent: what was sampled. calls: of the model. networks: at which call of the model a watched network ran.
    outputs: of `look`, x0 at each sigma."""

    latent: torch.Tensor
    outputs: list[torch.Tensor] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    networks: list[int] = field(default_factory=list)

    @property
    def ran(self) -> list[float]:
        """The sigmas at which a watched network ran, each once."""
        return list(dict.fromkeys(self.calls[number].sigma for number in self.networks))


def sigmas_of(model: Any, steps: int, scheduler: str = "simple") -> torch.Tensor:
    """SIGMAS as BasicScheduler makes them, new each time."""
    import comfy.samplers

    return comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), scheduler, steps).cpu()


def sample(
    family: Family,
    model: Any,
    positive: Any,
    negative: Any,
    sigmas: torch.Tensor,
    *,
    size: tuple[int, int] = (8, 8),
    batch: int = 1,
    sampler: Any = "euler",
    networks: Sequence[torch.nn.Module] = (),
    on_call: Callable[[int], None] | None = None,
    apart: bool = False,
) -> Run:
    """Sample a latent of `size` cells with cfg 4. networks: whose calls are counted. on_call: before each call of the
    model, with its number. apart: the two sides are sampled one after another, as where memory is short."""
    import comfy.samplers

    run, inside = Run(torch.empty(0)), list[bool]()

    def record(apply_model: Any, given: dict[str, Any]) -> torch.Tensor:
        residuals = given["c"].get("control")
        if residuals is not None:
            residuals = {key: [None if x is None else x.clone() for x in xs] for key, xs in residuals.items()}
        run.calls.append(Call(float(given["timestep"][0]), list(given["cond_or_uncond"]), residuals))
        if on_call is not None:
            on_call(len(run.calls))
        inside.append(True)
        try:
            return apply_model(given["input"], given["timestep"], **given["c"])
        finally:
            inside.pop()

    watched = model.clone()
    watched.set_model_unet_function_wrapper(record)
    if apart:
        watched.set_model_sampler_calc_cond_batch_function(_one_by_one)
    guider = comfy.samplers.CFGGuider(watched)
    guider.set_conds(positive, negative)
    guider.set_cfg(4.0)
    noise = torch.randn(family.latent(*size, batch)["samples"].shape, generator=torch.Generator().manual_seed(7))

    def note(*_: Any) -> None:  # a ControlNet runs before the model is called, a patch inside it
        run.networks.append(len(run.calls) - len(inside))

    hooks = [net.register_forward_pre_hook(note) for net in networks]
    try:
        with torch.inference_mode():
            run.latent = guider.sample(
                noise,
                torch.zeros_like(noise),
                comfy.samplers.sampler_object(sampler) if isinstance(sampler, str) else sampler,
                sigmas.clone(),
                disable_pbar=True,
                seed=1,
            )
    finally:
        for hook in hooks:
            hook.remove()
    return run


def look(family: Family, model: Any, positive: Any, negative: Any, sigmas: torch.Tensor, **more: Any) -> Run:
    """Evaluate the model at the beginning of each step, on noise that is the same for every model, and sample nothing.

    So what two models give at one step can be compared bit for bit, whatever they gave before. more: of `sample`.
    """
    import comfy.samplers

    found: list[torch.Tensor] = []

    def evaluate(inner: Any, x: Any, sigmas: Any, extra_args: Any, callback: Any, disable: Any) -> Any:
        generator = torch.Generator().manual_seed(3)
        for sigma in sigmas[:-1]:
            noise = torch.randn(x.shape, generator=generator) * sigma
            found.append(inner(noise, sigma.repeat(len(x)), **extra_args))
        return x

    run = sample(family, model, positive, negative, sigmas, sampler=comfy.samplers.KSAMPLER(evaluate), **more)
    run.outputs = found
    return run


def _one_by_one(given: dict[str, Any]) -> list[torch.Tensor]:
    import comfy.samplers

    conds, options = given["conds"], dict(given["model_options"])
    options.pop("sampler_calc_cond_batch_function")
    found = []
    for side, cond in enumerate(conds):
        alone = [cond if side == other else None for other in range(len(conds))]
        found.append(
            comfy.samplers.calc_cond_batch(given["model"], alone, given["input"], given["sigma"], options)[side]
        )
    return found
