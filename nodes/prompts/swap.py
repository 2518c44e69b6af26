"""Words found in a prompt and replaced by others, and nothing else changed."""

from __future__ import annotations

import bisect
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..text.nearest import find_nearest_names
from ..text.ranges import split_single_line
from .choices import MAX_LETTERS
from .comments import read_source, without_comments

MAX_SWAPS = 4096
MAX_FINDS = 100  # words that change together
MAX_WORD = 1000  # letters of one of them
_LONGEST_PHRASE = 12  # words of the nearest that an error names
# The number of an emphasis or of a timed swap, as in (smiling:1.2) or [smiling:angry:0.4]: never a word to swap.
_NUMBER = re.compile(r":\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)\s*(?=[)\]])")
_COMMA = re.compile(r"(?<!\\),")


@dataclass(frozen=True)
class WordSwap:
    """One value of a prompt axis: put `words[i]` in the place of `find[i]`. words None: the prompt as it is."""

    find: tuple[str, ...]
    words: tuple[str, ...] | None
    whole_words: bool = True
    match_case: bool = False


@dataclass(frozen=True)
class WholePrompt:
    """One value of a prompt axis: this prompt in the place of the whole other one."""

    text: str


PromptValue = WordSwap | WholePrompt


@dataclass(frozen=True)
class _Match:
    start: int
    end: int
    index: int


def read_swaps(
    find: str, swaps: str, include_original: bool = True, whole_words: bool = True, match_case: bool = False
) -> list[WordSwap]:
    """The values that the inputs of Prompt Swap describe: the original first, then one for each line of `swaps`.

    Raises:
        ValueError: a word is empty or there twice, or a line has not one word for each of `find`. It names the line.
    """
    found = _words_to_find(find, match_case)
    values = [WordSwap(found, None, whole_words, match_case)] if include_original else []
    seen = {_folded(found): 0} if include_original else {}
    lines = 0
    for number, line in enumerate(read_source("swaps", swaps).text.splitlines(), start=1):
        if not line.strip():
            continue
        lines += 1
        words = _split(line) if len(found) > 1 else (_plain(line),)
        if len(words) != len(found):
            raise ValueError(
                f"swaps, line {number} ('{_short(line)}'): {len(words)} words, but {len(found)} to find. Write one for "
                f"each of '{', '.join(found)}', with commas between them (a comma inside a word is written \\,)."
            )
        if not all(words):
            raise ValueError(f"swaps, line {number} ('{_short(line)}'): a word is missing beside a comma. Add it.")
        if (before := seen.setdefault(_folded(words), number)) != number:
            other = f"line {before}" if before else "the original, which is included already"
            raise ValueError(f"swaps, line {number} ('{_short(line)}'): this is the same as {other}. Remove it.")
        if lines > MAX_SWAPS:
            raise ValueError(f"swaps: there are more than {MAX_SWAPS:,} lines. Remove some.")
        values.append(WordSwap(found, words, whole_words, match_case))
    if not lines:
        raise ValueError("swaps: there are none. Write one a line, for example angry.")
    return values


def note_commas(find: str, swaps: str) -> str:
    """What to write where one line with commas may be meant as several swaps; empty where nothing is in doubt.

    The line stays one swap, with its commas: saved workflows mean that by it.
    """
    parts = split_single_line(read_source("swaps", swaps).text)
    if len(parts) < 2 or len(_split(find)) > 1:
        return ""
    return (
        f"swaps: '{_short(', '.join(parts))}' is one swap, with its comma. For {len(parts)} swaps, write one in each "
        "line. If the comma belongs to the prompt, write \\, in its place."
    )


def apply_swaps(prompt: str, values: Sequence[PromptValue]) -> str:
    """The prompt with the values of several axes put in at once, so that none changes what another put in.

    Comments are removed.

    Raises:
        ValueError: a word to find is not in the prompt, or two values change the same word or the whole prompt.
    """
    return Swapper(prompt).apply(values)


