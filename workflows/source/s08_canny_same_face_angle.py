"""Slide 8: Canny - the edges that keep the angle of a face."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...demo.judges.measures import edge_f1, edges
from .layout import GAP, NARROW, PREVIEW, WIDE, Blank, Column, Row, Step, lay_out, room_for
from .measure import Measurement, Probe, mean_scores, run_rows
from .parts import Twice, negative_prompt, prompt, sample_twice, size_of_picture

if TYPE_CHECKING:
    from .builder import GraphBuilder
    from .kits import Kit

NAME = "08-canny-same-face-angle"
THUMBNAIL = "Without and with control"
TILES: tuple[int, ...] = (0, 3, 4, 7)
HELP = ("Canny", "Without and with control")
FIRST, LAST = 226, 328  # pixels of width in the row above the result
EDGES = 16  # pixels of height that the node with the edges takes more after Run in the frontend 1.45

NOTE = """
## How do I keep the angle of a face?

With its **edges**. A Canny ControlNet paints new pictures along the edges of an old one.

**Look at** a column: it is one seed. The prompt alone turns the head anywhere. Along the edges it stays as it was.
"""
NEXT = """
**Try next**
- **ControlNet Guide**: `strength` 0.5, or `end_percent` 0.4: the edges count only while the big shapes form
- **Canny**: lower both thresholds for more lines
- **Load Image** in place of **Demo Picture**: your own photograph
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    note = graph.note(kit.note(NOTE, control=True), title="Slide 8")
    try_next = graph.note(kit.words(NEXT), title="Try next", width=LAST)
    models, net = kit.models(graph), kit.control_net(graph, "canny")
    size = size_of_picture(graph, kit)
    positive = prompt(graph, models, "Girl with a Pearl Earring, smiling, beach")
    negative = negative_prompt(graph, models)
    picture = graph.node("SteerDemoPicture", more=PREVIEW, picture="girl with a pearl earring")
    canny = graph.node("SteerCanny", called="Canny", more=PREVIEW, image=picture[0], latent=size[0])
    guide = kit.guide(graph, models, net, (positive[0], negative[0]), canny[0], "canny", size[0])
    both = sample_twice(
        graph,
        kit,
        models,
        Twice((positive[0], negative[0]), guide.pair, ("The prompt alone", "Along the edges"), guide.model),
        latent=size[0],
        seeds="1-4",
    )
    result = graph.node(
        "SaveImage",
        called="Without and with control",
        more=room_for(0.637),
        images=both["sheet"],
        filename_prefix="steer/08-canny-angle",
    )
    hint = graph.node(
        "SaveImage", called="The edges", more=PREVIEW, images=guide.node["hint"], filename_prefix="steer/08-canny-hint"
    )
    both.data["size"][0], hint.data["size"][0] = FIRST, WIDE - FIRST - LAST - 2 * GAP
    lay_out(
        graph,
        Column(NARROW, [note, Step("Step 1  Picture, model", [picture, models.node])]),
        Column(NARROW, [Step("Step 2  Its edges", [size, net, canny, Blank(EDGES)])]),
        Column(NARROW, [Step("Step 3  Prompt and guide", [positive, guide.node, negative])]),
        Column(WIDE, [Step("Step 4  Without and with control", [Row([both, hint, try_next]), result])]),
    )


LEAST_GAIN = 1.5  # of the F1 with control over that without


def promise(probe: Probe) -> list[Measurement]:
    """With control, the pictures' edges are those of the hint."""
    outputs = run_rows(probe)
    hint = outputs.pictures["hint"][0][..., 0] > 127
    held, free = mean_scores(outputs, lambda picture: edge_f1(edges(picture), hint))
    text = f"edges as in the hint: F1 {held:.2f} with control, {free:.2f} without"
    return [Measurement(text, held > LEAST_GAIN * free)]
