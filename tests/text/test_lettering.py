"""Text in its box: whatever the label, it wraps, shrinks, is cut, and never crosses the edge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from steer.nodes.sweep.sheet.labels import drop_shared_words, read_labels
from steer.nodes.text.fonts import CJK, EMOJI, PILLOW, Fonts, font_folders, name_letters
from steer.nodes.text.lettering import (
    common_size,
    draw_block,
    line_height,
    prepare_label,
    set_text,
    shorten,
    split_units,
    wrap,
)
from steer.nodes.text.letters import clean, clusters

FONTS = Fonts(system=False)
LATIN = "gorgeous, (crop top:1.2) Ag/jQ_fy-7.5 |@%"
HANGUL = "\uc6c3\ub294 \uc5bc\uad74, \uac00\ub098\ub2e4\u3131\u314f"
JAPANESE = "\u6771\u4eac\u306e\u8def\u5730\u88cf\u3001\u30b3\u30df\u30c3\u30af\u3002\u300c\u58c1\u300d"
CHINESE = "\u5fae\u7b11\uff0c\u94a2\u7070\u8272\u5934\u53d1\u3002\u7e41\u9ad4"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
EMOJIS = f"\U0001f600\u2764\ufe0f\U0001f44d\U0001f3fd{FAMILY}\U0001f1f0\U0001f1f7"
ALPHABET = LATIN + HANGUL + JAPANESE + CHINESE + EMOJIS + "\n"
labels = st.text(st.sampled_from(ALPHABET), max_size=120)
anything = st.text(st.characters(), max_size=60)  # lone surrogates, controls and unassigned letters too


@example("1\U0001f3fd", 16, 8, 1)  # a mark that makes its letter wider than an emoji
@example("j11\u3131", 56, 24, 1)  # a first letter that reaches to the left
@settings(max_examples=150, deadline=None)
@given(labels, st.integers(16, 300), st.integers(8, 40), st.integers(1, 6))
def test_no_ink_leaves_the_box_and_none_is_clipped(text: str, width: int, size: int, limit: int):
    width = max(width, 2 * size)  # narrower than one emoji nothing can be set
    block = set_text(prepare_label(text), FONTS, size, width, limit)
    assert len(block.lines) <= limit
    assert block.width <= width
    assert block.height == len(block.lines) * line_height(size)
    if not block.lines:
        return
    around = 2 * size
    free = Image.new("L", (width + 2 * around, block.height + around), 0)
    draw_block(free, block, FONTS, (0, 0, *free.size), "#ffffff")
    ink = np.array(free)
    ink[: block.height, around : around + width] = 0
    assert not ink.any(), "letters need more room than was measured"
    image = Image.new("L", (width + 2 * around, block.height + 2 * around), 0)
    draw_block(image, block, FONTS, (around, around, width, block.height), "#ffffff")
    outside = np.array(image)
    outside[around : around + block.height, around : around + width] = 0
    assert not outside.any()


@settings(max_examples=150, deadline=None)
@given(anything, st.integers(1, 200), st.integers(6, 40), st.integers(1, 4))
def test_any_text_in_any_box_stays_inside(text: str, width: int, size: int, limit: int):
    fonts = Fonts(system=False)
    block = set_text(prepare_label(text), fonts, size, width, limit)
    image = Image.new("L", (width + 20, 60), 0)
    draw_block(image, block, fonts, (10, 10, width, 40), "#ffffff", "left")
    outside = np.array(image)
    outside[10:50, 10 : 10 + width] = 0
    assert not outside.any()


@settings(max_examples=100, deadline=None)
@given(labels, st.integers(40, 300))
def test_wrapping_loses_no_letter(text: str, width: int):
    text = prepare_label(text)
    lines, complete = wrap(text, FONTS, 12, width, 10_000)
    assert complete
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(FONTS.width(line, 12) <= width for line in lines)


@settings(max_examples=60, deadline=None)
@given(st.lists(labels, min_size=1, max_size=4), st.integers(60, 300))
def test_shrinking_stops_at_the_largest_size_that_fits(texts: list[str], width: int):
    texts = [prepare_label(text) for text in texts]
    size = common_size(texts, FONTS, width, 30, 10, 3)
    fits = {s: common_size(texts, FONTS, width, s, s - 1, 3) == s for s in (size, size + 1)}
    assert size == 10 or fits[size]
    assert size == 30 or not fits[size + 1]


def test_what_is_cut_ends_in_an_ellipsis_and_what_fits_does_not():
    cut = set_text("word " * 50, FONTS, 12, 100, 2)
    assert cut.lines[-1].endswith("\u2026")
    assert len(cut.lines) == 2
    assert set_text("two words", FONTS, 12, 100, 2).lines == ("two words",)
    assert set_text("", FONTS, 12, 100, 2).height == 0


def test_long_prompts_are_quick_to_set():
    text = prepare_label("x" * 1_000_000)
    assert len(text) < 3000
    assert len(set_text(text, FONTS, 12, 200, 6).lines) == 6


def test_lines_break_where_each_script_allows():
    assert list(split_units("ab cd-ef 7.5")) == ["ab", " ", "cd-", "ef", " ", "7.5"]
    assert list(split_units("\uc6c3\ub294 \uc5bc\uad74")) == ["\uc6c3\ub294", " ", "\uc5bc\uad74"], "Korean keeps words"
    assert list(split_units("\u6771\u4eac\u3001\u300c\u58c1\u300d")) == ["\u6771", "\u4eac\u3001", "\u300c\u58c1\u300d"]


def test_clusters_keep_together_what_is_one_letter():
    found = list(clusters(clean(f"a\u0301\u1100\u1161{FAMILY}\U0001f1f0\U0001f1f7\U0001f1ef\U0001f1f5\u2764\ufe0f")))
    assert found == ["\u00e1", "\uac00", FAMILY, "\U0001f1f0\U0001f1f7", "\U0001f1ef\U0001f1f5", "\u2764\ufe0f"]


def test_control_letters_and_surrogates_become_drawable():
    assert clean("a\x00b\tc\u202ed\ud800\r\ne") == "a b cd\ufffd\ne"


@pytest.mark.parametrize(
    ("codec", "rows"), [("euc_kr", range(0xB0, 0xC9)), ("euc_jp", range(0xB0, 0xD0)), ("gb2312", range(0xB0, 0xD8))]
)
def test_shipped_font_has_the_common_letters(codec: str, rows: range):
    letters = "".join(bytes([row, cell]).decode(codec, "ignore") for row in rows for cell in range(0xA1, 0xFF))
    assert len(letters) > 2300
    fonts = Fonts(system=False)
    assert all(fonts.choose_font(letter) == CJK for letter in letters)
    assert not fonts.missing


def test_emoji_are_one_picture_each():
    fonts = Fonts(system=False)
    for emoji in clusters(EMOJIS):
        assert fonts.choose_font(emoji) == EMOJI
        assert fonts.width(emoji, 20) < 30
    assert not fonts.missing


def test_letters_of_no_font_are_reported():
    fonts = Fonts(system=False)
    fonts.width("ok \U0010fffd\u0e17", 12)
    assert fonts.missing == {"\U0010fffd", "\u0e17"}
    assert "U+10FFFD" in name_letters(fonts.missing)


def test_system_fonts_help_out(tmp_path, monkeypatch):
    """A font put into the user's folder is found; the shipped emoji font, renamed, stands for it."""
    from steer.nodes.text import fonts as module

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "none"))
    monkeypatch.setattr(module.sys, "platform", "linux")
    folder = tmp_path / "fonts" / "sub"
    folder.mkdir(parents=True)
    assert tmp_path / "fonts" in font_folders()
    (folder / "Broken.ttf").write_bytes(b"no font")
    (folder / "Some.ttf").write_bytes(module.EMOJI_FILE.read_bytes())
    monkeypatch.setattr(module, "EMOJI_FILE", module.CJK_FILE)
    assert Fonts(system=True).choose_font("\U0001f600") > 2
    alone = Fonts(system=False)
    alone.choose_font("\U0001f600")
    assert alone.missing == {"\U0001f600"}


