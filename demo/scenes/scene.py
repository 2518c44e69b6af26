"""What a scene is, and how its choices are drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")
DATA_VERSION = 1  # of the drawings: cached scenes of another version are drawn again
HELD_OUT = 1_000_000_000  # the first seed that no training uses
KINDS: dict[str, float] = {"portrait": 0.45, "figure": 0.20, "savanna": 0.20, "interior": 0.15}


@dataclass(frozen=True)
class Scene:
    """A drawn picture and everything known about it. Coordinates are pixels.

    image uint8 [256, 256, 3] RGB; lines float32 [N, 4] (x0, y0, x1, y1), interiors only; joints float32 [P, 18, 3]
    (x, y, score; OpenPose COCO-18 order); face_box (x0, y0, x1, y1) of a portrait's features, else None.
    """

    image: np.ndarray
    caption: str
    kind: str
    attributes: dict[str, str | int]
    lines: np.ndarray
    joints: np.ndarray
    face_box: tuple[int, int, int, int] | None


class Choices:
    """Random choices by name, each from its own stream of the seed, any of which may be pinned.

    Pinning one leaves all others as they were, because no two names share a stream.
    """

    def __init__(self, seed: int, fixed: Mapping[str, Any]) -> None:
        self.seed = seed
        self.fixed = dict(fixed)
        self.known: set[str] = set()

    def stream(self, name: str) -> random.Random:
        """The random numbers of the choice `name`, always the same for a seed."""
        return random.Random(f"{self.seed}/{name}")

    def _is_pinned(self, name: str) -> bool:
        self.known.add(name)
        return self.fixed.get(name) is not None

    def pick(self, name: str, options: Sequence[T] | Mapping[T, float]) -> T:
        """One of `options`; a mapping gives weights.

        Raises:
            ValueError: the pinned value is none of them.
        """
        if self._is_pinned(name):
            value = self.fixed[name]
            if value not in options:
                raise ValueError(f"{name} must be one of {', '.join(map(str, options))}, got {value!r}")
            return value
        stream = self.stream(name)
        if isinstance(options, Mapping):
            return stream.choices(list(options), list(options.values()))[0]
        return stream.choice(list(options))

    def number(self, name: str, low: float, high: float) -> float:
        """A number between `low` and `high`, or the pinned one."""
        return float(self.fixed[name]) if self._is_pinned(name) else self.stream(name).uniform(low, high)

    def pinned(self, name: str) -> Any:
        """The pinned value of `name`, or None."""
        return self.fixed[name] if self._is_pinned(name) else None

    def check(self, kind: str) -> None:
        """Check that every pinned name was a choice of this scene.

        Raises:
            ValueError: a scene of this kind has no such choice.
        """
        unknown = sorted(set(self.fixed) - self.known)
        if unknown:
            known = ", ".join(sorted(self.known))
            raise ValueError(f"a {kind} has no attribute {', '.join(unknown)}; it has {known}")


@dataclass(frozen=True)
class Drawn:
    """What a painter reports about what it drew. The fields are those of `Scene`."""

    attributes: dict[str, str | int]
    lines: Any = ()
    joints: Any = ()
    face_box: tuple[int, int, int, int] | None = None
