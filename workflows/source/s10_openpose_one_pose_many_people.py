"""Slide 10: OpenPose - one pose, many people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from ...demo.judges.measures import joint_error
from ...demo.networks import PICTURE
from ...demo.picture_files import path_of
from ...preprocessors.pose.keypoints import read_frames
from .builder import GREEN, WIDTH
from .layout import GAP, NARROW, PREVIEW, REPORT, SHEET, Blank, Column, Row, Step, lay_out, room_for
from .measure import Measurement, Probe, judge_pictures, run_cells
from .parts import MASK, negative_prompt, part, prompt

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node, Output
    from .kits import Guided, Kit, Models

NAME = "10-openpose-one-pose-many-people"
THUMBNAIL = "One pose, many people"
TILES: tuple[int, ...] = (0, 1, 2, 4, 5, 6, 8, 9, 10)
HELP = ("Skeleton", "One pose, many people")
RESULT = 676  # pixels of width of the node with the sheet: it fits a small screen
POSES = ("dancer", "superhero", "astronaut")

NOTE = """
## How do I ask for a pose?

With a **skeleton**: the joints alone, and no word about arms and legs.

**Look at** a row: one pose, many people. At a column: one person in every pose. All of it is one seed.
"""
NEXT = """
**Try next**
- **People**: `pirate` or `wizard` after a bar. Only their pictures are made
- **ControlNet Guide**: `strength` 0.5, then 0: the prompt alone
- **Poses**: your own photographs. Inside it put Image Axis in place of Value Axis, and **OpenPose** in place of Demo
  Picture
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    note = graph.note(NOTE, title="Slide 10")
    try_next = graph.note(kit.note(NEXT, control=True), title="Try next", width=RESULT - MASK - GAP)
    poses = _poses(graph, kit)
    models, net = kit.models(graph), kit.control_net(graph, "openpose")
    people = _people(graph, kit, models)
    latent = poses["latent"]
    guide = kit.guide(graph, models, net, (people[0], people[1]), poses["hint"], "openpose", latent)
    sampled = _sample(graph, kit, models, guide, latent)
    cells = graph.node(
        "SteerSweepGraph", called="Sweep", more=REPORT, images=sampled[0], folder=f"sweeps/{NAME}{kit.suffix}"
    )
    hint = graph.node(
        "SaveImage",
        called="Skeleton",
        more=room_for(1, MASK),
        images=poses["hint"],
        filename_prefix="steer/10-openpose-skeleton",
    )
    result = graph.node(
        "SaveImage",
        called="One pose, many people",
        more=room_for(0.75, RESULT),
        images=cells["sheet"],
        filename_prefix="steer/10-openpose-people",
    )
    hint.data["size"][0] = MASK
    lay_out(
        graph,
        Column(NARROW, [note, Step("Step 1  People", [people, net, models.node])]),
        Column(NARROW, [Step("Step 2  Skeletons guide", [poses, guide.node])]),
        Column(NARROW, [Step("Step 3  Every pair", [cells, Blank(SHEET), sampled])]),
        Column(RESULT, [Step("Step 4  Many people, every pose", [result, Row([hint, try_next])])]),
    )
    graph.app([(poses, "poses"), (people, "lists"), (sampled, "seed")], [result])


def _poses(graph: GraphBuilder, kit: Kit) -> Node:
    """The skeleton of the current pose, and an empty latent of its size."""
    inside = part(graph, kit, "Poses", "One picture after the other; the joints in it, drawn as a skeleton.")
    names = inside.entry("poses", "STRING", "\n".join(POSES), long=True)
    width, height = inside.entry("width", "INT", kit.size), inside.entry("height", "INT", kit.size)
    axis = inside.node("SteerValueAxis", called="Poses", kind="text", text=names)
    pose = inside.node("SteerSweepValue", called="Pose", axis=axis["axis"])
    size = inside.node(kit.latent, called="Size", width=width, height=height, batch_size=1)
    picture = inside.node("SteerDemoPicture", more=PREVIEW, picture=pose[0])
    skeleton = inside.node("SteerPoseRender", more=REPORT, keypoints=picture["keypoints"], latent=size[0])
    inside.exit("hint", skeleton["hint"])
    inside.exit("latent", size[0])
    lay_out(
        inside, Column(WIDTH, [axis]), Column(WIDTH, [pose, size]), Column(WIDTH, [picture]), Column(WIDTH, [skeleton])
    )
    return graph.subgraph(inside, {})


