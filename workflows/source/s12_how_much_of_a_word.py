"""Workflow 12: a word turned up step by step, on one seed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from .layout import NARROW, Column, Step, lay_out, room_for
from .measure import Measurement, Probe, as_tensor, judge_pictures, run_cells
from .parts import choose_cells, size_of_picture, sweep, sweep_step, words

if TYPE_CHECKING:
    from .builder import GraphBuilder
    from .kits import Kit

NAME = "12-how-much-of-a-word"
THUMBNAIL = "From smiling to angry"
TILES: tuple[int, ...] = (0, 2, 3, 5)
HELP = ("From smiling to angry",)
RESULT = 744  # pixels of width of the node with the sheet: it fits a small screen
PROMPT = (
    "gorgeous cute Austrian girl, smiling, (crop top), Steel gray hair loose braided hair, comics printed shirt, "
    "oversized jogger pants, lean against the wall, backstreet"
)

NOTE = """
## How angry is a little angry?

**Expression Dial** turns a word like a knob: 0 is the prompt as it is, 1 has the other word in its place, and between
them lie all the faces.

**Look at** the six pictures, all of one seed. The mood comes step by step. Behind 1 there is more of it than the word
alone gives.

**Try next**
- **Expression Dial**: `word` sad or laughing
- **Expression Dial**: `values` 0.4-0.8[6], around the place where it tips
- **Sweep**: another `seed`
- Workflow 15 finds that value by itself
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the workflow's nodes to an empty graph, with the models of the kit."""
    note = graph.note(NOTE, title="Workflow 12")
    models, size = kit.models(graph), size_of_picture(graph, kit)
    prompt = words(graph, PROMPT, more=90)
    dial = graph.node(
        "SteerExpressionDial",
        called="Expression Dial",
        clip=models.clip,
        prompt=prompt[0],
        find="smiling",
        word="angry",
        values="0, 0.3, 0.5, 0.7, 1, 1.3",
    )
    cells = sweep(
        graph,
        kit,
        models,
        "Sweep",
        "12-how-much-of-a-word",
        latent=size[0],
        positive=prompt[0],
        axis_1=dial["axis"],
        seed=5,
        free=True,  # the moods are plainer so, by `report dial`
    )
    rows = choose_cells(graph, kit, "In two rows", cells["folder"], "", columns=3)
    pictures = graph.node(
        "SaveImage",
        called="From smiling to angry",
        more=room_for(0.74, RESULT),
        images=rows[0],
        filename_prefix="steer/12-dial",
    )
    lay_out(
        graph,
        Column(NARROW, [Step("Step 1  Model", [models.node, size]), note]),
        Column(NARROW, [Step("Step 2  A word to turn", [dial, prompt])]),
        Column(NARROW, [sweep_step("Step 3  A picture each", cells)]),
        Column(RESULT, [Step("Step 4  From smiling to angry", [rows, pictures])]),
    )
    graph.app([(prompt, "value"), (dial, "word"), (dial, "values"), (cells, "seed")], [pictures])


FALL = 0.1  # by which a picture may differ less from the first than the one before it


def promise(probe: Probe) -> list[Measurement]:
    """At 0 the girl smiles, at 1 she is angry, and each step leads further away from the first picture."""
    pictures, labels = run_cells(probe, "SteerSweep")
    pairs = sorted((float(label.split()[-1]), number) for number, label in enumerate(labels))
    pictures = [pictures[number] for _, number in pairs]
    found = judge_pictures(pictures).values["expression"]
    values = [value for value, _ in pairs]
    first, one = found[values.index(0.0)], found[values.index(1.0)]
    tensor = as_tensor(pictures)
    away = [float((each - tensor[0]).abs().mean()) for each in tensor]
    even = all(later >= earlier * (1 - FALL) for earlier, later in pairwise(away))
    moods = ", ".join(f"{value:g} {mood}" for value, mood in zip(values, found, strict=True))
    return [
        Measurement(
            f"at 0 she is {first}, at 1 {one}, says a judge network ({moods})", (first, one) == ("smiling", "angry")
        ),
        Measurement(
            f"each value leads further from the first picture: {', '.join(f'{100 * each:.1f} %' for each in away)}",
            even,
        ),
    ]
