"""What a Sweep Value gives: the value of its axis at one place, ready for what it is wired to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...axis import Axis, EncoderFiles, Lora, PictureFile, PoseFile
from ...choices import SWITCH_TIME
from ...prompts.dial import Dial
from ...prompts.swap import WholePrompt, WordSwap, apply_swaps
from ...prompts.timed_parse import parse_timed, retime, switches, write_timed
from .prompts import (
    AXIS,
    FILES_KIND,
    IMAGE,
    INDEX,
    LABEL,
    PART,
    TEXT,
    VALUE,
    VALUE_KIND,
    Link,
    NodeGiver,
    Prompt,
    ValueNode,
    read_text,
)
from .targets import ANY, FLOAT, INT, Target, fit_value, natural

POSE_TYPE, IMAGE_TYPE = "POSE_KEYPOINT", "IMAGE"


@dataclass(frozen=True)
class Chosen:
    """A value of an axis: what it is, where it comes from, and its label. Of pairs, the axis is that of the part."""

    axis: Axis
    value: Any
    label: str


def choose(axis: Axis, index: int, part: int) -> Chosen:
    """The value at `index`, from 0. part: of pairs, several LoRAs or text encoders, which of them, from 1.

    Raises:
        ValueError: there is no such value or part.
    """
    if not 0 <= index < len(axis):
        raise ValueError(f"index: {index} is not one of the {len(axis)} values, which are 0 to {len(axis) - 1}.")
    value, label = axis.values[index], axis.labels[index]
    if axis.parts:
        if not 1 <= part <= len(axis.parts):
            raise ValueError(
                f"part: {part} is not one of the {len(axis.parts)} parts of '{axis.name}'. Write 1 or more."
            )
        own = axis.parts[part - 1]
        return Chosen(own, value[part - 1], own.labels[index])
    if isinstance(value, EncoderFiles):
        if not 1 <= part <= len(value.names):
            raise ValueError(f"part: '{label}' has no text encoder {part}, only {len(value.names)}.")
        return Chosen(axis, value.names[part - 1], label)
    if isinstance(value, tuple):  # of LoRAs; a row may have fewer than another
        return Chosen(axis, value[part - 1] if part <= len(value) else None, label)
    if part != 1 and not (any(isinstance(other, tuple) for other in axis.values) and part > 0):
        raise ValueError(f"part: the axis '{axis.name}' has one value at a time, not pairs. Write 1.")
    return Chosen(axis, value if part == 1 else None, label)


def resolve(chosen: Chosen, text: str) -> Any:
    """The value as it goes into widgets. text: in which a Prompt Swap swaps its words, or a switch time is set.

    Raises:
        ValueError: the text is missing, or lacks what is to be changed.
    """
    value = chosen.value
    if isinstance(value, WholePrompt):
        return value.text
    if isinstance(value, WordSwap):
        _need_text(text, "whose word is swapped")
        return apply_swaps(text, [value])
    if chosen.axis.name == SWITCH_TIME and text.strip():
        prompt = parse_timed(text, TEXT)
        if not switches(prompt):
            raise ValueError("text: nothing in it switches. Write for example [smiling:angry:0.4] in it.")
        return write_timed(retime(prompt, value))
    return natural(value.amount if isinstance(value, Dial) else value)


def _need_text(text: str, what: str) -> None:
    if not text.strip():
        raise ValueError(f"text: it is empty. Write the prompt {what}, or connect another Sweep Value that has it.")


def fit(value: Any, axis: Axis, target: Target) -> Any:
    """The resolved value as the target takes it. A LoRA is a name for a choice and a strength for a number.

    No LoRA is strength 0 of another one.

    Raises:
        ValueError: the target does not take it.
    """
    if value is None or isinstance(value, Lora):
        is_number = {INT, FLOAT} & target.kinds
        if value is None:
            others = [each for each in _loras(axis) if each is not None]
            value = 0.0 if is_number else others[0].name if others else "none"
        else:
            value = value.strength if is_number else value.name
    if isinstance(value, PoseFile):
        raise ValueError(f"value: it is a pose, and {target.place} takes {target.kind}. Wire it to Pose Render.")
    if isinstance(value, PictureFile):
        if IMAGE_TYPE in target.kinds:
            raise ValueError(f"value: it is the name of a picture. Wire the output image to {target.place}.")
        value = value.name
    return fit_value(value, target)


def takes_pose(target: Target) -> bool:
    """Whether the keypoints of a pose may go into it."""
    return bool(target.kinds & {POSE_TYPE, ANY})


def _loras(axis: Axis) -> list[Lora | None]:
    return [lora for value in axis.values for lora in (value if isinstance(value, tuple) else (value,))]


class CellValues:
    """The values of all Sweep Values of a graph, at any place on its axes."""

    def __init__(
        self,
        prompt: Prompt,
        nodes: Sequence[ValueNode],
        axes: Mapping[Link, Axis],
        links: Sequence[Link],
        targets: Mapping[Link, Sequence[Target]],
    ) -> None:
        """axes: by the outputs that they come from; links: those in the order of the places. targets: of each used
        output of a Sweep Value."""
        self.prompt, self.axes, self.links, self.targets = prompt, axes, links, targets
        self.nodes = {node.node_id: node for node in nodes}
        self._texts = {node.node_id: read_text(prompt, node.text) for node in nodes}
        self._known: dict[tuple[Any, ...], Any] = {}

    def given(self, at: Sequence[int]) -> dict[Link, Any]:
        """For each used output of a Sweep Value, by the prompt inputs it goes into: see `literals`.

        Raises:
            ValueError: a target does not take its value.
        """
        return {link: self._give(link, at) for link in self.targets}

    def shown(self, at: Sequence[int]) -> dict[str, Any]:
        """What a cell is made with, for its record: the literals by the names of the widgets they go into."""
        result: dict[str, Any] = {}
        for (node_id, output), targets in self.targets.items():
            for target in targets:
                value = self._literal((node_id, output), target, at)
                if output == LABEL or isinstance(value, NodeGiver):
                    value = self._chosen(node_id, at).label
                name = target.name if target.name not in result else f"{target.name} ({target.node_id})"
                result[name] = value
        return result

    def _give(self, link: Link, at: Sequence[int]) -> Any:
        return {(target.node_id, target.name): self._literal(link, target, at) for target in self.targets[link]}

    def _literal(self, link: Link, target: Target, at: Sequence[int]) -> Any:
        node_id, output = link
        key = (link, target.node_id, target.name, *self._own_places(node_id, at))
        if key not in self._known:
            self._known[key] = self._find_literal(node_id, output, target, at)
        return self._known[key]

    def _find_literal(self, node_id: str, output: int, target: Target, at: Sequence[int]) -> Any:
        chosen = self._chosen(node_id, at)
        if output == LABEL:
            return fit_value(chosen.label, target)
        value = self._resolved(node_id, at)
        if output == IMAGE:
            if not isinstance(value, PictureFile):
                raise ValueError(f"image: the axis '{chosen.axis.name}' has no pictures. Wire the output value.")
            return NodeGiver({node_id: _node("LoadImage", image=value.name)}, (node_id, 0))
        if isinstance(value, PoseFile) and takes_pose(target):
            file = f"{node_id}.file"
            nodes = {
                file: _node(FILES_KIND, files=value.name),
                node_id: _node(VALUE_KIND, **{AXIS: [file, 0], TEXT: "", INDEX: 0, PART: 1}),
            }
            return NodeGiver(nodes, (node_id, VALUE))
        return fit(value, chosen.axis, target)

    def _chosen(self, node_id: str, at: Sequence[int]) -> Chosen:
        node = self.nodes[node_id]
        return choose(self.axes[node.axis], at[self.links.index(node.axis)], node.part)

    def _resolved(self, node_id: str, at: Sequence[int], seen: tuple[str, ...] = ()) -> Any:
        text = self._texts[node_id]
        if not isinstance(text, str):
            source = text[0]
            if source in seen:
                raise ValueError(f"text: the Sweep Values {', '.join(seen)} take their text from each other.")
            found = self._resolved(source, at, (*seen, node_id))
            if not isinstance(found, str):
                raise ValueError(f"text: the Sweep Value (node {source}) gives no text.")
            text = found
        return resolve(self._chosen(node_id, at), text)

    def _own_places(self, node_id: str, at: Sequence[int]) -> tuple[int, ...]:
        """The places on the axes that a Sweep Value depends on, also through its text."""
        places, text = [], node_id
        for _ in self.nodes:
            places.append(at[self.links.index(self.nodes[text].axis)])
            source = self._texts[text]
            if isinstance(source, str):
                break
            text = source[0]
        return tuple(places)


def _node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}
