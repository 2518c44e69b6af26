"""What a cell of the matrix says, and the means that the checks share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from ..families import Family
from ..runs import sigmas_of

EQUAL = "equal"  # to ComfyUI's own nodes, bit for bit
CLOSE = "close"  # up to the rounding that the help page names
WORKS = "works"  # where Steer promises no equality
REFUSED = "refused"  # by name, before sampling
IDLE = "no effect"  # of the input on this family, with ComfyUI's own nodes too
ABSENT = "absent"  # not in this ComfyUI, or not in the zoo
WRONG = "WRONG"
STEPS = 3


@dataclass(frozen=True)
class Verdict:
    """One cell. note: the reason, or what was compared."""

    word: str
    note: str = ""

    def __str__(self) -> str:
        return f"{self.word}: {self.note}" if self.note else self.word


@dataclass(frozen=True)
class Check:
    """One row. node: as artists call it. promise: what is checked. run: (comfy, family) -> Verdict."""

    node: str
    promise: str
    run: Callable[[Any, Family], Verdict]

    def verdict(self, comfy: Any, family: Family) -> Verdict:
        """The cell of a family; WRONG where the promise is broken or an error comes that Steer did not raise."""
        comfy.fresh()
        try:
            return self.run(comfy, family)
        except Exception as error:  # noqa: BLE001  # the matrix shows every fault, whatever it is
            return Verdict(WRONG, f"{type(error).__name__}: {' '.join(str(error).split())[:160]}")


def compare(ours: torch.Tensor, theirs: torch.Tensor, *, close: float = 0.0) -> Verdict:
    """EQUAL, or CLOSE up to `close` of the largest value, or WRONG."""
    if ours.shape == theirs.shape and torch.equal(ours, theirs):
        return Verdict(EQUAL)
    if ours.shape != theirs.shape:
        return Verdict(WRONG, f"shape {list(ours.shape)}, not {list(theirs.shape)}")
    apart = float((ours - theirs).abs().max() / theirs.abs().max().clamp(min=1e-9))
    return Verdict(CLOSE if apart <= close else WRONG, f"{apart:.1e}")


def refused(call: Callable[[], Any], words: str) -> Verdict:
    """REFUSED if `call` ends in a ValueError that has `words`."""
    try:
        call()
    except ValueError as error:
        return Verdict(REFUSED) if words in str(error) else Verdict(WRONG, f"refused with: {str(error)[:120]}")
    return Verdict(WRONG, "was not refused")


def custom(family: Family, model: Any = None, **given: Any) -> dict[str, Any]:
    """The inputs of SamplerCustomAdvanced on a family."""
    import comfy.samplers
    from comfy_extras.nodes_custom_sampler import Noise_RandomNoise

    model = family.model() if model is None else model
    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(family.prompt(1), family.prompt(2))
    guider.set_cfg(4.0)
    return {
        "noise": Noise_RandomNoise(5),
        "guider": guider,
        "sampler": comfy.samplers.sampler_object("euler"),
        "sigmas": sigmas_of(model, STEPS),
        "latent_image": family.latent(),
    } | given


def stock_latent(comfy: Any, given: dict[str, Any]) -> torch.Tensor:
    """What SamplerCustomAdvanced samples."""
    return comfy.call("SamplerCustomAdvanced", **given)[0]["samples"]
