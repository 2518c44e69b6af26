"""What the tests of Sweep Graph share: a running ComfyUI."""

from __future__ import annotations

import pytest
from graph_lab import GraphLab


@pytest.fixture
def lab(server, client) -> GraphLab:
    return GraphLab(server, client)
