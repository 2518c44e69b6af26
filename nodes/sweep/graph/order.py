"""In which order a sweep goes through its axes: what is slow to change changes least.

ComfyUI keeps what the last prompt has made. From one cell to the next it makes again only what comes behind a value
that changed. How often that is, follows from the order of the axes alone, so the cheapest order can be found before
anything runs.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

MAX_TRIED = 6  # axes whose orders are all tried; of more, the axes with the dearest nodes come first
# What one run of a node costs beside others, as far as its types tell.
LOAD, PATCH, SAMPLE, PIXELS, ENCODE, OTHER = 60.0, 12.0, 30.0, 4.0, 2.0, 0.2
_LOADED = {"MODEL", "CLIP", "VAE", "CONTROL_NET", "CLIP_VISION", "STYLE_MODEL", "UPSCALE_MODEL", "MODEL_PATCH"}


@dataclass(frozen=True)
class NodeTypes:
    """The types of what is wired into a node, and of what it gives."""

    inputs: frozenset[str]
    outputs: frozenset[str]


def cost_of(types: NodeTypes) -> float:
    """What a run of a node costs: loading a model most, then sampling, then patching it."""
    if types.outputs & _LOADED:
        return PATCH if types.inputs & _LOADED else LOAD
    if "LATENT" in types.outputs and types.inputs & {"MODEL", "GUIDER"}:
        return SAMPLE
    if types.inputs & {"VAE", "IMAGE", "CLIP_VISION", "UPSCALE_MODEL"} and types.outputs & {"IMAGE", "LATENT"}:
        return PIXELS
    return ENCODE if "CONDITIONING" in types.outputs else OTHER


def order_axes(sizes: Sequence[int], behind: Sequence[Collection[str]], costs: Mapping[str, float]) -> tuple[int, ...]:
    """The numbers of the axes, the outermost first, in the order that costs least.

    sizes: how many values each axis has. behind: the nodes that each axis changes. costs: of one run of each node.
    Among equal orders the first stays as wired.
    """
    numbers = range(len(sizes))
    if len(sizes) > MAX_TRIED:
        worth = [sum(costs.get(node, OTHER) for node in nodes) for nodes in behind]
        return tuple(sorted(numbers, key=lambda i: -worth[i]))
    return min(itertools.permutations(numbers), key=lambda order: total_cost(order, sizes, behind, costs))


def total_cost(
    order: Sequence[int], sizes: Sequence[int], behind: Sequence[Collection[str]], costs: Mapping[str, float]
) -> float:
    """What a whole sweep costs in this order: each node runs whenever an axis that it lies behind has moved on."""
    total, runs = 0.0, 1
    innermost: dict[str, int] = {}
    for place in order:
        runs *= sizes[place]
        for node in behind[place]:
            innermost[node] = runs
    for node, times in innermost.items():
        total += times * costs.get(node, OTHER)
    return total
