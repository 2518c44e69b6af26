"""Slide 9: M-LSD - the straight lines that keep a room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ...demo.judges.measures import lines_followed
from ...demo.picture_files import path_of
from ...preprocessors.lines import mlsd
from .kits import CONTROL_LOADER
from .layout import NARROW, PAD, PREVIEW, REPORT, Blank, Column, Step, lay_out, room_for
from .measure import Measurement, Picture, Probe, mean_scores, run_rows
from .parts import Twice, list_prompts, sample_twice, size_of_picture

if TYPE_CHECKING:
    from .builder import GraphBuilder
    from .kits import Kit

NAME = "09-mlsd-one-room-two-styles"
THUMBNAIL = "One room, two styles"
TILES: tuple[int, ...] = (0, 1, 2, 3)
HELP = ("M-LSD",)
HINT, RESULT = 226, 504  # pixels of width of the last two columns: the result is as high as a small screen allows
BELOW = 48  # pixels of height below the guide: nearer to the prompts it is crossed by fewer wires
ROOM = "empty room"

NOTE = """
## How do I keep the structure of a room?

With its **straight lines**. M-LSD finds them, and a ControlNet builds along them.

**Look at** the rows, all of one seed. Along the lines, table, window and door stand as in the template.
"""
NEXT = """
**Try next**
- **Rooms**: another room after a bar
- **M-LSD**: `distance_threshold` 20 keeps only the long lines
- **Load Image** in place of **Demo Picture**: your own room
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    note = graph.note(kit.note(NOTE, control=True), title="Slide 9")
    try_next = graph.note(kit.words(NEXT), title="Try next", width=RESULT + 2 * PAD)
    models, net = kit.models(graph), kit.control_net(graph, "mlsd")
    size = size_of_picture(graph, kit)
    rooms = list_prompts(
        graph, kit, models, "Rooms", "[[room]], interior design", "room: modern office | classical kitchen"
    )
    picture = graph.node("SteerDemoPicture", more=PREVIEW, picture=ROOM)
    words = REPORT - 8 * (kit.control_loader > CONTROL_LOADER)  # beside a taller loader less fits a small screen
    lines = graph.node("SteerMLSD", called="M-LSD", more=PREVIEW + words, image=picture[0], latent=size[0])
    guide = kit.guide(graph, models, net, rooms.pair, lines["hint"], "mlsd", size[0])
    both = sample_twice(
        graph,
        kit,
        models,
        Twice(
            rooms.pair,
            guide.pair,
            ("The prompts alone", "Along the lines"),
            guide.model,
        ),
        latent=size[0],
        seed=3,
        labels=rooms.labels,
        across=2,
    )
    result = graph.node(
        "SaveImage",
        called="One room, two styles",
        more=room_for(1.265, RESULT),
        images=both["sheet"],
        filename_prefix="steer/09-mlsd-rooms",
    )
    hint = graph.node(
        "SaveImage", called="The lines", more=PREVIEW, images=guide.node["hint"], filename_prefix="steer/09-mlsd-hint"
    )
    lay_out(
        graph,
        Column(NARROW, [note, Step("Step 1  Room and model", [picture, models.node])]),
        Column(NARROW, [Step("Step 2  Its lines", [size, net, lines])]),
        Column(NARROW, [Step("Step 3  Rooms and guide", [rooms.node, guide.node, Blank(BELOW)])]),
        Column(HINT, [Step("Step 4  Both ways", [both, hint])]),
        Column(RESULT, [Step("Step 5  One room, two styles", [result]), try_next]),
    )


LEAST_GAIN = 0.2  # of the share of lines with control over that without


def promise(probe: Probe) -> list[Measurement]:
    """With control, the lines of the template are in the pictures."""
    lines = mlsd.find_mlsd_lines(mlsd.load_mlsd(), np.asarray(Image.open(path_of(ROOM)).convert("RGB")))

    def score(picture: Picture) -> float:
        return lines_followed(lines.scale_to(*picture.shape[:2]).segments, picture)

    held, free = mean_scores(run_rows(probe), score)
    text = f"of the hint's lines {100 * held:.0f} % are in the picture with control, {100 * free:.0f} % without"
    return [Measurement(text, held > free + LEAST_GAIN)]
