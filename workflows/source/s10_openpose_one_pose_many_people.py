"""Slide 10: OpenPose - one pose, many people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from ...demo.judges.measures import joint_error
from ...demo.networks import PICTURE
from ...demo.picture_files import SETS, path_of
from ...preprocessors.pose.keypoints import read_frames
from .builder import WIDTH
from .layout import BESIDE, HEIGHT, NARROW, PREVIEW, REPORT, WIDE, Column, Row, Step, lay_out
from .measure import Measurement, Probe, judge_pictures, run_rows
from .parts import list_prompts, part, size_of_picture

if TYPE_CHECKING:
    from .builder import GraphBuilder, Node, Output
    from .kits import Guided, Kit, Models, Pair
    from .parts import Prompts

NAME = "10-openpose-one-pose-many-people"
THUMBNAIL = "One pose, many people"
TILES: tuple[int, ...] = (1, 2, 3, 5, 6, 7, 9, 10, 11)
HELP = ("Skeleton", "One pose, many people")
POSES, POSE = "three poses", "dancer"
# What the note says where a control takes one hint at a time.
ONE_POSE = {"then three poses": "then the pose", ". **Size**: `batch_size` is their\n  number": ""}

NOTE = """
## How do I ask for a pose?

With a **skeleton**: the joints alone.

**Look at** a row: one person, one seed. First the prompt alone, then three poses.
"""
NEXT = """
**Try next**
- **People**: `pirate` or `wizard` after a bar
- **ControlNet Guide**: `strength` 0.5
- **Load Image** and **OpenPose** in place of **Demo Picture**: your own photographs. **Size**: `batch_size` is their
  number
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    text, more, poses = NOTE, NEXT, POSES
    if kit.one_hint:
        poses = POSE
        for several, one in ONE_POSE.items():
            text, more = text.replace(several, one), more.replace(several, one)
    note = graph.note(text, title="Slide 10")
    try_next = graph.note(kit.note(more, control=True), title="Try next", width=BESIDE)
    models, net = kit.models(graph), kit.control_net(graph, "openpose")
    size = size_of_picture(graph, kit, len(SETS.get(poses, (poses,))))
    people = list_prompts(
        graph, kit, models, "People", "full body, [[who]], beach", "who: dancer | astronaut | superhero | chef"
    )
    picture = graph.node("SteerDemoPicture", more=PREVIEW + 36, picture=poses)  # and its row of buttons
    skeleton = graph.node("SteerPoseRender", more=REPORT, keypoints=picture["keypoints"], latent=size[0])
    guide = kit.guide(graph, models, net, people.pair, skeleton["hint"], "openpose", size[0])
    hint = graph.node("PreviewImage", called="Skeleton", more=PREVIEW + 24, images=skeleton[0])
    every = _sample_poses(graph, kit, models, people, guide, size[0])
    result = graph.node(
        "SaveImage",
        called="One pose, many people",
        more=PREVIEW,
        images=every["sheet"],
        filename_prefix="steer/10-openpose-people",
    )
    lay_out(
        graph,
        Column(NARROW, [note, Step("Step 1  Models and poses", [picture, models.node, net])], [note]),
        Column(NARROW, [Step("Step 2  People, skeletons", [people.node, size, skeleton])]),
        Column(NARROW, [Step("Step 3  The skeletons guide", [guide.node, hint])], [hint]),
        Column(
            WIDE,
            [Step(f"Step 4  Many people, {'one pose' if kit.one_hint else poses}", [result, Row([every, try_next])])],
            [result],
        ),
        height=HEIGHT,
    )
    graph.app([(picture, "picture"), (people.node, "lists"), (every, "seed")], [result])


def _sample_poses(
    graph: GraphBuilder, kit: Kit, models: Models, people: Prompts, guide: Guided, latent: Output
) -> Node:
    """A row for each person: the prompt alone, then each pose, all on the same noise."""
    inside = part(
        graph, kit, "Sample every pose", "For each person the prompt alone, then each pose, on the same noise."
    )
    links = {
        "positive": guide.pair[0],
        "negative": guide.pair[1],
        "positive alone": people.pair[0],
        "negative alone": people.pair[1],
        "labels": people.labels,
        "latent": latent,
        "model": models.model,
        "vae": models.vae,
    }
    entry = {name: inside.entry(name, each.kind, "", long=True) for name, each in links.items()}
    guided = entry["model"]
    if guide.model is not None:
        guided, links["model with control"] = inside.entry("model with control", "MODEL"), guide.model
    seed, cfg = inside.entry("seed", "INT", 4), inside.entry("cfg", "FLOAT", kit.control_cfg)
    same = inside.node("LatentBatchSeedBehavior", called="Same noise", samples=entry["latent"], seed_behavior="fixed")
    first = inside.node("LatentFromBatch", called="One picture", samples=same[0], batch_index=0, length=1)

    def sample(words: str, model: Output, pair: Pair, start: Node) -> tuple[Node, Node]:
        sampled = inside.node(
            "KSampler",
            called=f"Sample, {words}",
            model=model,
            positive=pair[0],
            negative=pair[1],
            latent_image=start[0],
            seed=seed,
            steps=kit.steps,
            cfg=cfg,
            sampler_name=kit.sampler,
            scheduler=kit.scheduler,
        )
        return sampled, inside.node("VAEDecode", called=f"Decode, {words}", samples=sampled[0], vae=entry["vae"])

    alone = sample("without", entry["model"], (entry["positive alone"], entry["negative alone"]), first)
    posed = sample("with control", guided, (entry["positive"], entry["negative"]), same)
    row = inside.node("ImageBatch", called="Beside", image1=alone[1][0], image2=posed[1][0])
    title = "The prompt alone, then each pose"
    sheet = inside.node("SteerContactSheet", images=row[0], title=title, row_labels=entry["labels"])
    inside.exit("sheet", sheet[0])
    columns = [[same, first], [alone[0], posed[0]], [alone[1], posed[1]], [row, sheet]]
    lay_out(inside, *(Column(WIDTH, each) for each in columns))
    return graph.subgraph(inside, links)


MOST_OFF = 0.05  # mean distance of a joint from the skeleton, in shares of the picture's side


def read_skeletons() -> list[np.ndarray]:
    """The joints [18, 3] of each pose, in pixels of a picture of the embedded model."""
    frames = read_frames([json.loads(path_of(name).with_suffix(".json").read_text("utf-8")) for name in SETS[POSES]])
    return [frame.people[0].body * (PICTURE / frame.width, PICTURE / frame.height, 1) for frame in frames]


def promise(probe: Probe) -> list[Measurement]:
    """With control, everybody takes each pose."""
    pictures, skeletons = run_rows(probe).pictures, read_skeletons()
    joints = {row: judge_pictures(pictures[row]).joints.numpy() for row in ("with", "without")}
    held = np.mean([joint_error(each, skeletons[i % len(skeletons)]) for i, each in enumerate(joints["with"])])
    free = np.mean([joint_error(each, skeleton) for each in joints["without"] for skeleton in skeletons])
    text = f"joints are {100 * held:.1f} % of the side away from the skeleton with control, {100 * free:.1f} % without"
    return [Measurement(text, bool(held < MOST_OFF and held < free))]
