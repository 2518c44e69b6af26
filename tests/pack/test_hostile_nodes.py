"""Hostile words in every widget of every node, through a real server: an error in words, and the next prompt runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hostile.nodes import hostile_prompt, steer_kinds, text_inputs, try_nodes

pytestmark = pytest.mark.server
SEED, INPUTS = 21, 120


def test_the_fuzzer_finds_nothing(server, client):
    info = client.get("/object_info")
    tried = try_nodes(server.url, info, range(INPUTS), SEED)
    assert tried.faults == []
    assert tried.inputs == INPUTS
    assert 0 < tried.ran < INPUTS
    log = Path(server.log).read_text(encoding="utf-8", errors="replace")
    assert "--- Logging error ---" not in log
    kinds = {hostile_prompt(info, SEED, number)["tried"]["class_type"] for number in range(INPUTS)}
    assert {kind for kind in steer_kinds(info) if text_inputs(info[kind])} <= kinds
