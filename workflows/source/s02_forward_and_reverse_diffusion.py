"""Slide 2: a picture dissolves into noise, and a picture comes out of noise, on one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .measure import Measurement, Probe, largest_difference

if TYPE_CHECKING:
    from .builder import GraphBuilder
    from .kits import Kit

NAME = "02-forward-and-reverse-diffusion"
THUMBNAIL = "Both ways"
HELP = ("Both ways", "Schedule Plot")
PROMPT = "two elephants walking in the African savanna, photo"

NOTE = """
## How does a diffusion model make a picture?

**Forward**: a picture is mixed with noise, a little more at each step, until nothing of it is left. A model
learns to undo one such step. **Reverse**: it starts from noise alone and undoes step after step.

**Look at** the sheet. Left is the picture, right the noise; every column has the same noise level. Row 1 is a
real picture going to the right. Rows 2 and 3 are read from right to left: what the model was shown, and the
picture it already saw in it. Big shapes come first, details last.

**Try next**
- another `noise_seed` or prompt: another picture from the same noise levels
- **Noise Schedule**: `sigma_spacing` *karras* spends more steps on little noise; see the chart
- your own picture: **Load Image** in place of **Demo Picture**; your own checkpoint in place of **Demo Model**
"""

ROWS = "forward: the picture with noise\nreverse: what the model is shown\nreverse: what the model sees in it"


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    graph.note(NOTE, at=(-390, -30), size=(370, 370), title="Slide 2")

    graph.group("1  A picture", at=(-390, 360), size=(370, 400))
    picture = graph.node("SteerDemoPicture", at=(-370, 440), size=(330, 250), picture="two elephants")
    small = graph.node(
        "ImageScale",
        at=(-370, 740),
        image=picture[0],
        upscale_method="area",
        width=kit.size,
        height=kit.size,
        crop="center",
    )

    graph.group("2  A model", at=(-390, 780), size=(370, 190))
    models = kit.models(graph, at=(-370, 860))

    graph.group("3  A noise schedule", at=(0, -60), size=(400, 1030))
    schedule = graph.node(
        "SteerNoiseSchedule",
        at=(20, 20),
        size=(360, 330),
        model=models.model,
        steps=kit.steps,
        timestep_spacing="trailing",
    )
    graph.node(
        "SteerSchedulePlot",
        at=(20, 390),
        size=(360, 560),
        called="Schedule Plot",
        sigmas_1=schedule[0],
        names="20 steps",
        title="How much noise at each step",
    )

    graph.group("4  Forward", at=(420, -60), size=(340, 390))
    forward = graph.node(
        "SteerForwardDiffusion",
        at=(440, 20),
        size=(300, 290),
        image=small[0],
        sigmas=schedule[0],
        model=models.model,
        frames=6,
        captions=False,
    )

    graph.group("5  Reverse", at=(420, 350), size=(340, 620))
    positive = graph.node(
        "CLIPTextEncode", at=(440, 430), size=(300, 100), called="Prompt", clip=models.clip, text=PROMPT
    )
    negative = graph.node("CLIPTextEncode", at=(440, 575), called="Negative prompt", clip=models.clip, text="")
    noise = graph.node("RandomNoise", at=(440, 611), noise_seed=7)
    sampler = graph.node("KSamplerSelect", at=(440, 647), sampler_name="euler")
    guider = graph.node(
        "CFGGuider", at=(440, 683), model=models.model, positive=positive[0], negative=negative[0], cfg=kit.cfg
    )
    latent = graph.node("EmptyLatentImage", at=(440, 719), width=kit.size, height=kit.size)
    reverse = graph.node(
        "SteerReverseDiffusion",
        at=(440, 770),
        size=(300, 186),
        noise=noise[0],
        guider=guider[0],
        sampler=sampler[0],
        sigmas=schedule[0],
        latent_image=latent[0],
        frames=6,
        order="picture to noise",
    )

    graph.group("6  Both on one axis", at=(780, -60), size=(490, 1030))
    x_t = graph.node("VAEDecode", at=(800, 30), samples=reverse["x_t strip"], vae=models.vae)
    x0 = graph.node("VAEDecode", at=(800, 70), samples=reverse["x0 strip"], vae=models.vae)
    two_rows = graph.node("ImageBatch", at=(1040, 30), image1=forward["frames"], image2=x_t[0])
    every = graph.node("ImageBatch", at=(1040, 70), image1=two_rows[0], image2=x0[0])
    sheet = graph.node(
        "SteerContactSheet",
        at=(800, 550),
        size=(450, 400),
        images=every[0],
        column_labels=reverse["labels"],
        row_labels=ROWS,
        columns=0,
        font_size=16,
    )
    graph.node(
        "SaveImage",
        at=(800, 130),
        size=(450, 380),
        called="Both ways",
        images=sheet[0],
        filename_prefix="steer/02-forward-and-reverse",
    )


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
