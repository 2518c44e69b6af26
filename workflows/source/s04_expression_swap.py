"""Slide 4: one word of the prompt changes, the noise stays: the same girl in another mood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...demo.judges import measures
from .layout import BESIDE, NARROW, WIDE, Column, Row, Step, lay_out, room_for
from .measure import Measurement, Probe, as_tensor, judge_pictures, measure_followed, run_cells, values_in
from .parts import size_of_picture, sweep, sweep_step, what_changed, words

if TYPE_CHECKING:
    from .builder import GraphBuilder
    from .kits import Kit

NAME = "04-expression-swap"
THUMBNAIL = "One seed, three moods"
TILES: tuple[int, ...] = (0, 1, 2)
HELP = ("One seed, three moods", "What the word changed")
PROMPT = (
    "gorgeous cute Austrian girl, smiling, (crop top), Steel gray hair loose braided hair, comics printed shirt, "
    "oversized jogger pants, lean against the wall, backstreet"
)

NOTE = """
## How do I change only the expression?

Keep the **seed**, change **one word**. The picture grows out of the same noise, led by nearly the same prompt, and
comes out as nearly the same picture.

**Look at** the three moods, and at the heat maps below them. Black is what stayed as in the first picture, bright is
what the word changed: the face most of all, but clothes or place may move too.
"""
NEXT = """
**Try next**
- **Moods**: `surprised` or `sad` on a line of its own
- **Sweep**: another `seed`. At some, the word changes more than at others
- Drop a picture from the folder `sweeps` of ComfyUI's output here. It opens as itself
- Slide 7 changes the face alone
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    note, try_next = graph.note(NOTE, title="Slide 4"), graph.note(kit.note(NEXT), title="Try next")
    models, size = kit.models(graph), size_of_picture(graph, kit)
    prompt = words(graph, PROMPT, more=60)
    moods = graph.node("SteerPromptSwap", called="Moods", prompt=prompt[0], find="smiling", swaps="angry\nlaughing")
    cells = sweep(
        graph,
        kit,
        models,
        "Sweep",
        "04-expression-swap",
        latent=size[0],
        positive=prompt[0],
        axis_1=moods["axis"],
        seed=5,
    )
    pictures = graph.node(
        "SaveImage",
        called="One seed, three moods",
        more=room_for(0.507),
        images=cells["sheet"],
        filename_prefix="steer/04-moods",
    )
    changes = what_changed(graph, kit, cells["folder"], columns=3)
    maps = graph.node(
        "SaveImage",
        called="What the word changed",
        more=room_for(0.4, BESIDE),
        images=changes[0],
        filename_prefix="steer/04-what-changed",
    )
    lay_out(
        graph,
        Column(NARROW, [Step("Step 1  Model, prompt", [models.node, size, prompt]), try_next]),
        Column(NARROW, [note, Step("Step 2  Swap one word", [moods])]),
        Column(NARROW, [sweep_step("Step 3  A picture each", cells)]),
        Column(WIDE, [Step("Step 4  One seed, three moods", [pictures, Row([changes, maps])])]),
    )
    graph.app([(prompt, "value"), (moods, "find"), (moods, "swaps"), (cells, "seed")], [pictures])


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
