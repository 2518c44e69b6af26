"""Where an input gets its value from: through reroutes, bypassed nodes and the borders of subgraphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from ..prompt import WorkflowError
from ..ui_graph import BYPASSED, PRIMITIVE
from .opening import FROM_INPUTS, GET, SET, Link, OpenGraph, OpenNode, Socket
from .widgets import Widget

Hosts: TypeAlias = tuple[OpenNode, ...]  # the instances of subgraphs around a node, the outermost first


@dataclass(frozen=True)
class NodeOutput:
    """An output of a node that runs, by the id of the node in the prompt."""

    node_id: str
    slot: int


@dataclass(frozen=True)
class HeldValue:
    """The value of a widget elsewhere: of a PrimitiveNode, or of an instance of a subgraph (`owner`)."""

    widget: Widget
    owner: OpenNode


def id_in_prompt(hosts: Hosts, node: OpenNode) -> str:
    """The id of a node in the prompt: those of the instances around it, then its own."""
    return ":".join([*(host.id for host in hosts), node.id])


def find_source(hosts: Hosts, node: OpenNode, slot: int) -> NodeOutput | HeldValue | None:
    """What feeds an input of a node; None where nothing does.

    Raises:
        WorkflowError: a link is not in the file, leads nowhere or in a circle.
    """
    kind: Any = None
    seen: set[tuple[str, str, int]] = set()
    start = f"{node}, input '{_name(node, slot)}'"
    into = True
    while True:
        step = (id_in_prompt(hosts, node), "in" if into else "out", slot)
        if step in seen:
            raise WorkflowError(f"{start}: its links lead in a circle. Take one of them away in ComfyUI.")
        seen.add(step)
        if into:
            if not 0 <= slot < len(node.inputs) or node.inputs[slot].link is None:
                return None
            taken = node.inputs[slot]
            link = _link(node, taken, start)
            if hosts and link.origin == FROM_INPUTS:
                node, hosts, slot, kind = hosts[-1], hosts[:-1], link.origin_slot, None
                if not 0 <= slot < len(node.inputs):
                    raise WorkflowError(f"{start}: its link comes from input {slot} of the subgraph, which has none.")
                if node.inputs[slot].link is None:
                    widget = node.widget(node.inputs[slot].widget)
                    return HeldValue(widget, node) if widget else None
                continue
            kind = taken.type if kind is None else kind
            origin = node.graph.nodes.get(link.origin)
            if origin is None:
                raise WorkflowError(
                    f"{start}: its link comes from node {link.origin}, which is not in the file. Connect it again in "
                    "ComfyUI."
                )
            node, slot, into = origin, link.origin_slot, False
            continue
        if node.kind == PRIMITIVE:
            return HeldValue(node.widgets[0], node)
        if node.mode == BYPASSED:
            around = bypass(node, slot, kind)
            if around is None:
                return None
            slot, kind, into = around, None, True
        elif node.subgraph is not None:
            inner = _inner_link(node.subgraph, slot)
            if inner is None:
                return None
            if inner.origin == FROM_INPUTS:  # an input of the subgraph that is its output, too
                slot, into = inner.origin_slot, True
                continue
            below = node.subgraph.nodes.get(inner.origin)
            if below is None:
                raise WorkflowError(f"{start}: the output {slot} of {node} comes from a node that is not in the file.")
            hosts, node, slot = (*hosts, node), below, inner.origin_slot
        elif node.kind == GET:
            setter = _setter(node)
            if setter is None:
                return None
            node, slot, into = setter, 0, True
        elif node.virtual:
            into = True
        else:
            return NodeOutput(id_in_prompt(hosts, node), slot)


def bypass(node: OpenNode, slot: int, kind: Any) -> int | None:
    """The input of a bypassed node that stands for its output `slot`; None where none fits.

    kind: the type of what the output feeds.
    """
    given = node.outputs[slot] if 0 <= slot < len(node.outputs) else kind
    if kind in ("*", ""):
        return slot if len(node.inputs) > slot else 0
    types = [each.type for each in node.inputs]
    if slot < len(types) and fits(types[slot], given) and fits(types[slot], kind):
        return slot
    if kind in types:
        return types.index(kind)
    return next((i for i, each in enumerate(types) if fits(each, given) and fits(each, kind)), None)


def fits(one: Any, other: Any) -> bool:
    """Whether sockets of these types may be connected: each may name several, `*` is any."""
    some, more = (set(str(each).lower().split(",")) for each in (one, other))
    wild = {"*", "", "0", "none"}
    return bool(some & wild or more & wild or some & more)


def _link(node: OpenNode, slot: Socket, start: str) -> Link:
    link = node.graph.links.get(slot.link or "")
    if link is None:
        place = "" if f"input '{slot.name}'" in start and str(node) in start else f" of {node}, input '{slot.name}',"
        raise WorkflowError(f"{start}: the link {slot.link}{place} is not in the file. Connect it again in ComfyUI.")
    return link


def _inner_link(graph: OpenGraph, slot: int) -> Link | None:
    links = graph.outputs[slot].links if 0 <= slot < len(graph.outputs) else []
    return next((graph.links[name] for name in links if name in graph.links), None)


def _setter(node: OpenNode) -> OpenNode | None:
    """The SetNode of the same graph that has the name of a GetNode."""
    name = node.widgets[0].value
    nodes = (each for each in node.graph.nodes.values() if each.kind == SET)
    return next((each for each in nodes if each.widgets[0].value == name), None)


def _name(node: OpenNode, slot: int) -> str:
    return node.inputs[slot].name if slot < len(node.inputs) else str(slot)
