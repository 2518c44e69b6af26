"""The pictures that ship with Steer: their names and files. demo/draw_pictures.py draws them."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "pictures"
NAMES = ("girl with a pearl earring", "smiling girl", "two elephants", "empty room", "dancer", "superhero", "astronaut")
SETS = {"three poses": ("dancer", "superhero", "astronaut")}  # several pictures as one batch
CHOICES = (*NAMES, *SETS)


def path_of(name: str) -> Path:
    """The PNG file of a picture; beside it lies a JSON file with the joints of its people.

    Raises:
        ValueError: there is no picture of that name.
    """
    if name not in NAMES:
        raise ValueError(f"picture: there is no picture '{name}'. There are: {', '.join(CHOICES)}")
    return FOLDER / f"{name.replace(' ', '-')}.png"
