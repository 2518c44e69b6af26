"""One picture, two pictures."""

from __future__ import annotations

from steer.nodes.text.plural import count_things


def test_one_is_singular_and_all_else_plural():
    assert [count_things(number, "picture") for number in (0, 1, 2, 1000)] == [
        "0 pictures",
        "1 picture",
        "2 pictures",
        "1,000 pictures",
    ]
    assert count_things(1, "batch") == "1 batch"
    assert count_things(3, "batch") == "3 batches"
