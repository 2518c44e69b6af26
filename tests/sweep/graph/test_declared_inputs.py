"""Inputs as nodes declare them: what a Sweep Value may give to each."""

from __future__ import annotations

from typing import Any

import pytest
from graph_lab import node


@pytest.fixture
def declared(comfy, monkeypatch: pytest.MonkeyPatch):
    """The target of an input of this declaration."""
    from steer.nodes.sweep.graph.comfy_targets import read_target

    def read(declaration: tuple[Any, ...], name: str = "own") -> Any:
        class Declared:
            RETURN_TYPES = ("IMAGE",)
            FUNCTION = "give"

            @classmethod
            def INPUT_TYPES(cls) -> dict[str, Any]:
                return {"required": {"own": declaration}}

        monkeypatch.setitem(comfy.nodes.NODE_CLASS_MAPPINGS, "TestDeclared", Declared)
        return read_target({"1": node("TestDeclared")}, "1", name)

    return read


def test_a_choice_that_brings_inputs_of_its_own_is_a_choice(declared):
    from steer.nodes.sweep.graph.targets import fit_value

    options = [{"key": "by factor", "inputs": {}}, {"key": "by size", "inputs": {"required": {"width": ["INT", {}]}}}]
    target = declared(("COMFY_DYNAMICCOMBO_V3", {"options": options}))
    assert target.options == ("by factor", "by size")
    assert fit_value("BY SIZE", target) == "by size"
    with pytest.raises(ValueError, match=r"ComfyUI has no .by sise.\. Nearest are: by size"):
        fit_value("by sise", target)


@pytest.mark.parametrize(
    ("declaration", "kind", "options"),
    [
        ((["a", "b"],), "COMBO", ("a", "b")),
        (("COMBO", {"options": ["a", "b"]}), "COMBO", ("a", "b")),
        (("COMBO", {"options": ["a"], "remote": {"route": "/x"}}), "COMBO", None),
        (("FLOAT", {"min": 0.0, "max": 1.0}), "FLOAT", None),
    ],
)
def test_declarations(declared, declaration: tuple[Any, ...], kind: str, options: Any):
    target = declared(declaration)
    assert (target.kind, target.options) == (kind, options)


def test_an_input_that_is_not_declared_takes_anything(declared):
    assert declared(("INT", {}), "own.width").kind == "*"
