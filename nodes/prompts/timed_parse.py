"""The grammar of prompts that change while a picture is made, as in A1111's webui.

    [smiling:angry:0.4]  first one, then the other    [word:0.4]   added    [word::0.4]   removed
    [cow|horse]          alternating at every step    and any of them inside another

As EBNF, where { } stands for any number of times and [ ] for once or not at all:

    prompt    = { switch | alternate | plain | letter }
    switch    = "[" [ field ":" ] field ":" time "]"           not with empty fields alone
    alternate = "[" field "|" field { "|" field } "]"
    plain     = "[" field "]"
    field     = { part }
    part      = switch | alternate | plain | group | inner
    group     = "(" { part | ":" | "|" } ")" | "{" { part | ":" | "|" } "}"
    time      = digits [ "." [ digits ] ] | "." digits         spaces around it are free
    letter    = any but [ ]
    inner     = any but [ ] : | ( ) { }

A time with a point is a fraction, at most 1.0; a whole one is a step. Brackets without : or | stay in the text, as in
ComfyUI. A group holds together: the colon of (smiling:1.2) and the bar of {a|b} divide nothing. A backslash makes a
letter of the sign behind it: \\[ and \\] everywhere, \\: \\| \\( \\) \\{ \\} inside brackets.

Differences from A1111 (modules/prompt_parser.py): it takes a faulty prompt for plain text, here it is an error; and
[word] weakens there.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..text.error import TextError
from .comments import Source, read_source

MAX_DEPTH = 50
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9}")
_CLOSING = {"(": ")", "{": "}"}
_PLAIN = re.compile(r"[^\\\[\]:|(){}]+")  # letters that mean themselves everywhere
EXAMPLE = "[smiling:angry:0.4]"


@dataclass(frozen=True)
class Switch:
    """`before` until the time `when`, as it was written, and `after` from then on."""

    before: Prompt
    after: Prompt
    when: str


@dataclass(frozen=True)
class Alternate:
    """One option after the other, a step each."""

    options: tuple[Prompt, ...]


# Parts in a row; no two strings are neighbours, none is empty.
Prompt = tuple[str | Switch | Alternate, ...]


def parse_timed(text: str, name: str = "text") -> Prompt:
    """The prompt that `text` says. Comments are removed. name: of the input, for errors.

    Raises:
        TextError: the text is not in the grammar. The error points at the character.
    """
    return _Parser(read_source(name, text)).parse()


def write_timed(prompt: Prompt, inside: bool = False) -> str:
    """The text of a prompt: the inverse of `parse_timed`. inside: it stands within brackets."""
    return "".join(_write(part, inside) for part in prompt)


def retime(prompt: Prompt, when: str) -> Prompt:
    """The same prompt with all its switches at `when`, such as "0.4", for a sweep over the switch time.

    Raises:
        ValueError: `when` is no time.
    """
    if not _NUMBER.fullmatch(when) or ("." in when and float(when) > 1):
        raise ValueError(f"switch time: '{when}' is none. Write a fraction such as 0.4, or a whole number of steps.")
    parts: list[str | Switch | Alternate] = []
    for part in prompt:
        if isinstance(part, Switch):
            part = Switch(retime(part.before, when), retime(part.after, when), when)
        elif isinstance(part, Alternate):
            part = Alternate(tuple(retime(option, when) for option in part.options))
        parts.append(part)
    return tuple(parts)


def switches(prompt: Prompt) -> list[Switch]:
    """All switches of a prompt, outer ones first."""
    found: list[Switch] = []
    for part in prompt:
        if isinstance(part, Switch):
            found += [part, *switches(part.before), *switches(part.after)]
        elif isinstance(part, Alternate):
            found += [switch for option in part.options for switch in switches(option)]
    return found


def join_parts(parts: Sequence[str | Switch | Alternate]) -> Prompt:
    """The parts, with neighbouring strings joined and empty ones left out."""
    result: list[str | Switch | Alternate] = []
    for plain, group in itertools.groupby(parts, lambda part: isinstance(part, str)):
        run = list(group)
        result += ["".join(map(str, run))] if plain else run  # at once: letter by letter it would take the square
    return tuple(part for part in result if part != "")


def _write(part: str | Switch | Alternate, inside: bool) -> str:
    if isinstance(part, Alternate):
        return f"[{'|'.join(write_timed(option, True) for option in part.options)}]"
    if isinstance(part, Switch):
        before = f"{write_timed(part.before, True)}:" if part.before else ""
        return f"[{before}{write_timed(part.after, True)}:{part.when}]"
    for letter in "[]:|" if inside else "[]":
        part = part.replace(letter, "\\" + letter)
    return part


@dataclass
class _Bracket:
    """An open bracket: its fields so far, what divided them, and the parentheses and braces open in the last one."""

    position: int
    fields: list[list[str | Switch | Alternate]] = field(default_factory=lambda: [[]])
    starts: list[int] = field(default_factory=list)
    divider: str = ""
    groups: list[int] = field(default_factory=list)


class _Parser:
    def __init__(self, source: Source) -> None:
        self.source, self.text = source, source.text
        self.open: list[_Bracket] = []
        self.top: list[str | Switch | Alternate] = []

    def parse(self) -> Prompt:
        at = 0
        while at < len(self.text):
            at += self._letter(at)
        if self.open:
            raise self._error(
                self.open[-1].position, f"this bracket is not closed. Write {EXAMPLE}, or \\[ for a plain bracket."
            )
        return join_parts(self.top)

    def _letter(self, at: int) -> int:
        """Take what stands at `at`; how many characters that was."""
        if plain := _PLAIN.match(self.text, at):
            self._add(plain[0])
            return len(plain[0])
        letter, pair = self.text[at], self.text[at : at + 2]
        if pair in (("\\[", "\\]", "\\:", "\\|") if self.open else ("\\[", "\\]")):
            self._add(pair[1])
            return 2
        if self.open and pair in ("\\(", "\\)", "\\{", "\\}"):
            self._add(pair)  # ComfyUI reads these itself
            return 2
        if letter == "[":
            if len(self.open) == MAX_DEPTH:
                raise self._error(at, f"brackets are nested more than {MAX_DEPTH} deep here. Use fewer.")
            self.open.append(_Bracket(at, starts=[at + 1]))
        elif letter == "]":
            self._close(at)
        elif self.open and letter in ":|" and not self.open[-1].groups:
            self._divide(at, letter)
        else:
            if self.open:
                self._group(at, letter)
            self._add(letter)
        return 1

    def _add(self, part: str | Switch | Alternate) -> None:
        (self.open[-1].fields[-1] if self.open else self.top).append(part)

    def _group(self, at: int, letter: str) -> None:
        groups = self.open[-1].groups
        if letter in _CLOSING:
            groups.append(at)
        elif letter in _CLOSING.values() and (not groups or _CLOSING[self.text[groups.pop()]] != letter):
            raise self._error(
                at, f"'{letter}' closes nothing that is open in these brackets. Write \\{letter} for a plain one."
            )

    def _divide(self, at: int, letter: str) -> None:
        bracket = self.open[-1]
        if bracket.divider and bracket.divider != letter:
            raise self._error(
                at, f": and | are mixed in one pair of brackets. Put one pair inside another, or write \\{letter}."
            )
        bracket.divider = letter
        bracket.fields.append([])
        bracket.starts.append(at + 1)

    def _close(self, at: int) -> None:
        if not self.open:
            raise self._error(at, f"this bracket closes none. Write {EXAMPLE}, or \\] for a plain bracket.")
        bracket = self.open[-1]
        if bracket.groups:
            letter = self.text[bracket.groups[-1]]
            raise self._error(
                bracket.groups[-1], f"'{letter}' is not closed before the bracket is. Write \\{letter} for a plain one."
            )
        self.open.pop()
        fields = [join_parts(each) for each in bracket.fields]
        if bracket.divider == "|":
            self._add(Alternate(tuple(fields)))
        elif bracket.divider == ":":
            self._add(self._switch(bracket, fields, at))
        else:
            for part in ("[", *fields[0], "]"):
                self._add(part)

    def _switch(self, bracket: _Bracket, fields: list[Prompt], end: int) -> Switch:
        when = fields[-1][0].strip() if len(fields[-1]) == 1 and isinstance(fields[-1][0], str) else ""
        if not _NUMBER.fullmatch(when):
            raise self._error(
                bracket.starts[-1],
                f"the time of the switch belongs here, a number: write {EXAMPLE}, or \\: for a plain colon.",
            )
        if "." in when and float(when) > 1.0:
            raise self._error(
                bracket.starts[-1], "a time with a point is a fraction, at most 1.0. Whole steps are written without."
            )
        if len(fields) > 3:
            raise self._error(
                bracket.starts[3] - 1, f"there is one colon too many. Write {EXAMPLE}, or \\: for a plain one."
            )
        before, after = fields[:2] if len(fields) == 3 else ((), fields[0])
        if not before and not after:
            raise self._error(end, f"there is nothing to switch in these brackets. Write {EXAMPLE}.")
        return Switch(before, after, when)

    def _error(self, position: int, fault: str) -> TextError:
        return self.source.error(position, fault)
