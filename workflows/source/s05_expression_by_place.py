"""Slide 5: moods, places and seeds, every combination: each word changes its own part of the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .builder import WIDTH
from .layout import HEIGHT, NARROW, PREVIEW, WIDE, WIDE_NOTE, Column, Row, Step, lay_out
from .measure import Measurement, Probe, measure_followed, run_cells, values_in
from .parts import part, size_of_picture, sweep, sweep_step, words

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node, Output
    from .kits import Kit

NAME = "05-expression-by-place"
THUMBNAIL = "Moods, places, seeds"
TILES: tuple[int, ...] = (0, 1, 3, 5)
HELP = ("Moods, places, seeds", "One mood alone")
PROMPT = (
    "gorgeous cute Austrian girl, smiling, (crop top), Steel gray hair loose braided hair, comics printed shirt, "
    "oversized jogger pants, lean against the wall, backstreet"
)

NOTE = """
## How do I change the mood, the place, or both?

Steer makes **every combination**.
"""
NEXT = """
**Look at** a row: the place stays, the mood changes. At a column: the mood stays. At the blocks: another seed, another
picture.

**Try next**
- One more mood: only it is made
- **Cells**: `laughing; meadows`
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    note = graph.note(NOTE, title="Slide 5")
    try_next = graph.note(kit.note(NEXT), title="Look at", width=WIDE_NOTE)
    models, size = kit.models(graph), size_of_picture(graph, kit)
    seeds = graph.node("SteerSeeds", called="Seeds", text="7, 11")
    prompt = words(graph, PROMPT, more=0)
    places, moods = (
        graph.node("SteerPromptSwap", called=called, prompt=prompt[0], find=find, swaps=swaps)
        for called, find, swaps in (("Places", "backstreet", "meadows"), ("Moods", "smiling", "angry\nlaughing"))
    )
    cells = sweep(
        graph,
        kit,
        models,
        "Sweep",
        "05-expression-by-place",
        latent=size[0],
        positive=prompt[0],
        axis_1=places["axis"],
        axis_2=moods["axis"],
        axis_3=seeds["axis"],
    )
    pictures = graph.node(
        "SaveImage",
        called="Moods, places, seeds",
        more=PREVIEW,
        images=cells["sheet"],
        filename_prefix="steer/05-combinations",
    )
    chosen = _choose_cells(graph, kit, cells["folder"])
    one_mood = graph.node(
        "SaveImage", called="One mood alone", more=PREVIEW, images=chosen[0], filename_prefix="steer/05-one-mood"
    )
    lay_out(
        graph,
        Column(
            NARROW,
            [Step("Step 1  Seeds and a prompt", [models.node, size, seeds, prompt])],
            [prompt],
        ),
        Column(NARROW, [note, Step("Step 2  Words that change", [places, moods])], [note, places, moods]),
        Column(NARROW, [sweep_step("Step 3  Every combination", cells)]),
        Column(WIDE, [Step("Step 4  Moods, places, seeds", [pictures, Row([chosen, one_mood])]), try_next], [pictures]),
        height=HEIGHT,
    )
    graph.app([(prompt, "value"), (moods, "swaps"), (places, "swaps"), (seeds, "text")], [pictures])


def _choose_cells(graph: GraphBuilder, kit: Kit, folder: Output) -> Node:
    inside = part(graph, kit, "Cells", "Pictures of a sweep, chosen by their labels, on a sheet.")
    cells = inside.node(
        "SteerLoadCells",
        folder=inside.entry("folder", "STRING", ""),
        selection=inside.entry("selection", "STRING", "angry"),
    )
    sheet = inside.node("SteerContactSheet", images=cells["images"], labels=cells["labels"], columns=4)
    inside.exit("sheet", sheet[0])
    lay_out(inside, Column(WIDTH, [cells]), Column(WIDTH, [sheet]))
    return graph.subgraph(inside, {"folder": folder})


MOST_WRONG = 0.1  # share of the pictures


def promise(probe: Probe) -> list[Measurement]:
    """Nearly every picture shows its mood, and nearly every one its place."""
    pictures, labels = run_cells(probe, "SteerSweep")
    least = len(pictures) - int(MOST_WRONG * len(pictures))
    heads = ("expression", "background")
    return [measure_followed(head, values_in(labels, head), pictures, least) for head in heads]
