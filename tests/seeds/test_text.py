"""The language of seed lists."""

from __future__ import annotations

import re

import pytest
from fuzz import TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st
from steer.nodes.axis import Axis, seed_axis
from steer.nodes.seeds.text import MAX_SEED, MAX_SEEDS, RANDOM_BITS, format_seeds, parse_seeds, random_seeds
from steer.nodes.text.error import TextError

seeds = st.integers(0, MAX_SEED)
spaces = st.sampled_from(["", " ", "  ", "\t"])


@st.composite
def items(draw) -> tuple[str, list[int]]:
    """One item of the grammar and the seeds it means."""
    kind = draw(st.sampled_from(["seed", "range", "random"]))
    if kind == "seed":
        seed = draw(seeds)
        return f"{'0' * draw(st.integers(0, 3))}{seed}", [seed]
    if kind == "range":
        count, step = draw(st.integers(1, 40)), draw(st.integers(1, 1000))
        first = draw(st.integers(0, MAX_SEED - count * step))
        last = first + (count - 1) * step + draw(st.integers(0, step - 1))
        gap = draw(spaces)
        text = f"{first}{gap}{draw(st.sampled_from(['-', '..']))}{gap}{last}"
        text += f"{gap}(+{gap}{step}{gap})" if step > 1 or draw(st.booleans()) else ""
        return text, list(range(first, last + 1, step))
    count, source = draw(st.integers(1, 20)), draw(seeds)
    word = draw(st.sampled_from(["random {} from {}", "RANDOM  {}  From {}"]))
    return word.format(count, source), list(random_seeds(count, source))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1-\n5", "line 1, character 3 (the end of the line)"),
        ("1-\n", "line 1, character 3 (the end)"),
        ("1-", "character 3 (the end)"),
        ("7,\n8,\n9, x", "line 3, character 4 ('x')"),
    ],
)
def test_an_error_names_the_line_and_the_end_of_a_line(text: str, place: str):
    with pytest.raises(TextError, match=rf"^text, {re.escape(place)}: expected "):
        parse_seeds(text)


@settings(max_examples=TEXTS, deadline=None)
@given(st.lists(items(), min_size=1, max_size=6), st.data())
def test_every_sentence_of_the_grammar_means_its_seeds(parts: list[tuple[str, list[int]]], data: st.DataObject):
    expected = [seed for _, values in parts for seed in values]
    text = data.draw(spaces)
    for number, (part, _) in enumerate(parts):
        text += part
        if number < len(parts) - 1:
            text += data.draw(st.sampled_from([",", ", ", " ,\n", "\n", "\r\n\n"]))
    if len(set(expected)) == len(expected):
        assert parse_seeds(text + data.draw(spaces)) == expected
    else:
        with pytest.raises(TextError, match="already in the list"):
            parse_seeds(text)


@settings(max_examples=TEXTS, deadline=None)
@given(st.lists(seeds, min_size=1, max_size=30, unique=True))
def test_written_out_seeds_read_back(values: list[int]):
    assert parse_seeds(format_seeds(values)) == values


def outcome(text: str) -> tuple[list[int], TextError | None]:
    try:
        return parse_seeds(text), None
    except TextError as error:
        return [], error


@settings(max_examples=TEXTS, deadline=None)
@given(st.text(alphabet="0123456789 ,.-()+\nrandomfe\u0664\uff11\x00", max_size=40) | st.text(max_size=40))
def test_any_other_text_is_refused_at_a_place_in_it(text: str):
    found, error = outcome(text)
    if error is not None:
        assert 0 <= error.position <= len(text)
        in_line = error.position - text.rfind("\n", 0, error.position)
        assert f"character {in_line} (" in str(error)
    else:
        assert 1 <= len(found) <= MAX_SEEDS
        assert len(set(found)) == len(found)
        assert all(0 <= seed <= MAX_SEED for seed in found)


@pytest.mark.parametrize(
    ("text", "position", "fault"),
    [
        ("", 0, "no seed here"),
        (" \n ", 0, "no seed here"),
        ("5, -3", 3, "cannot be negative"),
        ("1--3", 2, "cannot be negative"),
        ("18446744073709551616", 0, "too large"),
        ("1, 9" + "9" * 5000, 3, "too large"),
        ("4, 1-8", 3, "the seed 4 is already in the list"),
        ("3, 3", 3, "the seed 3 is already in the list"),
        ("1-1000000", 0, "makes 1,000,000 seeds; the limit is 4,096"),
        ("1, 2-4097", 3, "makes 4,097 seeds; the limit is 4,096"),
        ("0-18446744073709551615", 0, "the limit is 4,096"),
        ("random 5000 from 1", 0, "the limit is 4,096"),
        ("1,,2", 1, "nothing follows this comma"),
        ("1, 2,", 4, "nothing follows this comma"),
        (",1", 0, "expected a seed"),
        ("1 2", 2, "comma between them"),
        ("1.5", 1, "comma between them"),
        ("7x", 1, "comma between them"),
        ("1, seven", 3, "expected a seed"),
        ("\uff11", 0, "expected a seed"),
        ("8-1", 0, "Write 1-8"),
        ("1-", 2, "expected the last seed of the range"),
        ("1-9(2)", 4, "written as (+10)"),
        ("1-9(+0)", 5, "step of 0"),
        ("1-9(+2", 6, "bracket"),
        ("random 4", 8, "random 4 from 7"),
        ("random from 7", 7, "expected how many"),
        ("random 0 from 7", 0, "zero random seeds"),
        ("random 4 from", 13, "expected the seed to draw from"),
    ],
)
def test_faults_say_where_and_what(text: str, position: int, fault: str):
    with pytest.raises(TextError) as caught:
        parse_seeds(text)
    assert caught.value.position == position
    assert fault in str(caught.value)
    assert len(str(caught.value)) < 300


def test_the_largest_seed_and_the_longest_list_work():
    assert parse_seeds("18446744073709551615") == [MAX_SEED]
    assert parse_seeds("0-4095") == list(range(MAX_SEEDS))


def test_random_seeds_can_be_drawn_again_and_added_to():
    # The values are part of saved workflows: they must never change.
    assert parse_seeds("random 4 from 7") == [1390851128, 4071050724, 647892279, 1695753998]
    assert parse_seeds("random 6 from 7")[:4] == parse_seeds("random 4 from 7")
    assert all(0 <= seed < 2**RANDOM_BITS for seed in parse_seeds("random 4096 from 1"))


def test_the_axis_is_labelled_with_its_seeds():
    assert seed_axis([3, 7]) == Axis("seed", (3, 7), ("seed 3", "seed 7"))
    with pytest.raises(ValueError, match="no values"):
        Axis("seed", (), ())
    with pytest.raises(ValueError, match="2 values but 1 labels"):
        Axis("cfg", (1, 2), ("cfg 1",))
