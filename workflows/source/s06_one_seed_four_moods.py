"""Slide 6: one seed in four moods, another seed in one; then the mood that comes in on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .measure import Measurement, Probe, measure_followed, run_cells, values_in
from .parts import with_changes

if TYPE_CHECKING:
    from .builder import GraphBuilder
    from .kits import Kit

NAME = "06-one-seed-four-moods"
THUMBNAIL = "One seed, four moods"
HELP = ("Earlier and earlier",)
WORDS = (
    "face focus, cute, 1girl, black background, light particle, solo, standing, cinematic composition, best lighting, "
    "looking up, {}"
)

NOTE = """
## How do I keep the face and change the mood?

One seed, four moods: one face. The picture beside them has the same words and **another seed**: another face.

A prompt may also change **on the way**: `[smiling:angry:0.4]` smiles for 40 % of the steps and is angry for the rest.
The first steps lay out the picture, the last ones draw details.

**Look at** the lower sheet, from left to right: only smiling, then the mood changes earlier and earlier, until all of
it is angry. Somewhere between, the face is still that of the smile and the mood the new one. The heat maps below show
where each differs from the first.

**Try next**
- **Switch times**: `0.5-0.7(+0.05)` looks closer at a part
- **On the way**: `[smiling:laughing:0.4]`
- **Another seed**: `randomize` below the number, then Run again
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    graph.note(NOTE, at=(-390, -30), size=(370, 430), title="Slide 6")

    graph.group("1  A model", at=(-390, 420), size=(370, 190))
    models = kit.models(graph, at=(-370, 500))

    graph.group("2  Seeds", at=(-390, 630), size=(370, 340))
    seed = graph.node("PrimitiveInt", at=(-370, 710), size=(330, 90), called="One seed", value=2)
    another = graph.node("PrimitiveInt", at=(-370, 860), size=(330, 90), called="Another seed", value=5)

    graph.group("3  One word changes", at=(0, -60), size=(350, 575))
    prompt = graph.node(
        "PrimitiveStringMultiline", at=(10, 20), size=(330, 140), called="Prompt", value=WORDS.format("smiling")
    )
    moods = graph.node(
        "SteerPromptSwap",
        at=(10, 200),
        size=(330, 300),
        called="Moods",
        prompt=prompt[0],
        find="smiling",
        swaps="angry\nsurprised\nlaughing",
    )

    graph.group("4  A word changes on the way", at=(0, 535), size=(350, 435))
    timed = graph.node(
        "PrimitiveStringMultiline",
        at=(10, 615),
        size=(330, 160),
        called="On the way",
        value=WORDS.format("[smiling:angry:0.4]"),
    )
    times = graph.node(
        "SteerValueAxis",
        at=(10, 815),
        size=(330, 152),
        called="Switch times",
        kind="switch time",
        text="1.0, 0.6, 0.5, 0.4, 0.2, 0.0",
    )

    graph.group("5  One seed, four moods", at=(370, -60), size=(480, 445))
    latent = graph.node("EmptyLatentImage", at=(380, 10), called="Size", width=kit.size, height=kit.size)
    settings = {
        "model": models.model,
        "clip": models.clip,
        "vae": models.vae,
        "latent": latent[0],
        "steps": kit.steps,
        "cfg": kit.cfg,
        "sampler_name": "dpmpp_2m",
        "scheduler": "karras",
        "seed": seed[0],
    }
    four = graph.node(
        "SteerSweep",
        at=(380, 50),
        called="Sweep of moods",
        positive=prompt[0],
        axis_1=moods["axis"],
        folder="sweeps/06-moods",
        **settings,
    )
    graph.node(
        "SaveImage",
        at=(380, 90),
        size=(460, 285),
        called="One seed, four moods",
        images=four["sheet"],
        filename_prefix="steer/06-moods",
    )

    graph.group("6  Another seed", at=(870, -60), size=(400, 445))
    positive = graph.node("CLIPTextEncode", at=(870, 10), called="Prompt", clip=models.clip, text=prompt[0])
    negative = graph.node("CLIPTextEncode", at=(870, 50), called="Negative prompt", clip=models.clip, text="")
    sampled = graph.node(
        "KSampler",
        at=(1070, 10),
        model=models.model,
        positive=positive[0],
        negative=negative[0],
        latent_image=latent[0],
        seed=another[0],
        steps=kit.steps,
        cfg=kit.cfg,
        sampler_name="dpmpp_2m",
        scheduler="karras",
    )
    picture = graph.node("VAEDecode", at=(1070, 50), samples=sampled[0], vae=models.vae)
    graph.node(
        "SaveImage",
        at=(880, 90),
        size=(380, 285),
        called="Another seed",
        images=picture[0],
        filename_prefix="steer/06-another-seed",
    )

    graph.group("7  The mood comes in earlier and earlier", at=(370, 405), size=(900, 565))
    swept = graph.node(
        "SteerSweep",
        at=(380, 480),
        called="Sweep of switch times",
        positive=timed[0],
        axis_1=times["axis"],
        folder="sweeps/06-switch-times",
        **settings,
    )
    sheet = with_changes(graph, swept["folder"], at=(380, 480))
    graph.node(
        "SaveImage",
        at=(380, 560),
        size=(715, 400),
        called="Earlier and earlier",
        images=sheet,
        filename_prefix="steer/06-switch-times",
    )


def promise(probe: Probe) -> list[Measurement]:
    """Every picture of the first sweep shows its mood."""
    pictures, labels = run_cells(probe, "Sweep of moods")
    return [measure_followed("expression", values_in(labels, "expression"), pictures, len(pictures))]
