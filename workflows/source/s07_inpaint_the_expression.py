"""Slide 7: only the mouth, brows and eyes are made again; every other pixel of the picture stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .measure import Measurement, Probe, measure_followed, values_in

if TYPE_CHECKING:
    from .builder import GraphBuilder
    from .kits import Kit

NAME = "07-inpaint-the-expression"
THUMBNAIL = "One face, four moods"
HELP = ("One face, four moods", "Where it changed")
PROMPT = "girl, smiling, steel gray hair, braided hair, comics printed shirt, backstreet"

NOTE = """
## How do I change only the expression, and nothing else?

Another word moves the whole picture a little (slide 4). So give the sampler a **mask**: inside it makes the picture
anew, outside it keeps what is there. **Face Mask** finds the face by itself.

**Look at** the moods: one picture, each time with another word. In the heat maps below black is what stayed. Outside
the mask the change is 0: not one pixel moved. The face itself is new; what the prompt does not tell, such as the colour
of the eyes, may change.

**Try next**
- **Face Mask**: `region` *mouth*: the eyes stay, too; or *whole face*
- **Moods**: `angry` on a line of its own
- your own photograph: **Load Image** in place of **Demo Picture**, and a prompt that tells what is on it
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    graph.note(NOTE, at=(-390, -30), size=(370, 350), title="Slide 7")

    graph.group("1  A picture", at=(-390, 340), size=(370, 430))
    picture = graph.node("SteerDemoPicture", at=(-370, 420), size=(330, 300), picture="smiling girl")
    small = graph.node(
        "ImageScale",
        at=(-370, 755),
        image=picture[0],
        upscale_method="area",
        width=kit.size,
        height=kit.size,
        crop="center",
    )

    graph.group("2  A model", at=(-390, 790), size=(370, 180))
    models = kit.models(graph, at=(-370, 860))

    graph.group("3  What may change", at=(0, -60), size=(350, 515))
    mask = graph.node(
        "SteerFaceMask",
        at=(10, 20),
        size=(330, 425),
        image=small[0],
        grow=12,
        feather=8,
    )
    encoded = graph.node("VAEEncode", at=(380, 8), pixels=small[0], vae=models.vae)
    latent = graph.node("SetLatentNoiseMask", at=(380, 38), samples=encoded[0], mask=mask["mask"])
    outside = graph.node("InvertMask", at=(750, 15), called="Outside", mask=mask["mask"])
    touched = graph.node("ThresholdMask", at=(750, 50), called="Touched", mask=mask["mask"], value=0.0)

    graph.group("4  One word changes", at=(0, 470), size=(350, 500))
    prompt = graph.node("PrimitiveStringMultiline", at=(10, 540), size=(330, 90), called="Prompt", value=PROMPT)
    moods = graph.node(
        "SteerPromptSwap",
        at=(10, 665),
        size=(330, 295),
        called="Moods",
        prompt=prompt[0],
        find="smiling",
        swaps="laughing\nsurprised\nsad",
    )

    graph.group("5  The face for each", at=(370, -60), size=(350, 1030))
    sweep = graph.node(
        "SteerSweep",
        at=(380, 72),
        size=(330, 890),
        model=models.model,
        clip=models.clip,
        vae=models.vae,
        latent=latent[0],
        positive=prompt[0],
        axis_1=moods["axis"],
        seed=2,
        steps=kit.steps,
        cfg=kit.cfg,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        denoise=0.9,
        folder="sweeps/07-inpaint-the-expression",
    )

    graph.group("6  The picture laid over all but the face", at=(740, -60), size=(530, 200))
    cells = graph.node("SteerLoadCells", at=(750, 85), folder=sweep["folder"])
    laid = graph.node(
        "ImageCompositeMasked",
        at=(1010, 15),
        called="Lay over",
        destination=cells["images"],
        source=small[0],
        x=0,
        y=0,
        resize_source=False,
        mask=outside[0],
    )
    changes = graph.node(
        "SteerDifference", at=(750, 120), images=laid[0], reference=small[0], mask=touched[0], labels=cells["labels"]
    )
    sheet = graph.node(
        "SteerContactSheet", at=(1010, 50), called="Sheet", images=laid[0], labels=cells["labels"], columns=2
    )
    maps = graph.node(
        "SteerContactSheet",
        at=(1010, 85),
        called="Sheet of changes",
        images=changes["heat maps"],
        labels=changes["labels"],
        columns=4,
    )

    graph.group("7  One face, four moods", at=(740, 160), size=(530, 435))
    faces = graph.node(
        "SaveImage",
        at=(750, 240),
        size=(510, 345),
        called="One face, four moods",
        images=sheet[0],
        filename_prefix="steer/07-one-face",
    )

    graph.group("8  Where it changed", at=(740, 615), size=(530, 355))
    graph.node(
        "SaveImage",
        at=(750, 690),
        size=(345, 265),
        called="Where it changed",
        images=maps[0],
        filename_prefix="steer/07-where-it-changed",
    )
    graph.app([(picture, "picture"), (prompt, "value"), (moods, "swaps"), (sweep, "seed")], [faces])


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
