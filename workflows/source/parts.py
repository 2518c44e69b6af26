"""Pieces that several slides share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node, Output
    from .kits import Kit, Models

Pair = tuple["Output", "Output"]  # positive and negative

# How far below one another folded nodes lie, and how far apart their columns.
STEP, COLUMN = 40, 200
NOISE = (667, 180)  # where a folded node fits among those of with_and_without()


def with_and_without(
    graph: GraphBuilder,
    kit: Kit,
    models: Models,
    *,
    noise: Output,
    batch_size: Output | int,
    without: Pair,
    controlled: Pair,
    labels: Output,
) -> Output:
    """The same noise sampled without control and with it; one sheet, a row each.

    Folded nodes in the upper part of a slide's last column, placed so that few wires cross: control comes from the
    upper left and is sampled above, the models from the lower left, what both share lies between. The place of NOISE
    stays free. Either the noise is a batch, or the conditionings are lists; `labels` names the pictures of a row.
    """

    def at(column: int, y: int) -> tuple[int, int]:
        return NOISE[0] + column * COLUMN, y

    sampler = graph.node("KSamplerSelect", at=at(0, 140), sampler_name="dpmpp_2m")
    sigmas = graph.node("BasicScheduler", at=at(0, 420), model=models.model, scheduler="karras", steps=kit.steps)
    latent = graph.node("EmptyLatentImage", at=at(1, 140), width=kit.size, height=kit.size, batch_size=batch_size)

    def row(words: str, pair: Pair, *places: tuple[int, int]) -> Output:
        guider = graph.node(
            "CFGGuider",
            at=places[0],
            called=f"Guider, {words}",
            model=models.model,
            positive=pair[0],
            negative=pair[1],
            cfg=kit.control_cfg,
        )
        result = graph.node(
            "SamplerCustomAdvanced",
            at=places[1],
            called=f"Sample, {words}",
            noise=noise,
            guider=guider[0],
            sampler=sampler[0],
            sigmas=sigmas[0],
            latent_image=latent[0],
        )
        pictures = graph.node(
            "VAEDecode", at=places[2], called=f"Decode, {words}", samples=result["output"], vae=models.vae
        )
        return graph.node("RebatchImages", at=places[3], called=f"Row, {words}", images=pictures[0], batch_size=64)[0]

    upper = row("without", without, at(0, 340), at(1, 300), at(1, 500), at(2, 460))
    lower = row("with control", controlled, (917, 20), at(2, 100), at(2, 340), at(2, 420))
    both = graph.node("ImageBatch", at=at(2, 500), called="Both rows", image1=upper, image2=lower)
    return graph.node(
        "SteerContactSheet",
        at=at(0, 500),
        called="Sheet",
        images=both[0],
        column_labels=labels,
        row_labels="without\nwith control",
        columns=0,
    )[0]


def what_changed(graph: GraphBuilder, folder: Output, at: tuple[int, int], columns: int) -> Output:
    """Heat maps of a sweep's pictures against its first one. Three folded nodes below one another at `at`."""
    x, y = at
    cells = graph.node("SteerLoadCells", at=(x, y), folder=folder)
    changes = graph.node("SteerDifference", at=(x, y + STEP), images=cells["images"], labels=cells["labels"])
    return graph.node(
        "SteerContactSheet",
        at=(x, y + 2 * STEP),
        called="Sheet of changes",
        images=changes["heat maps"],
        labels=changes["labels"],
        columns=columns,
    )[0]


def with_changes(graph: GraphBuilder, folder: Output, at: tuple[int, int]) -> Output:
    """A sweep's pictures in one row, their heat maps against the first below; one sheet.

    Folded nodes of 800 x 80 at `at`, where the place at the upper left stays free for the sweep.
    """
    x, y = at
    cells = graph.node("SteerLoadCells", at=(x, y + STEP), folder=folder)
    changes = graph.node("SteerDifference", at=(x + COLUMN, y + STEP), images=cells["images"], labels=cells["labels"])

    def row(column: int, called: str, images: Output) -> Output:
        return graph.node("RebatchImages", at=(x + column * COLUMN, y), called=called, images=images, batch_size=64)[0]

    upper, lower = row(1, "Pictures", cells["images"]), row(2, "Heat maps", changes["heat maps"])
    both = graph.node("ImageBatch", at=(x + 3 * COLUMN, y), called="Both rows", image1=upper, image2=lower)
    return graph.node(
        "SteerContactSheet",
        at=(x + 3 * COLUMN, y + STEP),
        called="Sheet",
        images=both[0],
        column_labels=cells["labels"],
        row_labels="picture\nwhat changed",
        columns=0,
    )[0]


def guide_row(
    graph: GraphBuilder,
    *,
    positive: Output,
    negative: Output,
    net: Output,
    latent: Output,
    image: Output | None = None,
    lines: Output | None = None,
    keypoints: Output | None = None,
) -> Node:
    """ControlNet Guide at the head of a slide's second column."""
    return graph.node(
        "SteerControlNetGuide",
        at=(10, 10),
        size=(330, 422),
        positive=positive,
        negative=negative,
        control_net=net,
        latent=latent,
        image=image,
        lines=lines,
        keypoints=keypoints,
    )


def show_row(graph: GraphBuilder, guide: Node, number: int, what: str, prefix: str) -> None:
    """The hint as the ControlNet gets it, a slide's step `number` in its third column; beside it the guide's report."""
    graph.group(f"{number}  {what}", at=(370, -60), size=(270, 365))
    graph.node(
        "SaveImage",
        at=(380, 32),
        size=(250, 263),
        called=what,
        images=guide["hint"],
        filename_prefix=prefix,
    )
    graph.node("PreviewAny", at=(670, 15), size=(225, 80), called="Report", source=guide["report"])
