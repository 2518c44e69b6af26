"""Slide 4: one word of the prompt changes, the noise stays: the same girl in another mood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...demo.judges import measures
from .measure import Measurement, Probe, as_tensor, judge_pictures, measure_followed, run_cells, values_in
from .parts import what_changed

if TYPE_CHECKING:
    from .builder import GraphBuilder
    from .kits import Kit

NAME = "04-expression-swap"
THUMBNAIL = "One seed, three moods"
HELP = ("One seed, three moods", "What the word changed")
PROMPT = (
    "gorgeous cute Austrian girl, smiling, (crop top), Steel gray hair loose braided hair, comics printed shirt, "
    "oversized jogger pants, lean against the wall, backstreet"
)

NOTE = """
## How do I change only the expression?

Keep the **seed**, change **one word**. The picture grows out of the same noise, led by nearly the same prompt, and
comes out as nearly the same picture.

**Look at** the moods side by side, and at the heat maps below: black is what stayed as in the first picture, bright
is what the word changed. The number is the mean change. A word pulls at the whole picture: the face most of all, but
clothes or place may move too.

**Try next**
- **Prompt Swap**: `surprised` or `sad` on a line of its own
- **Sweep**: another `seed`; at some, the word changes more than at others
- drop a picture from the folder `sweeps` of ComfyUI's output here: it opens with its own `cell`
- slide 7 changes the face alone
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    graph.note(NOTE, at=(-390, -30), size=(370, 510), title="Slide 4")

    graph.group("1  A model", at=(-390, 500), size=(370, 190))
    models = kit.models(graph, at=(-370, 580))

    graph.group("2  A prompt", at=(0, -60), size=(350, 270))
    prompt = graph.node("PrimitiveStringMultiline", at=(10, 20), size=(330, 170), called="Prompt", value=PROMPT)

    graph.group("3  One word changes", at=(0, 230), size=(350, 460))
    moods = graph.node(
        "SteerPromptSwap",
        at=(10, 310),
        size=(330, 360),
        called="Moods",
        prompt=prompt[0],
        find="smiling",
        swaps="angry\nlaughing",
    )

    graph.group("4  A picture for each", at=(370, -60), size=(350, 1030))
    latent = graph.node("EmptyLatentImage", at=(380, 20), called="Size", width=kit.size, height=kit.size)
    sweep = graph.node(
        "SteerSweep",
        at=(380, 70),
        size=(330, 880),
        model=models.model,
        clip=models.clip,
        vae=models.vae,
        latent=latent[0],
        positive=prompt[0],
        axis_1=moods["axis"],
        seed=5,
        steps=kit.steps,
        cfg=kit.cfg,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        folder="sweeps/04-expression-swap",
    )

    graph.group("5  One seed, three moods", at=(740, -60), size=(530, 510))
    pictures = graph.node(
        "SaveImage",
        at=(750, 20),
        size=(510, 410),
        called="One seed, three moods",
        images=sweep["sheet"],
        filename_prefix="steer/04-moods",
    )

    graph.group("6  What the word changed", at=(740, 470), size=(530, 500))
    changes = what_changed(graph, sweep["folder"], at=(750, 540), columns=3)
    graph.node(
        "SaveImage",
        at=(750, 670),
        size=(345, 290),
        called="What the word changed",
        images=changes,
        filename_prefix="steer/04-what-changed",
    )
    graph.app([(prompt, "value"), (moods, "find"), (moods, "swaps"), (sweep, "seed")], [pictures])


def promise(probe: Probe) -> list[Measurement]:
    """Every picture shows its mood, and the word changes the face more than the rest."""
    pictures, labels = run_cells(probe, "SteerSweep")
    box = measures.face_box(judge_pictures(pictures[:1]).joints[0].numpy())
    first, *others = as_tensor(pictures)
    changes = [measures.change(first, other, box) for other in others]
    inside, outside = (sum(values) / len(values) for values in zip(*changes, strict=True))
    text = f"the word changes the face {inside / max(outside, 1e-6):.1f} times as much as the rest"
    return [
        measure_followed("expression", values_in(labels, "expression"), pictures, len(pictures)),
        Measurement(text, inside > outside),
    ]
