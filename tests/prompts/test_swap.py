"""Prompt Swap changes the words that it names, and nothing else."""

from __future__ import annotations

import re

import pytest
from fuzz import TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st
from steer.nodes.prompts.comments import read_source
from steer.nodes.prompts.swap import (
    MAX_SWAPS,
    WholePrompt,
    WordSwap,
    apply_swaps,
    find_nearest,
    note_commas,
    read_swaps,
    swap_labels,
)

GIRL, BOY = "\uc18c\ub140", "\uc18c\ub144"  # in Korean
LECTURE = (
    "gorgeous cute Austrian girl, (smiling:1.2), (crop top), Steel gray hair loose braided hair, comics printed shirt, "
    "oversized jogger pants, lean against the wall, backstreet"
)


def swap(prompt: str, find: str, word: str, **options: bool) -> str:
    return apply_swaps(prompt, read_swaps(find, word, False, **options))


@pytest.mark.parametrize(
    ("prompt", "find", "word", "expected"),
    [
        ("a girl, smiling, backstreet", "smiling", "angry", "a girl, angry, backstreet"),
        ("a girl, (smiling:1.2)", "smiling", "angry", "a girl, (angry:1.2)"),
        ("((smiling)), [smiling:sad:0.4]", "smiling", "angry", "((angry)), [angry:sad:0.4]"),
        (r"girl \(smiling\), Smiling", "smiling", "angry", r"girl \(angry\), angry"),
        ("smiling girls smile, smiling_face", "smiling", "sad", "sad girls smile, smiling_face"),
        ("(girl:1.2), 1 dog, 2 cats", "1", "3", "(girl:1.2), 3 dog, 2 cats"),
        ("(girl: 1.2 ), 2 cats", "2", "5", "(girl: 1.2 ), 5 cats"),
        ("a (crop top:1.1)", "crop top", "long coat", "a (long coat:1.1)"),
        ("a crop \n top", "crop top", "coat", "a coat"),
        ("a (crop top), x", "(crop top)", "(coat:1.3)", "a (coat:1.3), x"),
        ("a (smiling:1.2), x", "(smiling:1.2)", "angry", "a angry, x"),
        ("{smiling|happy} girl", "smiling", "angry", "{angry|happy} girl"),
        ("smiling // or smiling\ngirl /* smiling */ now", "smiling", "sad", "sad \ngirl  now"),
        ("cat, cats", "cat", r"a \1 $& dog", r"a \1 $& dog, cats"),
        # Korean: a word with an ending is another word; a vowel sign belongs to its letter, as in Hindi.
        (f"{GIRL}, {GIRL}\uac00", GIRL, BOY, f"{BOY}, {GIRL}\uac00"),
        ("\u0939\u0938 \u0939\u0938\u0940", "\u0939\u0938", "x", "x \u0939\u0938\u0940"),
    ],
)
def test_only_the_word_changes(prompt: str, find: str, word: str, expected: str):
    assert swap(prompt, find, word) == expected


def test_options():
    assert swap("Smile, smile", "smile", "cry", match_case=True) == "Smile, cry"
    assert swap("smiles, smile", "smile", "cry", whole_words=False) == "crys, cry"


def test_coupled_words_change_at_once():
    values = read_swaps("smiling, sunny", "angry, stormy\nsunny, smiling\nbored\\, tired, sunny")
    prompts = [apply_swaps("smiling girl, sunny day, (sunny:1.1)", [value]) for value in values]
    assert prompts == [
        "smiling girl, sunny day, (sunny:1.1)",
        "angry girl, stormy day, (stormy:1.1)",
        "sunny girl, smiling day, (smiling:1.1)",
        "bored, tired girl, sunny day, (sunny:1.1)",
    ]
    assert swap_labels(values) == ["smiling, sunny", "angry, stormy", "sunny, smiling", "bored, tired"]


def test_commas_of_a_single_line_stay_in_the_swap_and_are_noted():
    """Saved workflows mean the commas: their pictures stay, and the note says how to write two swaps."""
    assert swap("a girl, smiling", "smiling", "angry, sad") == "a girl, angry, sad"
    assert note_commas("smiling", "angry, sad // moods\n") == (
        "swaps: 'angry, sad' is one swap, with its comma. For 2 swaps, write one in each line. If the comma belongs to "
        "the prompt, write \\, in its place."
    )
    assert swap("a girl, smiling", "smiling", "angry\\, sad") == "a girl, angry, sad"
    clear = ("angry", "angry\nsad, tired", "(angry, tired:1.2)", "angry\\, sad", "angry,", "")
    assert [note_commas("smiling", swaps) for swaps in clear] == [""] * len(clear)
    assert note_commas("smiling, sunny", "angry, stormy") == ""


def test_longer_words_win_and_must_leave_some_of_the_shorter():
    assert swap("smiling girl, smiling dog", "smiling, smiling girl", "sad, boy") == "boy, sad dog"
    with pytest.raises(ValueError, match="'smiling' is in the prompt only as a part of"):
        swap("smiling girl", "smiling, smiling girl", "sad, boy")


