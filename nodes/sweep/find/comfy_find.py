"""What the node Expression Finder does: pictures at a few values of an axis, made as a Sweep makes them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import comfy.model_management
import comfy.utils
import torch

from ....preprocessors.networks.graph import load_graph
from ....preprocessors.pose.faces import NETWORKS, find_faces
from ...axis import Axis
from ...comfy_progress import show_text
from ...control.families import MODEL, name_upstream
from ...preprocess import comfy_images, comfy_networks
from ...prompts.dial import Dial
from ...text.printable import get_log
from ..choices import BY_SHAPE, FIND_BY
from ..plan.cells import Cell, Settings, check_axes, number_labels, plan_cells
from ..plan.inputs import GraphAround, SweepInputs, check_latent
from ..run.comfy_pictures import PictureMaker
from .curve import draw_curve
from .mood import FaceView, Moods, choose_face
from .search import Search, find_first

MAX_VALUES = 1024

log = get_log(__name__)


@dataclass(frozen=True)
class Found:
    """What the node gives out.

    pictures: IMAGE [B, H, W, 3] in 0..1: at the first value, just before the found one, at the found one, at the last;
    each once. labels: one each. curve: IMAGE [1, H, W, 3]. place: of the found value on the axis, from 0.
    """

    value: float
    label: str
    place: int
    pictures: torch.Tensor
    labels: list[str]
    curve: torch.Tensor
    report: str


def find_mood(
    inputs: SweepInputs,
    settings: Settings,
    axis: Axis,
    mood: float,
    by: str,
    graph: GraphAround,
    mask: torch.Tensor | None,
) -> Found:
    """Find the first value of `axis` whose picture has at least `mood` (0..1) of what its last value changes.

    by: one of FIND_BY. mask: MASK [1, H, W], or None.

    Raises:
        ValueError: the axis is none that a Sweep can vary, there is no face, or nothing of it changes.
        InterruptProcessingException: the user pressed Cancel.
    """
    if by not in FIND_BY:
        raise ValueError(f"by: '{by}' is unknown. Choose one of: {', '.join(FIND_BY)}.")
    check_latent(inputs.latent)
    check_axes([axis], inputs.connected, MAX_VALUES)
    if len(axis) < 2:
        raise ValueError("axis: it has one value, and there is nothing to search. Give it several, such as 0-1[33].")
    (axis,) = number_labels([axis])
    cells = sorted(plan_cells(settings, [axis], lambda own: ""), key=lambda cell: cell.at)
    maker = _Maker(inputs, cells, graph)
    ends = maker.look(0), maker.look(len(cells) - 1)
    moods = Moods(*ends, _one_mask(mask, ends[0].picture), by == BY_SHAPE)

    def measure(place: int) -> float:
        maker.look(place)
        return moods.measure_all(maker.looks)[place]

    method = moods.method
    search = find_first(len(cells), mood, measure)
    if moods.method != method:  # a face lost its points on the way: what was measured before is another measure
        search = find_first(len(cells), mood, measure)
    report_shapes = by == BY_SHAPE and not moods.by_shape
    return _describe(axis, search, moods, maker, mood, lost_points=report_shapes)


class _Maker:
    """Makes the picture of a cell once and looks for its face."""

    def __init__(self, inputs: SweepInputs, cells: list[Cell], graph: GraphAround) -> None:
        self.cells, self.looks = cells, dict[int, FaceView]()
        self.networks = comfy_networks.load_networks({name: partial(load_graph, name) for name in NETWORKS})
        self.expected = 2 + max(1, (len(cells) - 1).bit_length())
        self.bar = comfy.utils.ProgressBar(100 * self.expected)
        name = name_upstream(graph.get_node, graph.node_id, "clip", MODEL)
        self.maker = PictureMaker(inputs, self._step, 1, name)

    def look(self, place: int) -> FaceView:
        if place not in self.looks:
            comfy.model_management.throw_exception_if_processing_interrupted()
            show_text(f"picture {len(self.looks) + 1} of about {self.expected}: {self.cells[place].title}")
            (picture,) = self.maker.make([self.cells[place].settings])
            picture = picture[..., :3].cpu()
            (pixels,) = comfy_images.iterate_pictures(picture[None])
            self.looks[place] = FaceView(picture, choose_face(find_faces(self.networks, pixels)))
        return self.looks[place]

    def _step(self, share: float, preview: Any) -> None:
        self.bar.update_absolute(int(100 * min(self.expected, len(self.looks) + share)), preview=preview)


def _one_mask(mask: torch.Tensor | None, picture: torch.Tensor) -> torch.Tensor | None:
    if mask is None:
        return None
    if mask.shape[0] != 1:
        raise ValueError(f"mask: there are {mask.shape[0]}. Connect one, for all pictures.")
    from ..sheet.difference import fit_mask

    fitted = fit_mask(mask[0], int(picture.shape[0]), int(picture.shape[1])).cpu()
    if fitted.sum() < 1:
        raise ValueError("mask: it is empty. Draw it over mouth, brows and eyes, or disconnect it.")
    return fitted


def _describe(axis: Axis, search: Search, moods: Moods, maker: _Maker, mood: float, lost_points: bool) -> Found:
    last = len(axis) - 1
    place = last if search.found is None else search.found
    tried = sorted(search.tried)
    before = max((each for each in tried if each < place), default=place)
    shown = sorted({0, before, place, last})
    label = axis.labels[place]
    how = f"{search.tried[place]:.0%} of the mood (wanted {mood:.0%}), by {moods.method}"
    here = maker.looks[place]
    lines = [
        f"{label}: {how}. The face stays {moods.stays(here):.2f}, outside it {moods.outside(here):.1%} changes.",
        f"{len(search.tried)} pictures in place of {len(axis)}.",
    ]
    if lost_points:
        lines.append("Not every face has its points, so pixels were compared in place of shapes.")
    if search.found is None:
        lines.append(f"Not reached: even {label} has only {search.tried[place]:.0%}. Take more values behind it.")
    elif place == 0:
        lines.append("The first value has it already: let the axis begin lower.")
    elif search.tried[place] != search.tried[before]:
        lines.append(f"Just before, at {axis.labels[before]}: {search.tried[before]:.0%}.")
    if search.falls is not None:
        one, other = (axis.labels[each] for each in search.falls)
        lines.append(f"The curve is not even: {other} has less than {one}. FaceView at the pictures between them.")
    report = "\n".join(lines)
    show_text(report)
    title = f"{label} is the first with {mood:.0%}" if search.found is not None else f"{mood:.0%} is not reached"
    return Found(
        _number(axis.values[place]),
        label,
        place,
        torch.stack([maker.looks[each].picture for each in shown]),
        [f"{axis.labels[each]}: {search.tried[each]:.0%}" for each in shown],
        draw_curve(search, axis.labels, mood, title),
        report,
    )


def _number(value: Any) -> float:
    """The value as a number: of a dial its amount; 0 for what is none, such as a sampler."""
    if isinstance(value, Dial):
        return float(value.amount)
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0
