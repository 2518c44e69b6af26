"""What the report of layouts counts as a fault, on boxes made for it, and how tall a note is."""

from __future__ import annotations

from typing import Any

from layout import find_faults
from steer.workflows.source.notes import height_of_note
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


# Width of a note and its height below the title in Nodes 2.0 of the frontend 1.45.21, in pixels.
NOTES = {
    "## How do I change the mood, the place, or both?\n\nSteer makes **every combination**.\n": (284, 124),
    "**Try next**\n- **Picture**: another one. Where nobody is in it, there are no joints\n- **Prompt**: other words; "
    "**KSampler**: another `seed`\n": (284, 164),
    "## How do I change the face alone?\n\nWith a **mask**: only inside it the picture is new.\n\n"
    "**Look at** the heat maps: black is what stayed. What the prompt does not say, such as the colour of the eyes, "
    "may\nchange.\n\n**Try next**\n- **Face Mask**: `region` *mouth*: the eyes stay, too\n"
    "- **Load Image** in place of **Demo Picture**\n": (456, 245),
}


def test_a_note_has_room_for_its_text_and_at_most_a_line_more():
    for text, (width, height) in NOTES.items():
        assert 0 <= height_of_note(text, width) - height <= 23, text
    more = "A word more and a word more. " * 4
    assert height_of_note(more + more, 284) > height_of_note(more, 284)
    assert height_of_note(more, 284) > height_of_note(more, 568)
