"""One family that does not import, or one node whose schema is wrong, hides no other."""

from __future__ import annotations

import asyncio
import logging
import sys
import types

import pytest


@pytest.fixture
def families(comfy, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package of three families: a good one, one that does not import, one with a faulty node beside a good one."""
    from steer.nodes.api import io

    def node(name: str, *, faulty: bool = False) -> type[io.ComfyNode]:
        class Node(io.ComfyNode):
            @classmethod
            def define_schema(cls) -> io.Schema:
                if faulty:
                    raise RuntimeError("no schema today")
                return io.Schema(node_id=name, inputs=[], outputs=[])

            @classmethod
            def execute(cls) -> io.NodeOutput:
                return io.NodeOutput()

        Node.__name__ = name
        return Node

    package = types.ModuleType("fakefamilies")
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "fakefamilies", package)
    for family, found in {"good": [node("Good")], "mixed": [node("Faulty", faulty=True), node("Sound")]}.items():
        parent, module = types.ModuleType(f"fakefamilies.{family}"), types.ModuleType(f"fakefamilies.{family}.nodes")
        parent.__path__ = []
        module.__dict__["NODES"] = found
        monkeypatch.setitem(sys.modules, parent.__name__, parent)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return "fakefamilies"


def test_a_fault_is_reported_by_name_and_hides_no_other(families: str, caplog: pytest.LogCaptureFixture):
    from steer.nodes.collect import load_families

    with caplog.at_level(logging.ERROR):
        nodes = load_families(["missing", "good", "mixed"], families)
    assert [node.GET_SCHEMA().node_id for node in nodes] == ["Good", "Sound"]
    assert "'missing' could not be loaded" in caplog.text
    assert "'Faulty' of family 'mixed' has a faulty schema" in caplog.text


def test_the_entry_point_gives_comfyui_every_node(comfy):
    import steer

    extension = asyncio.run(steer.comfy_entrypoint())
    listed = asyncio.run(extension.get_node_list())
    assert {node.GET_SCHEMA().node_id for node in listed} == {
        i for i in comfy.nodes.NODE_CLASS_MAPPINGS if i.startswith("Steer")
    }
    assert listed


def test_what_is_no_text_and_no_number_is_refused_with_its_name(comfy):
    for named, words in (
        ({"kind": {}, "text": "4"}, "kind: {} is no text"),
        ({"kind": "cfg", "text": float("nan")}, "text: nan is no text"),
    ):
        with pytest.raises(ValueError, match=f"^{words}"):
            comfy.call("SteerValueAxis", **named)
    with pytest.raises(ValueError, match=r"^denoise: nan is no number"):
        comfy.call("SteerNoiseSchedule", denoise=float("nan"))
