"""How tall a node is at least, in ComfyUI's classic renderer and in Nodes 2.0.

Measured in the frontends 1.32, 1.45 and 1.58. Nodes 2.0 gives more room to almost everything, and to a pack's own nodes
a line with its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

TITLE = 30  # pixels of a node's title, which lies above its position
WIDGET_TYPES = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
SOCKET = 20
NUMBER, WORDS, TEXT = "number", "words", "text"  # widgets: numbers and choices, one line of words, several lines
CLASSIC = {NUMBER: 24, WORDS: 24, TEXT: 56}
NODES_2 = {NUMBER: 28, WORDS: 36, TEXT: 68}
PACK = 24  # the line with the pack's name


def is_widget(spec: list[Any]) -> bool:
    """Whether an input of /object_info is a widget; else it is a socket alone."""
    options = spec[1] if len(spec) > 1 else {}
    return (isinstance(spec[0], list) or spec[0] in WIDGET_TYPES) and not options.get("forceInput")


def has_control(name: str, spec: list[Any]) -> bool:
    """Whether a second widget below says what becomes of the value after a run."""
    controlled = (spec[1] if len(spec) > 1 else {}).get("control_after_generate")
    if controlled is None:  # the frontend goes by the name
        controlled = name in ("seed", "noise_seed") and spec[0] == "INT"
    return bool(controlled)


def kind_of_widget(spec: list[Any]) -> str:
    """NUMBER, WORDS or TEXT."""
    if spec[0] != "STRING":
        return NUMBER
    return TEXT if (spec[1] if len(spec) > 1 else {}).get("multiline") else WORDS


def height_of(sockets: int, widgets: Sequence[str], controls: int = 0, pack: bool = True) -> int:
    """The height of a node below its title, in pixels.

    sockets: the larger number of those on its left and its right. widgets: their kinds. controls: how many of them have
    a second one, see `has_control`. pack: whether it comes from a pack.
    """
    classic = SOCKET * sockets + sum(CLASSIC[each] for each in widgets) + CLASSIC[NUMBER] * controls + 14
    modern = 16 + SOCKET * sockets + sum(NODES_2[each] for each in widgets) + PACK * pack
    return max(classic, modern)
