"""What the report of layouts counts as a fault, on boxes made for it."""

from __future__ import annotations

from typing import Any

from layout import find_faults
from wires import count_crossings

GROUP = [0.0, 0.0, 140.0, 160.0]


def node(name: str, x: float, y: float, width: float = 100, height: float = 50, **more: bool) -> dict[str, Any]:
    return {"name": name, "box": [x, y, width, height], "deprecated": False, "red": False} | more


def faults(*nodes: dict[str, Any], groups: tuple[list[float], ...] = ()) -> list[str]:
    named = [{"name": f"group {i}", "box": box, "title": 34} for i, box in enumerate(groups)]
    return find_faults({"nodes": list(nodes), "groups": named})


def test_what_lies_apart_is_no_fault():
    assert faults(node("a", 20, 50), node("b", 20, 100), groups=([0, 0, 140, 160], [200, 0, 50, 50])) == []
    assert faults(node("a", 300, 0), groups=(GROUP,)) == [], "outside of a group"


def test_each_kind_of_fault_is_named():
    assert faults(node("a", 0, 0), node("b", 90, 40)) == ["a and b overlap, 10 x 10"]
    assert faults(node("a", -20, 50), groups=(GROUP,)) == ["a is 20 past the left edge of the group group 0"]
    assert faults(node("a", 60, 50), groups=(GROUP,)) == ["a is 20 past the right edge of the group group 0"]
    assert faults(node("a", 20, 10), groups=(GROUP,)) == ["a is 24 past the title of the group group 0"]
    assert faults(node("a", 20, 130), groups=(GROUP,)) == ["a is 20 past the lower edge of the group group 0"]
    assert faults(groups=([0, 0, 100, 100], [90, 0, 100, 100])) == ["the groups group 0 and group 1 overlap, 10 x 100"]
    assert faults(node("a", 0, 0, deprecated=True)) == ["a is deprecated"]
    assert faults(node("a", 0, 0, red=True)) == ["a is red"]


def wire(origin: str, *ends: float) -> dict[str, Any]:
    return {"from": origin, "ends": list(ends)}


def test_crossing_wires_are_counted():
    above, below = wire("1 0", 0, 0, 200, 0), wire("2 0", 0, 100, 200, 100)
    assert count_crossings([above, below]) == 0
    down, up = wire("3 0", 0, 0, 200, 100), wire("4 0", 0, 100, 200, 0)
    assert count_crossings([down, up]) == 1
    assert count_crossings([down, up | {"from": "3 0"}]) == 0, "one output, one wire"
    back = wire("5 0", 300, 42, -100, 42)
    assert count_crossings([back, down, up]) == 3, "back through both, which cross each other"
    steep = [wire("6 0", 0, 0, 20, 800), wire("7 0", 0, 30, 20, 830)]
    assert count_crossings(steep) == 1, "steep curves swing out to the right, and one swings through the other"
