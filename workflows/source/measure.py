"""What slides promise is measured with this: pictures and texts from inside a workflow, and judges of them.

The judges are those of the embedded model's report (demo/judges). Nothing here imports the runner: it gives a Probe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import numpy as np
import torch

from ...demo.judges.network import HEADS, Judges, Verdict, judge, load

Link = list[Any]  # the id of a node and the number of its output
Picture = np.ndarray  # uint8 [H, W, 3]

MOST_CELLS = 64  # of a sweep that are measured
TITLES = {"expression": "mood", "background": "place", "style": "style"}  # what a slide calls the judges' heads


@dataclass(frozen=True)
class Measurement:
    """A promise with its figures, and whether it holds."""

    text: str
    holds: bool


@dataclass(frozen=True)
class Outputs:
    """What a probe saw: pictures and texts, by the names they were given."""

    pictures: Mapping[str, list[Picture]]
    texts: Mapping[str, list[str]] = field(default_factory=dict)


class Probe(Protocol):
    """The prompt of a slide that has run, to which nodes can be added."""

    def node(self, title: str) -> str:
        """The id of the first node with that title, kind or id."""
        ...

    def nodes(self, title: str) -> list[str]:
        """The ids of all nodes with that title, kind or id."""
        ...

    def output(self, title: str, number: int = 0) -> Link:
        """An output of the first node with that title, kind or id."""
        ...

    def inputs(self, title: str) -> dict[str, Any]:
        """The widget values and links of the first node with that title, kind or id."""
        ...

    def add(self, kind: str, **inputs: Any) -> str:
        """Add a node; returns its id."""
        ...

    def run(self, pictures: Mapping[str, Link], texts: Mapping[str, Link] | None = None) -> Outputs:
        """Run the prompt with a preview of each of these outputs. ComfyUI has the rest of it in its cache."""
        ...


def run_cells(probe: Probe, sweep: str) -> tuple[list[Picture], list[str]]:
    """The pictures of the sweep with the title `sweep`, and their labels."""
    cells = probe.add("SteerLoadCells", folder=probe.output(sweep, 1), selection="", limit=MOST_CELLS)
    outputs = probe.run({"cells": [cells, 0]}, {"labels": [cells, 1]})
    return outputs.pictures["cells"], outputs.texts["labels"]


def run_rows(probe: Probe) -> Outputs:
    """The pictures of both rows of `parts.sample_twice`, and the hint as its ControlNet gets it."""
    rows = {"without": probe.output("Decode, without"), "with": probe.output("Decode, with control")}
    return probe.run(rows | {"hint": probe.output("SteerControlNetGuide", 3)})


def mean_scores(outputs: Outputs, score: Callable[[Picture], float]) -> tuple[float, float]:
    """The mean score of the row with control, and of the row without."""
    held, free = (float(np.mean([score(picture) for picture in outputs.pictures[row]])) for row in ("with", "without"))
    return held, free


def as_tensor(pictures: Sequence[Picture]) -> torch.Tensor:
    """Pictures as float [N, 3, H, W] in 0..1."""
    return torch.from_numpy(np.stack(pictures)).movedim(-1, 1).float() / 255


def judge_pictures(pictures: Sequence[Picture]) -> Verdict:
    """What the judges see in pictures of one size."""
    return judge(_judges(), as_tensor(pictures))


@cache
def _judges() -> Judges:
    return load()[0]


def largest_difference(one: Picture, other: Picture) -> int:
    """The largest difference of two pictures' channels, 0 to 255."""
    return int(abs(one.astype(int) - other.astype(int)).max())


def values_in(labels: Sequence[str], head: str) -> list[str]:
    """The value of the judges' head (see network.HEADS) that each label names."""
    values = [str(value) for value in HEADS[head]]
    return [next(value for value in values if value in label) for label in labels]


def measure_followed(head: str, expected: Sequence[str], pictures: Sequence[Picture], least: int) -> Measurement:
    """How many pictures show the expected value of the judges' head; it holds where `least` of them do."""
    found = judge_pictures(pictures).values[head]
    pairs = list(zip(found, expected, strict=True))
    wrong = [f"{word} looks {value}" for value, word in pairs if value != word]
    right = len(pairs) - len(wrong)
    text = f"the {TITLES[head]} is the one asked for in {right} of {len(pairs)} pictures, says a judge network"
    return Measurement(f"{text} ({'; '.join(wrong)})" if wrong else text, right >= least)
