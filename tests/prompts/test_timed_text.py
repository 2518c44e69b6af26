"""The grammar of timed prompts, and which text belongs to which step."""

from __future__ import annotations

from itertools import pairwise

import pytest
from fuzz import TEXTS
from hypothesis import example, given, settings
from hypothesis import strategies as st
from steer.nodes.prompts.timed import Segment, last_step_of_fraction, segments, text_at
from steer.nodes.prompts.timed_parse import (
    MAX_DEPTH,
    Alternate,
    Prompt,
    Switch,
    join_parts,
    parse_timed,
    retime,
    switches,
    write_timed,
)
from steer.nodes.text.error import TextError


def at_steps(text: str, steps: int = 10) -> list[tuple[int, int, str]]:
    found = segments(parse_timed(text), steps, lambda when: last_step_of_fraction(when, steps))
    return [(part.first, part.last, part.text) for part in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a girl", [(1, 10, "a girl")]),
        ("", [(1, 10, "")]),
        ("[smiling:angry:0.4] girl", [(1, 4, "smiling girl"), (5, 10, "angry girl")]),
        ("girl[, hat:0.4]", [(1, 4, "girl"), (5, 10, "girl, hat")]),
        ("girl[, hat::.4]", [(1, 4, "girl, hat"), (5, 10, "girl")]),
        ("[a:b: 3 ]", [(1, 3, "a"), (4, 10, "b")]),
        ("[a:b:1]", [(1, 1, "a"), (2, 10, "b")]),
        ("[a:b:1.0]", [(1, 10, "a")]),
        ("[a:b:0.05]", [(1, 10, "b")]),
        ("[a:b:99]", [(1, 10, "a")]),
        ("[a|b]", [(i, i, "ab"[(i - 1) % 2]) for i in range(1, 11)]),
        ("[[a|b|]:c:0.3]", [(1, 1, "a"), (2, 2, "b"), (3, 3, ""), (4, 10, "c")]),
        ("[[a:b:.2]:[c:d:.8]:.5]", [(1, 2, "a"), (3, 5, "b"), (6, 8, "c"), (9, 10, "d")]),
        ("[a:b:.5] [c:d:.5]", [(1, 5, "a c"), (6, 10, "b d")]),
        ("[a:a:.5]", [(1, 10, "a")]),
        ("([a:b:0.5]:1.3)", [(1, 5, "(a:1.3)"), (6, 10, "(b:1.3)")]),
        ("[(a:1.2):(b|c):0.5]", [(1, 5, "(a:1.2)"), (6, 10, "(b|c)")]),
        ("[{x|y:z} a:b:0.5]", [(1, 5, "{x|y:z} a"), (6, 10, "b")]),
        ("[soft] {a|b} (c:1.1) d:e", [(1, 10, "[soft] {a|b} (c:1.1) d:e")]),
        ("[so [a:b:.5] ft]", [(1, 5, "[so a ft]"), (6, 10, "[so b ft]")]),
        (r"\[a:b:0.5\] \(x\) \:", [(1, 10, r"[a:b:0.5] \(x\) \:")]),
        (r"[a\:\|\]\(:b:0.5]", [(1, 5, r"a:|]\("), (6, 10, "b")]),
        ("a // [b:c:0.5]\nd /* [ */", [(1, 10, "a \nd ")]),
    ],
)
def test_every_form_means_what_it_does_in_a1111(text: str, expected: list[tuple[int, int, str]]):
    assert at_steps(text) == expected


def test_a_fraction_of_steps_is_a1111s_but_for_its_rounding():
    assert last_step_of_fraction("0.4", 20) == 8
    differing = [
        (when, steps)
        for when in range(100)
        for steps in range(1, 101)
        if last_step_of_fraction(f"{when / 100:.2f}", steps) != int(float(f"{when / 100:.2f}") * steps)
    ]
    assert (29, 100) in differing
    assert all(when * steps % 100 == 0 for when, steps in differing), "only where it is a whole number of steps"


