"""How tall a node is at least, in ComfyUI's classic renderer and in Nodes 2.0.

Measured in the frontends 1.32, 1.45 and 1.58. Nodes 2.0 gives more room to almost everything, most of all in 1.45, and
to a pack's own nodes a line with its name. 1.32 draws it 1.2 times as large, and shows what the others fold away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

TITLE = 30  # pixels of a node's title, which lies above its position
WIDGET_TYPES = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
NUMBER, WORDS, TEXT = "number", "words", "text"  # widgets: numbers and choices, one line of words, several lines


class Renderer(NamedTuple):
    """How much height a frontend gives to the parts of a node, in pixels.

    edge: around its sockets and widgets. widgets: by their kinds. control: a second widget, see `has_control`. pack:
    the line with the pack's name.
    """

    edge: int
    socket: int
    widgets: Mapping[str, int]
    control: int = 0
    pack: int = 0

    def height(self, sockets: int, widgets: Sequence[str], controls: int, pack: bool) -> int:
        """Of a node below its title."""
        rows = self.socket * sockets + sum(self.widgets[each] for each in widgets) + self.control * controls
        return self.edge + rows + self.pack * pack


CLASSIC = Renderer(14, 20, {NUMBER: 24, WORDS: 24, TEXT: 56}, control=24)
NODES_2 = Renderer(24, 24, {NUMBER: 32, WORDS: 36, TEXT: 68}, pack=24)
NODES_2_OF_1_32, ENLARGED = Renderer(16, 24, {NUMBER: 32, WORDS: 46, TEXT: 42}, pack=24), 1.2
PREVIEW = 222  # of a node for its picture, above what its widgets need; Nodes 2.0 enlarges it to that
UNFOLD = 28  # the button that shows what is folded away


def is_widget(spec: list[Any]) -> bool:
    """Whether an input of /object_info is a widget; else it is a socket alone."""
    options = spec[1] if len(spec) > 1 else {}
    return (isinstance(spec[0], list) or spec[0] in WIDGET_TYPES) and not options.get("forceInput")


def is_folded(spec: list[Any]) -> bool:
    """Whether the frontend folds the widget away."""
    return bool((spec[1] if len(spec) > 1 else {}).get("advanced"))


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


def least_height_of(sockets: int, widgets: Sequence[str], controls: int = 0) -> int:
    """The height of a node below its title in the classic renderer, in pixels. See `height_of`."""
    return CLASSIC.height(sockets, widgets, controls, pack=False)


def height_of(
    sockets: int, widgets: Sequence[str], controls: int = 0, *, folded: Sequence[str] = (), pack: bool = True
) -> int:
    """The height of a node below its title in the renderer that gives it most, in pixels.

    sockets: the larger number of those on its left and its right. widgets: the kinds of those in sight. controls: how
    many of them have a second one, see `has_control`. folded: the kinds of those that are folded away. pack: whether it
    comes from a pack.
    """
    classic, modern = (each.height(sockets, widgets, controls, pack) for each in (CLASSIC, NODES_2))
    unfolded = NODES_2_OF_1_32.height(sockets, [*widgets, *folded], controls, pack)
    return max(classic, modern + UNFOLD * bool(folded), round(unfolded / ENLARGED))