def test_axes_multiply():
    moods, places = read_swaps("smiling", "angry\nbackstreet"), read_swaps("backstreet", "meadows")
    cells = [apply_swaps(LECTURE, [mood, place]) for mood in moods for place in places]
    assert cells[0] == LECTURE
    assert cells[5] == LECTURE.replace("backstreet", "meadows").replace("smiling", "backstreet")
    assert len(set(cells)) == 6
    assert apply_swaps("other", [WholePrompt("a smiling cat"), WordSwap(("smiling",), ("sad",))]) == "a sad cat"
    with pytest.raises(ValueError, match="two of them swap the word 'smiling'"):
        apply_swaps(LECTURE, [moods[0], moods[1]])
    with pytest.raises(ValueError, match="two of them give the whole prompt"):
        apply_swaps("", [WholePrompt("a"), WholePrompt("b")])


def test_labels_hold_what_changed_and_tell_values_apart():
    values = read_swaps("smiling, sunny", "angry, sunny\nsmiling, rainy\nsad, rainy")
    assert swap_labels(values) == ["smiling, sunny", "angry", "rainy", "sad, rainy"]
    values = read_swaps("smiling, sunny", "stormy, sunny\nsmiling, stormy")
    assert swap_labels(values) == ["smiling, sunny", "stormy, sunny", "smiling, stormy"]
    assert swap_labels(read_swaps("smiling", "smiling", False)) == ["smiling"]


@pytest.mark.parametrize(
    ("find", "swaps", "fault"),
    [
        ("smilling", "angry", "'smilling' is not in the prompt. Nearest are: 'smiling'"),
        ("crop tops", "coat", "Nearest are: 'crop top'"),
        ("back", "x", "as a part of a longer word: turn off whole_words"),
        ("1.2", "x", "'1.2' is not in the prompt"),
        ("", "angry", "find: it is empty"),
        (" , ", "angry", "find: it is empty"),
        ("smiling,", "angry", "a word is missing beside a comma"),
        ("smiling, smiling", "a, b", "'smiling' is there twice"),
        ("smiling", "", "swaps: there are none"),
        ("smiling", "// angry\n\n", "swaps: there are none"),
        ("smiling", "angry\n\nangry ", "swaps, line 3 ('angry'): this is the same as line 1"),
        ("smiling", "angry\nsmiling", "line 2 ('smiling'): this is the same as the original"),
        ("smiling, backstreet", "angry", "line 1 ('angry'): 1 words, but 2 to find"),
        ("smiling, backstreet", "angry, a, b", "3 words, but 2 to find"),
        ("smiling, backstreet", "angry,", "a word is missing beside a comma"),
        ("smiling", "\n".join(map(str, range(MAX_SWAPS + 1))), "more than 4,096 lines"),
    ],
)
def test_faults_say_what_to_do(find: str, swaps: str, fault: str):
    with pytest.raises(ValueError, match=re.escape(fault)) as caught:
        [apply_swaps(LECTURE, [value]) for value in read_swaps(find, swaps)]
    assert len(str(caught.value)) < 300


def test_missing_words_of_an_empty_prompt_and_of_another_case():
    with pytest.raises(ValueError, match="The prompt is empty"):
        swap("", "smiling", "angry")
    with pytest.raises(ValueError, match="turn off match_case"):
        swap("Smiling", "smiling", "angry", match_case=True)
    assert find_nearest(f"x {GIRL}\uac00", GIRL)[0] == f"{GIRL}\uac00"


words = st.text(alphabet="abAB\uc6c3\u0301", min_size=1, max_size=3)


@settings(max_examples=TEXTS, deadline=None)
@given(
    st.lists(words, min_size=1, max_size=12), words, st.booleans(), st.sampled_from([" ", ", ", " (", ":1.5), ", "\n"])
)
def test_whole_words_change_and_all_else_is_the_same(parts: list[str], word: str, match_case: bool, gap: str):
    find = parts[0]
    same = (lambda part: part == find) if match_case else (lambda part: part.lower() == find.lower())
    expected = gap.join(word if same(part) else part for part in parts)
    assert swap(gap.join(parts), find, word, match_case=match_case) == expected


Outcome = tuple[list[WordSwap], list[str], ValueError | None]


def outcome(prompt: str, find: str, swaps: str, whole: bool, case: bool) -> Outcome:
    try:
        values = read_swaps(find, swaps, True, whole, case)
        return values, [apply_swaps(prompt, [value]) for value in values], None
    except ValueError as error:
        return [], [], error


@settings(max_examples=TEXTS, deadline=None)
@given(st.text(max_size=40), st.text(max_size=8), st.text(max_size=12), st.booleans(), st.booleans())
def test_any_text_is_swapped_or_refused(prompt: str, find: str, swaps: str, whole: bool, case: bool):
    values, prompts, error = outcome(prompt, find, swaps, whole, case)
    if error is not None:
        assert str(error).startswith(("find", "swaps"))
        return
    assert prompts[0] == read_source("prompt", prompt).text
    assert len(set(swap_labels(values))) == len(values) == len(prompts)


@settings(max_examples=TEXTS, deadline=None)
@given(st.text(alphabet="/*a\n\\ ", max_size=30))
def test_comments_go_and_places_stay(text: str):
    source = read_source("text", text)
    assert "//" not in source.text
    assert not re.search(r"/\*[\s\S]*?\*/", source.text)
    assert [text[i] for i in source.places[:-1]] == list(source.text)
    assert source.places[-1] == len(text)
