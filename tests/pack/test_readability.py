"""What stands above "Details" on an English help page is easy to read: Flesch Reading Ease of 60 or more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "nodes" / "web" / "docs"
PAGES = sorted(path.stem for path in DOCS.glob("*.md"))
LEAST = 60.0  # "plain English": Flesch, A New Readability Yardstick, 1948

NOT_PROSE = re.compile(r"^(#|\||!\[|---).*$|`[^`]*`|\]\([^)]*\)", re.MULTILINE)
WORD = re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*")
SENTENCE_END = re.compile(r"[.!?](?=[\s*]|$)")
SILENT = re.compile(r"(?<=[aeiouy])(?=n't)|(?<![aeiouy])e$|(?<=[^aeioutdy])ed$|(?<=[^aeiouscxzgh])es$")


def prose(page: str) -> list[str]:
    """The paragraphs and points above "Details", without headings, tables, pictures and code."""
    above = NOT_PROSE.sub("", page.partition("\n## Details\n")[0])
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n|\n(?=- )", above) if WORD.search(part)]


def count_syllables(word: str) -> int:
    """The syllables of an English word, by rule: groups of vowels, without a silent e."""
    word = word.lower().replace("'", "")
    if word.endswith("le") and len(word) > 2 and word[-3] not in "aeiouy":
        return len(re.findall(r"[aeiouy]+", word[:-2])) + 1
    return max(1, len(re.findall(r"[aeiouy]+", SILENT.sub("", word))))


def reading_ease(parts: list[str]) -> float:
    """Flesch Reading Ease: 206.835 - 1.015 words per sentence - 84.6 syllables per word."""
    words = [word for part in parts for word in WORD.findall(part)]
    sentences = sum(max(1, len(SENTENCE_END.findall(part))) for part in parts)
    syllables = sum(count_syllables(word) for word in words)
    return 206.835 - 1.015 * len(words) / sentences - 84.6 * syllables / len(words)


def test_syllables():
    known = {
        1: "a the made changed shapes sees seed makes whole likes edge stopped axe",
        2: "picture table sampler noises edges wanted people faces smiling latent simple",
        3: "animal connected another family together decoded",
        4: "resolution original independent",
    }
    for count, words in known.items():
        wrong = {word: count_syllables(word) for word in words.split() if count_syllables(word) != count}
        assert not wrong, f"{count}: {wrong}"


def test_the_measure_knows_plain_words_from_heavy_ones():
    plain = ["The cat sat on the mat. It saw a bird and ran."]
    heavy = [
        "The denoising parameterisation determines the instantaneous signal-to-noise characteristics of intermediates."
    ]
    assert reading_ease(plain) > 100
    assert reading_ease(heavy) < 0


def test_code_tables_and_headings_do_not_count():
    above = "# Heading\n\nOne. `code`\n\n| a | b |\n|---|---|\n\n![words](x.jpg)\n\n- Two.\n- Three.\n\n---\n"
    page = f"{above}\n## Details\n\nFour."
    assert prose(page) == ["One.", "- Two.", "- Three."]


@pytest.mark.parametrize("page", PAGES)
def test_a_help_page_is_easy_to_read_above_its_details(page: str):
    ease = reading_ease(prose((DOCS / f"{page}.md").read_text(encoding="utf-8")))
    assert ease >= LEAST, f"{page}: {ease:.0f}. Write shorter sentences and shorter words."
