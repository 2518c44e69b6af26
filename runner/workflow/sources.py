"""Where the value of an input is that comes by a link, and which seeds of a workflow can be set.

Some nodes only hold a value for others, such as PrimitiveInt: a value is set there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...nodes.prompt_graph import is_link
from .prompt import Prompt, WorkflowError, ancestors, node_title, widgets_of

SEED_WIDGETS = ("seed", "noise_seed")
SEED_LISTS = {"SteerSeeds": "text"}  # kinds of nodes that hold seeds as a text, and its input

InputName = tuple[str, str]  # the id of a node and the name of its input


@dataclass(frozen=True)
class SeedInputs:
    """The inputs that hold the seeds of a prompt, each with the names of the inputs that it feeds."""

    held: Mapping[InputName, tuple[str, ...]]

    def describe(self, prompt: Prompt) -> str:
        """The seeds in words, for people."""
        words = []
        for (node_id, name), fed in self.held.items():
            own = f"{node_title(prompt, node_id)}.{name}"
            words.append(own + (f" (for {', '.join(fed)})" if fed else ""))
        return ", ".join(words)


def holder_of(prompt: Prompt, node_id: str, name: str) -> InputName | None:
    """The input that holds the value of a linked input: the one value of a node that has nothing else."""
    value = prompt[node_id]["inputs"].get(name)
    if not is_link(value) or value[0] not in prompt:
        return None
    held = widgets_of(prompt[value[0]])
    alone = len(held) == 1 and len(prompt[value[0]]["inputs"]) == 1
    return (value[0], held[0]) if alone else None


def find_seeds(prompt: Prompt, object_info: Mapping[str, Any]) -> SeedInputs:
    """The inputs that hold the seeds of a prompt.

    Raises:
        WorkflowError: there is none, or a seed comes from nodes of which none can be set.
    """
    held: dict[InputName, list[str]] = {}
    linked: list[InputName] = []
    for node_id, node in prompt.items():
        for name, value in node["inputs"].items():
            if not _is_seed(node["class_type"], name):
                continue
            if not is_link(value):
                held.setdefault((node_id, name), [])
            elif (holder := holder_of(prompt, node_id, name)) is not None:
                fed = held.setdefault(holder, [])
                if not _is_seed(prompt[holder[0]]["class_type"], holder[1]) or holder[1] != name:
                    fed.append(f"{node_title(prompt, node_id)}.{name}")
            else:
                linked.append((node_id, name))
    for node_id, name in linked:
        _add_computed(prompt, object_info, held, node_id, name)
    if not held:
        raise WorkflowError("--seeds: it has no widget named seed or noise_seed")
    return SeedInputs({each: tuple(fed) for each, fed in held.items()})


def _is_seed(kind: str, name: str) -> bool:
    return name.rpartition(".")[2] in SEED_WIDGETS or SEED_LISTS.get(kind) == name


def _add_computed(
    prompt: Prompt, object_info: Mapping[str, Any], held: dict[InputName, list[str]], node_id: str, name: str
) -> None:
    """A seed that other nodes compute: from a seed that is set anyway, or from the one whole number behind it."""
    source = prompt[node_id]["inputs"][name][0]
    behind = ancestors(prompt, source)
    if any(each[0] in behind for each in held) or not _is_needed(prompt, object_info, node_id):
        return
    whole = [
        (each, widget)
        for each in behind
        for widget in widgets_of(prompt[each])
        if len(prompt[each]["inputs"]) == 1 and type(prompt[each]["inputs"][widget]) is int
    ]
    title = f"{node_title(prompt, node_id)}.{name}"
    if len(whole) != 1:
        kind = prompt.get(source, {}).get("class_type", "a node that is not there")
        raise WorkflowError(
            f"--seeds: {title} comes from '{node_title(prompt, source)}' ({kind}), where there is no seed to set. Give "
            "it a seed of its own, or feed it from a PrimitiveInt."
        )
    held[whole[0]] = [f"{title}, computed from it"]


def _is_needed(prompt: Prompt, object_info: Mapping[str, Any], node_id: str) -> bool:
    """Whether an output of the workflow depends on a node; true where no output is known."""
    ends = [i for i, node in prompt.items() if object_info.get(node["class_type"], {}).get("output_node")]
    return not ends or any(node_id in ancestors(prompt, end) for end in ends)
