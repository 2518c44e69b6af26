"""Slide 2: a picture dissolves into noise, and a picture comes out of noise, on one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .builder import GREEN, RED, WIDTH
from .layout import GAP, NARROW, PREVIEW, WIDE, Column, Row, Step, lay_out, room_for
from .measure import Measurement, Probe, largest_difference
from .parts import part, prompt, scaled, size_of_picture, stitch

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node, Output
    from .kits import Kit, Models

NAME = "02-forward-and-reverse-diffusion"
THUMBNAIL = "Both ways"
TILES: tuple[int, ...] = (0, 2, 4, 6, 8, 10, 12, 14, 16)
HELP = ("Both ways", "Schedule Plot")
MADE, CHART = 226, 300  # pixels of width of the nodes above the result
PROMPT = "two elephants walking in the African savanna, photo"

NOTE = """
## How does a diffusion model make a picture?

**Forward**: noise is added step by step, until nothing is left. **Reverse**: the model starts from noise and undoes
step after step.

**Look at** the sheet: a column has one noise level. Row 1 goes to the right. Read rows 2 and 3 from right to left: what
the model was shown, and the picture it saw in it. Big shapes come first.
"""
NEXT = """
**Try next**
- **Prompt and noise**: another `noise_seed` or `prompt`
- **Noise Schedule**: `sigma_spacing` *karras*. See the chart
- **Load Image** in place of **Demo Picture**
"""

ROWS = ("Forward: the picture with noise", "Reverse: what the model is shown", "Reverse: what the model sees in it")


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    note, try_next = (
        graph.note(NOTE, title="Slide 2"),
        graph.note(NEXT, title="Try next", width=WIDE - MADE - CHART - 2 * GAP),
    )
    models = kit.models(graph)
    picture = graph.node("SteerDemoPicture", more=PREVIEW, picture="two elephants")
    schedule = graph.node(
        "SteerNoiseSchedule", called="Noise Schedule", model=models.model, steps=kit.steps, timestep_spacing="trailing"
    )
    needed = _prompt_and_noise(graph, kit, models)
    small = scaled(graph, kit, picture[0])
    forward = graph.node(
        "SteerForwardDiffusion", image=small[0], sigmas=schedule[0], model=models.model, frames=6, captions=False
    )
    reverse = graph.node(
        "SteerReverseDiffusion",
        noise=needed["noise"],
        guider=needed["guider"],
        sampler=needed["sampler"],
        sigmas=schedule[0],
        latent_image=needed["latent"],
        more=80,
        frames=6,
        order="picture to noise",
    )
    made = _sheet_and_chart(graph, kit, models, schedule[0], forward["frames"], reverse)
    result = graph.node(
        "SaveImage",
        called="Both ways",
        more=room_for(0.584),
        images=made["sheet"],
        filename_prefix="steer/02-forward-and-reverse",
    )
    chart = graph.node("PreviewImage", called="Schedule Plot", more=room_for(0.667, CHART), images=made["chart"])
    made.data["size"][0], chart.data["size"][0] = MADE, CHART
    lay_out(
        graph,
        Column(NARROW, [note, Step("Step 1  Model, picture", [models.node, picture])]),
        Column(NARROW, [Step("Step 2  What is needed", [needed, schedule, small])]),
        Column(NARROW, [Step("Step 3  Both ways", [reverse, forward])]),
        Column(WIDE, [Step("Step 4  Both on one axis", [Row([made, chart, try_next]), result])]),
    )


def _prompt_and_noise(graph: GraphBuilder, kit: Kit, models: Models) -> Node:
    """All that the sampler needs but for the schedule."""
    inside = part(graph, kit, "Prompt and noise", "What a sampler needs: noise, prompts, a method, an empty picture.")
    model, clip = inside.entry("model", "MODEL"), inside.entry("clip", "CLIP")
    within = models._replace(clip=clip)
    positive = prompt(inside, within, inside.entry("prompt", "STRING", PROMPT, long=True))
    negative = inside.node(
        "CLIPTextEncode",
        called="Negative prompt",
        colors=RED,
        clip=clip,
        text=inside.entry("negative prompt", "STRING", "", long=True),
    )
    noise = inside.node("RandomNoise", noise_seed=inside.entry("noise_seed", "INT", 7))
    guider = inside.node(
        "CFGGuider",
        model=model,
        positive=positive[0],
        negative=negative[0],
        cfg=kit.cfg,
    )
    sampler = inside.node("KSamplerSelect", sampler_name="euler")
    latent = size_of_picture(inside, kit)
    ends = {"noise": noise, "guider": guider, "sampler": sampler, "latent": latent}
    for name, node in ends.items():
        inside.exit(name, node[0])
    lay_out(inside, Column(WIDTH, [positive, negative]), Column(WIDTH, [noise, guider, sampler, latent]))
    return graph.subgraph(inside, {"model": models.model, "clip": models.clip}, colors=GREEN)


def _sheet_and_chart(
    graph: GraphBuilder, kit: Kit, models: Models, sigmas: Output, frames: Output, reverse: Node
) -> Node:
    """Three rows of pictures on one sheet, and the schedule as a chart."""
    inside = part(graph, kit, "Sheet and chart", "Forward and reverse on one sheet, and the schedule as a chart.")
    vae = inside.entry("vae", "VAE")
    strips = inside.entry("x_t", "LATENT"), inside.entry("x0", "LATENT")
    schedule = inside.entry("sigmas", "SIGMAS")
    labels, forward = inside.entry("labels", "STRING", socket=True), inside.entry("forward", "IMAGE")
    decoded = [
        inside.node("VAEDecode", called=f"Decode {name}", samples=strip, vae=vae)
        for name, strip in zip(("x_t", "x0"), strips, strict=True)
    ]
    rows = [
        inside.node("SteerContactSheet", called=title, images=images, title=title, labels=labels, columns=7)
        for title, images in zip(ROWS, (forward, decoded[0][0], decoded[1][0]), strict=True)
    ]
    upper = stitch(inside, rows[0][0], rows[1][0])
    every = stitch(inside, upper[0], rows[2][0])
    plot = inside.node(
        "SteerSchedulePlot", sigmas_1=schedule, names=f"{kit.steps} steps", title="How much noise at each step"
    )
    inside.exit("chart", plot[0])
    inside.exit("sheet", every[0])
    lay_out(
        inside,
        Column(WIDTH, [*decoded, plot]),
        Column(WIDTH, rows),
        Column(WIDTH, [upper, every]),
    )
    links = {
        "sigmas": sigmas,
        "forward": frames,
        "x_t": reverse["x_t strip"],
        "x0": reverse["x0 strip"],
        "labels": reverse["labels"],
        "vae": models.vae,
    }
    return graph.subgraph(inside, links)


def promise(probe: Probe) -> list[Measurement]:
    """Reverse Diffusion makes the very picture that the stock sampler makes."""
    inputs = probe.inputs("SteerReverseDiffusion")
    shared = ("noise", "guider", "sampler", "sigmas", "latent_image")
    stock = probe.add("SamplerCustomAdvanced", **{name: inputs[name] for name in shared})
    vae = probe.output("Model", 2)
    latents = {"ours": probe.output("SteerReverseDiffusion"), "stock": [stock, 0]}
    outputs = probe.run({name: [probe.add("VAEDecode", samples=each, vae=vae), 0] for name, each in latents.items()})
    off = largest_difference(outputs.pictures["ours"][0], outputs.pictures["stock"][0])
    return [Measurement(f"the picture that comes out of the noise is the stock sampler's: {off}/255 off", off == 0)]
