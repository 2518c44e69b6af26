"""Workflow 13: few steps make all seeds alike; noise on the prompt, from each picture's own seed, sets them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .builder import WIDTH
from .layout import NARROW, WIDE, Column, Step, lay_out, room_for
from .measure import Measurement, Probe, judge_pictures
from .parts import negative_prompt, part, prompt

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node, Output
    from .kits import Kit, Models

NAME = "13-seeds-that-differ"
THUMBNAIL = "Set apart"
TILES: tuple[int, ...] = (1, 2, 3, 5)
HELP = ("As they come", "Set apart")
MOOD = "smiling"
PROMPT = (
    f"gorgeous cute Austrian girl, {MOOD}, (crop top), black hair loose braided hair, comics printed shirt, "
    "oversized jogger pants, in the office"
)
STEPS = 4

NOTE = """
## Why do all my seeds look alike?

With few steps, a model answers a prompt with nearly the same picture each time. **Seed Spread** puts noise on the
prompt in the first step. Each picture draws it from its own seed: one seed, one picture, as before.

**Look at** both sheets: the same seeds, without and with Seed Spread. The number above each says how different its
pictures are: 0 all equal, 1 as different as noise.
"""
NEXT = """
**Try next**
- **Seed Spread**: `strength` 8. When do the pictures leave the prompt?
- **Seed Spread**: `steps` 2
- **Schedule**: `steps` 20. With many steps, seeds differ by themselves
"""


class _Sampling(NamedTuple):
    """What both rows share."""

    noise: Node
    sigmas: Output
    negative: Output
    labels: Output


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the workflow's nodes to an empty graph, with the models of the kit."""
    note, try_next = graph.note(NOTE, title="Workflow 13"), graph.note(NEXT, title="Try next")
    models = kit.models(graph)
    seeds = graph.node("SteerSeeds", called="Seeds", text="1-6")
    noise = graph.node("SteerSeededNoise", called="Seeded Noise", seeds=seeds["seeds"])
    positive, negative = prompt(graph, models, PROMPT, more=30), negative_prompt(graph, models)
    sigmas = graph.node("BasicScheduler", called="Schedule", model=models.model, scheduler="normal", steps=STEPS)
    spread = graph.node(
        "SteerSeedSpread",
        called="Seed Spread",
        conditioning=positive[0],
        noise=noise["noise"],
        sigmas=sigmas[0],
        model=models.model,
    )
    shared = _Sampling(noise, sigmas[0], negative[0], seeds["labels"])
    both = _sample_both(graph, kit, models, shared, {"prompt": positive[0], "spread prompt": spread[0]})
    saved = [
        graph.node(
            "SaveImage",
            called=called,
            more=room_for(0.213),
            images=both[number],
            filename_prefix=f"steer/13-{name}",
        )
        for number, (called, name) in enumerate((("As they come", "alike"), ("Set apart", "apart")))
    ]
    lay_out(
        graph,
        Column(NARROW, [note, Step("Step 1  Model, seeds", [models.node, seeds])]),
        Column(NARROW, [try_next, Step("Step 2  Prompt and noise", [positive, negative, noise])]),
        Column(NARROW, [Step("Step 3  A little noise", [sigmas, spread, both])]),
        Column(WIDE, [Step("Step 4  The same seeds", saved)]),
    )
    graph.app([(positive, "text"), (seeds, "text"), (spread, "strength"), (spread, "steps")], saved)


def _sample_both(graph: GraphBuilder, kit: Kit, models: Models, shared: _Sampling, prompts: dict[str, Output]) -> Node:
    """The same seeds with each prompt: a sheet for each, titled with how different its pictures are."""
    inside = part(graph, kit, "Sample both", "The same seeds with each prompt: a sheet each, and how much they differ.")
    # The inputs in the order that they come from, top to bottom, so that few wires cross.
    spread, sigmas = inside.entry("spread prompt", "CONDITIONING"), inside.entry("sigmas", "SIGMAS")
    ends = {"prompt": inside.entry("prompt", "CONDITIONING"), "spread prompt": spread}
    negative = inside.entry("negative", "CONDITIONING")
    model, vae = inside.entry("model", "MODEL"), inside.entry("vae", "VAE")
    labels, noise = inside.entry("labels", "STRING", socket=True), inside.entry("noise", "NOISE")
    count = inside.entry("batch_size", "INT", 1)
    cfg = inside.entry("cfg", "FLOAT", kit.cfg)
    sampler = inside.node("KSamplerSelect", called="Sampler", sampler_name="euler")
    latent = inside.node("EmptyLatentImage", called="Size", width=kit.size, height=kit.size, batch_size=count)

    def row(words: str) -> list[Node]:
        guider = inside.node("CFGGuider", model=model, positive=ends[words], negative=negative, cfg=cfg)
        result = inside.node(
            "SamplerCustomAdvanced",
            noise=noise,
            guider=guider[0],
            sampler=sampler[0],
            sigmas=sigmas,
            latent_image=latent[0],
        )
        pictures = inside.node("VAEDecode", called=f"Decode, {words}", samples=result["output"], vae=vae)
        measured = inside.node("SteerMeasureSpread", images=pictures[0])
        sheet = inside.node("SteerContactSheet", images=pictures[0], labels=labels, title=measured["report"], columns=6)
        inside.exit(words, sheet[0])
        return [guider, result, pictures, measured, sheet]

    upper, lower = row("prompt"), row("spread prompt")
    links = {"model": models.model, "vae": models.vae, "noise": shared.noise["noise"], "negative": shared.negative}
    links |= {"batch_size": shared.noise["batch_size"], "sigmas": shared.sigmas, "labels": shared.labels, **prompts}
    rows = zip(upper, lower, strict=True)
    lay_out(inside, Column(WIDTH, [sampler, latent]), *(Column(WIDTH, each) for each in rows))
    return graph.subgraph(inside, links)


WIDER = 1.3  # of the spread with noise on the prompt over that without


def promise(probe: Probe) -> list[Measurement]:
    """The pictures differ more, and show the prompt's mood as often."""
    rows = {"plain": probe.output("Decode, prompt"), "apart": probe.output("Decode, spread prompt")}
    values = {name: [probe.add("SteerMeasureSpread", images=link), 1] for name, link in rows.items()}
    outputs = probe.run(rows, values)
    plain, apart = (float(outputs.texts[name][0]) for name in ("plain", "apart"))
    found = {
        name: judge_pictures(pictures).values["expression"].count(MOOD) for name, pictures in outputs.pictures.items()
    }
    count = len(outputs.pictures["plain"])
    moods = f"the mood is there in {found['apart']} of {count} pictures, without the noise in {found['plain']}"
    return [
        Measurement(
            f"the pictures differ {apart / plain:.2f} times as much ({plain:.2f}, {apart:.2f})", apart >= WIDER * plain
        ),
        Measurement(f"{moods}, says a judge network", found["apart"] >= found["plain"] - 1),
    ]