def test_charts_prefer_pillows_font_and_share_the_others():
    fonts = Fonts(system=False, first=PILLOW)
    runs = fonts.split_runs("Euler \uc624\uc77c\ub7ec \u6771\u4eac \U0001f600")
    assert runs == [(PILLOW, "Euler "), (CJK, "\uc624\uc77c\ub7ec \u6771\u4eac "), (EMOJI, "\U0001f600")]
    assert not fonts.missing


def test_a_line_is_cut_only_where_it_is_too_wide():
    assert shorten("short", FONTS, 20, 500) == "short"
    cut = shorten("a very long name " * 20, FONTS, 20, 200)
    assert cut.endswith("\u2026")
    assert FONTS.width(cut, 20) <= 200


def test_labels_from_lists_and_lines():
    assert read_labels(["a\nb\n"]) == ["a", "b"]
    assert read_labels(["a\nb"], 1) == ["a\nb"]
    assert read_labels(["a\nb", "c"]) == ["a\nb", "c"]
    assert read_labels([""]) == read_labels(None) == read_labels(["", " "]) == []
    assert read_labels(["a", ""]) == ["a", ""]


def test_only_what_differs():
    prompts = ["a girl, smiling, backstreet", "a girl, very angry, backstreet"]
    assert drop_shared_words(prompts) == ["smiling", "very angry"]
    assert drop_shared_words(["a girl", "a girl, smiling"]) == ["girl", "girl, smiling"]
    assert drop_shared_words(["same", "same"]) == ["same", "same"]
    assert drop_shared_words([]) == []


@settings(max_examples=100, deadline=None)
@given(st.lists(labels.map(str.strip).filter(bool), min_size=2, max_size=5))
def test_only_what_differs_keeps_labels_apart(texts: list[str]):
    shown = drop_shared_words(texts)
    assert len(shown) == len(texts)
    assert all(shown) or not all(clean(text).strip(" ,;\n") for text in texts)
