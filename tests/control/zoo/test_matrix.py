"""The matrix of nodes and families: a sample of it. `python run.py report families` makes the whole."""

from __future__ import annotations

from typing import Any

import pytest
from zoo.families import BY_NAME, FAMILIES
from zoo.matrix.table import CHECKS, draw_table
from zoo.matrix.verdict import ABSENT, EQUAL, WRONG, Check, Verdict

pytestmark = pytest.mark.slow
# Each node once, the families in turn.
SAMPLE = [(check, FAMILIES[number % len(FAMILIES)].name) for number, check in enumerate(CHECKS)]


@pytest.mark.parametrize(("check", "family"), SAMPLE, ids=lambda value: getattr(value, "node", value))
def test_a_node_keeps_its_promise(comfy: Any, check: Check, family: str):
    verdict = check.verdict(comfy, BY_NAME[family])
    assert verdict.word != WRONG, verdict.note


def test_a_broken_promise_is_seen(comfy):
    def fail(comfy: Any, family: Any) -> Verdict:
        raise KeyError("pooled_output")

    assert Check("Node", "", fail).verdict(comfy, FAMILIES[0]) == Verdict(WRONG, "KeyError: 'pooled_output'")


def test_the_table():
    check = Check("Node", "promise", lambda comfy, family: Verdict(EQUAL))
    cells = {("Node", "SDXL"): Verdict(EQUAL), ("Node", "Wan 2.1"): Verdict(ABSENT, "no net")}
    assert draw_table(cells, [check], [BY_NAME["SDXL"], BY_NAME["Wan 2.1"]]) == [
        "| node | what is checked | SDXL | Wan 2.1 |",
        "|---|---|---|---|",
        "| **Node** | promise | equal | absent |",
        "",
        "- Node, Wan 2.1: no net",
    ]
