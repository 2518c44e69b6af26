"""A workflow opened: its nodes with their sockets and widgets, as the frontend has them after loading the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..prompt import WorkflowError
from ..ui_graph import BYPASSED, MUTED, PRIMITIVE, SWITCHES, VIRTUAL
from .kinds import MATCH_TYPE, Input, declared_inputs, in_order, output_types
from .shape import places_of_subgraphs
from .widgets import Place, Widget, fill_widgets, make_widgets, promote_widgets

FROM_INPUTS, TO_OUTPUTS = "-10", "-20"  # the ends of a subgraph's links that lead out of it
GET, SET = "GetNode", "SetNode"
_SEARCH_NAME = "Node name for S&R"
# Names under which older files know a kind.
_RENAMED = {
    "T2IAdapterLoader": "ControlNetLoader",
    "ConditioningAverage ": "ConditioningAverage",
    "SDV_img2vid_Conditioning": "SVD_img2vid_Conditioning",
    "Load3DAnimation": "Load3D",
    "Preview3DAnimation": "Preview3D",
}
_KSAMPLERS = ("KSampler", "KSamplerAdvanced")  # whose samplers were called `sample_euler` once
# These have no search name of their own, so `%SaveImage.filename_prefix%` finds only a title.
SAVERS = frozenset(
    (
        "CLIPSave",
        "LoraSave",
        "ModelSave",
        "SaveAnimatedPNG",
        "SaveAnimatedWEBP",
        "SaveAudio",
        "SaveGLB",
        "SaveImage",
        "SaveLatent",
        "SaveVideo",
        "SaveWEBM",
        "VAESave",
    )
)
ObjectInfo: TypeAlias = Mapping[str, Any]


@dataclass(eq=False)
class Socket:
    """An input. link: the id of its link. widget: the name of the widget that it stands for."""

    name: str
    type: Any
    link: str | None = None
    widget: str | None = None


@dataclass(eq=False)
class Link:
    """A link by the ids of the nodes at its ends."""

    origin: str
    origin_slot: int
    target: str
    target_slot: int


@dataclass(eq=False)
class Port:
    """An input or output of a subgraph, with its links inside."""

    name: str
    type: Any
    links: list[str]


@dataclass(eq=False)
class OpenNode:
    """A node of a graph. definition: that of its kind, None where ComfyUI does not know it. place: in the file.

    subgraph: what it stands for. outputs: their types. fed: the links of its first output.
    """

    id: str
    kind: str
    title: str
    mode: int
    place: Place
    graph: OpenGraph
    search_name: str
    replaces: bool
    definition: Mapping[str, Any] | None = None
    subgraph: OpenGraph | None = None
    inputs: list[Socket] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)
    fed: list[str] = field(default_factory=list)
    widgets: list[Widget] = field(default_factory=list)
    label: bool = False

    @property
    def idle(self) -> bool:
        """Whether it is muted or bypassed."""
        return self.mode in (MUTED, BYPASSED)

    @property
    def virtual(self) -> bool:
        """Whether it is never sent: a note, a reroute, a switch of the frontend."""
        return self.kind in VIRTUAL or self.kind in SWITCHES or (self.label and self.definition is None)

    def widget(self, name: str | None) -> Widget | None:
        """Its first widget of that name."""
        return next((each for each in self.widgets if each.name == name), None)

    def __str__(self) -> str:
        return f"node {self.id} ({self.title or self.kind})"


@dataclass(eq=False)
class OpenGraph:
    """The graph of a file, or of a subgraph, which has inputs and outputs. groups: names of its group nodes."""

    place: Place
    name: str
    nodes: dict[str, OpenNode] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)


def open_graph(data: dict[str, Any], object_info: ObjectInfo) -> OpenGraph:
    """The nodes of a checked workflow (`check_graph`) on the ComfyUI with these nodes.

    Raises:
        WorkflowError: a subgraph holds itself, or a node is a legacy group node.
    """
    places = {}
    for place, definition in places_of_subgraphs(data):
        places.setdefault(definition["id"], (place, definition))
    return _Opener(places, object_info).open_root(data)


class _Opener:
    """Opens each definition of a subgraph once, before the first graph that uses it."""

    def __init__(self, places: dict[str, tuple[Place, dict[str, Any]]], object_info: ObjectInfo) -> None:
        self.places, self.object_info = places, object_info
        self.opened: dict[str, OpenGraph] = {}

    def open_root(self, data: dict[str, Any]) -> OpenGraph:
        """Open all definitions, those that others use first, then the graph itself."""
        done: set[str] = set()
        todo: list[tuple[str, bool]] = [(each, False) for each in reversed(self.places)]
        above: list[str] = []
        while todo:
            name, ready = todo.pop()
            if ready:
                place, definition = self.places[name]
                self.opened[name] = self._open(definition, place)
                above.pop()
                done.add(name)
            elif name in above:
                raise WorkflowError(f"the subgraph '{self._name(name)}' holds itself. Take it out in ComfyUI.")
            elif name not in done:
                above.append(name)
                used = {str(node["type"]) for node in _entries(self.places[name][1], "nodes")} & self.places.keys()
                todo += [(name, True), *((each, False) for each in sorted(used))]
        return self._open(data, ())

    def _name(self, subgraph: str) -> str:
        return str(self.places[subgraph][1].get("name") or subgraph)

    def _open(self, data: dict[str, Any], place: Place) -> OpenGraph:
        graph = OpenGraph(place, str(data.get("name") or ""))
        graph.links = dict(_read_links(data))
        for side, ports in (("inputs", graph.inputs), ("outputs", graph.outputs)):
            for slot in _entries(data, side):
                ports.append(Port(slot["name"], slot.get("type"), [as_id(link) for link in _entries(slot, "linkIds")]))
        ids = [as_id(node["id"]) for node in _entries(data, "nodes") if node.get("id") is not None]
        free = max([int(each) for each in ids if each.isdecimal()], default=0)
        listed = enumerate(data.get("nodes") or ())
        for number, node in ((number, node) for number, node in listed if node is not None):
            name = as_id(node["id"]) if node.get("id") is not None else "-1"
            if name == "-1":  # as the frontend names it. Of two with one id, it has the last
                free += 1
                name = str(free)
            graph.nodes[name] = self._open_node(node, name, graph, (*place, "nodes", number))
        return graph

    def _open_node(self, data: dict[str, Any], name: str, graph: OpenGraph, place: Place) -> OpenNode:
        kind = _RENAMED.get(data["type"], data["type"])
        if kind.startswith(("workflow/", "workflow>")) and kind not in self.object_info:
            raise WorkflowError(
                f"node {name} ('{kind}') is a group node of an older ComfyUI. Open the workflow in ComfyUI, choose "
                "'Convert to Nodes' on it, make a subgraph of these, and save it again."
            )
        definition = self.object_info.get(kind) if kind not in VIRTUAL else None
        definition = definition if isinstance(definition, dict) else None
        subgraph = self.opened.get(kind) if definition is None else None
        properties = data.get("properties") or {}
        shown = subgraph.name if subgraph else (definition or {}).get("display_name") or (definition or {}).get("name")
        node = OpenNode(
            name,
            kind,
            str(data.get("title") or shown or kind),
            int(data.get("mode") or 0),
            place,
            graph,
            str(properties.get(_SEARCH_NAME, "" if kind in SAVERS or definition is None else kind)),
            bool(properties.get("Run widget replace on values")),
            definition,
            subgraph,
            label=data.get("inputs") == [] and data.get("outputs") == [],
        )
        outputs = list(_entries(data, "outputs"))
        node.fed = [as_id(link) for out in outputs[:1] for link in _entries(out, "links")]
        node.outputs = [out.get("type", "*") for out in outputs]
        if subgraph is not None:
            self._open_instance(node, subgraph, data, properties)
        elif definition is not None:
            self._open_known(node, definition, data)
        else:
            node.inputs = list(map(_read_slot, _entries(data, "inputs")))
            if kind == PRIMITIVE:
                node.widgets = [Widget("value")]
                fill_widgets(node.widgets, data, place)
            elif kind in (GET, SET):
                node.widgets = [Widget("name")]
                fill_widgets(node.widgets, data, place)
        return node

    def _open_known(self, node: OpenNode, definition: Mapping[str, Any], data: dict[str, Any]) -> None:
        """The sockets and widgets of a kind that ComfyUI declares, with what the file says about them."""
        declared = declared_inputs(node.kind, definition)
        saved = {slot.name: slot for slot in map(_read_slot, _entries(data, "inputs"))}
        node.widgets = make_widgets(node.kind, definition, in_order(definition, declared), list(saved))
        fill_widgets(node.widgets, data, node.place, declared)
        sampler = node.widget("sampler_name") if node.kind in _KSAMPLERS else None
        if sampler is not None and isinstance(sampler.value, str):
            sampler.value = sampler.value.removeprefix("sample_")
        inputs = in_order(definition, declared)
        sockets = [Socket(each.name, _socket_type(each)) for each in inputs if each.widget_type is None]
        shown = [Socket(w.name, w.input.type, widget=w.name) for w in node.widgets if w.input is not None]
        for slot in (*sockets, *shown):
            slot.link = saved[slot.name].link if slot.name in saved else None
        names = {slot.name for slot in (*sockets, *shown)}
        known = {each.name for each in node.widgets}
        more = [slot for name, slot in saved.items() if name not in names and slot.widget in {None, *known}]
        node.inputs = [*sockets, *shown, *more]
        types = output_types(definition)
        matching = [kind if kind != MATCH_TYPE else "*" for kind in types]
        node.outputs = [
            known_type if known_type != "*" or i >= len(node.outputs) else node.outputs[i]
            for i, known_type in enumerate(matching)
        ] + node.outputs[len(matching) :]

    def _open_instance(self, node: OpenNode, subgraph: OpenGraph, data: dict[str, Any], properties: Any) -> None:
        """The sockets of a subgraph's instance, and the widgets that it has in place of those inside."""
        saved = {slot.name: slot for slot in map(_read_slot, _entries(data, "inputs"))}
        node.inputs = [
            Socket(port.name, port.type, saved[port.name].link if port.name in saved else None)
            for port in subgraph.inputs
        ]
        node.outputs = [port.type for port in subgraph.outputs]
        for slot, port in zip(node.inputs, subgraph.inputs, strict=True):
            if (inner := _first_widget(subgraph, port)) is not None:
                slot.widget = port.name
                node.widgets.append(inner.promoted(port.name))
        promote_widgets(node.widgets, data, node.place, properties)


