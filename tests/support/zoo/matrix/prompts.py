"""Checks of the families Prompts and Sweep: what begins with a text encoder."""

from __future__ import annotations

import tempfile
from typing import Any
from unittest.mock import patch

import torch

from ..encoders import clip_of
from ..families import Family
from ..runs import look, sigmas_of
from ..vaes import vae_of
from .verdict import STEPS, WRONG, Check, Verdict, compare


def encode(clip: Any, text: str) -> Any:
    with torch.inference_mode():
        return clip.encode_from_tokens_scheduled(clip.tokenize(text))


def timed_swap(comfy: Any, family: Family) -> Verdict:
    """At each step the model gives what it gives with the prompt of this step alone."""
    clip = clip_of(family)
    model = family.model()
    sigmas = sigmas_of(model, 4)
    text = {"text": "a girl, [smiling:angry:2]", "time": "fraction of steps"}
    timed = comfy.call("SteerTimedSwap", clip=clip, model=model, sigmas=sigmas, **text)[0]
    negative = encode(clip, "sad")
    run = look(family, model, timed, negative, sigmas).outputs
    parts = [look(family, model, encode(clip, f"a girl, {mood}"), negative, sigmas).outputs for mood in MOODS]
    return compare(torch.stack(run), torch.stack([*parts[0][:2], *parts[1][2:]]))


MOODS = ("smiling", "angry")


def dial(comfy: Any, family: Family) -> Verdict:
    """0 and 1 are the two prompts."""
    clip = clip_of(family)
    given = {"clip": clip, "prompt": "a girl, smiling", "find": "smiling", "word": "angry", "values": "0-1[3]"}
    given |= {"whole_words": True, "match_case": False}
    ends = [comfy.call("SteerExpressionDial", dial=float(end), **given)[0][0][0] for end in (0, 1)]
    theirs = [encode(clip, f"a girl, {mood}")[0][0] for mood in MOODS]
    return compare(torch.cat([end.flatten() for end in ends]), torch.cat([end.flatten() for end in theirs]))


SETTINGS: dict[str, Any] = {
    "positive": "a girl, smiling",
    "negative": "sad",
    "seed": 5,
    "steps": STEPS,
    "cfg": 4.0,
    "sampler": "euler",
    "scheduler": "simple",
    "denoise": 1.0,
}


def stock_picture(family: Family, seed: int = 5) -> torch.Tensor:
    """The picture [H, W, C] of these settings by KSampler and VAE Decode."""
    import nodes

    clip, vae = clip_of(family), vae_of(family)
    prompts = encode(clip, SETTINGS["positive"]), encode(clip, SETTINGS["negative"])
    sampler: Any = getattr(nodes, "common_ksampler")  # noqa: B009  # the checker takes `nodes` for this pack's
    with torch.inference_mode():
        (sampled,) = sampler(family.model(), seed, STEPS, SETTINGS["cfg"], "euler", "simple", *prompts, family.latent())
        picture = vae.decode(sampled["samples"])
    return picture.reshape(-1, *picture.shape[-3:])[0]


def sweep(comfy: Any, family: Family) -> Verdict:
    """A cell is what KSampler and VAE Decode make."""
    from steer.nodes.sweep.plan.cells import Settings
    from steer.nodes.sweep.plan.inputs import SweepInputs
    from steer.nodes.sweep.run.comfy_pictures import PictureMaker

    inputs = SweepInputs(family.model(), clip_of(family), vae_of(family), family.latent())
    with torch.inference_mode():
        (ours,) = PictureMaker(inputs, lambda *_: None).make([Settings(**SETTINGS)])
    return compare(ours, stock_picture(family))


