"""Slide 5: moods and places, every combination: each word changes its own part of the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .layout import NARROW, PREVIEW, Column, Row, Step, lay_out, room_for
from .measure import Measurement, Probe, measure_followed, run_cells, values_in
from .parts import choose_cells, size_of_picture, sweep, sweep_step, words

if TYPE_CHECKING:
    from .builder import GraphBuilder
    from .kits import Kit

NAME = "05-expression-by-place"
THUMBNAIL = "Moods and places"
TILES: tuple[int, ...] = (0, 1, 4, 5)
HELP = ("Moods and places", "One mood alone")
RESULT = 612  # pixels of width of the node with the sheet: it fits a small screen
PROMPT = (
    "gorgeous cute Austrian girl, smiling, (crop top), Steel gray hair loose braided hair, comics printed shirt, "
    "oversized jogger pants, lean against the wall, backstreet"
)

NOTE = """
## How do I change the mood, the place, or both?

Steer makes **every combination**. In a row, the mood stays; in a column, the place.
"""
NEXT = """
**Try next**
- One more mood: only its pictures are made
- **Cells**: `laughing; meadows`
- Wire the `axis` of a **Seeds** node to **Sweep**: a table for each seed
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    note, try_next = graph.note(NOTE, title="Slide 5"), graph.note(kit.note(NEXT), title="Try next")
    models, size = kit.models(graph), size_of_picture(graph, kit)
    prompt = words(graph, PROMPT, more=30)
    moods, places = (
        graph.node("SteerPromptSwap", called=called, prompt=prompt[0], find=find, swaps=swaps)
        for called, find, swaps in (
            ("Moods", "smiling", "angry\nlaughing"),
            ("Places", "backstreet", "meadows\noffice\nbeach"),
        )
    )
    cells = sweep(
        graph,
        kit,
        models,
        "Sweep",
        "05-expression-by-place",
        latent=size[0],
        positive=prompt[0],
        axis_1=moods["axis"],
        axis_2=places["axis"],
        seed=7,
    )
    pictures = graph.node(
        "SaveImage",
        called="Moods and places",
        more=room_for(0.83, RESULT),
        images=cells["sheet"],
        filename_prefix="steer/05-combinations",
    )
    chosen = choose_cells(graph, kit, "Cells", cells["folder"], "angry", columns=4)
    one_mood = graph.node(
        "SaveImage", called="One mood alone", more=PREVIEW, images=chosen[0], filename_prefix="steer/05-one-mood"
    )
    lay_out(
        graph,
        Column(NARROW, [Step("Step 1  Model, prompt", [models.node, size, prompt]), try_next]),
        Column(NARROW, [note, Step("Step 2  Words to swap", [moods, places])]),
        Column(NARROW, [sweep_step("Step 3  Every pair", cells)]),
        Column(RESULT, [Step("Step 4  Moods and places", [pictures, Row([chosen, one_mood])])]),
    )
    graph.app([(prompt, "value"), (moods, "swaps"), (places, "swaps"), (cells, "seed")], [pictures])


MOST_WRONG = 0.1  # share of the pictures


def promise(probe: Probe) -> list[Measurement]:
    """Nearly every picture shows its mood, and nearly every one its place."""
    pictures, labels = run_cells(probe, "SteerSweep")
    least = len(pictures) - int(MOST_WRONG * len(pictures))
    heads = ("expression", "background")
    return [measure_followed(head, values_in(labels, head), pictures, least) for head in heads]
