"""Workflow 16: how much a ControlNet adds to the model, step by step."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .builder import GREEN, WIDTH
from .kits import GUIDE_REPORT
from .layout import GAP, NARROW, PAD, PREVIEW, Column, Row, Step, lay_out, room_for
from .measure import Measurement, Probe, largest_difference
from .parts import negative_prompt, part, prompt, size_of_picture, stitch

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node, Output
    from .kits import Kit, Models
    from .parts import Pair

NAME = "16-control-meter"
THUMBNAIL = "What the control does"
TILES: tuple[int, ...] = ()
HELP = ("What the control does",)
END = 0.6
SLIM = 236  # pixels of width of the first columns
RESULT, METER, FILMSTRIP = 692, 226, 226  # pixels of width of the last column, and of nodes in it

NOTE = """
## What does the ControlNet do, and when?

**Control Meter** makes the picture and measures what the control adds at each step.
"""
NEXT = """
**Look at** the line: the edges push while the shapes form. At 60 % of the way the control ends.

**Try next**
- **ControlNet Guide**: `strength` 0.5, or `end_percent` 0.2
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the workflow's nodes to an empty graph, with the models of the kit."""
    note = graph.note(NOTE, title="Workflow 16", width=SLIM + 2 * PAD)
    try_next = graph.note(NEXT, title="Look at", width=RESULT - METER - FILMSTRIP - 2 * GAP)
    models, net = kit.models(graph), kit.control_net(graph, "canny")
    picture = graph.node("SteerDemoPicture", more=PREVIEW, picture="girl with a pearl earring")
    size = size_of_picture(graph, kit)
    words = _prompts(graph, kit, models)
    canny = graph.node("SteerCanny", more=PREVIEW + 60, image=picture[0], latent=size[0])
    guide = graph.node(
        "SteerControlNetGuide",
        more=GUIDE_REPORT,
        positive=words[0],
        negative=words[1],
        control_net=net[0],
        image=canny[0],
        end_percent=END,
        latent=size[0],
    )
    settings = _settings(graph, kit, models, (guide[0], guide[1]))
    meter = graph.node(
        "SteerControlMeter",
        called="Control Meter",
        noise=settings["noise"],
        guider=settings["guider"],
        sampler=settings["sampler"],
        sigmas=settings["sigmas"],
        latent_image=size[0],
    )
    both = _filmstrip(graph, kit, models, settings, size[0], meter["chart"])
    result = graph.node(
        "SaveImage",
        called="What the control does",
        more=room_for(0.838, RESULT),
        images=both[0],
        filename_prefix="steer/16-control",
    )
    meter.data["size"][0], both.data["size"][0] = METER, FILMSTRIP
    lay_out(
        graph,
        Column(SLIM, [note, Step("Step 1  What goes in", [net, picture, models.node])]),
        Column(SLIM, [Step("Step 2  Prompt and edges", [words, canny, size])]),
        Column(NARROW, [Step("Step 3  Guide by edges", [guide, settings])]),
        Column(RESULT, [Step("Step 4  Sample and measure", [result, Row([meter, both, try_next])])]),
    )
    graph.app([(words, "prompt"), (guide, "strength"), (guide, "end_percent"), (settings, "seed")], [result])


def _prompts(graph: GraphBuilder, kit: Kit, models: Models) -> Node:
    """What the picture should show, and nothing that it should not."""
    inside = part(graph, kit, "Prompt", "The prompt, and an empty negative one.")
    within = models._replace(clip=inside.entry("clip", "CLIP"))
    text = inside.entry("prompt", "STRING", "Girl with a Pearl Earring, smiling, beach", long=True)
    positive, negative = prompt(inside, within, text), negative_prompt(inside, within)
    inside.exit("positive", positive[0])
    inside.exit("negative", negative[0])
    lay_out(inside, Column(WIDTH, [positive, negative]))
    return graph.subgraph(
        inside, {"clip": models.clip}, colors=GREEN, more=-8
    )  # the column is as high as a small screen


