"""The methods of the slides as single nodes: subgraphs that any graph takes, with any checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .builder import Output
from .subgraph import SubgraphBuilder

SIDE = 512  # what most checkpoints of the first kind were taught; a widget changes it
WIDE = (330, 100)
PORTRAIT, SWAPS = "portrait of a girl, smiling, garden", "angry\nsad\nlaughing"


def _models(graph: SubgraphBuilder) -> dict[str, Any]:
    """The parts of a checkpoint."""
    return {name: graph.entry(name, name.upper()) for name in ("model", "clip", "vae")}


def _sampling(graph: SubgraphBuilder, cfg: float = 7.0) -> dict[str, Any]:
    """The widgets of a sampler that an artist changes."""
    return {
        "seed": graph.entry("seed", "INT", 1),
        "steps": graph.entry("steps", "INT", 20),
        "cfg": graph.entry("cfg", "FLOAT", cfg),
    }


def _canvas(graph: SubgraphBuilder) -> Output:
    width, height = graph.entry("width", "INT", SIDE), graph.entry("height", "INT", SIDE)
    return graph.node("EmptyLatentImage", at=(0, 620), size=WIDE, width=width, height=height)[0]


def swap_a_word(graph: SubgraphBuilder) -> None:
    """One seed and one prompt, of which a word changes from picture to picture."""
    inputs = _models(graph)
    prompt = graph.entry("prompt", "STRING", PORTRAIT)
    words = {"find": graph.entry("find", "STRING", "smiling"), "swaps": graph.entry("swaps", "STRING", SWAPS)}
    inputs |= {"positive": prompt, "negative": graph.entry("negative", "STRING", "")} | _sampling(graph)
    _sweep(graph, inputs, "swap-a-word", axis="SteerPromptSwap", prompt=prompt, **words)


def sheet_of_seeds(graph: SubgraphBuilder) -> None:
    """One prompt with several seeds, on one sheet."""
    inputs = _models(graph)
    inputs |= {
        "positive": graph.entry("prompt", "STRING", PORTRAIT),
        "negative": graph.entry("negative", "STRING", ""),
    }
    seeds = graph.entry("seeds", "STRING", "1-8")
    inputs |= {"steps": graph.entry("steps", "INT", 20), "cfg": graph.entry("cfg", "FLOAT", 7.0)}
    _sweep(graph, inputs, "sheet-of-seeds", axis="SteerSeeds", text=seeds)


def _sweep(
    graph: SubgraphBuilder,
    inputs: dict[str, Any],
    called: str,
    axis: str,
    **values: Any,
) -> None:
    """A Sweep along one axis. inputs: what it is given. called: its folder. axis, values: the node that makes the axis,
    and what that is given.
    """
    folder = graph.entry("folder", "STRING", f"sweeps/{called}")
    latent = _canvas(graph)
    made = graph.node(axis, at=(0, 0), size=(330, 300), **values)
    sweep = graph.node(
        "SteerSweep",
        at=(420, 0),
        size=(400, 640),
        latent=latent,
        folder=folder,
        axis_1=made["axis"],
        sampler_name="dpmpp_2m",
        scheduler="karras",
        **inputs,
    )
    graph.exit("sheet", sweep["sheet"])
    graph.exit("folder", sweep["folder"])


def _guided(graph: SubgraphBuilder, kind: str, **widgets: tuple[str, Any]) -> None:
    """A hint of a picture and a guide by it: conditioning goes in and comes out."""
    positive, negative = graph.entry("positive", "CONDITIONING"), graph.entry("negative", "CONDITIONING")
    net, image = graph.entry("control_net", "CONTROL_NET"), graph.entry("image", "IMAGE")
    latent = graph.entry("latent", "LATENT")
    values: dict[str, Any] = {name: graph.entry(name, type_, value) for name, (type_, value) in widgets.items()}
    strength, end = graph.entry("strength", "FLOAT", 1.0), graph.entry("end_percent", "FLOAT", 1.0)
    hint = graph.node(kind, at=(0, 0), size=(330, 300), image=image, latent=latent, **values)
    guide = graph.node(
        "SteerControlNetGuide",
        at=(420, 0),
        size=(330, 430),
        positive=positive,
        negative=negative,
        control_net=net,
        image=hint[0],
        latent=latent,
        strength=strength,
        end_percent=end,
    )
    graph.exit("positive", guide["positive"])
    graph.exit("negative", guide["negative"])
    graph.exit("hint", guide["hint"])


def same_angle(graph: SubgraphBuilder) -> None:
    """New pictures along the edges of one."""
    _guided(graph, "SteerCanny", low_threshold=("INT", 100), high_threshold=("INT", 200))


def same_room(graph: SubgraphBuilder) -> None:
    """New pictures along the straight lines of a room."""
    _guided(graph, "SteerMLSD", score_threshold=("FLOAT", 0.1))


def same_pose(graph: SubgraphBuilder) -> None:
    """New pictures of people in the pose of one."""
    _guided(graph, "SteerOpenPose", hands=("BOOLEAN", False), face=("BOOLEAN", False))


def only_the_face(graph: SubgraphBuilder) -> None:
    """A picture whose faces are painted again by a prompt; the rest stays as it is, to the last pixel."""
    models = _models(graph)
    image = graph.entry("image", "IMAGE")
    prompt = graph.entry("prompt", "STRING", "portrait of a girl, laughing, garden")
    negative = graph.entry("negative", "STRING", "")
    sampling = _sampling(graph)
    denoise, grow = graph.entry("denoise", "FLOAT", 0.75), graph.entry("grow", "INT", 12)
    mask = graph.node("SteerFaceMask", at=(0, 0), size=(330, 200), image=image, grow=grow)
    texts = [
        graph.node("CLIPTextEncode", at=(0, y), size=WIDE, called=called, clip=models["clip"], text=text)
        for y, called, text in ((260, "Prompt", prompt), (420, "Negative prompt", negative))
    ]
    encoded = graph.node("VAEEncode", at=(0, 580), size=(330, 60), pixels=image, vae=models["vae"])
    masked = graph.node("SetLatentNoiseMask", at=(0, 700), size=(330, 60), samples=encoded[0], mask=mask[0])
    sampled = graph.node(
        "KSampler",
        at=(420, 0),
        size=(330, 480),
        model=models["model"],
        positive=texts[0][0],
        negative=texts[1][0],
        latent_image=masked[0],
        denoise=denoise,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        **sampling,
    )
    decoded = graph.node("VAEDecode", at=(840, 0), size=(330, 60), samples=sampled[0], vae=models["vae"])
    laid = graph.node(
        "ImageCompositeMasked",
        at=(840, 120),
        size=(330, 170),
        destination=image,
        source=decoded[0],
        mask=mask[0],
    )
    graph.exit("image", laid[0])
    graph.exit("mask", mask[0])


BLUEPRINTS: dict[str, Callable[[SubgraphBuilder], None]] = {
    "Swap a word on one seed": swap_a_word,
    "Sheet of seeds": sheet_of_seeds,
    "Same angle (Canny)": same_angle,
    "Same room (M-LSD)": same_room,
    "Same pose": same_pose,
    "Only the face": only_the_face,
}
