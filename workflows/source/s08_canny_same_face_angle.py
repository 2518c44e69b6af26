"""Slide 8: Canny - the edges that keep the angle of a face."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...demo.judges.measures import edge_f1, edges
from .measure import Measurement, Probe, mean_scores, run_rows
from .parts import NOISE, guide_row, show_row, with_and_without

if TYPE_CHECKING:
    from .builder import GraphBuilder
    from .kits import Kit

NAME = "08-canny-same-face-angle"
THUMBNAIL = "Without and with control"
HELP = ("Edges", "Without and with control")

NOTE = """
## How do I keep the angle of a face?

A prompt can say *who* and *what mood*, but hardly *seen from exactly here*. **Edges** can: a Canny ControlNet
paints new pictures along the lines of an old one.

**Look at** the two rows: the same four seeds, above from the prompt alone, below along the edges. The turn of the
head stays; colours, light and place are free for the prompt.

**Try next**
- **ControlNet Guide**: `strength` 0.5, or `end_percent` 0.4: the edges count only while the big shapes form
- **Canny**: lower both thresholds for more lines
- your own photograph: **Load Image** in place of **Demo Picture**
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    graph.note(NOTE, at=(-390, -30), size=(370, 270), title="Slide 8")

    graph.group("1  A picture and its edges", at=(-390, 260), size=(370, 710))
    picture = graph.node("SteerDemoPicture", at=(-370, 340), size=(330, 280), picture="girl with a pearl earring")
    small = graph.node(
        "ImageScale",
        at=(-370, 655),
        image=picture[0],
        upscale_method="area",
        width=kit.size,
        height=kit.size,
        crop="center",
    )
    canny = graph.node("SteerCanny", at=(-370, 705), size=(330, 215), image=small[0])
    size = graph.node("EmptyLatentImage", at=(-190, 965), called="Size of the hint", width=kit.size, height=kit.size)

    graph.group("3  Models", at=(0, 655), size=(350, 315))
    net = kit.control_net(graph, "canny", at=(10, 730))
    models = kit.models(graph, at=(10, 860))

    graph.group("2  The edges, and a prompt", at=(0, -60), size=(350, 700))
    positive = graph.node(
        "CLIPTextEncode",
        at=(10, 477),
        size=(330, 107),
        called="Prompt",
        clip=models.clip,
        text="Girl with a Pearl Earring, smiling, beach",
    )
    negative = graph.node("CLIPTextEncode", at=(180, 629), called="Negative prompt", clip=models.clip, text="")
    guide = guide_row(graph, positive=positive[0], negative=negative[0], net=net, latent=size[0], image=canny[0])

    graph.group("4  Four seeds", at=(370, 320), size=(270, 205))
    seeds = graph.node("SteerSeeds", at=(380, 384), size=(250, 138), text="1-4")
    noise = graph.node("SteerSeededNoise", at=NOISE, called="Noise of each seed", seeds=seeds["seeds"])

    show_row(graph, guide, 5, "Edges", "steer/08-canny-edges")

    graph.group("6  Without and with control", at=(660, -60), size=(610, 585))
    sheet = with_and_without(
        graph,
        kit,
        models,
        noise=noise["noise"],
        batch_size=noise["batch_size"],
        without=(positive[0], negative[0]),
        controlled=(guide[0], guide[1]),
        labels=seeds["labels"],
    )

    graph.group("7  The same seeds, the same angle", at=(490, 545), size=(615, 425))
    graph.node(
        "SaveImage",
        at=(500, 620),
        size=(595, 340),
        called="Without and with control",
        images=sheet,
        filename_prefix="steer/08-canny-angle",
    )


LEAST_GAIN = 1.5  # of the F1 with control over that without


def promise(probe: Probe) -> list[Measurement]:
    """With control, the pictures' edges are those of the hint."""
    outputs = run_rows(probe)
    hint = outputs.pictures["hint"][0][..., 0] > 127
    held, free = mean_scores(outputs, lambda picture: edge_f1(edges(picture), hint))
    text = f"edges as in the hint: F1 {held:.2f} with control, {free:.2f} without"
    return [Measurement(text, held > LEAST_GAIN * free)]
