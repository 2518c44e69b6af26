"""What the nodes Sweep Value and Sweep Graph read of the graph they are in, and the plan of its sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comfy_execution.graph_utils import GraphBuilder

from ...axis import Axis, PoseFile
from ..folder.saving import folder_inside
from ..plan.comfy_model_files import identify_file, measure_file, read_node_state
from ..plan.comfy_plan import output_folder
from .comfy_targets import kinds_of_nodes, read_target, title_of
from .order import NodeTypes, cost_of
from .plan import GraphAxes, GraphPlan, plan_graph, read_axes
from .prompts import GRAPH_KIND, VALUE, Json, Prompt, links_of, users_of
from .seeds import MovingSeed, find_moving_seeds, with_seeds
from .targets import Target, join_fitted
from .values import choose, fit, resolve, takes_pose


@dataclass(frozen=True)
class Place:
    """Where a Sweep Graph runs. node_id: as it runs, own_id: as the artist's graph has it; they differ for an added
    one. info: what the frontend sends for the head of a picture."""

    node_id: str
    own_id: str
    dynprompt: Any
    prompt: Json
    info: Json

    @classmethod
    def read(cls, hidden: Any) -> Place:
        """From the node's hidden inputs.

        Raises:
            ValueError: the node is called alone, without a graph.
        """
        node_id, dynprompt = str(hidden.unique_id or ""), hidden.dynprompt
        if dynprompt is None or not dynprompt.has_node(node_id):
            raise ValueError("images: a Sweep Graph works in a graph alone. Run it in ComfyUI.")
        own_id = str(dynprompt.get_real_node_id(node_id))
        return cls(node_id, own_id, dynprompt, dynprompt.get_original_prompt(), hidden.extra_pnginfo or {})

    @property
    def workflow(self) -> Mapping[str, Any]:
        """The UI workflow; empty where the prompt came without one."""
        found = self.info.get("workflow")
        return found if isinstance(found, dict) else {}

    def new_prefix(self) -> str:
        """For the ids of nodes that this one adds."""
        return GraphBuilder.alloc_prefix()


@dataclass(frozen=True)
class Planned:
    """A plan, its folder, and the moving seeds: those of the prompt, and those that are used."""

    plan: GraphPlan
    home: Path
    seeds: tuple[MovingSeed, ...] = ()
    used: tuple[int, ...] = ()

    @property
    def replaced(self) -> list[tuple[MovingSeed, int]]:
        """The seeds of the prompt that are not used, each with the one that is."""
        return [(seed, value) for seed, value in zip(self.seeds, self.used, strict=True) if seed.value != value]


def axes_of(place: Place) -> GraphAxes:
    """What varies in the graph around a Sweep Graph.

    Raises:
        ValueError: nothing does, or a Sweep Value is wired wrongly.
    """
    return read_axes(place.prompt, place.own_id, read_target)


def plan_here(
    place: Place, axes: Sequence[Axis], folder: str, max_cells: int, *, portable_keys: bool = False
) -> Planned:
    """The plan of the sweep around a Sweep Graph.

    portable_keys: model files count by their size alone, so that the keys are the same on every machine.

    Raises:
        ValueError: something of it cannot be made. The message names the input.
    """
    home = folder_inside(output_folder(), folder)
    check_folder(place, home)
    graph = axes_of(place)
    if len(axes) != len(graph.links):
        raise ValueError("axes: an axis came as a list of several. Connect one axis to each Sweep Value.")
    return Planned(_plan(place.prompt, graph, axes, folder, max_cells, portable_keys), home)


def plan_with_seeds(
    place: Place, planned: Planned, axes: Sequence[Axis], folder: str, max_cells: int, recorded: Sequence[int] | None
) -> Planned:
    """The same plan with the seeds that a folder has recorded, where the frontend has changed them since."""
    graph = planned.plan.graph
    seeds = find_moving_seeds(place.prompt, graph.makers, place.workflow)
    own = [seed.value for seed in seeds]
    if recorded is None or len(recorded) != len(seeds) or list(recorded) == own:
        return Planned(planned.plan, planned.home, tuple(seeds), tuple(own))
    prompt = with_seeds(place.prompt, seeds, recorded)
    return Planned(_plan(prompt, graph, axes, folder, max_cells, False), planned.home, tuple(seeds), tuple(recorded))


def _plan(
    prompt: Prompt, graph: GraphAxes, axes: Sequence[Axis], folder: str, max_cells: int, portable: bool
) -> GraphPlan:
    identity = measure_file if portable else identify_file
    return plan_graph(prompt, graph, axes, folder, max_cells, identity, read_node_state, costs_of(prompt, graph))


def check_folder(place: Place, home: Path) -> None:
    """Raises ValueError where another Sweep or Sweep Graph of the workflow has the same folder."""
    for node_id, node in place.prompt.items():
        folder = node["inputs"].get("folder")
        if (
            node_id == place.own_id
            or node["class_type"] not in (GRAPH_KIND, "SteerSweep")
            or not isinstance(folder, str)
        ):
            continue
        try:
            same = folder_inside(output_folder(), folder) == home
        except ValueError:  # the other one says what is wrong with it
            same = False
        if same:
            raise ValueError(
                f"folder: {title_of(node)} (node {node_id}) has the folder '{folder}' too. Give each its own."
            )


def costs_of(prompt: Prompt, graph: GraphAxes) -> dict[str, float]:
    """What a run of each node costs, as far as its types tell."""
    kinds = kinds_of_nodes()
    outputs = {i: _outputs(kinds.get(prompt[i]["class_type"])) for i in graph.makers}
    costs = {}
    for node_id in graph.makers:
        inputs = {
            outputs[source][output]
            for _, (source, output) in links_of(prompt[node_id])
            if source in outputs and output < len(outputs[source])
        }
        costs[node_id] = cost_of(NodeTypes(frozenset(inputs), frozenset(outputs[node_id])))
    return costs


def _outputs(kind: Any) -> list[str]:
    types = getattr(kind, "RETURN_TYPES", None) or ()
    return [each if isinstance(each, str) else "COMBO" for each in types]


def plain_value(dynprompt: Any, node_id: str, axis: Axis, index: int, part: int, text: str) -> tuple[Any, Any, str]:
    """What a Sweep Value gives in a plain run: its value, the same as all that it is wired to take it, and its label.

    Raises:
        ValueError: a target does not take it, or the targets take different kinds.
    """
    chosen = choose(axis, index, part)
    value = resolve(chosen, text)
    targets = _targets(dynprompt, node_id)
    if not targets or (isinstance(value, PoseFile) and any(takes_pose(target) for target in targets)):
        return value, value, chosen.label
    return value, join_fitted([fit(value, chosen.axis, target) for target in targets], targets), chosen.label


def _targets(dynprompt: Any, node_id: str) -> list[Target]:
    if dynprompt is None:
        return []
    prompt = dynprompt.get_original_prompt()
    return [read_target(prompt, i, name) for i, name in users_of(prompt, list(prompt), (node_id, VALUE))]
