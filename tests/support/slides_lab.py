"""The bundled workflows in the ComfyUI of this process, with the outputs of their nodes recorded for the test."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from comfy_inprocess import InProcessComfy
from steer.runner import workflow as workflows
from steer.runner.workflow.prompt import node_title
from sweep_lab import AnyType

FOLDER = Path(__file__).resolve().parents[2] / "workflows"
KEEP = "TestKeep"  # the node that records
ENDS = ("SaveImage", "PreviewAny", "SteerSweepGraph")


def object_info(comfy: InProcessComfy) -> dict[str, Any]:
    """What a server's /object_info says of the nodes, as far as a workflow's conversion reads it."""
    found = {}
    for kind, node in comfy.nodes.NODE_CLASS_MAPPINGS.items():
        if hasattr(node, "GET_NODE_INFO_V1"):
            found[kind] = node.GET_NODE_INFO_V1()
            continue
        inputs = node.INPUT_TYPES()
        found[kind] = {
            "input": inputs,
            "input_order": {part: list(names) for part, names in inputs.items()},
            "output": node.RETURN_TYPES,
            "output_name": getattr(node, "RETURN_NAMES", node.RETURN_TYPES),
            "name": kind,
            "display_name": kind,
            "python_module": "nodes",
            "category": "",
            "output_node": getattr(node, "OUTPUT_NODE", False),
        }
    return found


def keeper(values: dict[str, list[Any]]) -> type:
    """A node that records its value in `values` under its name, once for each item of a list."""

    class Keep:
        RETURN_TYPES = ()
        FUNCTION = "keep"
        OUTPUT_NODE = True

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {"required": {"value": (AnyType("*"),), "name": ("STRING", {})}}

        @classmethod
        def VALIDATE_INPUTS(cls, input_types: Any) -> bool:
            return True

        def keep(self, value: Any, name: str) -> tuple[()]:
            values.setdefault(name, []).append(value)
            return ()

    return Keep


class Slide:
    """A bundled workflow whose widgets can be changed and whose outputs can be recorded."""

    def __init__(self, comfy: InProcessComfy, name: str, values: dict[str, list[Any]]) -> None:
        self.comfy, self.values = comfy, values
        graph = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        self.prompt = copy.deepcopy(workflows.to_prompt(graph, object_info(comfy)))

    def node(self, title: str) -> str:
        (found,) = (number for number in self.prompt if node_title(self.prompt, number) == title)
        return found

    def set(self, title: str, **widgets: Any) -> None:
        self.prompt[self.node(title)]["inputs"] |= widgets

    def link(self, title: str, socket: str) -> Any:
        """Where an input comes from."""
        return self.prompt[self.node(title)]["inputs"][socket]

    def add(self, number: str, kind: str, **inputs: Any) -> None:
        self.prompt[number] = {"class_type": kind, "inputs": inputs, "_meta": {"title": number}}

    def keep(self, name: str, source: Any) -> None:
        """Record an output: a link, or a node's title for its first."""
        self.add(f"keep {name}", KEEP, value=source if isinstance(source, list) else [self.node(source), 0], name=name)

    def only_kept(self) -> None:
        """Leave out the workflow's own outputs, so that nothing is made but what is recorded."""
        for number in [n for n, node in self.prompt.items() if node["class_type"] in ENDS]:
            del self.prompt[number]

    def run(self) -> dict[str, list[Any]]:
        result = self.comfy.run(self.prompt)
        assert result.error is None, result.message
        return self.values
