"""A real ComfyUI whose graphs hold a Sweep over the embedded model, beside the same pictures made by stock nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from steer.nodes.axis import Axis, prompt_axis
from steer.nodes.prompts.swap import WordSwap

PROMPT = "girl, smiling, backstreet"
MOODS = prompt_axis([WordSwap(("smiling",), None), WordSwap(("smiling",), ("angry",))], ["smiling", "angry"])
BASE = {
    "positive": PROMPT,
    "negative": "sad",
    "seed": 5,
    "steps": 2,
    "cfg": 6.0,
    "sampler_name": "euler",
    "scheduler": "normal",
    "denoise": 1.0,
}
# What a Sweep says of the latents of these tests, which are smaller than the embedded model was taught.
SMALL = (
    "latent: it makes pictures of 64 x 64, and the Demo Model was taught 256 x 256 alone. Set width and height to 256, "
    "or use a checkpoint."
)
Graph = dict[str, dict[str, Any]]


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


class Lab:
    """A ComfyUI whose graphs begin with the embedded model; `given` is what the test hands to its sockets."""

    def __init__(self, comfy, output: Path) -> None:
        self.comfy, self.output, self.given = comfy, output, dict[str, Any]()
        self.latent = node("EmptyLatentImage", width=64, height=64, batch_size=1)

    def graph(self, **inputs: Any) -> Graph:
        """A Sweep whose sockets named in `inputs` with an object get that object."""
        start: Graph = {"model": node("SteerDemoModel"), "latent": self.latent}
        sockets = {name: value for name, value in inputs.items() if not isinstance(value, str | int | float | list)}
        for name, value in sockets.items():
            self.given[name] = value
            start[name] = node("TestGive", name=name, version=str(value))
        widgets = BASE | {"batch_size": 1, "max_cells": 256, "folder": "s", "on_error": "blank"} | inputs
        links = {"model": ["model", 0], "clip": ["model", 1], "vae": ["model", 2], "latent": ["latent", 0]}
        return start | {"sweep": node("SteerSweep", **widgets | links | {name: [name, 0] for name in sockets})}

    def sweep(self, **inputs: Any) -> dict[tuple[str, ...], np.ndarray]:
        """The pictures of a sweep by their labels."""
        result = self.comfy.run(self.graph(**inputs))
        assert result.error is None, result.message
        return self.pictures(str(inputs.get("folder", "s")))

    def pictures(self, folder: str = "s") -> dict[tuple[str, ...], np.ndarray]:
        return {
            labels_of(texts["prompt"]["sweep"]["inputs"]["cell"]): pixels
            for pixels, texts in map(open_picture, sorted((self.output / folder).glob("*.png")))
        }

    def stock(self, more: Graph | None = None, links: dict[str, Any] | None = None, **changed: Any) -> np.ndarray:
        """The same picture made alone with ComfyUI's own nodes. links: inputs of KSampler and CLIP that are others."""
        settings, sources = BASE | changed, {"model": ["model", 0], "clip": ["model", 1], "vae": ["model", 2]}
        sources |= links or {}
        clip, vae = sources.pop("clip"), sources.pop("vae")
        graph = {
            "model": node("SteerDemoModel"),
            "latent": self.latent,
            "plus": node("CLIPTextEncode", clip=clip, text=settings.pop("positive")),
            "minus": node("CLIPTextEncode", clip=clip, text=settings.pop("negative")),
            "sample": node(
                "KSampler",
                **{"positive": ["plus", 0], "negative": ["minus", 0], "latent_image": ["latent", 0]}
                | sources
                | settings,
            ),
            "decode": node("VAEDecode", samples=["sample", 0], vae=vae),
            "save": node("SaveImage", images=["decode", 0], filename_prefix="stock"),
        }
        result = self.comfy.run(graph | (more or {}))
        assert result.error is None, result.message
        return open_picture(self.output / result.outputs["save"]["images"][0]["filename"])[0]

    def refused(self, **inputs: Any) -> str:
        message = self.comfy.complaint(self.graph(**inputs))
        assert message
        assert not list(self.output.glob("s/*.png")), "a picture was made before the fault was reported"
        return message


def labels_of(cell: str) -> tuple[str, ...]:
    """The labels in the widget `cell` of a saved picture."""
    return tuple(json.loads(cell)) if cell.startswith("[") else tuple(cell.split("; "))


def open_picture(path: Path) -> tuple[np.ndarray, dict[str, Any]]:
    """The pixels [H, W, C] and the texts of a PNG file."""
    with Image.open(path) as image:
        return np.array(image).astype(int), {name: json.loads(text) for name, text in image.info.items()}


class AnyType(str):
    """A type that ComfyUI takes for any other."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


def giver(given: dict[str, Any]) -> type:
    """A node that gives what `given` holds under its name."""

    class Give:
        RETURN_TYPES = (AnyType("*"),)
        FUNCTION = "give"

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {"required": {"name": ("STRING", {}), "version": ("STRING", {})}}

        def give(self, name: str, version: str) -> tuple[Any, ...]:
            return (given[name],)

    return Give


def value_axis(name: str, *values: Any) -> Axis:
    return Axis(name, values, tuple(f"{name} {value}" for value in values))


def seeds_axis(*seeds: int) -> Axis:
    return Axis("seed", seeds, tuple(f"seed {seed}" for seed in seeds))
