"""A workflow as one ComfyUI reads it: its prompt, its widgets by title and name, and copies with other values."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from .conversion import Conversion, Place, convert
from .prompt import Prompt, WorkflowError, find_nodes, is_prompt, node_title, widgets_of
from .reading import Document, Graph

SEED_WIDGETS = ("seed", "noise_seed")


@dataclass(frozen=True, eq=False)
class Workflow:
    """data: the content of its file, in UI or API format. object_info: a ComfyUI's /object_info.

    Nothing changes it. It is converted once, when it is first needed; what has other values is another Workflow.
    """

    data: Document
    object_info: dict[str, Any]

    @property
    def graph(self) -> Graph | None:
        """The UI graph; None for a workflow in API format."""
        return None if is_prompt(self.data) else self.data

    @cached_property
    def prompt(self) -> Prompt:
        """The prompt to run. Choices of `{a|b}` that are still open are made at random, as ComfyUI's frontend does.

        Raises:
            WorkflowError: this ComfyUI lacks a node that runs, or the graph is broken.
        """
        prompt = self._conversion.prompt
        for node_id, name in self._conversion.choices:
            node = prompt[node_id]
            text = _choose(node["inputs"][name])
            prompt = prompt | {node_id: node | {"inputs": node["inputs"] | {name: text}}}
        return prompt

    @cached_property
    def _conversion(self) -> Conversion:
        if self.graph is not None:
            return convert(self.graph, self.object_info)
        places = {(i, name): (i, "inputs", name) for i, node in self.data.items() for name in widgets_of(node)}
        return Conversion(self.data, places)

    def find_nodes(self, name: str) -> list[str]:
        """The ids of the nodes with that title, kind or id."""
        return find_nodes(self._conversion.prompt, name)

    def titles(self) -> set[str]:
        """The titles of all nodes that run."""
        return {node_title(self._conversion.prompt, node_id) for node_id in self._conversion.prompt}

    def find_place(self, node_id: str, widget: str) -> Place | None:
        """Where the file holds the value of a widget; None where it does not."""
        return self._conversion.places.get((node_id, widget))

    def place(self, node_id: str, widget: str, option: str) -> Place:
        """Where the file holds the value of a widget. option: what asks for it, for the message.

        Raises:
            WorkflowError: the node has no such widget, or the file holds no value for it.
        """
        if (found := self.find_place(node_id, widget)) is not None:
            return found
        widgets = widgets_of(self._conversion.prompt[node_id])
        if widget in widgets:
            raise WorkflowError(f"{option}: the file holds no value for it. Save the workflow from ComfyUI again.")
        raise WorkflowError(f"{option}: the node has no such widget. It has: {', '.join(widgets)}")

    def seed_places(self) -> list[Place]:
        """Where the file holds the values of all widgets named seed or noise_seed.

        Raises:
            WorkflowError: there is none.
        """
        prompt = self._conversion.prompt
        named = [(i, name) for i, node in prompt.items() for name in widgets_of(node) if name in SEED_WIDGETS]
        if not named:
            raise WorkflowError("--seeds: it has no widget named seed or noise_seed")
        return [self.place(i, name, f"--seeds, {node_title(prompt, i)}") for i, name in named]

    def with_values(self, values: Mapping[Place, Any]) -> Workflow:
        """The workflow with these values in these places. Pictures it saves open with the values that made them."""
        data = self.data
        for place, value in values.items():
            data = _put(data, place, value)
        return replace(self, data=data) if values else self

    def settle(self, salt: str = "") -> Workflow:
        """The workflow with the choices of `{a|b}` in its prompts made, so that it is the same prompt each time.

        They depend only on the text, its node and `salt`, such as the seed. ComfyUI's frontend makes them at random.
        """
        chosen = {}
        for place in {self.find_place(*each) for each in self._conversion.choices} - {None}:
            assert place is not None
            text, node, graph = (_get(self.data, place[:end]) for end in (len(place), -2, -4))
            if "{" in text:
                where = f"{salt}\n{graph.get('id')}\n{node.get('id')}\n{place[-1]}\n{text}"
                # A brace that is left is one to be drawn. It stays one when the text is read again.
                chosen[place] = _choose(text, where).replace("{", "\\{")
        return self.with_values(chosen)


def to_prompt(graph: Graph, object_info: dict[str, Any]) -> Prompt:
    """The prompt of a UI workflow on the ComfyUI with these nodes; see Workflow.prompt."""
    return Workflow(graph, object_info).prompt


def _choose(text: str, seed: str | None = None) -> str:
    """The text with its choices made: at random, or each time the same for one `seed`."""
    from comfy_cli.workflow_to_api import process_dynamic_prompt  # pyright: ignore[reportMissingTypeStubs]

    state = random.getstate()
    if seed is not None:
        random.seed(seed)
    try:
        return str(process_dynamic_prompt(text))
    finally:
        if seed is not None:
            random.setstate(state)


def _get(data: Any, place: Place) -> Any:
    for key in place:
        data = data[key]
    return data


def _put(data: Any, place: Place, value: Any) -> Any:
    """A copy with `value` in that place; what lies beside the way there is shared."""
    if not place:
        return value
    first, *rest = place
    changed = copy.copy(data)
    changed[first] = _put(data[first], tuple(rest), value)
    return changed
