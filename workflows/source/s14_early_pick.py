"""Workflow 14: many seeds for a few steps, then only the chosen ones to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .layout import HEIGHT, NARROW, PREVIEW, WIDE, Column, Step, lay_out
from .measure import Measurement, Probe, largest_difference
from .parts import negative_prompt, prompt

if TYPE_CHECKING:
    from .builder import GraphBuilder
    from .kits import Kit

NAME = "14-early-pick"
THUMBNAIL = "The chosen ones"
HELP = ("The chosen ones",)

NOTE = """
## Must I wait for all of them?

What a picture is of is decided in its first steps. **Early Pick** makes a few steps of many seeds and shows what the
model already sees. Then only the chosen ones go on to the end: they are the pictures that a whole run would have made.

**Look at** the sheet on **Early Pick**: sixteen seeds after 4 of 20 steps. Below are the three that were chosen,
finished.

**Try next**
- **Early Pick**: clear `pick` and press Run: only the sheet is made. Then write the numbers you like, such as `3, 12`,
  and press Run again. It goes on where it was
- **Early Pick**: `pick` different 4
- **Seeds**: `1-64`
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the workflow's nodes to an empty graph, with the models of the kit."""
    note = graph.note(NOTE, title="Workflow 14")
    models = kit.models(graph)
    positive = prompt(graph, models, "2 elephants walking in the African savanna, animation style", more=40)
    negative = negative_prompt(graph, models)
    seeds = graph.node("SteerSeeds", called="Seeds", text="1-16")
    noise = graph.node("SteerSeededNoise", called="Seeded Noise", seeds=seeds["seeds"], batch_size=0)
    sampler = graph.node("KSamplerSelect", called="Sampler", sampler_name="dpmpp_2m")
    sigmas = graph.node("BasicScheduler", called="Schedule", model=models.model, scheduler="karras", steps=kit.steps)
    size = graph.node("EmptyLatentImage", called="Size", width=kit.size, height=kit.size)
    guider = graph.node(
        "CFGGuider", called="Guider", model=models.model, positive=positive[0], negative=negative[0], cfg=kit.cfg
    )
    pick = graph.node(
        "SteerEarlyPick",
        called="Early Pick",
        more=PREVIEW + 120,
        noise=noise["noise"],
        guider=guider[0],
        sampler=sampler[0],
        sigmas=sigmas[0],
        latent_image=size[0],
        vae=models.vae,
        steps=4,
        pick="2, 5, 11",
    )
    decoded = graph.node("VAEDecode", called="Decode", samples=pick["output"], vae=models.vae)
    sheet = graph.node("SteerContactSheet", called="Sheet", images=decoded[0], labels=pick["labels"], columns=3)
    chosen = graph.node(
        "SaveImage", called="The chosen ones", more=PREVIEW, images=sheet[0], filename_prefix="steer/14-chosen"
    )
    lay_out(
        graph,
        Column(NARROW, [note, Step("Step 1  Model and seeds", [models.node, seeds])], [note]),
        Column(NARROW, [Step("Step 2  Prompt and noise", [positive, negative, noise, size])], [positive]),
        Column(NARROW, [Step("Step 3  How to sample", [sigmas, sampler, guider, decoded, sheet])]),
        Column(WIDE, [Step("Step 4  Look early, finish the best", [pick, chosen])], [pick, chosen]),
        height=HEIGHT,
    )


MOST_OFF = 2  # of 255: kernels for a batch of several round otherwise than for one


def promise(probe: Probe) -> list[Measurement]:
    """A chosen picture is the one that its seed makes in a whole run."""
    inputs = probe.inputs("SteerEarlyPick")
    numbers = [int(word) for word in str(inputs["pick"]).replace(",", " ").split()]
    seed = numbers[0]  # the seeds are 1, 2, 3 ...
    noise = probe.add("RandomNoise", noise_seed=seed)
    keys = ("guider", "sampler", "sigmas", "latent_image")
    alone = probe.add("SamplerCustomAdvanced", noise=[noise, 0], **{key: inputs[key] for key in keys})
    decoded = probe.add("VAEDecode", samples=[alone, 0], vae=inputs["vae"])
    pictures = probe.run({"picked": probe.output("Decode"), "alone": [decoded, 0]}).pictures
    off = largest_difference(pictures["picked"][0], pictures["alone"][0])
    report = probe.run({}, {"report": probe.output("SteerEarlyPick", 3)}).texts["report"][0]
    saved = next(line for line in report.splitlines() if "in place of" in line)
    text = f"seed {seed} is the picture that its seed makes in a whole run: at most {off}/255 off"
    return [Measurement(text, off <= MOST_OFF), Measurement(saved, True)]
