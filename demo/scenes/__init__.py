"""The captioned drawings that the embedded model was taught: portraits, figures, savannas and interiors."""

from __future__ import annotations

from typing import Any

import numpy as np

from .captions import caption_figure, caption_interior, caption_portrait, caption_savanna
from .draw import SIZE, new_canvas, pixels
from .figure import draw_figure
from .interior import draw_interior
from .portrait import draw_portrait
from .savanna import draw_savanna
from .scene import DATA_VERSION, HELD_OUT, KINDS, Choices, Scene
from .words import (
    CLOTHES,
    EXPRESSIONS,
    EYE_COLORS,
    FIGURE_PLACES,
    HAIR_COLORS,
    HAIR_STYLES,
    PLACES,
    POSES,
    ROOMS,
    SAVANNA_LIGHTS,
    SAVANNA_STYLES,
    SKIN_TONES,
    SUBJECTS,
    WHO,
)

__all__ = [
    "CLOTHES",
    "DATA_VERSION",
    "EXPRESSIONS",
    "EYE_COLORS",
    "FIGURE_PLACES",
    "HAIR_COLORS",
    "HAIR_STYLES",
    "HELD_OUT",
    "KINDS",
    "PLACES",
    "POSES",
    "ROOMS",
    "SAVANNA_LIGHTS",
    "SAVANNA_STYLES",
    "SIZE",
    "SKIN_TONES",
    "SUBJECTS",
    "WHO",
    "Scene",
    "render",
]

_PAINTERS = {
    "portrait": (draw_portrait, caption_portrait),
    "figure": (draw_figure, caption_figure),
    "savanna": (draw_savanna, caption_savanna),
    "interior": (draw_interior, caption_interior),
}


def render(seed: int, kind: str | None = None, scale: int = 1, **fixed: Any) -> Scene:
    """Draw the scene of `seed`; the same arguments always give the same scene.

    `scale` enlarges the picture alone (it is drawn, not resized); lines, joints and boxes stay in units of SIZE.
    `kind` pins what is drawn; `fixed` pins any attribute (expression="angry", background="meadows", count=2,
    style="animation", pose="jumping" or an array [18, 2..3] of pixels, layout=dict, yaw=0.5, facing="left",
    caption="...") and leaves every other choice as it was. None means not pinned.

    Raises:
        ValueError: the kind, an attribute or a value is unknown.
    """
    choices = Choices(seed, fixed)
    if kind is None:
        kind = choices.pick("kind", KINDS)
    if kind not in _PAINTERS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    painter, captioner = _PAINTERS[kind]
    surface, canvas = new_canvas(scale)
    drawn = painter(canvas, choices)
    caption = choices.pinned("caption")
    if caption is None:
        caption = captioner(drawn.attributes, choices.stream("wording"))
    choices.check(kind)
    return Scene(
        image=pixels(surface),
        caption=caption,
        kind=kind,
        attributes=drawn.attributes,
        lines=np.asarray(drawn.lines, np.float32).reshape(-1, 4),
        joints=np.asarray(drawn.joints, np.float32).reshape(-1, 18, 3),
        face_box=drawn.face_box,
    )
