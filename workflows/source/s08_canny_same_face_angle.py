"""Slide 8: Canny - the edges that keep the angle of a face."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...runner.graph import Graph
    from .kits import Kit

NAME = "08-canny-same-face-angle"
THUMBNAIL = "Edges"

NOTE = """
## How do I keep the angle of a face?

A prompt can say *who* and *what mood*, but hardly *seen from exactly here*. **Edges** can: a Canny ControlNet
paints a new picture along the lines of an old one.

**Look at** the two pictures: the edges hold the turn of the head, the turban and the earring, but no colour and
no light - those stay free for the prompt.

**Try next**
- **Canny**: lower both thresholds for more lines, raise them for fewer. Switch `auto` on to let each picture
  choose.
- your own photograph: put **Load Image** in place of **Demo Picture**.
"""


def build(graph: Graph, kit: Kit) -> None:
    graph.note(NOTE, at=(-440, -60), size=(420, 360), title="Slide 8")

    graph.group("1  A picture", at=(0, -60), size=(420, 540))
    picture = graph.node("SteerDemoPicture", at=(20, 20), size=(380, 440), picture="girl with a pearl earring")

    graph.group("2  Its edges", at=(440, -60), size=(760, 540))
    canny = graph.node("SteerCanny", at=(460, 20), size=(280, 180), image=picture[0])
    graph.node(
        "SaveImage", at=(760, 20), size=(420, 440), called="Edges", images=canny[0],
        filename_prefix="steer/08-canny-edges",
    )  # fmt: skip