@pytest.mark.parametrize(
    ("text", "position", "fault"),
    [
        ("a [b:c:0.4", 2, "is not closed"),
        ("a [b [c:d:.4]", 2, "is not closed"),
        ("a] b", 1, "closes none"),
        ("[a:b]", 3, "the time of the switch belongs here"),
        ("[a:b:]", 5, "the time of the switch belongs here"),
        ("[a:b:0.4x]", 5, "the time of the switch belongs here"),
        ("[a:b:-0.4]", 5, "the time of the switch belongs here"),
        ("[a:b:\uff11]", 5, "the time of the switch belongs here"),
        ("[a:b:[c|d]]", 5, "the time of the switch belongs here"),
        ("[a:b:0." + "1" * 5000 + "]", 5, "the time of the switch belongs here"),
        ("[a:b:1.5]", 5, "at most 1.0"),
        ("[a:b:c:0.4]", 6, "one colon too many"),
        ("[a|b:0.4]", 4, "are mixed"),
        ("[a:b|c:0.4]", 4, "are mixed"),
        ("[::0.4]", 6, "nothing to switch"),
        ("[:0.4]", 5, "nothing to switch"),
        ("[(a:b:0.4]", 1, "'(' is not closed before"),
        ("[a):b:0.4]", 2, "')' closes nothing"),
        ("[({a)}:b:0.4]", 4, "')' closes nothing"),
        ("/* [ */ [x", 8, "is not closed"),
        ("[" * (MAX_DEPTH + 1), MAX_DEPTH, "nested more than 50 deep"),
        ("[" * 100_000, MAX_DEPTH, "nested more than 50 deep"),
    ],
)
def test_faults_point_at_the_character(text: str, position: int, fault: str):
    with pytest.raises(TextError) as caught:
        parse_timed(text)
    assert caught.value.position == position
    assert fault in str(caught.value)
    assert len(str(caught.value)) < 250


def test_the_deepest_prompt_works():
    text = "[" * MAX_DEPTH + "a" + ":0.5]" * MAX_DEPTH
    assert at_steps(text) == [(1, 5, ""), (6, 10, "a")]


def outcome(text: str) -> tuple[Prompt, TextError | None]:
    try:
        return parse_timed(text), None
    except TextError as error:
        return (), error


@settings(max_examples=TEXTS, deadline=None)
@given(
    st.text(alphabet="[]:|ab(){}\\/*\n .4", max_size=40)
    | st.lists(st.sampled_from(["[", "]", ":", "|", "0.4", ":0.4]", "a", "(b:1.2)", "{c|d}", "\\", "3"])).map("".join)
    | st.text(max_size=40)
)
@example("\\/**/[a:b:0.4]")
@example("/" + "/**/" + "/a")
@example("[\\\\[:a:0.4]")
def test_any_text_parses_and_round_trips_or_is_refused_at_a_place(text: str):
    prompt, error = outcome(text)
    if error is not None:
        assert 0 <= error.position <= len(text)
        assert str(error).startswith("text, ")
        return
    assert parse_timed(write_timed(prompt)) == prompt
    assert segments(prompt, 3, lambda when: last_step_of_fraction(when, 3))[-1].last == 3


letters = st.text(alphabet="ab :|[]\uc6c3", min_size=1, max_size=4)
times = st.sampled_from(["0.4", ".25", "1.0", "0.", "3", "0"])


def options(prompts: st.SearchStrategy[Prompt]) -> st.SearchStrategy[Prompt]:
    switch = st.builds(Switch, prompts, prompts, times).filter(lambda each: each.before or each.after)
    alternate = st.builds(Alternate, st.lists(prompts, min_size=2, max_size=3).map(tuple))
    return st.lists(letters | switch | alternate, max_size=3).map(join_parts)


prompts = st.recursive(st.lists(letters, max_size=2).map(join_parts), options, max_leaves=8)


@settings(max_examples=TEXTS, deadline=None)
@given(prompts, st.integers(1, 8))
def test_every_sentence_of_the_grammar_round_trips_and_resolves(prompt: Prompt, steps: int):
    assert parse_timed(write_timed(prompt)) == prompt
    last = {switch.when: last_step_of_fraction(switch.when, steps) for switch in switches(prompt)}
    found = segments(prompt, steps, lambda when: last_step_of_fraction(when, steps))
    by_step = [part.text for part in found for _ in range(part.first, part.last + 1)]
    assert by_step == [text_at(prompt, step, last) for step in range(1, steps + 1)]
    assert all(one.text != two.text and two.first == one.last + 1 for one, two in pairwise(found))


def test_retimed_moves_every_switch():
    prompt = parse_timed("x [a:[b:c:0.9]:0.1] [d|[e::3]] (f:1.2)")
    assert write_timed(retime(prompt, "0.4")) == "x [a:[b:c:0.4]:0.4] [d|[e::0.4]] (f:1.2)"
    for wrong in ("1.5", "soon", "-1", ""):
        with pytest.raises(ValueError, match="switch time"):
            retime(prompt, wrong)


def test_a_segment_is_one_step_or_several():
    assert segments(("a",), 1, lambda when: 0) == [Segment(1, 1, "a")]
