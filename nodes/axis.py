"""An axis of a sweep: what several pictures differ in. Seeds, values and prompt swaps all give this one type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .text.printable import printable


@dataclass(frozen=True)
class Lora:
    """A LoRA by the name ComfyUI lists it under, applied to MODEL and CLIP at `strength`."""

    name: str
    strength: float = 1.0


@dataclass(frozen=True)
class EncoderFiles:
    """Text encoders that are one CLIP together, by the names ComfyUI lists them under.

    type: as on the node Load CLIP; empty for that of the connected one.
    """

    names: tuple[str, ...]
    type: str = ""


@dataclass(frozen=True)
class PictureFile:
    """A picture by its name in ComfyUI's input folder, with forward slashes."""

    name: str


@dataclass(frozen=True)
class PoseFile:
    """A file of POSE_KEYPOINT (JSON) by its name in ComfyUI's input folder."""

    name: str


@dataclass(frozen=True)
class Axis:
    """The values that something takes in turn, each with the label of its pictures.

    name: what varies, such as "seed". values and labels: one label for each value, at least one of each. Labels become
    printable, because they go into files, pages and messages. parts: of axes that go together, each of them; a value is
    then a tuple with one value of each.

    Raises:
        ValueError: there is no value, or the numbers differ.
    """

    name: str
    values: tuple[Any, ...]
    labels: tuple[str, ...]
    parts: tuple[Axis, ...] = ()

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"axis '{self.name}': it has no values. Give it at least one.")
        if len(self.values) != len(self.labels):
            raise ValueError(f"axis '{self.name}': {len(self.values)} values but {len(self.labels)} labels.")
        object.__setattr__(self, "labels", tuple(map(printable, self.labels)))  # it is frozen

    def __len__(self) -> int:
        return len(self.values)


def seed_axis(seeds: Sequence[int]) -> Axis:
    """The axis of a list of seeds, labelled "seed 7"."""
    return Axis("seed", tuple(seeds), tuple(f"seed {seed}" for seed in seeds))


def prompt_axis(values: Sequence[Any], labels: Sequence[str]) -> Axis:
    """The axis of values that change the prompt (WordSwap or WholePrompt, see prompts/swap.py)."""
    return Axis("prompt", tuple(values), tuple(labels))


def zip_axes(axes: Sequence[Axis]) -> Axis:
    """Axes that go together: the first value of each, then the second of each. Axes in pairs become their parts.

    Raises:
        ValueError: there are fewer than two, or they have not the same number of values.
    """
    if len(axes) < 2:
        raise ValueError("axis_2: one axis alone makes no pairs. Connect a second one.")
    if len({len(axis) for axis in axes}) > 1:
        sizes = ", ".join(f"{axis.name} {len(axis)}" for axis in axes)
        raise ValueError(f"axes: pairs need the same number of values, these have: {sizes}. Even them.")
    parts = tuple(part for axis in axes for part in (axis.parts or (axis,)))
    values = tuple(zip(*(part.values for part in parts), strict=True))
    labels = tuple(", ".join(row) for row in zip(*(axis.labels for axis in axes), strict=True))
    return Axis(" + ".join(axis.name for axis in axes), values, labels, parts)


def files_of(value: Any) -> tuple[str, ...]:
    """The names of files, or of anything else, that a value of an axis of names has."""
    if isinstance(value, tuple):
        return tuple(name for each in value for name in files_of(each))
    if isinstance(value, EncoderFiles):
        return value.names
    name = getattr(value, "name", value)
    return () if name is None else (str(name),)
