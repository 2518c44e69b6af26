"""Slide 10: OpenPose - one pose, many people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ...demo.judges.measures import joint_error
from ...demo.networks import PICTURE
from ...demo.picture_files import path_of
from ...preprocessors.pose.keypoints import read_frames
from .measure import Measurement, Picture, Probe, judge_pictures, mean_scores, run_rows
from .parts import guide_row, show_row, with_and_without

if TYPE_CHECKING:
    from .builder import GraphBuilder
    from .kits import Kit

NAME = "10-openpose-one-pose-many-people"
THUMBNAIL = "One pose, many people"
HELP = ("Skeleton", "One pose, many people")
DANCER = "dancer"

NOTE = """
## How do I ask for a pose?

Words for a pose are few and vague. A **skeleton** says it exactly: where the joints are, and nothing of who it is or
what they wear.

**Look at** the two rows: the same seed and prompts, above alone, below with the skeleton. Below, everybody takes the
pose of the picture.

The joints come from the drawing itself, which knows them. In a photograph **OpenPose** finds them: connect its
`keypoints` instead.

**Try next**
- **People**: other people after a bar, `pirate` or `wizard`
- **ControlNet Guide**: `strength` 0.5
- your own photograph: **Load Image** and **OpenPose** in place of **Demo Picture**
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    graph.note(NOTE, at=(-390, -30), size=(370, 320), title="Slide 10")

    graph.group("1  A ControlNet", at=(-390, 305), size=(370, 155))
    net = kit.control_net(graph, "openpose", at=(-370, 385))

    graph.group("2  A pose", at=(-390, 480), size=(370, 490))
    size = graph.node("EmptyLatentImage", at=(-190, 575), called="Size of the hint", width=kit.size, height=kit.size)
    picture = graph.node("SteerDemoPicture", at=(-370, 630), size=(330, 325), picture=DANCER)

    graph.group("4  A model", at=(0, 785), size=(350, 185))
    models = kit.models(graph, at=(10, 860))

    graph.group("3  The pose, and many people", at=(0, -60), size=(350, 825))
    people = graph.node(
        "SteerPromptTemplate",
        at=(10, 530),
        size=(330, 228),
        called="People",
        template="full body, [[who]], beach",
        lists="who: dancer | astronaut | superhero | chef",
    )
    positive = graph.node("CLIPTextEncode", at=(180, 467), called="Prompts", clip=models.clip, text=people["prompts"])
    negative = graph.node("CLIPTextEncode", at=(180, 497), called="Negative prompt", clip=models.clip, text="")
    guide = guide_row(
        graph, positive=positive[0], negative=negative[0], net=net, latent=size[0], keypoints=picture["keypoints"]
    )

    graph.group("5  One seed", at=(370, 325), size=(270, 180))
    noise = graph.node("RandomNoise", at=(380, 395), size=(250, 82), called="Seed", noise_seed=2)

    show_row(graph, guide, 6, "Skeleton", "steer/10-openpose-skeleton")

    graph.group("7  Without and with control", at=(660, -60), size=(610, 585))
    sheet = with_and_without(
        graph,
        kit,
        models,
        noise=noise[0],
        batch_size=1,
        without=(positive[0], negative[0]),
        controlled=(guide[0], guide[1]),
        labels=people["labels"],
    )

    graph.group("8  One pose, many people", at=(490, 545), size=(615, 425))
    pictures = graph.node(
        "SaveImage",
        at=(500, 620),
        size=(595, 340),
        called="One pose, many people",
        images=sheet,
        filename_prefix="steer/10-openpose-people",
    )
    graph.app([(picture, "picture"), (people, "lists"), (noise, "noise_seed")], [pictures])


MOST_OFF = 0.05  # mean distance of a joint from the skeleton, in shares of the picture's side


def promise(probe: Probe) -> list[Measurement]:
    """With control, everybody takes the pose of the picture."""
    (frame,) = read_frames(json.loads(path_of(DANCER).with_suffix(".json").read_text("utf-8")))
    skeleton = frame.people[0].body * (PICTURE / frame.width, PICTURE / frame.height, 1)

    def score(picture: Picture) -> float:
        return joint_error(judge_pictures([picture]).joints[0].numpy(), skeleton)

    held, free = mean_scores(run_rows(probe), score)
    text = f"joints are {100 * held:.1f} % of the side away from the skeleton with control, {100 * free:.1f} % without"
    return [Measurement(text, held < MOST_OFF and held < free)]