def expression_finder(comfy: Any, family: Family) -> Verdict:
    """Its pictures at both ends of the axis are what KSampler and VAE Decode make."""
    from steer.nodes.axis import seed_axis
    from steer.nodes.sweep.choices import BY_PIXELS
    from steer.nodes.sweep.find.comfy_find import find_mood
    from steer.nodes.sweep.plan.cells import Settings
    from steer.nodes.sweep.plan.inputs import GraphAround, SweepInputs

    inputs = SweepInputs(family.model(), clip_of(family), vae_of(family), family.latent())
    axis = seed_axis([5, 6, 8])
    side = 8 * family.cell
    given = (inputs, Settings(**SETTINGS), axis, 0.5, BY_PIXELS, GraphAround("", None, {}, {}))
    with torch.inference_mode():
        found = find_mood(*given, torch.ones(1, side, side))
    ends = torch.stack([stock_picture(family, seed)[..., :3].cpu() for seed in (5, 8)])
    return compare(found.pictures[[0, -1]], ends)


def sweep_graph(comfy: Any, family: Family) -> Verdict:
    """The picture of a cell is that of the graph with the value typed in, to the 8 bits of its file."""
    import folder_paths

    given = {"model": family.model(), "clip": clip_of(family), "vae": vae_of(family), "latent": family.latent()}
    kinds = {f"Test{name}": giving(name.upper(), value) for name, value in given.items()}
    kinds["TestKeep"] = keeping(kept := list[torch.Tensor]())
    graph = {name: node(f"Test{name}") for name in given} | {
        "plus": node("CLIPTextEncode", clip=["clip", 0], text=SETTINGS["positive"]),
        "minus": node("CLIPTextEncode", clip=["clip", 0], text=SETTINGS["negative"]),
        "seeds": node("SteerSeeds", text="5, 8"),
        "value": node("SteerSweepValue", axis=["seeds", 1], text="", index=0, part=1),
        "sample": node(
            "KSampler",
            model=["model", 0],
            positive=["plus", 0],
            negative=["minus", 0],
            latent_image=["latent", 0],
            seed=["value", 0],
            steps=STEPS,
            cfg=SETTINGS["cfg"],
            sampler_name=SETTINGS["sampler"],
            scheduler=SETTINGS["scheduler"],
            denoise=1.0,
        ),
        "decode": node("VAEDecode", samples=["sample", 0], vae=["vae", 0]),
        "sweep": node("SteerSweepGraph", images=["decode", 0], folder="g", max_cells=9, on_error="stop", cell="seed 8"),
        "show": node("TestKeep", image=["sweep", 0]),
    }
    before = folder_paths.get_output_directory()
    with tempfile.TemporaryDirectory() as folder, patch.dict(comfy.nodes.NODE_CLASS_MAPPINGS, kinds):
        folder_paths.set_output_directory(folder)
        try:
            message = comfy.run(graph).message
        finally:
            folder_paths.set_output_directory(before)
    if message or not kept:
        return Verdict(WRONG, message[:160] or "no picture came out")
    return compare(kept[0][0], stock_picture(family, seed=8))


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def giving(kind: str, value: Any) -> type:
    """A node that gives a value of a type."""

    class Give:
        RETURN_TYPES, FUNCTION = (kind,), "give"

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {"required": {}}

        def give(self) -> tuple[Any]:
            return (value,)

    return Give


def keeping(kept: list[torch.Tensor]) -> type:
    """A node that keeps the picture that it gets."""

    class Keep:
        RETURN_TYPES, FUNCTION, OUTPUT_NODE = (), "keep", True

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {"required": {"image": ("IMAGE",)}}

        def keep(self, image: torch.Tensor) -> tuple[()]:
            kept.append(image)
            return ()

    return Keep


CHECKS = (
    Check("Timed Swap", "each step as with its prompt alone", timed_swap),
    Check("Expression Dial", "0 and 1 are the two prompts", dial),
    Check("Sweep", "KSampler and VAE Decode", sweep),
    Check("Sweep Graph", "the graph with the value typed in", sweep_graph),
    Check("Expression Finder", "KSampler and VAE Decode at both ends", expression_finder),
)
