"""Slide 11: any graph as a sweep. Two samplers; one value goes into the first, another into the second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .builder import WIDTH
from .layout import NARROW, PAD, PREVIEW, SHEET, Blank, Column, Step, lay_out, room_for
from .measure import Measurement, Probe, largest_difference, measure_followed, run_cells, values_in
from .parts import negative_prompt, part, prompt, scaled, words

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node, Output
    from .kits import Kit, Models

NAME = "11-any-graph"
THUMBNAIL = "Every combination"
TILES: tuple[int, ...] = (0, 1, 4, 5)
HELP = ("Every combination",)
PROMPT = "girl, smiling, steel gray hair, braided hair, comics printed shirt, backstreet"
BROAD, RESULT = 268, 756  # pixels of width of the column of the samplers, and of the node with the sheet
LACKS = 34  # pixels that the room of the sheet lacks, or the slide would be too high for a small screen
DENOISE = "0.3, 0.6"

NOTE = """
## How do I try values in a graph of my own?

**Sweep Value** gives a value to any widget. **Sweep Graph** makes a picture for each, as a job in the queue.

**Look at** the rows: how much the first sampler changes. At the columns: the mood that the second one gives the face.
"""
NEXT = """
**Try next**
- Press Run again: all is there. Add `0.9` to **How much**, and only its cells are made
- Drag another **Sweep Value** to any widget
- Drop a picture of `sweeps/11-any-graph` here: it opens as itself
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    note, try_next = graph.note(NOTE, title="Slide 11"), graph.note(NEXT, title="Try next", width=RESULT + 2 * PAD)
    picture = graph.node("SteerDemoPicture", more=PREVIEW, picture="smiling girl")
    models = kit.models(graph)
    text = words(graph, PROMPT, more=0)
    amount = _how_much(graph, kit)
    moods = graph.node("SteerPromptSwap", called="Moods", prompt=text[0], find="smiling", swaps="laughing\nsad")
    mood = graph.node("SteerSweepValue", called="Mood", axis=moods["axis"], text=text[0])
    passes = _two_passes(
        graph, kit, models, {"image": picture[0], "prompt": text[0], "denoise": amount[0], "face": mood[0]}
    )
    cells = graph.node(
        "SteerSweepGraph", called="Sweep", more=40, images=passes[0], folder=f"sweeps/{NAME}{kit.suffix}"
    )
    pictures = graph.node(
        "SaveImage",
        called="Every combination",
        more=room_for(0.67, RESULT),
        images=cells["sheet"],
        filename_prefix="steer/11-any-graph",
    )
    lay_out(
        graph,
        Column(NARROW, [Step("Step 1  What goes in", [models.node, picture, text, amount])]),
        Column(NARROW, [note, Step("Step 2  What varies", [moods, mood])]),
        Column(BROAD, [Step("Step 3  Two samplers", [passes, cells, Blank(SHEET - LACKS)])]),
        Column(RESULT, [Step("Step 4  Every combination", [pictures]), try_next]),
    )
    graph.app([(text, "value"), (amount, "amounts"), (moods, "swaps")], [pictures])


def _how_much(graph: GraphBuilder, kit: Kit) -> Node:
    """The current denoise."""
    inside = part(graph, kit, "How much", "One denoise after the other.")
    values = inside.node(
        "SteerValueAxis", called="Amounts", kind="denoise", text=inside.entry("amounts", "STRING", DENOISE)
    )
    amount = inside.node("SteerSweepValue", called="Amount", axis=values["axis"])
    inside.exit("amount", amount[0])
    lay_out(inside, Column(WIDTH, [values]), Column(WIDTH, [amount]))
    return graph.subgraph(inside, {}, more=24)


def _two_passes(graph: GraphBuilder, kit: Kit, models: Models, links: dict[str, Output]) -> Node:
    """Image to image, then the face alone."""
    inside = part(graph, kit, "Two passes", "Image to image, then the face alone, inside a mask.")
    model, vae, clip = inside.entry("model", "MODEL"), inside.entry("vae", "VAE"), inside.entry("clip", "CLIP")
    pixels = inside.entry("image", "IMAGE")
    within = models._replace(model=model, clip=clip, vae=vae)
    whole = prompt(inside, within, inside.entry("prompt", "STRING", PROMPT, long=True), called="Whole picture")
    face = prompt(inside, within, inside.entry("face", "STRING", PROMPT, long=True), called="Face")
    nothing = negative_prompt(inside, within)
    denoise = inside.entry("denoise", "FLOAT", 0.6)
    seed = inside.entry("seed", "INT", 2)

    def sampled(called: str, positive: Node, latent: Output, amount: Output | float) -> Node:
        return inside.node(
            "KSampler",
            called=called,
            model=model,
            positive=positive[0],
            negative=nothing[0],
            latent_image=latent,
            seed=seed,
            cfg=kit.cfg,
            steps=kit.steps,
            sampler_name=kit.sampler,
            scheduler="karras",
            denoise=amount,
        )

    small = scaled(inside, kit, pixels)
    encoded = inside.node("VAEEncode", pixels=small[0], vae=vae)
    first = sampled("First pass", whole, encoded[0], denoise)
    between = inside.node("VAEDecode", called="After the first pass", samples=first[0], vae=vae)
    mask = inside.node("SteerFaceMask", image=between[0], grow=12, feather=8)
    masked = inside.node("SetLatentNoiseMask", samples=first[0], mask=mask[0])
    second = sampled("Face pass", face, masked[0], 0.9)
    decoded = inside.node("VAEDecode", samples=second[0], vae=vae)
    inside.exit("image", decoded[0])
    lay_out(
        inside,
        Column(WIDTH, [whole, face, nothing]),
        Column(WIDTH, [small, encoded, first]),
        Column(WIDTH, [between, mask, masked]),
        Column(WIDTH, [second, decoded]),
    )
    return graph.subgraph(inside, {"model": models.model, "clip": models.clip, "vae": models.vae, **links})


def promise(probe: Probe) -> list[Measurement]:
    """Every picture shows the mood of its cell, and no two are alike."""
    pictures, labels = run_cells(probe, "Sweep")
    alike = [
        (one, other)
        for one in range(len(pictures))
        for other in range(one)
        if largest_difference(pictures[one], pictures[other]) < 8
    ]
    return [
        measure_followed("expression", values_in(labels, "expression"), pictures, len(pictures) - 1),
        Measurement(f"{len(pictures)} cells, {len(alike)} pairs of them alike", len(pictures) == 6 and not alike),
    ]
