"""How many cells a Sweep and a Sweep Graph take."""

from __future__ import annotations

import pytest
from steer.nodes.axis import seed_axis
from steer.nodes.sweep.choices import MAX_CELLS
from steer.nodes.sweep.plan.cells import check_count


@pytest.mark.parametrize(
    ("count", "max_cells", "advice"),
    [
        (257, 256, "Use fewer values or raise it."),
        (MAX_CELLS, 256, "Use fewer values or raise it."),
        (100_000, MAX_CELLS, "Use fewer values."),
    ],
)
def test_max_cells_is_not_to_be_raised_above_what_it_takes(count: int, max_cells: int, advice: str):
    fault = f"max_cells: {count} (seed) = {count:,} cells, more than {max_cells:,}. {advice}"
    with pytest.raises(ValueError, match=f"^{fault.replace('(', '[(]').replace(')', '[)]')}$"):
        check_count([seed_axis(range(count))], max_cells)
    check_count([seed_axis(range(max_cells))], max_cells)
