"""Slide 5: moods, places and seeds, every combination: each word changes its own part of the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .measure import Measurement, Probe, measure_followed, run_cells, values_in

if TYPE_CHECKING:
    from .builder import GraphBuilder
    from .kits import Kit

NAME = "05-expression-by-place"
THUMBNAIL = "Moods, places, seeds"
HELP = ("Moods, places, seeds", "One mood alone")
PROMPT = (
    "gorgeous cute Austrian girl, smiling, (crop top), Steel gray hair loose braided hair, comics printed shirt, "
    "oversized jogger pants, lean against the wall, backstreet"
)

NOTE = """
## How do I change the mood, the place, or both?

Each is one word of the prompt. Steer makes **every combination**: moods x places x seeds.

**Look at** a row: the place stays and the mood changes. At a column: the mood stays and the place changes. At the two
blocks: another seed is another picture of the same words. Below are the cells of one mood alone, fetched back from the
folder.

**Try next**
- one more line in **Moods** or **Places**, one more seed: only the new cells are made
- **Load Cells**: `laughing; meadows`
- open `index.html` in the folder `sweeps` of ComfyUI's output: choose there what makes rows and columns
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    graph.note(NOTE, at=(-390, -30), size=(370, 420), title="Slide 5")

    graph.group("1  A model", at=(-390, 400), size=(370, 190))
    models = kit.models(graph, at=(-370, 480))

    graph.group("2  A prompt", at=(-390, 610), size=(370, 360))
    prompt = graph.node("PrimitiveStringMultiline", at=(-370, 690), size=(330, 260), called="Prompt", value=PROMPT)

    graph.group("3  Moods", at=(0, -60), size=(350, 385))
    moods = graph.node(
        "SteerPromptSwap",
        at=(10, 20),
        size=(330, 295),
        called="Moods",
        prompt=prompt[0],
        find="smiling",
        swaps="angry\nlaughing",
    )

    graph.group("4  Places", at=(0, 345), size=(350, 385))
    places = graph.node(
        "SteerPromptSwap",
        at=(10, 425),
        size=(330, 295),
        called="Places",
        prompt=prompt[0],
        find="backstreet",
        swaps="meadows",
    )

    graph.group("5  Seeds", at=(0, 750), size=(350, 220))
    seeds = graph.node("SteerSeeds", at=(10, 820), size=(330, 140), text="5, 16")

    graph.group("6  Every combination", at=(370, -60), size=(350, 1030))
    latent = graph.node("EmptyLatentImage", at=(380, 20), called="Size", width=kit.size, height=kit.size)
    sweep = graph.node(
        "SteerSweep",
        at=(380, 70),
        size=(330, 880),
        model=models.model,
        clip=models.clip,
        vae=models.vae,
        latent=latent[0],
        positive=prompt[0],
        axis_1=places["axis"],
        axis_2=moods["axis"],
        axis_3=seeds["axis"],
        steps=kit.steps,
        cfg=kit.cfg,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        folder="sweeps/05-expression-by-place",
    )

    graph.group("7  Moods, places, seeds", at=(740, -60), size=(530, 650))
    pictures = graph.node(
        "SaveImage",
        at=(750, 20),
        size=(510, 550),
        called="Moods, places, seeds",
        images=sweep["sheet"],
        filename_prefix="steer/05-combinations",
    )

    graph.group("8  One mood alone", at=(740, 610), size=(530, 360))
    cells = graph.node("SteerLoadCells", at=(750, 690), size=(220, 170), folder=sweep["folder"], selection="angry")
    sheet = graph.node("SteerContactSheet", at=(750, 900), images=cells["images"], labels=cells["labels"], columns=2)
    graph.node(
        "SaveImage",
        at=(980, 690),
        size=(280, 250),
        called="One mood alone",
        images=sheet[0],
        filename_prefix="steer/05-one-mood",
    )
    graph.app([(prompt, "value"), (moods, "swaps"), (places, "swaps"), (seeds, "text")], [pictures])


MOST_WRONG = 0.1  # share of the pictures


def promise(probe: Probe) -> list[Measurement]:
    """Nearly every picture shows its mood, and nearly every one its place."""
    pictures, labels = run_cells(probe, "SteerSweep")
    least = len(pictures) - int(MOST_WRONG * len(pictures))
    heads = ("expression", "background")
    return [measure_followed(head, values_in(labels, head), pictures, least) for head in heads]
