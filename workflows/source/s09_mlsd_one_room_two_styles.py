"""Slide 9: M-LSD - the straight lines that keep a room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ...demo.judges.measures import lines_followed
from ...demo.picture_files import path_of
from ...preprocessors.lines import mlsd
from .measure import Measurement, Picture, Probe, mean_scores, run_rows
from .parts import guide_row, show_row, with_and_without

if TYPE_CHECKING:
    from .builder import GraphBuilder
    from .kits import Kit

NAME = "09-mlsd-one-room-two-styles"
THUMBNAIL = "One room, two styles"
HELP = ("Lines",)
ROOM = "empty room"

NOTE = """
## How do I keep the structure of a room?

A prompt furnishes a room, but puts its walls, windows and table wherever it likes. The **straight lines** of a room
hold them: M-LSD finds the lines, a ControlNet builds along them.

**Look at** the two rows: the same seed and the same prompts, above alone, below along the lines of the template. Below,
the table, window and door of every room stand where the template has them; style and colours are the prompt's.

**Try next**
- **Rooms**: another style or room after a bar
- **M-LSD**: `distance_threshold` 20 keeps only long lines: walls stay, furniture is free
- a photograph of your own room: **Load Image** in place of **Demo Picture**
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    graph.note(NOTE, at=(-390, -30), size=(370, 320), title="Slide 9")

    graph.group("1  A ControlNet", at=(-390, 305), size=(370, 155))
    net = kit.control_net(graph, "mlsd", at=(-370, 385))

    graph.group("2  A room", at=(-390, 480), size=(370, 490))
    size = graph.node("EmptyLatentImage", at=(-190, 575), called="Size of the hint", width=kit.size, height=kit.size)
    picture = graph.node("SteerDemoPicture", at=(-370, 630), size=(330, 265), picture=ROOM)
    lines = graph.node("SteerMLSD", at=(-190, 945), called="M-LSD", image=picture[0], latent=size[0])

    graph.group("4  A model", at=(0, 785), size=(350, 185))
    models = kit.models(graph, at=(10, 860))

    graph.group("3  The lines, and two styles", at=(0, -60), size=(350, 825))
    rooms = graph.node(
        "SteerPromptTemplate",
        at=(10, 530),
        size=(330, 228),
        called="Rooms",
        template="[[room]], interior design",
        lists="room: modern office | classical kitchen",
    )
    positive = graph.node("CLIPTextEncode", at=(180, 467), called="Prompts", clip=models.clip, text=rooms["prompts"])
    negative = graph.node("CLIPTextEncode", at=(180, 497), called="Negative prompt", clip=models.clip, text="")
    guide = guide_row(graph, positive=positive[0], negative=negative[0], net=net, latent=size[0], lines=lines["lines"])

    graph.group("5  One seed", at=(370, 325), size=(270, 180))
    noise = graph.node("RandomNoise", at=(380, 395), size=(250, 82), called="Seed", noise_seed=4)

    show_row(graph, guide, 6, "Lines", "steer/09-mlsd-lines")

    graph.group("7  Without and with control", at=(660, -60), size=(610, 585))
    sheet = with_and_without(
        graph,
        kit,
        models,
        noise=noise[0],
        batch_size=1,
        without=(positive[0], negative[0]),
        controlled=(guide[0], guide[1]),
        labels=rooms["labels"],
    )

    graph.group("8  One room, two styles", at=(490, 545), size=(615, 425))
    graph.node(
        "SaveImage",
        at=(500, 620),
        size=(595, 340),
        called="One room, two styles",
        images=sheet,
        filename_prefix="steer/09-mlsd-rooms",
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