def _first_widget(graph: OpenGraph, port: Port) -> Widget | None:
    """The first widget inside a subgraph that an input of it feeds."""
    for name in port.links:
        link = graph.links.get(name)
        node = graph.nodes.get(link.target) if link else None
        slot = next((each for each in node.inputs if each.link == name), None) if node else None
        if node and slot and slot.widget and (found := node.widget(slot.widget)) is not None:
            return found
    return None


def _socket_type(each: Input) -> Any:
    if each.type != MATCH_TYPE:
        return each.type
    template = each.options.get("template")
    return (template.get("allowed_types") if isinstance(template, dict) else None) or "*"


def _read_slot(data: dict[str, Any]) -> Socket:
    link, widget = data.get("link"), data.get("widget")
    return Socket(
        str(data.get("name") or ""),
        data.get("type", "*"),
        None if link is None else as_id(link),
        widget.get("name") if isinstance(widget, dict) else None,
    )


def _read_links(data: dict[str, Any]) -> Iterator[tuple[str, Link]]:
    for link in _entries(data, "links"):
        if isinstance(link, list):
            number, origin, origin_slot, target, target_slot = link[:5]
        else:
            keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
            number, origin, origin_slot, target, target_slot = (link[key] for key in keys)
        yield as_id(number), Link(as_id(origin), int(origin_slot), as_id(target), int(target_slot))


def _entries(owner: Mapping[str, Any], key: str) -> Iterator[Any]:
    return (entry for entry in owner.get(key) or () if entry is not None)


def as_id(value: Any) -> str:
    """An id as text, whichever way the file writes it."""
    return str(int(value)) if isinstance(value, float) else str(value)
