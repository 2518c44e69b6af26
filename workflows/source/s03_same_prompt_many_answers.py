"""Slide 3: the same prompt, eight seeds, eight answers; then one more word for the style."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...nodes.seeds.text import parse_seeds
from .builder import WIDTH
from .layout import NARROW, Column, Step, lay_out, room_for
from .measure import Measurement, Probe, largest_difference
from .parts import negative_prompt, part, prompt

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node, Output
    from .kits import Kit

NAME = "03-same-prompt-many-answers"
THUMBNAIL = "As a photo"
TILES: tuple[int, ...] = (0, 2, 4, 6)
HELP = ("As a photo", "In animation style")
RESULT = 654  # pixels of width of the nodes with the sheets: both fit a small screen
PROMPT = "two elephants walking in the African savanna, "
COUNT = "batch_size"

NOTE = """
## Why does the same prompt give another answer?

A picture grows out of **noise**, and the noise comes from the **seed**. The prompt says what the noise shall become,
not which one of all the pictures that fit.

**Look at** the two sheets: eight seeds, eight pictures of one prompt. Seed 14 above and seed 14 below start from the
same noise; only the words for the style differ.

Each picture is exactly the one that its seed makes alone, whatever else is in the batch.
"""
NEXT = """
**Try next**
- **Seeds**: `1-20`, or `42, 1000..1040(+10)`, or `random 4 from 7`
- **Seeded Noise**: `variation_strength` 0.2 gives relatives of a picture you like
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    note, try_next = graph.note(NOTE, title="Slide 3"), graph.note(NEXT, title="Try next")
    models = kit.models(graph)
    seeds = graph.node("SteerSeeds", called="Seeds", text="11-18")
    noise = graph.node("SteerSeededNoise", called="Seeded Noise", seeds=seeds["seeds"])
    photo = prompt(graph, models, PROMPT + "photo", called="Prompt: photo")
    animation = prompt(graph, models, PROMPT + "animation style", called="Prompt: animation")
    negative = negative_prompt(graph, models)
    both = _sample_both(
        graph,
        kit,
        {
            "photo": photo[0],
            "animation": animation[0],
            "negative": negative[0],
            "model": models.model,
            "vae": models.vae,
            "noise": noise["noise"],
            COUNT: noise["batch_size"],
            "labels": seeds["labels"],
        },
    )
    sheets = [
        graph.node(
            "SaveImage",
            called=called,
            more=room_for(0.553, RESULT),
            images=both[number],
            filename_prefix=f"steer/03-{name}",
        )
        for number, (called, name) in enumerate((("As a photo", "photo"), ("In animation style", "animation")))
    ]
    lay_out(
        graph,
        Column(NARROW, [note, Step("Step 1  Model, seeds", [models.node, seeds])]),
        Column(
            NARROW,
            [Step("Step 2  Two prompts", [photo, animation, negative]), Step("Step 3  Eight noises", [noise])],
        ),
        Column(NARROW, [Step("Step 4  Sample", [both]), try_next]),
        Column(RESULT, [Step("Step 5  Eight seeds, two styles", sheets)]),
    )


def _sample_both(graph: GraphBuilder, kit: Kit, links: dict[str, Output]) -> Node:
    """Noise and prompts in, a sheet of pictures of each style out."""
    inside = part(graph, kit, "Sample both styles", "A picture for each seed in both styles, a sheet for each style.")
    kinds = {"noise": "NOISE", "labels": "STRING", "model": "MODEL", "vae": "VAE"}
    ends = {name: inside.entry(name, kinds.get(name, "CONDITIONING"), socket=True) for name in links if name != COUNT}
    ends[COUNT] = inside.entry(COUNT, "INT", 1)
    cfg = inside.entry("cfg", "FLOAT", kit.free.cfg)
    chosen = inside.node("KSamplerSelect", sampler_name=kit.free.sampler)
    sampler = inside.node("SteerPerImageStepNoise", sampler=chosen[0], noise=ends["noise"])
    sigmas = inside.node("BasicScheduler", model=ends["model"], scheduler="karras", steps=kit.steps)
    latent = inside.node("EmptyLatentImage", called="Size", width=kit.size, height=kit.size, batch_size=ends[COUNT])

    def row(style: str) -> list[Node]:
        guider = inside.node("CFGGuider", model=ends["model"], positive=ends[style], negative=ends["negative"], cfg=cfg)
        result = inside.node(
            "SamplerCustomAdvanced",
            noise=ends["noise"],
            guider=guider[0],
            sampler=sampler[0],
            sigmas=sigmas[0],
            latent_image=latent[0],
        )
        pictures = inside.node("VAEDecode", samples=result["output"], vae=ends["vae"])
        sheet = inside.node("SteerContactSheet", images=pictures[0], labels=ends["labels"], columns=4)
        inside.exit(style, sheet[0])
        return [guider, result, pictures, sheet]

    upper, lower = row("photo"), row("animation")
    rows = zip(upper, lower, strict=True)
    lay_out(inside, Column(WIDTH, [chosen, sampler, sigmas, latent]), *(Column(WIDTH, each) for each in rows))
    return graph.subgraph(inside, links)


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
    plain = [probe.node("KSamplerSelect"), 0]
    single = probe.inputs(sampler) | {"noise": [noise, 0], "latent_image": [latent, 0], "sampler": plain}
    alone = probe.add("SamplerCustomAdvanced", **single)
    decoded = probe.add("VAEDecode", samples=[alone, 0], vae=probe.inputs(decode)["vae"])
    pictures = probe.run({"batch": [decode, 0], "alone": [decoded, 0]}).pictures
    off = largest_difference(pictures["batch"][place], pictures["alone"][0])
    text = f"the picture of seed {seeds[place]} is the one that this seed makes alone: at most {off}/255 off"
    return [Measurement(text, off <= MOST_OFF)]
