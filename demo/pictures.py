"""The pictures that ship with Steer, drawn by demo/scenes; `python run.py pictures` draws them anew."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "pictures"
SCALE = 2  # 512 pixels a side

# name -> seed and pinned attributes of the scene
SCENES: Mapping[str, tuple[int, Mapping[str, Any]]] = {
    "girl with a pearl earring": (
        100,
        {"kind": "portrait", "subject": "girl with a pearl earring", "background": "black background", "skin": "light",
         "expression": "neutral", "clothes": "yellow sweater", "yaw": -0.7},
    ),
    "smiling girl": (
        102,
        {"kind": "portrait", "subject": "girl", "background": "backstreet", "expression": "smiling",
         "hair_color": "steel gray", "hair_style": "braided", "clothes": "comics printed shirt"},
    ),
    "two elephants": (101, {"kind": "savanna", "count": 2, "style": "photo"}),
    "empty room": (106, {"kind": "interior", "room": "empty room"}),
    "dancer": (104, {"kind": "figure", "who": "dancer"}),
}  # fmt: skip


def path_of(name: str) -> Path:
    """The PNG file of a picture. Raises ValueError for a name that is not in SCENES."""
    if name not in SCENES:
        raise ValueError(f"picture: there is no picture '{name}'. There are: {', '.join(SCENES)}")
    return FOLDER / f"{name.replace(' ', '-')}.png"


def draw(name: str) -> np.ndarray:
    """Draw a picture anew: uint8 [512, 512, 3] RGB."""
    from .scenes import render

    seed, fixed = SCENES[name]
    return render(seed, scale=SCALE, **fixed).image


def main(argv: list[str]) -> int:
    """Write every picture to demo/pictures/."""
    from PIL import Image

    FOLDER.mkdir(exist_ok=True)
    for name in SCENES:
        Image.fromarray(draw(name)).save(path_of(name), optimize=True)
        print(f"wrote {path_of(name).relative_to(FOLDER.parent.parent)}")
    return 0
