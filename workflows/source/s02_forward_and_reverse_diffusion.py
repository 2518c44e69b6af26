"""Slide 2: forward diffusion - a picture dissolves into noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...runner.graph import Graph

NAME = "02-forward-and-reverse-diffusion"
THUMBNAIL = "Filmstrip"

NOTE = """
## How does a picture become noise?

**Forward diffusion** mixes a picture with noise, a little more at each step, until nothing of it is left. A diffusion
model learns to undo one such step; run backwards, that makes pictures out of noise.

**Look at** the filmstrip: every frame has the *same* noise, only more of it. The caption tells how much: the timestep
`t`, the noise level `sigma`, and the signal-to-noise ratio `SNR`. The chart shows the same levels as a curve.

**Try next**
- **Noise Schedule**: another `scheduler` or `sigma_spacing`. Karras spends more steps on little noise.
- **Forward Diffusion**: `spacing` *log-SNR* shows frames that lose about equally much each.
- another `seed`: other noise, same levels.
- your own picture: put **Load Image** in place of **Demo Picture**.
"""


def build(graph: Graph) -> None:
    graph.note(NOTE, at=(-390, -30), size=(370, 330), title="Slide 2")

    graph.group("1  A picture", at=(-390, 320), size=(370, 510))
    picture = graph.node("SteerDemoPicture", at=(-370, 400), size=(330, 410), picture="two elephants")

    graph.group("2  A noise schedule", at=(0, -60), size=(840, 890))
    schedule = graph.node("SteerNoiseSchedule", at=(20, 20), size=(320, 330), steps=20, timestep_spacing="trailing")
    graph.node(
        "SteerSchedulePlot", at=(370, 20), size=(450, 790), called="Schedule Plot", sigmas_1=schedule[0],
        names="Stable Diffusion 1.5", title="How much noise at each step", height=768,
    )  # fmt: skip

    graph.group("3  Forward diffusion: the picture dissolves", at=(860, -60), size=(410, 890))
    forward = graph.node(
        "SteerForwardDiffusion", at=(880, 20), size=(370, 290), image=picture[0], sigmas=schedule[0], frames=9,
        spacing="log-SNR", columns=3,
    )  # fmt: skip
    graph.node(
        "SaveImage", at=(880, 350), size=(370, 460), called="Filmstrip", images=forward[0],
        filename_prefix="steer/02-forward-diffusion",
    )  # fmt: skip
