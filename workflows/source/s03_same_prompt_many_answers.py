"""Slide 3: the same prompt, eight seeds, eight answers; then one more word for the style."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...nodes.seeds.text import parse_seeds
from .measure import Measurement, Probe, largest_difference

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node
    from .kits import Kit

NAME = "03-same-prompt-many-answers"
THUMBNAIL = "As a photo"
HELP = ("As a photo", "In animation style")
PROMPT = "two elephants walking in the African savanna, "

NOTE = """
## Why does the same prompt give another answer?

A picture grows out of **noise**, and the noise comes from the **seed**. The prompt says what the noise shall
become, not which one of all the pictures that fit.

**Look at** the two sheets: eight seeds, eight different pictures of one prompt. Seed 14 above and seed 14 below
start from the same noise; only the words for the style differ.

Each picture is exactly the one its seed makes alone, whatever else is in the batch.

**Try next**
- **Seeds**: `1-20`, or `42, 1000..1040(+10)`, or `random 4 from 7`
- **Seeded Noise**: `variation_strength` 0.2 gives relatives of a picture you like
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    graph.note(NOTE, at=(-390, -30), size=(370, 290), title="Slide 3")

    graph.group("1  A model", at=(-390, 280), size=(370, 190))
    models = kit.models(graph, at=(-370, 360))

    graph.group("2  Eight seeds", at=(-390, 490), size=(370, 480))
    seeds = graph.node("SteerSeeds", at=(-370, 565), size=(330, 140), text="11-18")
    noise = graph.node("SteerSeededNoise", at=(-370, 745), size=(330, 215), seeds=seeds["seeds"])

    graph.group("3  One prompt, two styles", at=(0, -60), size=(380, 450))
    photo = graph.node(
        "CLIPTextEncode",
        at=(20, 20),
        size=(340, 130),
        called="Prompt: photo",
        clip=models.clip,
        text=PROMPT + "photo",
    )
    animation = graph.node(
        "CLIPTextEncode",
        at=(20, 190),
        size=(340, 130),
        called="Prompt: animation",
        clip=models.clip,
        text=PROMPT + "animation style",
    )
    negative = graph.node("CLIPTextEncode", at=(20, 365), called="Negative prompt", clip=models.clip, text="")

    graph.group("4  How to sample", at=(0, 410), size=(380, 560))
    sigmas = graph.node(
        "BasicScheduler", at=(20, 490), size=(340, 110), model=models.model, scheduler="karras", steps=kit.steps
    )
    sampler = graph.node("KSamplerSelect", at=(20, 640), size=(340, 60), sampler_name="dpmpp_2m")
    latent = graph.node(
        "EmptyLatentImage",
        at=(20, 740),
        size=(340, 110),
        width=kit.size,
        height=kit.size,
        batch_size=noise["batch_size"],
    )

    def row(y: int, width: int, title: str, called: str, positive: Node, prefix: str) -> None:
        graph.group(title, at=(400, y - 60), size=(870, 505))
        guider = graph.node(
            "CFGGuider", at=(420, y + 70), model=models.model, positive=positive[0], negative=negative[0], cfg=kit.cfg
        )
        result = graph.node(
            "SamplerCustomAdvanced",
            at=(420, y + 110),
            noise=noise["noise"],
            guider=guider[0],
            sampler=sampler[0],
            sigmas=sigmas[0],
            latent_image=latent[0],
        )
        pictures = graph.node("VAEDecode", at=(420, y + 150), samples=result["output"], vae=models.vae)
        sheet = graph.node(
            "SteerContactSheet", at=(420, y + 190), images=pictures[0], labels=seeds["labels"], columns=4
        )
        graph.node(
            "SaveImage", at=(640, y + 20), size=(width, 405), called=called, images=sheet[0], filename_prefix=prefix
        )

    row(0, 610, "5  As a photo", "As a photo", photo, "steer/03-photo")
    row(525, 450, "6  In animation style", "In animation style", animation, "steer/03-animation")


PLACE = 4  # in the batch, of the picture that is also made alone
MOST_OFF = 2  # of 255: kernels for a batch of eight round otherwise than for one


def promise(probe: Probe) -> list[Measurement]:
    """A picture of the batch is the one that its seed makes alone."""
    seeds = parse_seeds(probe.inputs("SteerSeeds")["text"])
    place = min(PLACE, len(seeds) - 1)
    sampler = probe.node("SamplerCustomAdvanced")
    decode = next(each for each in probe.nodes("VAEDecode") if probe.inputs(each)["samples"] == [sampler, 0])
    latent = probe.add("EmptyLatentImage", width=256, height=256, batch_size=1)
    noise = probe.add("RandomNoise", noise_seed=seeds[place])
    single = probe.inputs(sampler) | {"noise": [noise, 0], "latent_image": [latent, 0]}
    alone = probe.add("SamplerCustomAdvanced", **single)
    decoded = probe.add("VAEDecode", samples=[alone, 0], vae=probe.inputs(decode)["vae"])
    pictures = probe.run({"batch": [decode, 0], "alone": [decoded, 0]}).pictures
    off = largest_difference(pictures["batch"][place], pictures["alone"][0])
    text = f"the picture of seed {seeds[place]} is the one that this seed makes alone: at most {off}/255 off"
    return [Measurement(text, off <= MOST_OFF)]
