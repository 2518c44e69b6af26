"""Slide 10: OpenPose - one pose, many people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ...demo.judges.measures import joint_error
from ...demo.networks import PICTURE
from ...demo.picture_files import path_of
from ...preprocessors.pose.keypoints import read_frames
from .layout import HEIGHT, NARROW, PREVIEW, WIDE, Column, Step, lay_out
from .measure import Measurement, Picture, Probe, judge_pictures, mean_scores, run_rows
from .parts import Twice, list_prompts, sample_twice, size_of_picture

if TYPE_CHECKING:
    from .builder import GraphBuilder
    from .kits import Kit

NAME = "10-openpose-one-pose-many-people"
THUMBNAIL = "One pose, many people"
HELP = ("Skeleton", "One pose, many people")
DANCER = "dancer"

NOTE = """
## How do I ask for a pose?

With a **skeleton**. Words for a pose are few and vague. A skeleton says exactly where the joints are, and nothing of
who it is or what they wear.

**Look at** the two rows. Each column is one prompt, all have the same seed. With the skeleton, everybody takes the pose
of the picture.

**Try next**
- **People**: `pirate` or `wizard` after a bar
- **ControlNet Guide**: `strength` 0.5
- **Load Image** in place of **Demo Picture**: your own photograph. **OpenPose** finds its `keypoints`; this drawing
  brings its own
"""


def build(graph: GraphBuilder, kit: Kit) -> None:
    """Add the slide's nodes to an empty graph, with the models of the kit."""
    note = graph.note(NOTE, title="Slide 10")
    models, net = kit.models(graph), kit.control_net(graph, "openpose")
    size = size_of_picture(graph, kit)
    people = list_prompts(
        graph, kit, models, "People", "full body, [[who]], beach", "who: dancer | astronaut | superhero | chef"
    )
    picture = graph.node("SteerDemoPicture", more=PREVIEW, picture=DANCER)
    skeleton = graph.node("SteerPoseRender", keypoints=picture["keypoints"], latent=size[0])
    guide = graph.node(
        "SteerControlNetGuide",
        positive=people.pair[0],
        negative=people.pair[1],
        control_net=net[0],
        image=skeleton["hint"],
    )
    hint = graph.node(
        "SaveImage", called="Skeleton", more=PREVIEW, images=skeleton[0], filename_prefix="steer/10-openpose-skeleton"
    )
    both = sample_twice(
        graph,
        kit,
        models,
        Twice(
            people.pair,
            (guide[0], guide[1]),
            ("The prompts alone", "With the skeleton"),
        ),
        latent=size[0],
        seed=2,
        labels=people.labels,
    )
    result = graph.node(
        "SaveImage",
        called="One pose, many people",
        more=300,
        images=both["sheet"],
        filename_prefix="steer/10-openpose-people",
    )
    lay_out(
        graph,
        Column(NARROW, [note, Step("Step 1  Model and pose", [picture, models.node])], [note]),
        Column(NARROW, [Step("Step 2  People, skeleton", [people.node, net, size, skeleton])]),
        Column(NARROW, [Step("Step 3  The skeleton guides", [guide, hint])], [hint]),
        Column(WIDE, [Step("Step 4  Without and with control", [result, both])], [result]),
        height=HEIGHT,
    )
    graph.app([(picture, "picture"), (people.node, "lists"), (both, "seed")], [result])


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
