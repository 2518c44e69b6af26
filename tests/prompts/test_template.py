"""Prompt Template: slots, lists, and what is none of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fuzz import TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st
from steer.nodes.prompts.choices import LIST_MODES
from steer.nodes.prompts.comments import read_source
from steer.nodes.prompts.template import (
    MAX_PROMPTS,
    Slot,
    expand_template,
    note_commas,
    read_lists,
    read_template,
    write_lists,
    write_template,
)
from steer.nodes.text.error import TextError

HUNDRED = " | ".join(map(str, range(100)))
LISTS = "expression: smiling | angry\nplace: backstreet | meadows"


def test_product_and_zip():
    prompts, labels = expand_template("a girl, [[expression]], [[ Place ]]", LISTS, "product")
    assert prompts == [
        "a girl, smiling, backstreet",
        "a girl, smiling, meadows",
        "a girl, angry, backstreet",
        "a girl, angry, meadows",
    ]
    assert labels == ["smiling, backstreet", "smiling, meadows", "angry, backstreet", "angry, meadows"]
    prompts, labels = expand_template("[[place]]: a girl, [[expression]]", LISTS, "zip")
    assert prompts == ["backstreet: a girl, smiling", "meadows: a girl, angry"]
    assert labels == ["smiling, backstreet", "angry, meadows"]


def test_values_below_a_name_have_lines_or_commas_between_them():
    lists = (
        "mood:\nsmiling, angry,\n(sad, tired:1.2)\nplace: beach | at night, snow\nlight :\nsoft\\, warm | [dim:red:.4]"
    )
    assert [(each.slot.name, each.values) for each in read_lists(lists)] == [
        ("mood", ("smiling", "angry", "(sad, tired:1.2)")),
        ("place", ("beach", "at night, snow")),
        ("light", ("soft, warm", "[dim:red:.4]")),
    ]


def test_a_single_value_with_commas_stays_one_and_is_noted():
    lists = "mood: smiling, angry\nplace: beach"
    assert read_lists(lists)[0].values == ("smiling, angry",)
    assert note_commas(lists) == (
        "lists: 'smiling, angry' is one value of 'mood', with its comma. For 2 values, put bars between them, or write "
        "them below 'mood:', one in each line."
    )
    assert note_commas("mood: smiling, angry | sad") == note_commas("mood: (smiling, sad:1.1)") == ""


def test_labels_leave_out_what_never_changes():
    assert expand_template("[[a]] [[b]] [[a]]", "a: x\nb: y | z", "product") == (["x y x", "x z x"], ["y", "z"])
    assert expand_template("[[a]]", "a: x", "zip") == (["x"], ["x"])


def test_braces_brackets_and_comments_keep_their_meaning():
    template = "{red|[[colour]]} [soft] [[cow|horse]] [[a:b:0.3]:c:0.7] // not [[this]]\n/* nor [[that]] */[[colour]]"
    lists = "colour: {dark|light} blue // | none\n  | [red:green:0.4] | [a|b]"
    prompts, labels = expand_template(template, lists, "product")
    assert labels == ["{dark|light} blue", "[red:green:0.4]", "[a|b]"]
    assert prompts[1] == "{red|[red:green:0.4]} [soft] [[cow|horse]] [[a:b:0.3]:c:0.7] \n[red:green:0.4]"


@pytest.mark.parametrize(
    ("template", "lists", "mode", "position", "fault"),
    [
        ("a girl", LISTS, "product", 0, "there is no slot"),
        ("", LISTS, "product", 0, "there is no slot"),
        ("a [[]] b", LISTS, "product", 2, "has no name"),
        ("a [[place] b", LISTS, "product", 2, "Write [[place]]"),
        ("a /* x */ [[place", LISTS, "product", 10, "Write [[place]]"),
        ("[[expression]] [[plase]]", LISTS, "product", 15, "has no list. The nearest is 'place'"),
        ("[[expression]]", LISTS, "product", 28, "no such slot. The nearest is 'expression'"),
        ("[[a]]", "", "product", 0, "there is no list"),
        ("[[a]]", "a: x\nmeadows", "product", 5, "begins with the name"),
        ("[[a]]", ": x", "product", 0, "begins with the name"),
        ("[[a]]", "| x", "product", 0, "but there is none"),
        ("[[a]]", "a: x\nA: y", "product", 5, "has a list already"),
        ("[[a]]", "a: x || y", "product", 6, "a value is missing"),
        ("[[a]]", "a:", "product", 2, "a value is missing"),
        ("[[a]]", "a:\nb: x", "product", 2, "Write one in each line, or put commas between them."),
        ("[[a]]", "a:\nx\nx", "product", 5, "is in the list of 'a' already"),
        ("[[a]]", "a: x | x", "product", 6, "is in the list of 'a' already"),
        ("[[a]]", "a: {x | y", "product", 3, "is not closed in the same line"),
        ("[[a]]", "a: x} | y", "product", 4, "closes none"),
        ("[[a]]", "a: [x} | y", "product", 5, "closes none"),
    ],
)
def test_faults_point_at_the_character(template: str, lists: str, mode: str, position: int, fault: str):
    with pytest.raises(TextError) as caught:
        expand_template(template, lists, mode)
    assert caught.value.position == position
    assert fault in str(caught.value)


def test_the_place_is_named_by_line():
    with pytest.raises(TextError, match=r"lists, line 2, character 3 \('\| y'\)"):
        read_lists("a: x\nb:| y")


@pytest.mark.parametrize(
    ("lists", "mode", "fault"),
    [
        ("a: x | y\nb: z", "zip", "these have: a 2, b 1"),
        ("a: x\nb: z", "cross", "'cross' is not known"),
        (f"a: {HUNDRED}\nb: {HUNDRED}", "product", "10,000 prompts; the limit is 4,096"),
        ("a: 1 | 11\nb: 1 | 11", "product", "'1, 11' and '11, 1' make the same prompt"),
    ],
)
def test_lists_that_do_not_fit(lists: str, mode: str, fault: str):
    with pytest.raises(ValueError, match=fault.replace("(", r"\(")):
        expand_template("[[a]][[b]]", lists, mode)


def outcome(function: Callable[..., Any], *inputs: str) -> tuple[Any, Any]:
    """What the function returned, or the ValueError that it raised."""
    try:
        return function(*inputs), None
    except ValueError as error:
        return None, error


grammar = st.text(alphabet="[]{}|:ab /*\n\\.4\uc6c3", max_size=30)


@settings(max_examples=TEXTS, deadline=None)
@given(grammar | st.lists(st.sampled_from(["[[a]]", "[[ b ]]", "[[", "]", "x", "{a|b}", "// ", "\n"])).map("".join))
def test_templates_round_trip_or_are_refused_at_a_place(text: str):
    parts, error = outcome(read_template, text)
    if error is not None:
        assert 0 <= error.position <= len(text)
        assert "template, " in str(error)
        return
    for part in parts:
        if isinstance(part, Slot):
            assert text.startswith("[[", part.position) or "/" in text
    written = write_template(parts)
    assert "".join(written.split()) == "".join(read_source("template", text).text.split())
    names = [part.name if isinstance(part, Slot) else part for part in parts]
    again = [part.name if isinstance(part, Slot) else part for part in read_template(written)]
    assert again == names


@settings(max_examples=TEXTS, deadline=None)
@given(grammar | st.lists(st.sampled_from(["a: ", "b:", "x", " | ", "{a|b}", "\n", "[c:d:.4]", "e"])).map("".join))
def test_lists_round_trip_or_are_refused_at_a_place(text: str):
    lists, error = outcome(read_lists, text)
    if error is not None:
        assert 0 <= error.position <= len(text)
        return
    again = read_lists(write_lists(lists))
    assert [(each.slot.name, each.values) for each in again] == [(each.slot.name, each.values) for each in lists]


@settings(max_examples=TEXTS, deadline=None)
@given(grammar, grammar, st.sampled_from(LIST_MODES))
def test_any_text_expands_or_is_refused(template: str, lists: str, mode: str):
    found, error = outcome(expand_template, f"[[a]]{template}", f"a: x | y\n{lists}", mode)
    if error is not None:
        assert str(error).startswith(("template", "lists"))
        return
    prompts, labels = found
    assert 1 <= len(prompts) == len(labels) <= MAX_PROMPTS
    assert len(set(prompts)) == len(prompts)
