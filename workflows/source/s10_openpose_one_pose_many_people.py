"""Slide 10: OpenPose - one pose, many people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .parts import with_and_without

if TYPE_CHECKING:
    from ...runner.graph import Graph
    from .kits import Kit

NAME = "10-openpose-one-pose-many-people"
THUMBNAIL = "One pose, many people"

NOTE = """
## How do I ask for a pose?

Words for a pose are few and vague. A **skeleton** says it exactly: where the joints are, and nothing of who it is or
what they wear.

**Look at** the two rows: the same seed and prompts, above alone, below with the skeleton. Below, everybody takes the
pose of the picture.

The joints come from the drawing itself, which knows them. In a photograph **OpenPose** finds them: connect its `hint`
in place of **Pose Render**'s.

**Try next**
- **People**: other people after a bar, `pirate` or `wizard`
- **Apply ControlNet**: `strength` 0.5
- your own photograph: **Load Image** and **OpenPose** in place of **Demo Picture** and **Pose Render**
"""


def build(graph: Graph, kit: Kit) -> None:
    graph.note(NOTE, at=(-390, -30), size=(370, 440), title="Slide 10")

    graph.group("1  A pose", at=(-390, 430), size=(370, 550))
    picture = graph.node("SteerDemoPicture", at=(-370, 510), size=(330, 310), picture="dancer")
    size = graph.node("EmptyLatentImage", at=(-370, 870), called="Size of the hint", width=kit.size, height=kit.size)
    pose = graph.node("SteerPoseRender", at=(-370, 910), keypoints=picture["keypoints"], latent=size[0])

    graph.group("2  Models", at=(0, -60), size=(370, 290))
    models = kit.models(graph, at=(20, 20))
    net = kit.control_net(graph, "openpose", at=(20, 160))

    graph.group("3  Many people, and the pose", at=(0, 250), size=(370, 530))
    people = graph.node(
        "SteerPromptTemplate", at=(20, 330), size=(330, 190), called="People", template="full body, [[who]], beach",
        lists="who: dancer | astronaut | superhero | chef",
    )  # fmt: skip
    positive = graph.node("CLIPTextEncode", at=(20, 560), called="Prompts", clip=models.clip, text=people["prompts"])
    negative = graph.node("CLIPTextEncode", at=(20, 600), called="Negative prompt", clip=models.clip, text="")
    guide = graph.node(
        "ControlNetApplyAdvanced", at=(20, 640), size=(330, 120), called="Apply ControlNet", positive=positive[0],
        negative=negative[0], control_net=net, image=pose["hint"],
    )  # fmt: skip

    graph.group("4  One seed", at=(0, 800), size=(370, 180))
    noise = graph.node("RandomNoise", at=(20, 880), size=(330, 80), called="Seed", noise_seed=2)

    graph.group("5  The skeleton", at=(390, -60), size=(300, 340))
    graph.node(
        "SaveImage", at=(410, 20), size=(260, 240), called="Skeleton", images=pose["hint"],
        filename_prefix="steer/10-openpose-skeleton",
    )  # fmt: skip

    graph.group("6  Without and with control", at=(710, -60), size=(700, 340))
    sheet = with_and_without(
        graph, kit, models, (730, 40), noise=noise[0], batch_size=1, without=(positive[0], negative[0]),
        controlled=(guide[0], guide[1]), labels=people["labels"],
    )  # fmt: skip

    graph.group("7  One pose, many people", at=(390, 300), size=(1020, 680))
    graph.node(
        "SaveImage", at=(410, 380), size=(980, 580), called="One pose, many people", images=sheet,
        filename_prefix="steer/10-openpose-people",
    )  # fmt: skip
