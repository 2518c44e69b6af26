"""Slide 1: recognition makes few numbers of a picture, generation makes a picture of few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...demo.judges.measures import psnr
from .measure import Measurement, Probe, as_tensor

if TYPE_CHECKING:
    from .builder import GraphBuilder
    from .kits import Kit

NAME = "01-recognition-and-generation"
THUMBNAIL = "Few numbers and many"
HELP = ("Picture",)

NOTE = """
## What do recognition and generation have to do with each other?

**Recognition** makes few numbers of a picture: the joints of a dancer are 36 (they come with this drawing; in a
photograph **OpenPose** finds them); the *latent* that an encoder makes has 48 times fewer than the picture.
**Generation** goes the other way: a sentence, or a latent, becomes a picture again.

**Look at** the four pictures: the original; its joints; the picture decoded from its latent, nearly the same; and one
that the model made from the words alone.

A diffusion model works on latents, where there is less to compute. All slides after this one do.

**Try next**
- **Picture**: another one. Where nobody is in it, there are no joints
- **Prompt**: other words; **KSampler**: another `seed`
"""

LABELS = "a picture\nfew numbers: its joints\nits latent, decoded\ngenerated from words"


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    graph.note(NOTE, at=(-390, -30), size=(370, 380), title="Slide 1")

    graph.group("1  A model", at=(-390, 370), size=(370, 190))
    models = kit.models(graph, at=(-370, 450))

    graph.group("2  A picture", at=(-390, 580), size=(370, 390))
    picture = graph.node("SteerDemoPicture", at=(-370, 660), size=(330, 255), called="Picture", picture="dancer")

    graph.group("3  Recognition: few numbers", at=(0, -60), size=(370, 300))
    small = graph.node(
        "ImageScale",
        at=(20, 30),
        image=picture["image"],
        upscale_method="area",
        width=kit.size,
        height=kit.size,
        crop="center",
    )
    latent = graph.node("VAEEncode", at=(20, 80), called="Encoder", pixels=small[0], vae=models.vae)
    joints = graph.node(
        "SteerPoseRender", at=(20, 130), called="Joints, drawn", keypoints=picture["keypoints"], latent=latent[0]
    )
    decoded = graph.node("VAEDecode", at=(20, 180), called="Decoder", samples=latent[0], vae=models.vae)

    graph.group("4  Generation: many numbers", at=(0, 260), size=(370, 710))
    positive = graph.node(
        "CLIPTextEncode",
        at=(20, 340),
        size=(330, 110),
        called="Prompt",
        clip=models.clip,
        text="full body, dancer, arms raised, beach",
    )
    negative = graph.node("CLIPTextEncode", at=(20, 500), called="Negative prompt", clip=models.clip, text="")
    empty = graph.node("EmptyLatentImage", at=(20, 550), width=kit.size, height=kit.size)
    sampled = graph.node(
        "KSampler",
        at=(20, 610),
        size=(330, 270),
        model=models.model,
        positive=positive[0],
        negative=negative[0],
        latent_image=empty[0],
        seed=5,
        steps=kit.steps,
        cfg=kit.cfg,
        sampler_name="dpmpp_2m",
        scheduler="karras",
    )
    generated = graph.node("VAEDecode", at=(20, 930), called="Decode", samples=sampled[0], vae=models.vae)

    graph.group("5  Few numbers and many", at=(390, -60), size=(880, 1030))
    first = graph.node("ImageBatch", at=(410, 30), called="Picture and joints", image1=small[0], image2=joints["hint"])
    second = graph.node("ImageBatch", at=(630, 30), called="Both decoded", image1=decoded[0], image2=generated[0])
    every = graph.node("ImageBatch", at=(850, 30), called="All four", image1=first[0], image2=second[0])
    labels = graph.node("PrimitiveStringMultiline", at=(410, 75), called="Captions", value=LABELS)
    sheet = graph.node("SteerContactSheet", at=(850, 75), called="Sheet", images=every[0], labels=labels[0], columns=2)
    graph.node(
        "SaveImage",
        at=(410, 140),
        size=(840, 810),
        called="Few numbers and many",
        images=sheet[0],
        filename_prefix="steer/01-few-and-many",
    )


LEAST_PSNR = 24.0  # dB, of the decoded picture


def promise(probe: Probe) -> list[Measurement]:
    """The picture decoded from its latent is the picture again."""
    outputs = probe.run({"picture": probe.output("ImageScale"), "decoded": probe.output("Decoder")})
    picture, decoded = (as_tensor(outputs.pictures[name])[0] for name in ("picture", "decoded"))
    ratio = psnr(decoded, picture)
    text = f"the latent, one number for 48, decodes to the picture again: {ratio:.1f} dB"
    return [Measurement(text, ratio >= LEAST_PSNR)]
