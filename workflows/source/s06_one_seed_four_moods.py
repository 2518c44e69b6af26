"""Slide 6: one seed in four moods, another seed in four; then the mood that comes in on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .builder import WIDTH
from .layout import GAP, NARROW, WIDE, Blank, Column, Row, Step, lay_out, room_for
from .measure import Measurement, Probe, measure_followed, run_cells, values_in
from .parts import part, size_of_picture, stitch, sweep, sweep_step, words

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node, Output
    from .kits import Kit, Models

NAME = "06-one-seed-four-moods"
THUMBNAIL = "One seed, four moods"
TILES: tuple[int, ...] = (0, 1, 2, 3)
HELP = ("Earlier and earlier",)
SWEEP_INSIDE = 140  # pixels more for the preview of the sweep inside, which the classic renderer shows on its subgraph
LOOK_AT = 368  # pixels of width of the note beside the lower picture
WORDS = (
    "face focus, cute, 1girl, black background, light particle, solo, standing, cinematic composition, best lighting, "
    "looking up, {}"
)

NOTE = """
## How do I keep the face and change the mood?

One **seed**, four moods: one face. Another seed is another face.
"""
NEXT = """
A prompt may change on the way: `[smiling:angry:0.4]` smiles for 40 % of the steps, which lay out the picture.

**Look at** the rows above: each has one seed. Here, the mood changes earlier and earlier.

**Try next**
- **Seeds**: `2, 3`
- **On the way**: `switch times` `0.5-0.7(+0.05)`
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    note = graph.note(NOTE, title="Slide 6")
    look_at = graph.note(kit.note(NEXT), title="Look at", width=LOOK_AT)
    models, size = kit.models(graph), size_of_picture(graph, kit)
    prompt = words(graph, WORDS.format("smiling"), more=14)
    seeds = graph.node("SteerSeeds", called="Seeds", text="2, 5")
    moods = graph.node(
        "SteerPromptSwap", called="Moods", prompt=prompt[0], find="smiling", swaps="angry\nsad\nlaughing"
    )
    cells = sweep(
        graph,
        kit,
        models,
        "Sweep of moods",
        "06-moods",
        latent=size[0],
        positive=prompt[0],
        axis_1=seeds["axis"],
        axis_2=moods["axis"],
    )
    pictures = graph.node(
        "SaveImage",
        called="One seed, four moods",
        more=room_for(0.564),
        images=cells["sheet"],
        filename_prefix="steer/06-moods",
    )
    on_the_way = _switch_on_the_way(graph, kit, models, size[0])
    on_the_way.data["size"][1] += SWEEP_INSIDE
    switched = graph.node(
        "SaveImage",
        called="Earlier and earlier",
        more=room_for(0.41, WIDE - LOOK_AT - GAP),
        images=on_the_way[0],
        filename_prefix="steer/06-switch-times",
    )
    switched.data["size"][0] = WIDE - LOOK_AT - GAP
    lay_out(
        graph,
        Column(NARROW, [Step("Step 1  Seeds, prompt", [models.node, size, seeds, prompt]), note]),
        Column(
            NARROW,
            [Step("Step 2  Moods on the way", [on_the_way, Blank(80)]), Step("Step 3  Swap one word", [moods])],
        ),
        Column(NARROW, [sweep_step("Step 4  A picture each", cells)]),
        Column(
            WIDE,
            [
                Step("Step 5  One seed, four moods", [pictures]),
                Step("Step 6  The mood changes on the way", [Row([switched, look_at])]),
            ],
        ),
    )


def _switch_on_the_way(graph: GraphBuilder, kit: Kit, models: Models, latent: Output) -> Node:
    """A sweep of switch times: its pictures in a row, their heat maps against the first below; one sheet."""
    inside = part(graph, kit, "On the way", "A prompt that changes during sampling, earlier and earlier.")
    names = {"model": models.model, "clip": models.clip, "vae": models.vae}
    model, clip, vae = (inside.entry(name, name.upper()) for name in names)
    within = models._replace(model=model, clip=clip, vae=vae)
    empty = inside.entry("latent", "LATENT")
    text = inside.entry("prompt", "STRING", WORDS.format("[smiling:angry:0.4]"), long=True)
    times = inside.node(
        "SteerValueAxis",
        called="Switch times",
        kind="switch time",
        text=inside.entry("switch times", "STRING", "1.0, 0.6, 0.5, 0.4, 0.2, 0.0", long=True),
    )
    swept = sweep(
        inside,
        kit,
        within,
        "Sweep of switch times",
        "06-switch-times",
        latent=empty,
        positive=text,
        axis_1=times["axis"],
        seed=2,
    )
    cells = inside.node("SteerLoadCells", folder=swept["folder"])
    changes = inside.node("SteerDifference", images=cells["images"], labels=cells["labels"])
    upper = inside.node(
        "SteerContactSheet",
        called="Pictures",
        images=cells["images"],
        title="Picture",
        labels=cells["labels"],
        columns=6,
    )
    lower = inside.node(
        "SteerContactSheet", called="Heat maps", images=changes["heat maps"], title="What changed", columns=6
    )
    both = stitch(inside, upper[0], lower[0])
    inside.exit("sheet", both[0])
    lay_out(
        inside,
        Column(WIDTH, [times]),
        Column(WIDTH, [swept]),
        Column(WIDTH, [cells, changes]),
        Column(WIDTH, [upper, lower]),
        Column(WIDTH, [both]),
    )
    return graph.subgraph(inside, names | {"latent": latent})


def promise(probe: Probe) -> list[Measurement]:
    """Every picture of the first sweep shows its mood."""
    pictures, labels = run_cells(probe, "Sweep of moods")
    return [measure_followed("expression", values_in(labels, "expression"), pictures, len(pictures))]
