"""Draws the pictures that ship with Steer: `python run.py pictures`.

Beside each lies a JSON file with the joints of its people: the drawing knows them, where a detector has to guess.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from .picture_files import FOLDER, path_of

SCALE = 2  # 512 pixels a side

# name -> seed and pinned attributes of the scene
SCENES: Mapping[str, tuple[int, Mapping[str, Any]]] = {
    "girl with a pearl earring": (
        100,
        {
            "kind": "portrait",
            "subject": "girl with a pearl earring",
            "background": "black background",
            "skin": "light",
            "expression": "neutral",
            "clothes": "yellow sweater",
            "yaw": -0.7,
        },
    ),
    "smiling girl": (
        102,
        {
            "kind": "portrait",
            "subject": "girl",
            "background": "backstreet",
            "expression": "smiling",
            "hair_color": "steel gray",
            "hair_style": "braided",
            "clothes": "comics printed shirt",
        },
    ),
    "two elephants": (101, {"kind": "savanna", "count": 2, "style": "photo"}),
    "empty room": (106, {"kind": "interior", "room": "empty room"}),
    "dancer": (104, {"kind": "figure", "who": "dancer"}),
    "superhero": (108, {"kind": "figure", "who": "superhero", "pose": "waving"}),
    "astronaut": (107, {"kind": "figure", "who": "astronaut", "pose": "hands on hips"}),
}


def draw(name: str) -> tuple[np.ndarray, dict[str, Any]]:
    """Draw a picture: uint8 [512, 512, 3] RGB, and its people as a POSE_KEYPOINT frame."""
    from ..preprocessors.pose.keypoints import write_frame
    from ..preprocessors.pose.people import Person
    from .scenes import render

    seed, fixed = SCENES[name]
    scene = render(seed, scale=SCALE, **fixed)
    joints = scene.joints * (SCALE, SCALE, 1)
    return scene.image, write_frame([Person(body=person.round(1)) for person in joints], *scene.image.shape[:2])


def main(argv: list[str]) -> int:
    """Write every picture to demo/pictures/."""
    from PIL import Image

    FOLDER.mkdir(exist_ok=True)
    for name in SCENES:
        image, people = draw(name)
        Image.fromarray(image).save(path_of(name), optimize=True)
        path_of(name).with_suffix(".json").write_text(json.dumps(people) + "\n", "utf-8")
        print(f"wrote {path_of(name).relative_to(FOLDER.parent.parent)}")
    return 0
