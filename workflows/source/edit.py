"""Slide 7 on an edit model: it sees the picture, and each mood is an instruction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .builder import WIDTH
from .layout import GAP, NARROW, PREVIEW, WIDE, Column, Row, Step, lay_out, room_for
from .parts import MASK, lay_over, part, save_mask, scaled_latent, words

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node, Output
    from .kits import Kit, Models

SLIM = 240  # pixels of width of the column of Face Mask, whose picture is as high as wide
FACE = PREVIEW + 60  # pixels of height for the picture of Face Mask, and its report
PROMPT = "Change the expression of the girl: smiling. Keep her face, hair, clothes and the drawing style."
NOTE = """
## How do I change only the expression, and nothing else?

An **edit model** sees the picture and reads an instruction. So the face stays the same person. A **mask** keeps
everything outside it, to the pixel.

**Look at** the moods, and at the heat maps below. Black is what stayed.

**Try next**
- **Face Mask**: `region` *mouth*: the eyes stay, too
- **Moods**: `angry` on a line of its own
- **Load Image** in place of **Demo Picture**
"""


def build_edit(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the edit model of the kit."""
    note = graph.note(kit.note(NOTE), title="Slide 7")
    picture = graph.node("SteerDemoPicture", more=PREVIEW, picture="smiling girl")
    models = kit.models(graph)
    small = scaled_latent(graph, kit, models, picture[0])
    mask = graph.node("SteerFaceMask", more=FACE, image=small["image"], grow=12, feather=8)
    prompt = words(graph, PROMPT, more=0)
    moods = graph.node(
        "SteerPromptSwap", called="Moods", prompt=prompt[0], find="smiling", swaps="laughing\nsurprised\nsad"
    )
    latent = graph.node("SetLatentNoiseMask", samples=small["latent"], mask=mask[0])
    edited = _edit_each(graph, kit, models, small["image"], moods["prompts"], latent[0])
    laid = lay_over(graph, kit, (edited[0], moods["labels"]), small["image"], mask[0])
    faces = graph.node(
        "SaveImage",
        called="One face, four moods",
        more=room_for(0.28),
        images=laid["sheet"],
        filename_prefix="steer/07-one-face",
    )
    saved = save_mask(graph, laid)
    maps = graph.node(
        "PreviewImage", called="Where it changed", more=room_for(0.302, WIDE - MASK - GAP), images=laid["heat maps"]
    )
    lay_out(
        graph,
        Column(NARROW, [Step("Step 1  What goes in", [models.node, small, picture, prompt])]),
        Column(SLIM, [Step("Step 2  What changes", [mask, latent, moods])]),
        Column(NARROW, [Step("Step 3  An edit for each", [edited]), note]),
        Column(WIDE, [Step("Step 4  One face, four moods", [laid, faces, Row([saved, maps])])]),
    )
    graph.app([(picture, "picture"), (prompt, "value"), (moods, "swaps"), (edited, "seed")], [faces])


def _edit_each(graph: GraphBuilder, kit: Kit, models: Models, image: Output, prompts: Output, latent: Output) -> Node:
    """The picture edited by each prompt, from the same noise."""
    inside = part(graph, kit, "Edit each", "The picture edited by each prompt, from the same noise.")
    links = {"model": models.model, "clip": models.clip, "vae": models.vae, "image": image, "latent": latent}
    kinds = {"model": "MODEL", "clip": "CLIP", "vae": "VAE", "image": "IMAGE", "latent": "LATENT"}
    ends = {name: inside.entry(name, kind) for name, kind in kinds.items()}
    asked = inside.entry("prompts", "STRING", "", long=True)
    seed, steps = inside.entry("seed", "INT", 2), inside.entry("steps", "INT", kit.steps)
    cfg = inside.entry("cfg", "FLOAT", kit.cfg)
    seen = {"clip": ends["clip"], "vae": ends["vae"], "image1": ends["image"]}
    positive = inside.node("TextEncodeQwenImageEditPlus", called="Instruction", prompt=asked, **seen)
    negative = inside.node("TextEncodeQwenImageEditPlus", called="No instruction", prompt="", **seen)
    sampled = inside.node(
        "KSampler",
        model=ends["model"],
        positive=positive[0],
        negative=negative[0],
        latent_image=ends["latent"],
        seed=seed,
        steps=steps,
        cfg=cfg,
        sampler_name=kit.sampler,
        scheduler=kit.scheduler,
    )
    pictures = inside.node("VAEDecode", samples=sampled[0], vae=ends["vae"])
    inside.exit("pictures", pictures[0])
    lay_out(inside, *(Column(WIDTH, each) for each in ([positive, negative], [sampled], [pictures])))
    return graph.subgraph(inside, links | {"prompts": prompts})
