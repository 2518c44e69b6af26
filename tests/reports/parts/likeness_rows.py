"""How like held-out drawings the generated pictures of each kind are, where no prompt is asked about.

Prompts are the captions of one lot of held-out scenes; another lot of the same size is what they are compared with.
The floor beside a distance is that of the two lots of drawings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch

from ....demo.judges.likeness import Palette, features_of, frechet_distance, grain_of, sharpness_of
from ....demo.scenes import HELD_OUT, render
from .generator import Bench, Figure, in_rows, tensor

MANY = 2000  # pictures of a kind
FIRST = HELD_OUT + 20_000  # no other row uses these scenes
LOT = 50  # pictures at once


@dataclass(frozen=True)
class Lots:
    """Pictures of one kind, uint8 [N, 3, 256, 256]: generated; drawn for the same captions; these rebuilt; others."""

    made: torch.Tensor
    drawn: torch.Tensor
    rebuilt: torch.Tensor
    others: torch.Tensor


def _draw(bench: Bench, kind: str) -> Lots:
    found: dict[str, list[torch.Tensor]] = {"made": [], "drawn": [], "rebuilt": [], "others": []}
    for i in bench.upto(MANY):
        scene = render(FIRST + 2 * i, kind=kind)
        picture = tensor(scene.image)
        found["made"].append(bench.generator.picture(scene.caption, seed=i + 1))
        found["drawn"].append(picture)
        found["rebuilt"].append(bench.generator.rebuilt(picture))
        found["others"].append(tensor(render(FIRST + 2 * i + 1, kind=kind).image))
    bench.sheet(f"likeness-{kind}", in_rows(list(chain(*zip(found["made"], found["drawn"], strict=True)))))
    return Lots(**{name: torch.cat([_as_bytes(each) for each in pictures]) for name, pictures in found.items()})


def _as_bytes(picture: torch.Tensor) -> torch.Tensor:
    return (picture.clamp(0, 1) * 255).round().to(torch.uint8)


def _lots(pictures: torch.Tensor) -> Iterator[torch.Tensor]:
    """A few of the pictures at a time, as float in 0..1."""
    for part in pictures.split(LOT):
        yield part.float() / 255


def _mean(measure: Callable[[torch.Tensor], float], pictures: torch.Tensor) -> float:
    return sum(measure(part) * len(part) for part in _lots(pictures)) / len(pictures)


def _palette(*sets: torch.Tensor) -> Palette:
    """The colours of all these pictures."""
    return Palette(np.logical_or.reduce([Palette.of(part).known for pictures in sets for part in _lots(pictures)]))


def likeness(kind: str) -> Callable[[Bench], list[Figure]]:
    """The row of one kind of scene."""

    def measure(bench: Bench) -> list[Figure]:
        lots = _draw(bench, kind)
        made, drawn, rebuilt, others = (
            torch.cat([torch.from_numpy(features_of(bench.judges, part)) for part in _lots(pictures)]).numpy()
            for pictures in (lots.made, lots.drawn, lots.rebuilt, lots.others)
        )
        floor = frechet_distance(drawn, others)
        through = frechet_distance(rebuilt, others)
        sharp, soft = _mean(sharpness_of, lots.made), _mean(sharpness_of, lots.rebuilt)
        grain, still = _mean(grain_of, lots.made), _mean(grain_of, lots.rebuilt)
        palette = _palette(lots.drawn, lots.others, lots.rebuilt)
        n = len(lots.made)
        patched = 100 * _mean(palette.share_of_patched, lots.made)
        return [
            Figure(
                f"{kind}: Frechet distance to held-out scenes, above the floor",
                frechet_distance(made, others) - floor,
                "",
                n,
                beside=f"floor {floor:.2f}; drawings through the VAE {through - floor:.2f} above it",
            ),
            Figure(f"{kind}: sharpness against the same scenes through the VAE", sharp / soft, "x", n),
            Figure(f"{kind}: grain in flat places against the same", grain / still, "x", n),
            Figure(f"{kind}: pictures with a patch off the palette", patched, "%", n),
        ]

    return measure


LIKENESS = {f"likeness-{kind}": likeness(kind) for kind in ("portrait", "figure", "interior", "savanna")}
