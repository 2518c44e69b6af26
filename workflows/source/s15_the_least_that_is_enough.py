"""Workflow 15: the least value of a dial at which the mood is there, found by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .builder import WIDTH
from .layout import NARROW, WIDE, Column, Row, Step, lay_out, room_for
from .measure import Measurement, Probe
from .parts import part, size_of_picture, sweep_step, words

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node, Output
    from .kits import Kit

NAME = "15-the-least-that-is-enough"
THUMBNAIL = "First, just before, found, last"
TILES: tuple[int, ...] = (0, 1, 2, 3)
HELP = ("The curve",)
CURVE = 500  # pixels of width of the node with the curve
WORDS = 122  # pixels of height of what Expression Finder has to say after Run, above its sheet
PROMPT = (
    "gorgeous cute Austrian girl, smiling, (crop top), Steel gray hair loose braided hair, comics printed shirt, "
    "oversized jogger pants, lean against the wall, backstreet"
)

NOTE = """
## How little is enough?

The more of a word, the less of the girl you began with. **Expression Finder** looks for the least value at which the
mood is there. It makes the two ends, then always the middle: 7 pictures and not 33.

**Look at** the four pictures: without the word, just before it is enough, just enough, and all of it. The curve below
shows how much of the mood each picture has that was made on the way.

**Try next**
- **Expression Finder**: `mood` 0.8, or 0.3
- **Expression Dial**: `word` sad
- **Expression Finder**: another `seed`
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the workflow's nodes to an empty graph, with the models of the kit."""
    note = graph.note(NOTE, title="Workflow 15")
    models, size = kit.models(graph), size_of_picture(graph, kit)
    prompt = words(graph, PROMPT, more=60)
    dial = graph.node(
        "SteerExpressionDial",
        called="Expression Dial",
        clip=models.clip,
        prompt=prompt[0],
        find="smiling",
        word="angry",
        values="0-1[33]",
    )
    finder = graph.node(
        "SteerExpressionFinder",
        called="Expression Finder",
        model=models.model,
        clip=models.clip,
        vae=models.vae,
        latent=size[0],
        axis=dial["axis"],
        positive=prompt[0],
        seed=5,
        steps=kit.steps,
        cfg=kit.cfg,
        sampler_name=kit.sampler,
        scheduler="karras",
    )
    sheet = _sheet(graph, kit, finder["pictures"], finder["labels"])
    pictures = graph.node(
        "SaveImage",
        called="First, just before, found, last",
        more=room_for(0.28),
        images=sheet[0],
        filename_prefix="steer/15-found",
    )
    curve = graph.node(
        "SaveImage",
        called="The curve",
        more=room_for(0.563, CURVE),
        images=finder["curve"],
        filename_prefix="steer/15-curve",
    )
    report = graph.node("PreviewAny", called="What was found", more=120, source=finder["report"])
    curve.data["size"][0] = CURVE
    lay_out(
        graph,
        Column(NARROW, [Step("Step 1  Model", [models.node, size]), note]),
        Column(NARROW, [Step("Step 2  A word to turn", [dial, prompt])]),
        Column(NARROW, [sweep_step("Step 3  Find the least", finder, WORDS)]),
        Column(
            WIDE,
            [Step("Step 4  Just enough", [sheet, pictures, Row([curve, report])])],
        ),
    )
    graph.app([(prompt, "value"), (dial, "word"), (finder, "mood"), (finder, "seed")], [pictures, curve])


def _sheet(graph: GraphBuilder, kit: Kit, pictures: Output, labels: Output) -> Node:
    """The four pictures side by side."""
    inside = part(graph, kit, "On a sheet", "The pictures of the search, with their values, side by side.")
    links = {"pictures": pictures, "labels": labels}
    images, texts = inside.entry("pictures", "IMAGE"), inside.entry("labels", "STRING", socket=True)
    sheet = inside.node("SteerContactSheet", called="Sheet", images=images, labels=texts, columns=4)
    inside.exit("sheet", sheet[0])
    lay_out(inside, Column(WIDTH, [sheet]))
    return graph.subgraph(inside, links)


def promise(probe: Probe) -> list[Measurement]:
    """The found value is the first that has the mood, with at most a quarter of the pictures."""
    report = probe.run({}, {"report": probe.output("SteerExpressionFinder", 5)}).texts["report"][0]
    lines = report.splitlines()
    count, _, total = (
        next(line for line in lines if "in place of" in line).rstrip(".").partition(" pictures in place of ")
    )
    few = 4 * int(count) <= int(total)
    reached = not any(line.startswith("Not reached") for line in lines)
    return [
        Measurement(lines[0], reached),
        Measurement(f"{count} pictures were made in place of {total}", few),
    ]
