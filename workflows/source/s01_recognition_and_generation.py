"""Slide 1: recognition makes few numbers of a picture, generation makes a picture of few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...demo.judges.measures import psnr
from .builder import WIDTH
from .layout import NARROW, PREVIEW, REPORT, Column, Step, lay_out, room_for
from .measure import Measurement, Probe, as_tensor
from .parts import negative_prompt, part, prompt, size_of_picture, stitch

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node, Output
    from .kits import Kit

NAME = "01-recognition-and-generation"
THUMBNAIL = "Few numbers and many"
TILES: tuple[int, ...] = ()
HELP = ("Picture",)

NOTE = """
## What do recognition and generation have in common?

**Recognition** makes few numbers of a picture: the 36 of a dancer's joints, or a *latent*, 48 times fewer.
**Generation** goes back: words, or a latent, become a picture. **Look at** the four pictures.
"""
NEXT = """
**Try next**
- **Picture**: another one. Some have no joints
- **Prompt**: other words; **KSampler**: another `seed`
"""

RESULT = 562  # pixels of width of the node with the sheet: it fits a small screen
CAPTIONS = ("a picture", "few numbers: its joints", "its latent, decoded", "generated from words")


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    note, try_next = graph.note(NOTE, title="Slide 1"), graph.note(NEXT, title="Try next")
    models = kit.models(graph)
    picture = graph.node("SteerDemoPicture", called="Picture", more=PREVIEW, picture="dancer")
    latent = graph.node("VAEEncode", called="Encoder", pixels=picture["image"], vae=models.vae)
    joints = graph.node("SteerPoseRender", called="Joints", more=REPORT, keypoints=picture["keypoints"])
    positive = prompt(graph, models, "full body, dancer, arms raised, beach")
    negative = negative_prompt(graph, models)
    size = size_of_picture(graph, kit)
    sampled = graph.node(
        "KSampler",
        more=PREVIEW - 60,  # what 1.45 lacks below Joints, whose rows are the tallest
        model=models.model,
        positive=positive[0],
        negative=negative[0],
        latent_image=size[0],
        seed=17,
        steps=kit.steps,
        cfg=kit.free.cfg,
        sampler_name=kit.free.sampler,
        scheduler="karras",
    )
    four = _four_on_a_sheet(
        graph,
        kit,
        {
            "picture": picture["image"],
            "joints": joints["hint"],
            "latent": latent[0],
            "generated": sampled[0],
            "vae": models.vae,
        },
    )
    result = graph.node(
        "SaveImage",
        called="Few numbers and many",
        more=room_for(1.151, RESULT),
        images=four[0],
        filename_prefix="steer/01-few-and-many",
    )
    lay_out(  # recognition above, generation below, and the question between them
        graph,
        Column(NARROW, [Step("Step 1  Picture", [picture]), Step("Step 2  Model", [models.node]), try_next]),
        Column(
            NARROW,
            [Step("Step 3  Recognition", [latent]), note, Step("Step 5  Generation", [positive, negative, size])],
        ),
        Column(NARROW, [Step("Step 4  Its joints", [joints]), Step("Step 6  Sample", [sampled])]),
        Column(RESULT, [Step("Step 7  Few numbers and many", [four, result])]),
    )


def _four_on_a_sheet(graph: GraphBuilder, kit: Kit, links: dict[str, Output]) -> Node:
    """Both latents decoded, and all four pictures with their captions."""
    inside = part(graph, kit, "Decode and compare", "Both latents decoded, and all four pictures on one sheet.")
    latent, joints = inside.entry("latent", "LATENT"), inside.entry("joints", "IMAGE")
    picture, vae = inside.entry("picture", "IMAGE"), inside.entry("vae", "VAE")
    generated = inside.entry("generated", "LATENT")
    decoded = inside.node("VAEDecode", called="Decoder", samples=latent, vae=vae)
    made = inside.node("VAEDecode", called="Decode", samples=generated, vae=vae)
    sheets = [
        inside.node("SteerContactSheet", called=caption, images=image, title=caption, cell_size=kit.size)
        for caption, image in zip(CAPTIONS, (picture, joints, decoded[0], made[0]), strict=True)
    ]
    rows = [
        inside.node("ImageStitch", called="Beside", image1=left[0], image2=right[0], direction="right")
        for left, right in (sheets[:2], sheets[2:])
    ]
    every = stitch(inside, rows[0][0], rows[1][0])
    inside.exit("sheet", every[0])
    lay_out(
        inside,
        Column(WIDTH, [decoded, made]),
        Column(WIDTH, sheets[:2]),
        Column(WIDTH, sheets[2:]),
        Column(WIDTH, [*rows, every]),
    )
    return graph.subgraph(inside, links)


LEAST_PSNR = 24.0  # dB, of the decoded picture


def promise(probe: Probe) -> list[Measurement]:
    """The picture decoded from its latent is the picture again."""
    outputs = probe.run({"picture": probe.output("SteerDemoPicture"), "decoded": probe.output("Decoder")})
    picture, decoded = (as_tensor(outputs.pictures[name])[0] for name in ("picture", "decoded"))
    ratio = psnr(decoded, picture)
    text = f"the latent, one number for 48, decodes to the picture again: {ratio:.1f} dB"
    return [Measurement(text, ratio >= LEAST_PSNR)]
