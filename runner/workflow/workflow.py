"""A workflow as one ComfyUI reads it: its prompt, its widgets by title and name, and copies with other values."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from .conversion import Conversion, Place, as_offered, convert
from .frontend.kinds import Input, inputs_of, read_input
from .frontend.texts import choose
from .frontend.widgets import VALUES
from .prompt import Prompt, WorkflowError, find_nodes, is_called, is_prompt, missing_nodes, node_title, widgets_of
from .reading import Document, Graph
from .sources import SEED_LISTS, find_seeds, holder_of

NAMED = "widgets_values_named"


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
            text = node["inputs"][name]
            if isinstance(text, str):  # a broken file may have anything there
                prompt = prompt | {node_id: node | {"inputs": node["inputs"] | {name: choose(text)}}}
        return prompt

    @property
    def dated(self) -> Mapping[tuple[str, str], str]:
        """Those texts of the prompt in which a date was replaced, by node id and input, as they are in the file."""
        return self._conversion.dated

    @property
    def notes(self) -> tuple[str, ...]:
        """What the file seems to mean and the prompt does not have, in words."""
        return self._conversion.notes

    @cached_property
    def _conversion(self) -> Conversion:
        if self.graph is not None:
            return convert(self.graph, self.object_info)
        return _convert_api(self.data, self.object_info)

    def offered(self) -> dict[str, bool]:
        """For each choice of a node that this ComfyUI has: whether ComfyUI offers it. A choice that several have counts
        only where all offer it.
        """
        to_prompt = _convert_api if self.graph is None else convert
        conversion = to_prompt(self.data, self.object_info, partly=True)
        found: dict[str, bool] = {}
        for (node_id, name), declared in conversion.declared.items():
            value = conversion.prompt.get(node_id, {"inputs": {}})["inputs"].get(name)
            if declared.type == "COMBO" and isinstance(value, str) and "remote" not in declared.options:
                found[value] = found.get(value, True) and value in declared.choices
        return found

    def find_nodes(self, name: str) -> list[str]:
        """The ids of the nodes with that title, kind or id, those that only hold values of others behind the rest."""
        owners = [
            node_id
            for node_id, owner in self._conversion.owners.items()
            if is_called(name, owner.title, owner.kind, node_id)
        ]
        return [*find_nodes(self._conversion.prompt, name), *owners]

    def titles(self) -> set[str]:
        """The titles of all nodes that run or hold values."""
        titles = {node_title(self._conversion.prompt, node_id) for node_id in self._conversion.prompt}
        return titles | {owner.title for owner in self._conversion.owners.values()}

    def find_place(self, node_id: str, widget: str) -> Place | None:
        """Where the file holds the value of a widget, be it in another node that feeds it; None where it does not."""
        owner = self._conversion.owners.get(node_id)
        if owner is not None:
            return owner.places.get(widget)
        if (found := self._conversion.places.get((node_id, widget))) is not None:
            return found
        prompt = self._conversion.prompt
        holder = holder_of(prompt, node_id, widget) if node_id in prompt else None
        return self._conversion.places.get(holder) if holder else None

    def place(self, node_id: str, widget: str, option: str) -> Place:
        """Where the file holds the value of a widget. option: what asks for it, for the message.

        Raises:
            WorkflowError: the node has no such widget, or the file holds no value for it.
        """
        if (found := self.find_place(node_id, widget)) is not None:
            return found
        if node_id in self._conversion.owners:
            widgets = list(self._conversion.owners[node_id].places)
        else:
            inputs = self._conversion.prompt[node_id]["inputs"]
            widgets = widgets_of(self._conversion.prompt[node_id])
            if widget in widgets:
                raise WorkflowError(f"{option}: the file holds no value for it. Save the workflow from ComfyUI again.")
            if widget in inputs:
                source = node_title(self._conversion.prompt, inputs[widget][0])
                raise WorkflowError(f"{option}: its value comes from the node '{source}' by a link. Set it there.")
        raise WorkflowError(f"{option}: the node has no such widget. It has: {', '.join(widgets)}")

    def declared(self, node_id: str, widget: str) -> tuple[Input | None, Any]:
        """What is known of a widget that has a place: its declaration, and its value now."""
        conversion = self._conversion
        owner = conversion.owners.get(node_id)
        if owner is not None:
            return owner.declared.get(widget), _get(self.data, owner.places[widget])
        each = (node_id, widget)
        if each not in conversion.places:
            each = holder_of(conversion.prompt, node_id, widget) or each
        return conversion.declared.get(each), conversion.prompt[each[0]]["inputs"].get(each[1])

    def makes_choices(self, node_id: str, widget: str) -> bool:
        """Whether the frontend makes choices of `{a|b}` in the text of a widget."""
        place = self.find_place(node_id, widget)
        return any(self.find_place(*each) == place for each in self._conversion.choices)

    def seed_values(self, seed: int) -> dict[Place, Any]:
        """Where the file holds the seeds of its nodes, and what each has for this seed.

        Raises:
            WorkflowError: there is none, or one that cannot be set.
        """
        prompt = self._conversion.prompt
        return {
            self.place(node_id, name, f"--seeds, {node_title(prompt, node_id)}"): (
                str(seed) if SEED_LISTS.get(prompt[node_id]["class_type"]) == name else seed
            )
            for node_id, name in find_seeds(prompt, self.object_info).held
        }

    def describe_seeds(self) -> str:
        """Which seeds `--seeds` sets, in words; empty where it is one.

        Raises:
            WorkflowError: as seed_values.
        """
        seeds = find_seeds(self._conversion.prompt, self.object_info)
        return seeds.describe(self._conversion.prompt) if len(self.seed_values(0)) > 1 else ""

    def with_values(self, values: Mapping[Place, Any]) -> Workflow:
        """The workflow with these values in these places. Pictures it saves open with the values that made them."""
        data = self.data
        copies = self._conversion.copies if values else {}
        inside = {each: value for place, value in values.items() for each in copies.get(place, ())}
        for place, value in (inside | dict(values)).items():
            data = _put(data, place, value)
            node = place[:-2] if place[-2:-1] == (VALUES,) else None
            if node is not None and NAMED in _get(data, node):  # what newer frontends read first
                kept = {key: each for key, each in _get(data, node).items() if key != NAMED}
                data = _put(data, node, kept)
        return replace(self, data=data) if values else self

    def settle(self, salt: str = "") -> Workflow:
        """The workflow with the choices of `{a|b}` in its prompts made, so that it is the same prompt each time.

        They depend only on the text, its node and `salt`, such as the seed. ComfyUI's frontend makes them at random.
        """
        chosen = {}
        for place in {self.find_place(*each) for each in self._conversion.choices} - {None}:
            assert place is not None
            text, node, graph = (_get(self.data, place[:end]) for end in (len(place), -2, -4))
            if isinstance(text, str) and "{" in text:
                where = f"{salt}\n{graph.get('id')}\n{node.get('id')}\n{place[-1]}\n{text}"
                # A brace that is left is one to be drawn. It stays one when the text is read again.
                chosen[place] = choose(text, where).replace("{", "\\{")
        return self.with_values(chosen)


def to_prompt(graph: Graph, object_info: dict[str, Any]) -> Prompt:
    """The prompt of a UI workflow on the ComfyUI with these nodes; see Workflow.prompt."""
    return Workflow(graph, object_info).prompt


def _convert_api(data: Prompt, object_info: dict[str, Any], partly: bool = False) -> Conversion:
    """An API file as one ComfyUI reads it: with the names that it offers. partly: without the nodes that it lacks.

    Raises:
        WorkflowError: this ComfyUI lacks nodes of it.
    """
    missing = sorted({node["class_type"] for node in data.values()} - object_info.keys())
    if partly:
        data = {node_id: node for node_id, node in data.items() if node["class_type"] in object_info}
    elif missing:
        raise missing_nodes(missing)
    places = {(i, name): (i, "inputs", name) for i, node in data.items() for name in widgets_of(node)}
    declared: dict[tuple[str, str], Input] = {}
    prompt: Prompt = {}
    notes = []
    for node_id, node in data.items():
        specs = dict(inputs_of(object_info[node["class_type"]]))
        inputs = dict(node["inputs"])
        for name in (name for name in widgets_of(node) if name in specs):
            each = declared[node_id, name] = read_input(name, specs[name])
            if each.type == "COMBO":
                inputs[name] = as_offered(inputs[name], each.choices)
            text = inputs[name]
            if each.options.get("dynamicPrompts") and isinstance(text, str) and "{" in text and "|" in text:
                notes.append(
                    f"{node_title(data, node_id)}.{name} is sent as it is: in an API file {{a|b}} is plain text, for "
                    "the frontend has made its choices before. Save the workflow itself to have it choose."
                )
        prompt[node_id] = node if inputs == node["inputs"] else node | {"inputs": inputs}
    return Conversion(prompt, places, declared=declared, notes=tuple(notes))


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