def swap_each(prompt: str, values: Sequence[WordSwap]) -> list[str]:
    """The prompt with each of the values.

    Raises:
        ValueError: a word to find is not in the prompt, or the prompts have more than MAX_LETTERS letters in all.
    """
    swapper, prompts, letters = Swapper(prompt), list[str](), 0
    for value in values:
        prompts.append(swapper.apply([value]))
        letters += len(prompts[-1])
        if letters > MAX_LETTERS:
            raise ValueError(
                f"prompt: {len(values):,} prompts of this length have more than {MAX_LETTERS:,} letters in all. "
                "Shorten it, or write fewer swaps."
            )
    return prompts


class Swapper:
    """A prompt whose words are swapped many times. Where they stand is looked for once."""

    def __init__(self, prompt: str) -> None:
        self.prompt = prompt
        self._places: dict[tuple[Any, ...], tuple[str, list[_Match]]] = {}

    def apply(self, values: Sequence[PromptValue]) -> str:
        """As `apply_swaps`."""
        whole = [value.text for value in values if isinstance(value, WholePrompt)]
        swaps = [value for value in values if isinstance(value, WordSwap)]
        text, matches = self._find(whole, swaps)
        words = [None if swap.words is None else swap.words[i] for swap in swaps for i in range(len(swap.find))]
        result, end = [], 0
        for match in matches:
            word = words[match.index]
            result += [text[end : match.start], text[match.start : match.end] if word is None else word]
            end = match.end
        return "".join([*result, text[end:]])

    def _find(self, whole: Sequence[str], swaps: Sequence[WordSwap]) -> tuple[str, list[_Match]]:
        """The prompt without comments, and where the words to find stand in it."""
        key = (*whole, *((swap.find, swap.whole_words, swap.match_case) for swap in swaps))
        if key not in self._places:
            if len(whole) > 1:
                raise ValueError(
                    "axes: two of them give the whole prompt. Use one, or one Prompt Template with all slots."
                )
            finds = [(word, swap) for swap in swaps for word in swap.find]
            _check_finds(finds)
            text = without_comments(whole[0] if whole else self.prompt)
            found = text, _matches(text, finds)
            if whole:  # each comes once
                return found
            self._places[key] = found
        return self._places[key]


def _check_finds(finds: Sequence[tuple[str, WordSwap]]) -> None:
    """Raises ValueError where one word is to be found twice."""
    seen: dict[str, list[tuple[str, WordSwap]]] = {}
    for word, swap in finds:
        alike = seen.setdefault(" ".join(word.casefold().split()), [])
        if any(_same(word, other, swap.match_case and its.match_case) for other, its in alike):
            raise ValueError(f"axes: two of them swap the word '{word}'. Each word can be swapped by one axis.")
        alike.append((word, swap))


def swap_labels(values: Sequence[WordSwap]) -> list[str]:
    """For each value the words that it changes; for the original those that any value changes."""
    changed = {i for value in values for i in range(len(value.find)) if _changes(value, i)}
    labels = []
    for value in values:
        words = value.find if value.words is None else value.words
        own = changed if value.words is None else [i for i in changed if _changes(value, i)]
        labels.append(", ".join(words[i] for i in sorted(own or changed or range(len(words)))))
    if len(set(labels)) < len(labels):  # one changes the first word to what another changes the second to
        labels = [", ".join(value.words or value.find) for value in values]
    return labels


def find_nearest(text: str, word: str, count: int = 3) -> list[str]:
    """The `count` phrases of `text` most like `word`, with as many words as it has, best first."""
    length = min(_LONGEST_PHRASE, max(1, len(word.split(maxsplit=_LONGEST_PHRASE))))
    tokens = _runs(text)
    phrases = (" ".join(tokens[i : i + length]) for i in range(max(1, len(tokens) - length + 1)))
    return [phrase for phrase in find_nearest_names(word, phrases, count) if phrase]


def _matches(text: str, finds: Sequence[tuple[str, WordSwap]]) -> list[_Match]:
    """Where the words to find stand, from left to right; where several begin, the longest."""
    searches = [_Search(text, word, swap.whole_words, swap.match_case) for word, swap in finds]
    following = [search.find(0) for search in searches]
    covered = {index for index, place in enumerate(following) if place is not None}
    result: list[_Match] = []
    while places := [_Match(*place, index) for index, place in enumerate(following) if place is not None]:
        result.append(min(places, key=lambda match: (match.start, -match.end)))
        end = result[-1].end
        following = [
            search.find(end) if place is not None and place[0] < end else place
            for search, place in zip(searches, following, strict=True)
        ]
    absent = set(range(len(finds))) - {match.index for match in result}
    if absent:
        word, swap = finds[min(absent)]
        raise ValueError(_absence(text, word, swap, min(absent) in covered))
    return result