def _settings(graph: GraphBuilder, kit: Kit, models: Models, guided: Pair) -> Node:
    """What a sampler of ComfyUI asks for."""
    inside = part(graph, kit, "How to sample", "The settings of ComfyUI's custom sampler.")
    positive, negative = inside.entry("positive", "CONDITIONING"), inside.entry("negative", "CONDITIONING")
    model = inside.entry("model", "MODEL")
    seed, cfg = inside.entry("seed", "INT", 1), inside.entry("cfg", "FLOAT", kit.control_cfg)
    noise = inside.node("RandomNoise", called="Noise", noise_seed=seed)
    guider = inside.node("CFGGuider", called="Guider", model=model, positive=positive, negative=negative, cfg=cfg)
    sampler = inside.node("KSamplerSelect", called="Sampler", sampler_name="dpmpp_2m")
    sigmas = inside.node("BasicScheduler", called="Schedule", model=model, scheduler="karras", steps=kit.steps)
    for name, node in {"noise": noise, "guider": guider, "sampler": sampler, "sigmas": sigmas}.items():
        inside.exit(name, node[0])
    lay_out(inside, Column(WIDTH, [noise, guider]), Column(WIDTH, [sampler, sigmas]))
    return graph.subgraph(inside, {"model": models.model, "positive": guided[0], "negative": guided[1]})


def _filmstrip(graph: GraphBuilder, kit: Kit, models: Models, settings: Node, latent: Output, chart: Output) -> Node:
    """The same picture coming out of the noise, above the chart."""
    inside = part(graph, kit, "Filmstrip above the chart", "The picture coming out of the noise, above the chart.")
    # The inputs in the order that they come from, top to bottom, so that few wires cross.
    kinds = {"vae": "VAE", "guider": "GUIDER", "noise": "NOISE", "chart": "IMAGE", "sampler": "SAMPLER"}
    kinds |= {"sigmas": "SIGMAS", "latent": "LATENT"}
    ends = {name: inside.entry(name, kind) for name, kind in kinds.items()}
    vae, drawn = ends["vae"], ends["chart"]
    reverse = inside.node(
        "SteerReverseDiffusion",
        called="Filmstrip",
        noise=ends["noise"],
        guider=ends["guider"],
        sampler=ends["sampler"],
        sigmas=ends["sigmas"],
        latent_image=ends["latent"],
        frames=6,
    )
    decoded = inside.node("VAEDecode", samples=reverse["x0 strip"], vae=vae)
    sheet = inside.node("SteerContactSheet", images=decoded[0], labels=reverse["labels"], columns=6, cell_size=256)
    both = stitch(inside, sheet[0], drawn)
    inside.exit("picture", both[0])
    lay_out(inside, Column(WIDTH, [reverse]), Column(WIDTH, [decoded]), Column(WIDTH, [sheet, both]))
    links = {name: settings[name] for name in ("noise", "guider", "sampler", "sigmas")}
    return graph.subgraph(inside, {**links, "latent": latent, "vae": models.vae, "chart": chart})


STEP = re.compile(r"(\d+): (under )?([\d.]+) %")


def promise(probe: Probe) -> list[Measurement]:
    """The picture is that of the plain sampler, and the control adds nothing behind its end."""
    inputs = probe.inputs("SteerControlMeter")
    alone = probe.add("SamplerCustomAdvanced", **inputs)
    vae = probe.inputs("VAEDecode")["vae"]
    decoded = {
        name: [probe.add("VAEDecode", samples=link, vae=vae), 0]
        for name, link in {"metered": probe.output("SteerControlMeter"), "plain": [alone, 0]}.items()
    }
    outputs = probe.run(decoded, {"report": probe.output("SteerControlMeter", 3)})
    off = largest_difference(outputs.pictures["metered"][0], outputs.pictures["plain"][0])
    line = next(line for line in outputs.texts["report"][0].splitlines() if line.startswith("By step: "))
    acting = [float(value) > 0.0 for _, _, value in STEP.findall(line)]
    last = max((number for number, acts in enumerate(acting) if acts), default=-1) + 1
    text = f"the control adds something in the first {last} of {len(acting)} steps, and nothing behind them"
    return [
        Measurement(f"the picture is that of the plain sampler: at most {off}/255 off", off == 0),
        Measurement(text, all(acting[:last]) and 0 < last < len(acting)),
    ]