def _people(graph: GraphBuilder, kit: Kit, models: Models) -> Node:
    """Positive and negative of the current person."""
    inside = part(graph, kit, "People", "Fills the slot of a template with one person after the other.")
    clip = inside.entry("clip", "CLIP")
    slots = inside.node(
        "SteerPromptTemplate",
        called="People",
        template=inside.entry("template", "STRING", "full body, [[who]], beach", long=True),
        lists=inside.entry("lists", "STRING", "who: dancer | astronaut | superhero | chef", long=True),
    )
    person = inside.node("SteerSweepValue", called="Person", axis=slots["axis"])
    within = models._replace(clip=clip)
    positive, negative = prompt(inside, within, person[0]), negative_prompt(inside, within)
    inside.exit("positive", positive[0])
    inside.exit("negative", negative[0])
    lay_out(inside, Column(WIDTH, [slots]), Column(WIDTH, [person]), Column(WIDTH, [positive, negative]))
    return graph.subgraph(inside, {"clip": models.clip}, colors=GREEN)


def _sample(graph: GraphBuilder, kit: Kit, models: Models, guide: Guided, latent: Output) -> Node:
    """One person in one pose."""
    inside = part(graph, kit, "Sample", "One person in one pose.")
    links = {
        "latent": latent,
        "positive": guide.pair[0],
        "negative": guide.pair[1],
        "model": guide.model or models.model,
        "vae": models.vae,
    }
    entry = {name: inside.entry(name, each.kind) for name, each in links.items()}
    sampled = inside.node(
        "KSampler",
        model=entry["model"],
        positive=entry["positive"],
        negative=entry["negative"],
        latent_image=entry["latent"],
        seed=inside.entry("seed", "INT", 4),
        steps=kit.steps,
        cfg=inside.entry("cfg", "FLOAT", kit.control_cfg),
        sampler_name=kit.free.sampler,
        scheduler=kit.scheduler,
    )
    decoded = inside.node("VAEDecode", samples=sampled[0], vae=entry["vae"])
    inside.exit("image", decoded[0])
    lay_out(inside, Column(WIDTH, [sampled]), Column(WIDTH, [decoded]))
    return graph.subgraph(inside, links)


MOST_OFF = 0.05  # mean distance of a joint from the skeleton, in shares of the picture's side


def read_skeletons() -> dict[str, np.ndarray]:
    """The joints [18, 3] of each pose, in pixels of a picture of the embedded model."""
    frames = read_frames([json.loads(path_of(name).with_suffix(".json").read_text("utf-8")) for name in POSES])
    return {
        name: frame.people[0].body * (PICTURE / frame.width, PICTURE / frame.height, 1)
        for name, frame in zip(POSES, frames, strict=True)
    }


def promise(probe: Probe) -> list[Measurement]:
    """Everybody takes each pose: the one asked for is nearer than the others."""
    pictures, labels = run_cells(probe, "Sweep")
    skeletons = read_skeletons()
    own, others = list[float](), list[float]()
    for joints, label in zip(judge_pictures(pictures).joints.numpy(), labels, strict=True):
        asked = label.split(", ")[0]  # the pose; then the person
        for name, skeleton in skeletons.items():
            (own if name == asked else others).append(joint_error(joints, skeleton))
    held, free = np.mean(own), np.mean(others)
    text = f"joints are {100 * held:.1f} % of the side away from their skeleton, {100 * free:.1f} % from the others"
    return [
        Measurement(text, bool(held < MOST_OFF and held < free)),
        Measurement(f"{len(pictures)} pictures of 4 people in 3 poses", len(pictures) == 12),
    ]
