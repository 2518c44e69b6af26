"""Pieces that several slides share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .builder import GREEN, RED, WIDTH
from .layout import PREVIEW, SHEET, Blank, Column, Step, lay_out
from .subgraph import SubgraphBuilder

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node, Output
    from .kits import Kit, Models, Pair

MASK = 228  # pixels of width of the node that saves a mask


def part(graph: GraphBuilder, kit: Kit, called: str, about: str) -> SubgraphBuilder:
    """An empty subgraph of a slide."""
    name = f"{graph.name.removesuffix(kit.suffix)} {called}"
    first = 100 * (len(graph.subgraphs) + 1) + 1  # ids that no other node has: newer frontends change them otherwise
    return SubgraphBuilder(name, graph.object_info, graph.steer, first=first, called=called, about=about)


def prompt(graph: GraphBuilder, models: Models, text: str | Output, called: str = "Prompt", more: int = 0) -> Node:
    """What the picture should show."""
    return graph.node("CLIPTextEncode", called=called, more=more, colors=GREEN, clip=models.clip, text=text)


def negative_prompt(graph: GraphBuilder, models: Models) -> Node:
    """What it should not show: nothing."""
    return graph.node("CLIPTextEncode", called="Negative prompt", colors=RED, clip=models.clip, text="")


def size_of_picture(graph: GraphBuilder, kit: Kit, count: int = 1) -> Node:
    """An empty latent for one picture, or for several."""
    return graph.node(kit.latent, called="Size", width=kit.size, height=kit.size, batch_size=count)


def scaled(graph: GraphBuilder, kit: Kit, image: Output) -> Node:
    """A picture at the size that the model was taught."""
    return graph.node(
        "ImageScale", called="Size", image=image, upscale_method="area", width=kit.size, height=kit.size, crop="center"
    )


def stitch(graph: SubgraphBuilder, upper: Output, lower: Output) -> Node:
    """Two sheets of the same width, one below the other."""
    return graph.node("ImageStitch", called="Stitch", image1=upper, image2=lower, direction="down")


class Twice(NamedTuple):
    """What `sample_twice` samples: the prompts alone, the prompts with control, and the headlines of both rows.

    model: with the control in it, where it is not in the prompts.
    """

    alone: Pair
    controlled: Pair
    headlines: tuple[str, str]
    model: Output | None = None


def sample_twice(
    graph: GraphBuilder,
    kit: Kit,
    models: Models,
    what: Twice,
    *,
    latent: Output,
    seeds: str = "",
    seed: int = 0,
    labels: Output | None = None,
    across: int = 4,
) -> Node:
    """The same noise sampled without control and with it; one sheet, a row each.

    Either there are several `seeds`, or several prompts with `labels` and one `seed`. across: pictures side by side.
    """
    inside = part(graph, kit, "Sample twice", "The same noise, first by the prompts alone, then with the ControlNet.")
    # The inputs in the order that they come from, top to bottom, so that few wires cross.
    names = ("positive", "negative", "positive alone", "negative alone")
    empty, ends = inside.entry("latent", "LATENT"), {name: inside.entry(name, "CONDITIONING") for name in names[2:]}
    heads = None if labels is None else inside.entry("labels", "STRING", socket=True)
    model, vae = inside.entry("model", "MODEL"), inside.entry("vae", "VAE")
    ends |= {name: inside.entry(name, "CONDITIONING") for name in names[:2]}
    links = dict(zip(names, [*what.controlled, *what.alone], strict=True))
    links |= {"model": models.model, "vae": models.vae, "latent": latent}
    guided = model
    if what.model is not None:
        guided, links["model with control"] = inside.entry("model with control", "MODEL"), what.model
    column: list[Node] = []
    if heads is None or labels is None:
        column = [listed := inside.node("SteerSeeds", called="Seeds", text=inside.entry("seeds", "STRING", seeds))]
        heads, noise = listed["labels"], listed["seeds"]
    else:
        links["labels"], noise = labels, inside.entry("seed", "INT", seed)
    cfg = inside.entry("cfg", "FLOAT", kit.control_cfg)

    def row(words: str, model: Output, pair: Pair, headline: str) -> tuple[Node, Node, Node]:
        sampled = inside.node(
            "KSampler",
            called=f"Sample, {words}",
            model=model,
            positive=pair[0],
            negative=pair[1],
            latent_image=empty,
            seed=noise,
            steps=kit.steps,
            cfg=cfg,
            sampler_name=kit.sampler,
            scheduler=kit.scheduler,
        )
        pictures = inside.node("VAEDecode", called=f"Decode, {words}", samples=sampled[0], vae=vae)
        sheet = inside.node(
            "SteerContactSheet",
            called=f"Row, {words}",
            images=pictures[0],
            title=headline,
            labels=heads,
            columns=across,
        )
        return sampled, pictures, sheet

    upper = row("without", model, (ends["positive alone"], ends["negative alone"]), what.headlines[0])
    lower = row("with control", guided, (ends["positive"], ends["negative"]), what.headlines[1])
    both = stitch(inside, upper[2][0], lower[2][0])
    inside.exit("sheet", both[0])
    columns = [[upper[i], lower[i]] for i in range(3)]
    lay_out(inside, *(Column(WIDTH, each) for each in ([column] if column else []) + columns + [[both]]))
    return graph.subgraph(inside, links)


class Prompts(NamedTuple):
    """A node that makes several prompts, and its outputs."""

    node: Node
    pair: Pair
    labels: Output


def list_prompts(graph: GraphBuilder, kit: Kit, models: Models, called: str, template: str, lists: str) -> Prompts:
    """A prompt for each value of a slot, encoded."""
    inside = part(graph, kit, called, "Fills the slots of a template, and encodes each prompt.")
    clip = inside.entry("clip", "CLIP")
    slots = inside.node(
        "SteerPromptTemplate",
        called=called,
        template=inside.entry("template", "STRING", template, long=True),
        lists=inside.entry("lists", "STRING", lists, long=True),
    )
    within = models._replace(clip=clip)
    positive = prompt(inside, within, slots["prompts"], called="Prompts")
    negative = negative_prompt(inside, within)
    for name, output in {"positive": positive[0], "negative": negative[0], "labels": slots["labels"]}.items():
        inside.exit(name, output)
    lay_out(inside, Column(WIDTH, [slots]), Column(WIDTH, [positive, negative]))
    node = graph.subgraph(inside, {"clip": models.clip}, colors=GREEN)
    return Prompts(node, (node[0], node[1]), node[2])


def words(graph: GraphBuilder, text: str, more: int = 40) -> Node:
    """The prompt of a slide as a text, which other nodes change."""
    return graph.node("PrimitiveStringMultiline", called="Prompt", more=more, colors=GREEN, value=text)


def sweep(
    graph: GraphBuilder, kit: Kit, models: Models, called: str, folder: str, *, free: bool = False, **values: Any
) -> Node:
    """A Sweep with a slide's settings, in a folder of its own for each kit.

    free: as Kit.noisy says, where pictures need not stay alike to the last detail.
    """
    return graph.node(
        "SteerSweep",
        called=called,
        model=models.model,
        clip=models.clip,
        vae=models.vae,
        steps=kit.steps,
        cfg=kit.free.cfg if free else kit.cfg,
        sampler_name=kit.free.sampler if free else kit.sampler,
        scheduler=kit.scheduler,
        folder=f"sweeps/{folder}{kit.suffix}",
        **values,
    )


def sweep_step(title: str, node: Node, more: int = 0) -> Step:
    """The step of a slide with a Sweep, and room for the sheet on it. more: pixels for what else it shows after Run."""
    return Step(title, [node, Blank(SHEET + more)])


def what_changed(graph: GraphBuilder, kit: Kit, folder: Output, columns: int) -> Node:
    """Heat maps of a sweep's pictures against its first one, on a sheet."""
    inside = part(graph, kit, "Compare with the first", "Heat maps of a sweep's pictures against its first one.")
    cells = inside.node("SteerLoadCells", folder=inside.entry("folder", "STRING", ""))
    changes = inside.node("SteerDifference", images=cells["images"], labels=cells["labels"])
    maps = inside.node("SteerContactSheet", images=changes["heat maps"], labels=changes["labels"], columns=columns)
    inside.exit("sheet", maps[0])
    lay_out(inside, *(Column(WIDTH, [each]) for each in (cells, changes, maps)))
    return graph.subgraph(inside, {"folder": folder})


