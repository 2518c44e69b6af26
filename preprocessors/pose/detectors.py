"""The pose detectors by name: which networks each needs for which parts, how to build them, and how to run them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from ..choices import DWPOSE, MEDIAPIPE, OPENPOSE
from ..networks.graph import load_graph
from ..pictures import Bytes
from . import dwpose, judge, mediapipe, openpose_cmu
from .people import Person

Builders = dict[str, Callable[[], nn.Module]]


@dataclass(frozen=True)
class Detector:
    """One way to find people.

    list_networks(hands, face): registry names. build(name, folders): that network, with its weights from a folder.
    find_people(networks, picture, hands, face): the people of uint8 [H, W, 3] RGB, in its pixels.
    limit: points that score above it are drawn, unless the user sets another; each detector scores in its own way.
    """

    list_networks: Callable[[bool, bool], tuple[str, ...]]
    build: Callable[[str, Sequence[Path]], nn.Module]
    find_people: Callable[[Mapping[str, Any], Bytes, bool, bool], list[Person]]
    limit: float

    def list_builders(self, names: Sequence[str], folders: Sequence[Path]) -> Builders:
        """For each registry name a function that builds its network."""
        return {name: partial(self.build, name, folders) for name in names}


def _build_shipped(name: str, folders: Sequence[Path]) -> nn.Module:
    return load_graph(name)


DETECTORS: dict[str, Detector] = {
    MEDIAPIPE: Detector(mediapipe.list_networks, _build_shipped, judge.find_people, mediapipe.POINT_SCORE),
    # its points have passed limits already: 0.1 for a peak of the body, 0.05 for hands and faces
    OPENPOSE: Detector(openpose_cmu.list_networks, openpose_cmu.build, openpose_cmu.find_people, 0.0),
    DWPOSE: Detector(dwpose.list_networks, dwpose.build, dwpose.find_people, dwpose.POINT_SCORE),
}


def choose_detector(name: str) -> Detector:
    """The detector called `name`.

    Raises:
        ValueError: there is none.
    """
    if name not in DETECTORS:
        raise ValueError(f"detector: '{name}' is unknown. Choose one of: {', '.join(DETECTORS)}.")
    return DETECTORS[name]
