"""Slide 7: only the mouth, brows and eyes are made again; every other pixel of the picture stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .edit import FACE, SLIM, build_edit
from .layout import GAP, NARROW, PREVIEW, WIDE, Column, Row, Step, lay_out, room_for
from .measure import Measurement, Probe, measure_followed, values_in
from .parts import MASK, lay_over, save_mask, scaled_latent, sweep, sweep_step, words
from .today import QwenEditKit, QwenKit

if TYPE_CHECKING:
    from .builder import GraphBuilder
    from .kits import Kit

NAME = "07-inpaint-the-expression"
THUMBNAIL = "One face, four moods"
TILES: tuple[int, ...] = (0, 1, 2, 3)
HELP = ("One face, four moods", "Where it changed")
PROMPT = "girl, smiling, steel gray hair, braided hair, comics printed shirt, backstreet"

NOTE = """
## How do I change the face alone?

With a **mask**: only inside it the picture is new. Black in the heat maps is what stayed.

**Try next**
- **Face Mask**: `region` *mouth*: the eyes stay, too
- **Load Image** in place of **Demo Picture**
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    if isinstance(kit, QwenKit):
        build_edit(graph, QwenEditKit())
        return
    note = graph.note(kit.note(NOTE), title="Slide 7", width=WIDE - MASK - GAP)
    picture = graph.node("SteerDemoPicture", more=PREVIEW, picture="smiling girl")
    models = kit.models(graph)
    small = scaled_latent(graph, kit, models, picture[0])
    mask = graph.node("SteerFaceMask", more=FACE, image=small["image"], grow=12, feather=8)
    prompt = words(graph, PROMPT, more=0)
    moods = graph.node(
        "SteerPromptSwap", called="Moods", prompt=prompt[0], find="smiling", swaps="laughing\nsurprised\nsad"
    )
    latent = graph.node("SetLatentNoiseMask", samples=small["latent"], mask=mask[0])
    cells = sweep(
        graph,
        kit,
        models,
        "Sweep",
        "07-inpaint-the-expression",
        latent=latent[0],
        positive=prompt[0],
        axis_1=moods["axis"],
        seed=2,
        denoise=0.9,
    )
    laid = lay_over(graph, kit, cells["folder"], small["image"], mask[0])
    faces = graph.node(
        "SaveImage",
        called="One face, four moods",
        more=room_for(0.28),
        images=laid["sheet"],
        filename_prefix="steer/07-one-face",
    )
    saved = save_mask(graph, laid)
    laid.data["size"][0] = MASK
    maps = graph.node(
        "PreviewImage", called="Where it changed", more=room_for(0.302, WIDE - MASK - GAP), images=laid["heat maps"]
    )
    lay_out(
        graph,
        Column(NARROW, [Step("Step 1  What goes in", [models.node, prompt, small, picture])]),
        Column(SLIM, [Step("Step 2  What changes", [moods, latent, mask])]),
        Column(NARROW, [sweep_step("Step 3  A face each", cells)]),
        Column(WIDE, [Step("Step 4  One face, four moods", [faces, Row([laid, note]), Row([saved, maps])])]),
    )
    graph.app([(picture, "picture"), (prompt, "value"), (moods, "swaps"), (cells, "seed")], [faces])


def promise(probe: Probe) -> list[Measurement]:
    """Every picture shows its mood, and outside the mask not one pixel differs."""
    outputs = probe.run(
        {"laid": probe.output("Lay over")},
        {"labels": probe.inputs("SteerDifference")["labels"], "outside": probe.output("SteerDifference", 3)},
    )
    pictures, labels = outputs.pictures["laid"], outputs.texts["labels"]
    most = max(float(text) for text in outputs.texts["outside"])
    return [
        measure_followed("expression", values_in(labels, "expression"), pictures, len(pictures)),
        Measurement(f"outside the mask the pictures differ by {most:g}", most == 0),
    ]
