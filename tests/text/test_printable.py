"""Whatever text comes, what Steer says of it can be printed: in errors, in logs, in labels."""

from __future__ import annotations

import io
import json
import logging
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steer.nodes.axis import Axis
from steer.nodes.text.error import TextError
from steer.nodes.text.nearest import find_nearest_names
from steer.nodes.text.printable import MAX_MESSAGE, get_log, is_printable, printable, raises_printable

ANY = st.text(st.characters(exclude_categories=()), max_size=40)


@given(ANY)
def test_any_text_becomes_printable_once_and_for_all(text: str):
    found = printable(text)
    assert found.encode().decode() == found
    assert is_printable(found)
    assert printable(found) == found
    assert not any(letter < " " and letter not in "\n\t" for letter in found)


def test_what_can_be_printed_stays_and_halves_that_fit_are_joined():
    assert (
        printable("\uc6c3\ub294 \U0001f468\u200d\U0001f469 a\tb\r\nc")
        == "\uc6c3\ub294 \U0001f468\u200d\U0001f469 a\tb\nc"
    )
    assert printable("\ud83d\ude00") == "\U0001f600"
    assert printable("a\ud83d \x1b[31m\r\u202e\x9b") == "a\\ud83d \\x1b[31m\\x0d\\u202e\\x9b"
    assert printable("x" * 1000, 100).startswith("x" * 75 + " ... (900 letters left out) ... x")


class Stubborn(Exception):
    """Says what no one can change."""

    def __str__(self) -> str:
        return "stubborn \ud83d"


@pytest.mark.parametrize(
    "error",
    [
        ValueError("cut \ud83d"),
        TextError("cut \ud83d here", 4, "no seed"),
        OSError(2, "cut \ud83d", "file\ud83d.png"),
        KeyError("cut \ud83d"),
        Stubborn(),
        RuntimeError("x" * 10**6),
        UnicodeEncodeError("utf-8", "cut \ud83d", 4, 5, "surrogates not allowed"),
    ],
)
def test_an_error_leaves_with_all_it_came_from_printable(error: Exception):
    @raises_printable
    def fail() -> None:
        try:
            raise ValueError("before \ud83d")
        except ValueError:
            raise error from KeyError("cause \ud83d")

    with pytest.raises(Exception) as caught:
        fail()
    found = "".join(traceback.format_exception(caught.value))
    assert is_printable(found)
    assert is_printable(str(caught.value))
    assert len(str(caught.value)) < 2 * MAX_MESSAGE


def test_a_log_of_strict_letters_takes_every_record():
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="strict", write_through=True)
    handler = logging.StreamHandler(out)
    log = get_log("steer.tests.printable")
    log.addHandler(handler)
    log.propagate = False
    try:
        try:
            raise ValueError("cut \ud83d")
        except ValueError:
            log.warning("the cell '%s' failed: %s", "a\ud83d", "\x1b[31m", exc_info=True)
    finally:
        log.removeHandler(handler)
    found = out.buffer.getvalue().decode()
    assert "the cell 'a\\ud83d' failed: \\x1b[31m" in found
    assert "ValueError: cut \\ud83d" in found


def test_labels_are_printable_and_an_error_points_at_its_place():
    assert Axis("prompt", ("a",), ("cut \ud83d",)).labels == ("cut \\ud83d",)
    error = TextError("1, \ud83d", 3, "no seed")
    assert (str(error), error.position) == ("text, character 4 ('\\ud83d'): no seed", 3)
    assert json.dumps(str(error)).isascii()


def test_the_nearest_names_cost_no_more_than_their_length():
    names = [f"model {number} of many" for number in range(20_000)]
    assert find_nearest_names("MODEL 77 of many", names, 1) == ["model 77 of many"]
    assert len(find_nearest_names("x" * 10**6, ["y" * 10**6, "z"], 3)) == 2
    assert find_nearest_names("a", [], 3) == []
