"""Every slide, in the order of the lecture. A slide is a module: its texts, how it is built, and what it promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from . import (
    s01_recognition_and_generation,
    s02_forward_and_reverse_diffusion,
    s03_same_prompt_many_answers,
    s04_expression_swap,
    s05_expression_by_place,
    s06_one_seed_four_moods,
    s07_inpaint_the_expression,
    s08_canny_same_face_angle,
    s09_mlsd_one_room_two_styles,
    s10_openpose_one_pose_many_people,
    s11_any_graph,
    s12_how_much_of_a_word,
    s13_seeds_that_differ,
    s14_early_pick,
    s15_the_least_that_is_enough,
    s16_control_meter,
)
from .builder import GraphBuilder
from .kits import Kit
from .measure import Measurement, Probe


class SlideSource(Protocol):
    """What every module sNN_... has."""

    @property
    def NAME(self) -> str:
        """The name of its files, without the kit's suffix."""
        ...

    @property
    def THUMBNAIL(self) -> str:
        """The title of the node whose picture the template browser shows."""
        ...

    @property
    def TILES(self) -> Sequence[int]:
        """Which pictures of that sheet, from 0: three, four or nine of them; none for the whole sheet."""
        ...

    @property
    def HELP(self) -> Sequence[str]:
        """The titles of the nodes whose pictures the help pages show."""
        ...

    def build(self, graph: GraphBuilder, kit: Kit) -> None:
        """Add the slide's nodes to an empty graph, with the models of a kit."""
        ...

    def promise(self, probe: Probe) -> list[Measurement]:
        """What the slide promises, measured on the pictures that it makes."""
        ...


SLIDES: tuple[SlideSource, ...] = (
    s01_recognition_and_generation,
    s02_forward_and_reverse_diffusion,
    s03_same_prompt_many_answers,
    s04_expression_swap,
    s05_expression_by_place,
    s06_one_seed_four_moods,
    s07_inpaint_the_expression,
    s08_canny_same_face_angle,
    s09_mlsd_one_room_two_styles,
    s10_openpose_one_pose_many_people,
    s11_any_graph,
    s12_how_much_of_a_word,
    s13_seeds_that_differ,
    s14_early_pick,
    s15_the_least_that_is_enough,
    s16_control_meter,
)
