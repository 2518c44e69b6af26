"""How alike two pictures are, and what may have made them differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageChops

from ..workflow.prompt import Prompt, node_title

ROUNDING = 2  # levels of 255 that other kernels or another processor make without a visible change
MAX_LISTED = 8  # values that differ
_GPU = "gpu"
_VERSIONS = {"comfyui": "ComfyUI", "steer": "Steer"}


@dataclass(frozen=True)
class Likeness:
    """largest: the largest difference of a colour, in levels of 255; None where the sizes differ.

    share: of the pixels that differ by more than ROUNDING, 0 to 1. sizes: in words, where they differ.
    """

    largest: int | None
    share: float = 0.0
    sizes: str = ""

    @property
    def is_same(self) -> bool:
        """Whether it is the same picture, to the last bit or within rounding."""
        return self.largest is not None and self.largest <= ROUNDING

    def __str__(self) -> str:
        if self.largest is None:
            return f"DIFFERS: {self.sizes}"
        if self.largest == 0:
            return "equal to the last bit"
        if self.is_same:
            return f"equal within rounding: at most {self.largest} of 255"
        return f"DIFFERS: {100 * self.share:.1f} % of the pixels, by {self.largest} of 255 at most"


def compare(one: Image.Image, other: Image.Image) -> Likeness:
    """How alike two pictures are, with their transparency where either has it."""
    if one.size != other.size:
        return Likeness(None, sizes=f"{other.width} x {other.height} pixels, and not {one.width} x {one.height}")
    mode = "RGBA" if "A" in one.getbands() + other.getbands() else "RGB"
    change = ImageChops.difference(one.convert(mode), other.convert(mode))
    bands = change.split()
    largest = bands[0]
    for band in bands[1:]:
        largest = ImageChops.lighter(largest, band)
    counts = largest.histogram()
    far = sum(counts[ROUNDING + 1 :])
    highest = max((level for level, count in enumerate(counts) if count), default=0)
    return Likeness(highest, far / max(1, one.width * one.height))


def list_reasons(
    made: Mapping[str, Any], here: Mapping[str, Any], prompt: Prompt, versions: Mapping[str, str]
) -> Iterator[str]:
    """What differs between the maker of a picture and this ComfyUI, one line each.

    made, here: what nodes/comfy_maker.py says of each; empty where it is not known. versions: of packs, as the
    picture's workflow names them.
    """
    for key, name in _VERSIONS.items():
        then = made.get(key) or versions.get("comfy-core" if key == "comfyui" else key, "")
        if then and here.get(key) and then != here[key]:
            yield f"{name}: made with {then}, here is {here[key]}"
    if _differ(made, here, "code") and made.get("steer") == here.get("steer"):
        yield "Steer: its code was changed, under the same version"
    if _differ(made, here, "weights"):
        yield "Steer: its weights are others"
    ours = _models_of(here)
    for name, mark in _models_of(made).items():
        if not ours.get(name):
            yield f"model {name}: not here"
        elif mark and mark != ours[name]:
            yield f"model {name}: another file under this name"
    if _differ(made, here, "device"):
        yield f"processor: made on {made['device']}, here on {here['device']}"
    yield from list_gpu_noise(prompt)


def _models_of(maker: Mapping[str, Any]) -> dict[str, Any]:
    models = maker.get("models")
    return models if isinstance(models, dict) else {}


def _differ(made: Mapping[str, Any], here: Mapping[str, Any], key: str) -> bool:
    return bool(made.get(key) and here.get(key) and made[key] != here[key])


def list_gpu_noise(prompt: Prompt) -> Iterator[str]:
    """The inputs that let the graphics processor draw noise: another one draws other numbers from the same seed."""
    for node_id, node in prompt.items():
        for name, value in node["inputs"].items():
            if isinstance(value, str) and ("noise" in name or "sampler" in name) and value.lower().endswith(_GPU):
                title = node_title(prompt, node_id)
                yield f"{title}, {name} {value}: its noise comes from the GPU, and every kind of GPU has its own"


def list_changes(picture: Prompt, workflow: Prompt) -> Iterator[str]:
    """The values that differ between the prompt that made a picture and that of a workflow, one line each."""
    found = list(_changes(picture, workflow))
    yield from found[:MAX_LISTED]
    if len(found) > MAX_LISTED:
        yield f"and {len(found) - MAX_LISTED} more"


def _changes(picture: Prompt, workflow: Prompt) -> Iterator[str]:
    for node_id in picture.keys() | workflow.keys():
        one, other = picture.get(node_id), workflow.get(node_id)
        if one is None or other is None or one["class_type"] != other["class_type"]:
            side = "the picture was made with" if one else "the workflow has"
            yield f"node {node_title(picture if one else workflow, node_id)}: only {side} it"
            continue
        for name in one["inputs"].keys() | other["inputs"].keys():
            then, now = one["inputs"].get(name), other["inputs"].get(name)
            if then != now:
                title = node_title(workflow, node_id)
                yield f"{title}, {name}: {now!r:.60} in the workflow, {then!r:.60} made the picture"