def choose_cells(graph: GraphBuilder, kit: Kit, called: str, folder: Output, selection: str, columns: int) -> Node:
    """Pictures of a sweep on a sheet of their own. selection: by their labels; empty for all."""
    inside = part(graph, kit, called, "Pictures of a sweep, chosen by their labels, on a sheet.")
    cells = inside.node(
        "SteerLoadCells",
        folder=inside.entry("folder", "STRING", ""),
        selection=inside.entry("selection", "STRING", selection),
    )
    sheet = inside.node("SteerContactSheet", images=cells["images"], labels=cells["labels"], columns=columns)
    inside.exit("sheet", sheet[0])
    lay_out(inside, Column(WIDTH, [cells]), Column(WIDTH, [sheet]))
    return graph.subgraph(inside, {"folder": folder})


def scaled_latent(graph: GraphBuilder, kit: Kit, models: Models, image: Output) -> Node:
    """A picture at the size that the model was taught, and the same as a latent."""
    inside = part(graph, kit, "Size", "The picture at the size of the model, and the same as a latent.")
    vae, pixels = inside.entry("vae", "VAE"), inside.entry("image", "IMAGE")
    small = scaled(inside, kit, pixels)
    encoded = inside.node("VAEEncode", pixels=small[0], vae=vae)
    inside.exit("image", small[0])
    inside.exit("latent", encoded[0])
    lay_out(inside, Column(WIDTH, [small]), Column(WIDTH, [encoded]))
    return graph.subgraph(inside, {"vae": models.vae, "image": image})


