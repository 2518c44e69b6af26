"""Control Steps: each net runs in exactly the steps that are named, with exactly the strength that is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from zoo.controls import KINDS, Kind, kinds_here
from zoo.patches import PATCHES, PatchKind, patches_here

EVERY = [*KINDS, *PATCHES]
# Nets that take no mask of what is repainted, one for each way in which a net is built.
FEW = [kind for kind in KINDS if kind.name in ("ControlNet of SD 1.5", "Union of Flux.1", "InstantX of Qwen-Image")]


def of_each(kinds: list[Any]) -> Any:
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.name)


def skip_absent(kind: Kind | PatchKind) -> None:
    if kind not in (*kinds_here(), *patches_here()):
        pytest.skip("not in this ComfyUI")


def steps_of(comfy: Any, model: Any, sigmas: torch.Tensor, text: str) -> Any:
    return comfy.call("SteerControlSteps", model=model, sigmas=sigmas, text=text)[0]


@of_each(EVERY)
def test_a_net_runs_in_the_steps_named_with_the_strength_named(comfy, bench: Callable[..., Any], kind: Any):
    """At each step the model gives what it gives with ComfyUI's own node at this strength, or with no node."""
    skip_absent(kind)
    own = bench(kind)
    sigmas = own.sigmas(4)
    steps = steps_of(comfy, own.model, sigmas, "1@1, 0.4@3")
    mask = torch.ones(1, 64, 64) if kind.inpaint else None
    run = own.look(own.guided(steps=steps, mask=mask), sigmas)
    if own.networks and not kind.name.startswith("T2I"):  # adapters run once for all steps
        assert run.ran == [float(sigmas[0]), float(sigmas[2])]
    for step, strength in enumerate((1.0, 0.0, 0.4, 0.0)):
        alone = own.look(own.stock(strength, mask) if strength else own.plain, sigmas)
        assert torch.equal(run.outputs[step], alone.outputs[step]), f"step {step + 1}"


@of_each(FEW)
def test_strength_multiplies_the_steps_and_percents_narrow_them(comfy, bench: Callable[..., Any], kind: Kind):
    own = bench(kind)
    sigmas = own.sigmas(4)
    steps = steps_of(comfy, own.model, sigmas, "1@1-3, 0.5@4")
    guided, (_, _, report) = own.call(steps=steps, strength=0.8, start_percent=0.3)
    run = own.run(guided, sigmas)
    assert len(run.ran) < 4
    assert re.search(r"^acts in steps \d(-3)? at 0.8, 4 at 0.4, of 4$", report, re.M), report
    assert "start_percent 0.3 falls between step" in report