class _Search:
    """Looks for a word, with any white space between its parts. Inside weights and times there is none."""

    def __init__(self, text: str, word: str, whole_words: bool, match_case: bool) -> None:
        self.text, self.whole_words = text, whole_words
        self.spans = [match.span() for match in _NUMBER.finditer(text)]  # from left to right, none within another
        body = r"\s+".join(re.escape(part) for part in word.split())
        self.pattern = re.compile(body, 0 if match_case else re.IGNORECASE)

    def find(self, start: int) -> tuple[int, int] | None:
        """The first place from `start` on."""
        while match := self.pattern.search(self.text, start):
            start = match.start() + 1
            before = bisect.bisect_right(self.spans, (match.start(), len(self.text))) - 1
            inside_number = before >= 0 and match.end() <= self.spans[before][1]
            if not inside_number and (not self.whole_words or _is_whole(self.text, *match.span())):
                return match.span()
        return None


def _absence(text: str, word: str, swap: WordSwap, covered: bool) -> str:
    if covered:
        return f"find: '{word}' is in the prompt only as a part of the other words to find. Remove it there."
    close = ", ".join(f"'{phrase}'" for phrase in find_nearest(text, word))
    message = f"find: '{_short(word)}' is not in the prompt."
    message += f" Nearest are: {close}." if close else " The prompt is empty. Write it."
    if swap.whole_words and _Search(text, word, False, swap.match_case).find(0):
        message += " It is there as a part of a longer word: turn off whole_words to swap that."
    elif swap.match_case and _Search(text, word, swap.whole_words, False).find(0):
        message += " It is there in other letters: turn off match_case."
    return message


def _is_whole(text: str, start: int, end: int) -> bool:
    before = start > 0 and _in_word(text[start - 1]) and _in_word(text[start])
    after = end < len(text) and _in_word(text[end]) and _in_word(text[end - 1])
    return not before and not after


def _in_word(letter: str) -> bool:
    """Letters, digits and the marks that belong to them in any script."""
    return letter.isalnum() or letter == "_" or unicodedata.category(letter).startswith("M")


def _runs(text: str) -> list[str]:
    return "".join(letter if _in_word(letter) else " " for letter in text).split()


def _words_to_find(find: str, match_case: bool) -> tuple[str, ...]:
    words = _split(find)
    if not any(words):
        raise ValueError("find: it is empty. Write the word of the prompt that changes, for example smiling.")
    if not all(words):
        raise ValueError("find: a word is missing beside a comma. Add it, or remove the comma.")
    if len(words) > MAX_FINDS:
        raise ValueError(f"find: these are {len(words):,} words; the limit is {MAX_FINDS}. Name fewer.")
    seen = set[tuple[str, ...]]()
    for word in words:
        if len(word) > MAX_WORD:
            raise ValueError(
                f"find: '{_short(word)}' has {len(word):,} letters; the limit is {MAX_WORD:,}. Name only what changes."
            )
        folded = _folded((word if match_case else word.casefold(),))
        if folded in seen:
            raise ValueError(f"find: '{word}' is there twice. All its occurrences change anyway: name it once.")
        seen.add(folded)
    return words


def _split(line: str) -> tuple[str, ...]:
    return tuple(_plain(part) for part in _COMMA.split(line))


def _plain(part: str) -> str:
    return part.replace("\\,", ",").strip()


def _changes(value: WordSwap, index: int) -> bool:
    return value.words is not None and value.words[index] != value.find[index]


def _same(word: str, other: str, match_case: bool) -> bool:
    both = (word, other) if match_case else (word.casefold(), other.casefold())
    return _folded(both[:1]) == _folded(both[1:])


def _folded(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(" ".join(word.split()) for word in words)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:37] + "..."