def lay_over(
    graph: GraphBuilder, kit: Kit, source: Output | tuple[Output, Output], image: Output, mask: Output
) -> Node:
    """The picture laid over all but the face of each cell, what changed in it, and the mask as a picture.

    source: the folder of a Sweep, or pictures and their labels.
    """
    inside = part(graph, kit, "Lay the picture over", "The picture, laid over all but the face of each cell.")
    # In the order that they come from, top to bottom, so that few wires cross.
    pixels, face = inside.entry("image", "IMAGE"), inside.entry("mask", "MASK")
    several = isinstance(source, tuple)
    names = ("pictures", "labels") if several else ("folder",)
    links = dict(zip(names, source if several else (source,), strict=True)) | {"image": image, "mask": mask}
    ends = [inside.entry(name, "IMAGE" if name == "pictures" else "STRING", "", socket=several) for name in names]
    outside = inside.node("InvertMask", called="Outside", mask=face)
    touched = inside.node("ThresholdMask", called="Touched", mask=face, value=0.0)
    seen = inside.node("MaskToImage", called="Mask as a picture", mask=face)
    loaded = [] if several else [inside.node("SteerLoadCells", folder=ends[0])]
    pictures, labels = ends if several else (loaded[0]["images"], loaded[0]["labels"])
    laid = inside.node(
        "ImageCompositeMasked",
        called="Lay over",
        destination=pictures,
        source=pixels,
        x=0,
        y=0,
        resize_source=False,
        mask=outside[0],
    )
    changes = inside.node("SteerDifference", images=laid[0], reference=pixels, mask=touched[0], labels=labels)
    sheet = inside.node("SteerContactSheet", called="Sheet", images=laid[0], labels=labels, columns=4)
    maps = inside.node(
        "SteerContactSheet",
        called="Sheet of changes",
        images=changes["heat maps"],
        labels=changes["labels"],
        columns=4,
    )
    inside.exit("sheet", sheet[0])
    inside.exit("heat maps", maps[0])
    inside.exit("mask", seen[0])
    lay_out(
        inside,
        Column(WIDTH, [outside, touched, seen, *loaded]),
        Column(WIDTH, [laid, changes]),
        Column(WIDTH, [sheet, maps]),
    )
    return graph.subgraph(inside, links)


def save_mask(graph: GraphBuilder, laid: Node) -> Node:
    """Slide 7 keeps its mask. laid: what `lay_over` gave."""
    node = graph.node(
        "SaveImage", called="The mask", more=PREVIEW, images=laid["mask"], filename_prefix="steer/07-face-mask"
    )
    node.data["size"][0] = MASK
    return node
