"""The colours of each kind of room; some have several."""

from __future__ import annotations

from dataclasses import dataclass

from .draw import Color


@dataclass(frozen=True)
class RoomPalette:
    """The colours of a room."""

    wall: Color
    floor: Color
    wood: Color  # furniture fronts
    top: Color  # table and counter tops
    frame: Color  # window and door frames
    door: Color
    accent: Color


PALETTES: dict[str, tuple[RoomPalette, ...]] = {
    "modern office": (
        RoomPalette(
            (226, 233, 238),
            (186, 192, 202),
            (206, 214, 222),
            (252, 252, 252),
            (74, 84, 100),
            (150, 168, 184),
            (52, 132, 208),
        ),
        RoomPalette(
            (232, 236, 232),
            (200, 190, 178),
            (214, 222, 220),
            (250, 252, 250),
            (64, 92, 96),
            (120, 168, 168),
            (28, 160, 150),
        ),
    ),
    "classical office": (
        RoomPalette(
            (120, 74, 58), (120, 70, 44), (132, 70, 38), (162, 92, 50), (84, 44, 28), (100, 54, 32), (46, 112, 78)
        ),
        RoomPalette(
            (92, 104, 84), (128, 78, 48), (126, 66, 38), (158, 90, 50), (78, 42, 28), (104, 58, 34), (160, 44, 48)
        ),
    ),
    "modern kitchen": (
        RoomPalette(
            (244, 246, 246),
            (206, 202, 196),
            (250, 250, 250),
            (66, 70, 80),
            (60, 66, 76),
            (196, 204, 210),
            (250, 128, 92),
        ),
        RoomPalette(
            (234, 242, 244),
            (196, 186, 172),
            (88, 146, 156),
            (250, 250, 248),
            (52, 72, 84),
            (214, 222, 222),
            (250, 196, 74),
        ),
    ),
    "classical kitchen": (
        RoomPalette(
            (250, 230, 188),
            (206, 142, 92),
            (186, 116, 66),
            (236, 204, 158),
            (136, 82, 46),
            (160, 100, 58),
            (202, 74, 54),
        ),
        RoomPalette(
            (236, 228, 196),
            (196, 116, 84),
            (118, 142, 104),
            (222, 182, 130),
            (126, 86, 52),
            (134, 96, 62),
            (186, 66, 58),
        ),
    ),
    "empty room": (
        RoomPalette(
            (236, 236, 236),
            (200, 200, 202),
            (222, 222, 224),
            (246, 246, 246),
            (150, 150, 154),
            (208, 208, 210),
            (190, 190, 192),
        ),
    ),
}
