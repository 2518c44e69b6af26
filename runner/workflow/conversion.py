"""The prompt that the frontend would send for a workflow, and where the file holds each value of it."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .frontend.kinds import ABSENT, Input, inputs_of, options_of
from .frontend.links import HeldValue, Hosts, NodeOutput, find_source, id_in_prompt
from .frontend.numbers import settle_number
from .frontend.opening import SAVERS, TO_OUTPUTS, ObjectInfo, OpenGraph, OpenNode, open_graph
from .frontend.shape import MAX_NODES, check_graph
from .frontend.texts import DATE, replace_patterns
from .frontend.widgets import CUSTOM_COMBO, Place, Widget, js_text
from .prompt import Prompt, WorkflowError, missing_nodes
from .ui_graph import PRIMITIVE

__all__ = ["Conversion", "Place", "convert", "inputs_of", "options_of"]

PREFIX = "filename_prefix"
# Their picture or sound is made in the browser while the workflow is sent.
_ONLY_IN_BROWSER = {"WEBCAM": "takes a picture with the camera", "LOAD_3D": "draws its scene"}
_RECORDED = "AUDIO_RECORD"


@dataclass(frozen=True)
class Conversion:
    """A prompt and the places of its values in the file, by node id and name of the input.

    choices: those inputs that are texts in which the frontend makes the choices of `{a|b}`. In the prompt they are as
    in the file. dated: the texts, as in the file, of those in which the date was replaced. declared: what the nodes
    declare of those inputs. owners: nodes that are not sent but hold values, by id. notes: what the file seems to mean
    and the prompt does not have, in words. copies: places of an instance of a subgraph, and where the definition that
    it alone uses holds the same values.
    """

    prompt: Prompt
    places: Mapping[tuple[str, str], Place]
    choices: frozenset[tuple[str, str]] = frozenset()
    dated: Mapping[tuple[str, str], str] = field(default_factory=dict)
    declared: Mapping[tuple[str, str], Input] = field(default_factory=dict)
    owners: Mapping[str, Owner] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    copies: Mapping[Place, tuple[Place, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Owner:
    """A node that is not sent but holds values of others: a PrimitiveNode, or an instance of a subgraph.

    places, declared: of its widgets, by name.
    """

    title: str
    kind: str
    places: Mapping[str, Place]
    declared: Mapping[str, Input]


def convert(data: dict[str, Any], object_info: ObjectInfo, partly: bool = False) -> Conversion:
    """The prompt of a UI workflow on the ComfyUI with these nodes, and where its values are.

    partly: without the nodes that this ComfyUI lacks.

    Raises:
        WorkflowError: this ComfyUI lacks a node that runs, or the graph is broken. The message says where.
    """
    check_graph(data)
    return _Sender(open_graph(data, object_info), partly).send()


class _Sender:
    def __init__(self, graph: OpenGraph, partly: bool) -> None:
        self.graph, self.partly = graph, partly
        self.all = list(_walk(graph))
        self.now = datetime.datetime.now()
        self.places: dict[tuple[str, str], Place] = {}
        self.choices: set[tuple[str, str]] = set()
        self.dated: dict[tuple[str, str], str] = {}
        self.declared: dict[tuple[str, str], Input] = {}
        self.notes: list[str] = []
        self.uses = Counter(id(node.subgraph) for _, node in self.all if node.subgraph is not None)
        self.copies: dict[Place, tuple[Place, ...]] = {}

    def send(self) -> Conversion:
        """The conversion of the whole graph."""
        sent = {id_in_prompt(hosts, node): (hosts, node) for hosts, node in self._sent()}
        prompt: Prompt = {}
        for node_id, (hosts, node) in sent.items():
            inputs = self._inputs(node_id, hosts, node)
            linked = {name: value for name, value in inputs.items() if isinstance(value, list)}
            for name in (name for name, link in linked.items() if link[0] not in sent):  # of a node that is muted
                del inputs[name]
            prompt[node_id] = {"inputs": inputs, "class_type": node.kind, "_meta": {"title": node.title}}
        places = {each: place for each, place in self.places.items() if each[1] in prompt[each[0]]["inputs"]}
        notes = [*self.notes, *_lost_links(self.graph, {id(node): node for _, node in self.all}), *_empty(prompt, sent)]
        return Conversion(
            prompt,
            places,
            frozenset(self.choices),
            self.dated,
            self.declared,
            dict(self._owners()),
            tuple(dict.fromkeys(notes)),
            self.copies,
        )

    def _owners(self) -> Iterator[tuple[str, Owner]]:
        """The nodes that are not sent but hold values."""
        for hosts, node in self.all:
            if node.subgraph is None and node.kind != PRIMITIVE:
                continue
            held = [widget for widget in node.widgets if widget.place is not None]
            places = {widget.name: widget.place for widget in held if widget.place is not None}
            declared = {widget.name: widget.input for widget in held if widget.input is not None}
            if node.kind == PRIMITIVE and (fed := self._first_fed(node)) is not None and fed.input is not None:
                declared["value"] = fed.input
            if places:
                yield id_in_prompt(hosts, node), Owner(node.title, node.kind, places, declared)

    def _sent(self) -> Iterator[tuple[Hosts, OpenNode]]:
        """The nodes that the frontend sends."""
        missing: set[str] = set()
        for hosts, node in self.all:
            if node.virtual or node.subgraph is not None or node.idle:
                continue
            if node.definition is not None:
                yield hosts, node
            elif not any(host.idle for host in hosts):
                missing.add(node.kind)
        if missing and not self.partly:
            raise missing_nodes(sorted(missing))

    def _inputs(self, node_id: str, hosts: Hosts, node: OpenNode) -> dict[str, Any]:
        """The inputs of a node: the values of its widgets, and in their place what its links bring."""
        inputs: dict[str, Any] = {}
        for widget in node.widgets:
            if widget.sent and widget.value is not ABSENT:
                self._put(inputs, (node_id, widget.name), node, widget.input, widget)
        declared = {widget.name: widget.input for widget in node.widgets}
        for number, slot in enumerate(node.inputs):
            source = find_source(hosts, node, number)
            each = (node_id, slot.name)
            if isinstance(source, NodeOutput):
                inputs[slot.name] = [source.node_id, source.slot]
                self.places.pop(each, None)
                self.choices.discard(each)
            elif isinstance(source, HeldValue) and source.owner.kind == PRIMITIVE:
                own = node.widget(slot.widget)
                if own is not None and (fed := self._primitive(source.owner, own)) is not None:
                    self._put(inputs, each, node, own.input, fed)
            elif isinstance(source, HeldValue) and source.widget.value is not ABSENT:
                self.choices.discard(each)  # the frontend sends it as it is
                self._put(inputs, each, node, declared.get(slot.name), source.widget, promoted=True)
                self._note_copy(hosts, source.widget, node.widget(slot.widget))
        if node.kind == CUSTOM_COMBO and "choice" in inputs:
            options = [widget.value for widget in node.widgets if widget.name.startswith("option")]
            inputs["index"] = options.index(inputs["choice"]) if inputs["choice"] in options else -1
        return inputs

    def _put(
        self,
        inputs: dict[str, Any],
        each: tuple[str, str],
        node: OpenNode,
        declared: Input | None,
        widget: Widget,
        promoted: bool = False,
    ) -> None:
        """Send the value of a widget as an input (`each`: node id and name), and note where the file holds it."""
        value = widget.value
        kind = declared.widget_type if declared else None
        if kind in _ONLY_IN_BROWSER:
            raise WorkflowError(f"{node} {_ONLY_IN_BROWSER[kind]} in the browser. Queue this workflow there.")
        if kind == _RECORDED:
            self.notes.append(f"{node} records sound in the browser. It is sent without any, as from a new tab.")
            value = ""
        elif widget.place is not None:
            self.places[each] = widget.place
        if declared is not None:
            self.declared[each] = declared
        if declared is not None and kind == "COMBO":
            value = as_offered(value, declared.choices)
        own_text = declared is not None and kind == "STRING" and isinstance(value, str) and not promoted
        if own_text and declared and declared.options.get("dynamicPrompts"):
            self.choices.add(each)
        if node.kind in SAVERS and each[1] == PREFIX and isinstance(value, str) and not promoted:
            if f"%{DATE}" in value:
                self.dated[each] = value
            value = replace_patterns(value, self._find_value, self.now)
        inputs[each[1]] = {"__value__": value} if isinstance(value, list) else value

    def _note_copy(self, hosts: Hosts, outer: Widget, inner: Widget | None) -> None:
        """Newer frontends show the value of the widget inside, where one instance has room for its own."""
        alone = all(self.uses[id(host.subgraph)] == 1 for host in hosts)
        if alone and outer.place is not None and inner is not None and inner.place is not None:
            self.copies[outer.place] = (*self.copies.get(outer.place, ()), inner.place)

    def _primitive(self, node: OpenNode, own: Widget) -> Widget | None:
        """The widget of a PrimitiveNode, with its value as it arrives in the widget that it feeds."""
        widget = node.widgets[0]
        if widget.value is ABSENT:  # it then has the value of what it feeds first
            first = self._first_fed(node)
            if first is None or first.value is ABSENT:
                return None
            widget = first
        value = widget.value
        if node.replaces and isinstance(value, str):
            value = replace_patterns(value, self._find_value, self.now)
        return Widget("value", value=settle_number(value, own.input) if own.input else value, place=widget.place)

    def _first_fed(self, node: OpenNode) -> Widget | None:
        """The widget that a PrimitiveNode feeds first."""
        link = node.graph.links.get(node.fed[0]) if node.fed else None
        target = node.graph.nodes.get(link.target) if link else None
        slot = next((each for each in target.inputs if each.link == node.fed[0]), None) if target else None
        return target.widget(slot.widget) if target and slot else None

    def _find_value(self, name: str, widget_name: str) -> str | None:
        """The value of a widget by the search name of its node, or by the title where no search name fits."""
        found = [each for each in self.all if each[1].search_name == name]
        found = found or [each for each in self.all if each[1].title == name]
        if not found:
            return None
        hosts, node = found[0]
        widget = node.widget(widget_name)
        if widget is None:
            return None
        for number, slot in enumerate(node.inputs):
            if slot.widget == widget_name and slot.link is not None:
                source = find_source(hosts, node, number)
                if isinstance(source, HeldValue):
                    fed = self._primitive(source.owner, widget) if source.owner.kind == PRIMITIVE else source.widget
                    widget = fed or widget
        return "" if widget.value is None or widget.value is ABSENT else js_text(widget.value)


def _walk(graph: OpenGraph, hosts: Hosts = ()) -> Iterator[tuple[Hosts, OpenNode]]:
    """Every node with the instances of subgraphs around it; those inside of an instance come before it.

    Raises:
        WorkflowError: there are too many.
    """
    number = 0
    todo: list[tuple[Hosts, OpenNode, bool]] = [(hosts, node, False) for node in reversed(graph.nodes.values())]
    while todo:
        hosts, node, opened = todo.pop()
        if node.subgraph is not None and not opened:
            inside = (*hosts, node)
            todo.append((hosts, node, True))
            todo += [(inside, each, False) for each in reversed(node.subgraph.nodes.values())]
            continue
        number += 1
        if number > MAX_NODES:
            raise WorkflowError(f"it has more than {MAX_NODES} nodes with those in its subgraphs. Make it smaller.")
        yield hosts, node


def _lost_links(graph: OpenGraph, nodes: Mapping[int, OpenNode]) -> Iterator[str]:
    """Links of the file that no input holds: the frontend leaves them out."""
    graphs = {id(graph): graph} | {id(node.graph): node.graph for node in nodes.values()}
    for each in graphs.values():
        for name, link in each.links.items():
            target = each.nodes.get(link.target)
            if target is not None and link.target != TO_OUTPUTS and all(slot.link != name for slot in target.inputs):
                yield (
                    f"The link {name} from node {link.origin} to {target} is in the file, but no input of that node "
                    "holds it: it is not there in ComfyUI either."
                )


def _empty(prompt: Prompt, sent: Mapping[str, tuple[Hosts, OpenNode]]) -> Iterator[str]:
    """Required inputs that are linked in the file and get nothing."""
    for node_id, (_, node) in sent.items():
        required = {name for name, _ in inputs_of({"input": {"required": _required(node)}})}
        for slot in node.inputs:
            if slot.link is not None and slot.name in required and slot.name not in prompt[node_id]["inputs"]:
                yield (
                    f"{node}: its input '{slot.name}' is empty. What it is linked to is muted, or bypassed and has "
                    f"nothing of type {slot.type} to pass on."
                )


def _required(node: OpenNode) -> Any:
    declared = (node.definition or {}).get("input")
    return declared.get("required") if isinstance(declared, dict) else None


def as_offered(value: Any, choices: list[Any]) -> Any:
    """A choice as this ComfyUI offers it, where just one is meant: letters may differ in case, slashes in direction."""
    if not isinstance(value, str) or value in choices:
        return value
    names = [each for each in choices if isinstance(each, str)]
    for form in (_slashes, _folded):
        found = [each for each in names if form(each) == form(value)]
        if found:
            return found[0] if len(found) == 1 else value
    return value


def _slashes(name: str) -> str:
    return name.replace("\\", "/")


def _folded(name: str) -> str:
    return _slashes(name).casefold()
