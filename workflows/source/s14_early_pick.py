"""Workflow 14: many seeds for a few steps, then only the chosen ones to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .builder import WIDTH
from .layout import NARROW, Column, Step, lay_out, room_for
from .measure import Measurement, Probe, largest_difference
from .parts import negative_prompt, part, prompt

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node, Output
    from .kits import Kit, Models
    from .parts import Pair

NAME = "14-early-pick"
THUMBNAIL = "The chosen ones"
TILES: tuple[int, ...] = (0, 1, 2, 3)
PICK, RESULT = 420, 590  # pixels of width of the last two columns
HELP = ("The chosen ones",)

NOTE = """
## Must I wait for all of them?

What a picture is of is decided in its first steps. **Early Pick** makes a few steps of many seeds and shows what the
model already sees. Then only the chosen ones go on to the end: they are the pictures that a whole run would have made.

**Look at** the sheet on **Early Pick**: sixteen seeds after 4 of 20 steps. Beside it are the four that were chosen,
finished.
"""
NEXT = """
**Try next**
- **Early Pick**: clear `pick` and press Run: only the sheet is made. Then write the numbers you like, such as `3, 12`,
  and press Run again. It goes on where it was
- **Early Pick**: `pick` different 4
- **Seeds**: `1-64`
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the workflow's nodes to an empty graph, with the models of the kit."""
    note, try_next = graph.note(NOTE, title="Workflow 14"), graph.note(NEXT, title="Try next")
    models = kit.models(graph)
    positive = prompt(graph, models, "2 elephants walking in the African savanna, animation style")
    negative = negative_prompt(graph, models)
    seeds = graph.node("SteerSeeds", called="Seeds", text="1-16")
    settings = _settings(graph, kit, models, (positive[0], negative[0]), seeds["seeds"])
    pick = graph.node(
        "SteerEarlyPick",
        called="Early Pick",
        more=room_for(1.1, PICK),
        vae=models.vae,
        steps=4,
        pick="2, 5, 8, 11",
        noise=settings["noise"],
        guider=settings["guider"],
        sampler=settings["sampler"],
        sigmas=settings["sigmas"],
        latent_image=settings["latent_image"],
    )
    sheet = _sheet(graph, kit, pick["output"], models.vae, pick["labels"])
    chosen = graph.node(
        "SaveImage",
        called="The chosen ones",
        more=room_for(1.1, RESULT),
        images=sheet[0],
        filename_prefix="steer/14-chosen",
    )
    lay_out(
        graph,
        Column(NARROW, [note, Step("Step 1  Seeds, model", [seeds, models.node])]),
        Column(NARROW, [Step("Step 2  What to sample", [settings, positive, negative]), try_next]),
        Column(PICK, [Step("Step 3  Look early", [pick])]),
        Column(RESULT, [Step("Step 4  Finish the best", [sheet, chosen])]),
    )
    graph.app([(positive, "text"), (seeds, "text"), (pick, "steps"), (pick, "pick")], [chosen])


def _settings(graph: GraphBuilder, kit: Kit, models: Models, prompts: Pair, seeds: Output) -> Node:
    """What a sampler of ComfyUI asks for, with a noise for each seed."""
    inside = part(graph, kit, "How to sample", "A noise for each seed, and the settings of ComfyUI's custom sampler.")
    positive, negative = inside.entry("positive", "CONDITIONING"), inside.entry("negative", "CONDITIONING")
    model = inside.entry("model", "MODEL")
    listed = inside.entry("seeds", "INT", socket=True)
    steps, cfg = inside.entry("steps", "INT", kit.steps), inside.entry("cfg", "FLOAT", kit.free.cfg)
    noise = inside.node("SteerSeededNoise", called="Seeded Noise", seeds=listed, batch_size=0)
    guider = inside.node("CFGGuider", called="Guider", model=model, positive=positive, negative=negative, cfg=cfg)
    sampler = inside.node("KSamplerSelect", called="Sampler", sampler_name=kit.free.sampler)
    sigmas = inside.node("BasicScheduler", called="Schedule", model=model, scheduler="karras", steps=steps)
    size = inside.node("EmptyLatentImage", called="Size", width=kit.size, height=kit.size)
    made = {"noise": noise["noise"], "guider": guider[0], "sampler": sampler[0], "sigmas": sigmas[0]}
    for name, output in {**made, "latent_image": size[0]}.items():
        inside.exit(name, output)
    lay_out(inside, Column(WIDTH, [noise, guider]), Column(WIDTH, [sampler, sigmas, size]))
    links = {"model": models.model, "positive": prompts[0], "negative": prompts[1], "seeds": seeds}
    return graph.subgraph(inside, links)


def _sheet(graph: GraphBuilder, kit: Kit, latent: Output, vae: Output, labels: Output) -> Node:
    """The finished pictures side by side."""
    inside = part(graph, kit, "Sheet of the chosen", "The finished pictures side by side.")
    samples, decoder = inside.entry("latent", "LATENT"), inside.entry("vae", "VAE")
    decoded = inside.node("VAEDecode", called="Decode", samples=samples, vae=decoder)
    listed = inside.entry("labels", "STRING", socket=True)
    sheet = inside.node("SteerContactSheet", images=decoded[0], labels=listed, columns=2)
    inside.exit("sheet", sheet[0])
    lay_out(inside, Column(WIDTH, [decoded]), Column(WIDTH, [sheet]))
    return graph.subgraph(inside, {"latent": latent, "vae": vae, "labels": labels})


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
