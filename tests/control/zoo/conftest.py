"""What the tests on the zoo share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from zoo.bench import Bench
from zoo.controls import Kind
from zoo.patches import PatchKind


@pytest.fixture
def bench(comfy) -> Callable[[Kind | PatchKind], Bench]:
    """A bench for a kind of the zoo."""

    def make(kind: Kind | PatchKind) -> Bench:
        return Bench(comfy, kind, kind.build(1), kind.family.model())

    return make
