"""The little language of a Value Axis: what stands in its text becomes values with labels.

Numbers (cfg, steps, denoise, control strength / start / end, switch time) and ranges such as 1-10(+2) or 0-1[5], with
commas or line breaks between them: the grammar of text/ranges.py.

Names (sampler, scheduler, files), in the same way; a file whose name has a comma is one. A LoRA may have its strength
behind a colon, and several LoRAs of one value stand with a + between them. So do text encoders that are one CLIP, with
their type behind a colon.

For a Sweep Graph: numbers of anything, and texts of anything, one a line.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from ...axis import Axis, EncoderFiles, Lora, files_of
from ...choices import (
    CFG,
    CLIP_SKIP,
    CONTROL_END,
    CONTROL_START,
    CONTROL_STRENGTH,
    DENOISE,
    GUIDANCE,
    LORA,
    NUMBER,
    SAMPLER,
    SCHEDULER,
    STEPS,
    SWITCH_TIME,
    TEXT,
    TEXT_ENCODER,
)
from ...text.error import TextError
from ...text.nearest import find_nearest_names
from ...text.ranges import LIST_RULE, MAX_VALUES, Numbers, read_numbers, split_items, split_single_line
from ..choices import FILES, KINDS, NAMES

NO_LORA = "none"
_ENDINGS = {".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".pkl", ".gguf"}
_STRENGTH = re.compile(r"[+-]?(?:[0-9]{1,3}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})")


NUMBERS = {
    CFG: Numbers(0.0, 100.0, noun=CFG),
    STEPS: Numbers(1, 10000, whole=True, noun=STEPS),
    DENOISE: Numbers(0.0, 1.0, noun=DENOISE),
    CONTROL_STRENGTH: Numbers(0.0, 10.0, noun=CONTROL_STRENGTH),
    CONTROL_START: Numbers(0.0, 1.0, noun=CONTROL_START),
    CONTROL_END: Numbers(0.0, 1.0, noun=CONTROL_END),
    SWITCH_TIME: Numbers(0.0, 10000, timed=True, noun=SWITCH_TIME),
    CLIP_SKIP: Numbers(1, 24, whole=True, noun=CLIP_SKIP),
    GUIDANCE: Numbers(0.0, 100.0, noun=GUIDANCE),
    NUMBER: Numbers(0.0, 1e9, noun=NUMBER),
}
_LABELS = {
    CFG: "cfg {}",
    STEPS: "{} steps",
    DENOISE: "denoise {}",
    CONTROL_STRENGTH: "strength {}",
    CONTROL_START: "start {}",
    CONTROL_END: "end {}",
    SWITCH_TIME: "switch {}",
    CLIP_SKIP: "CLIP skip {}",
    GUIDANCE: "guidance {}",
    NUMBER: "{}",
}


def read_values(kind: str, text: str, known: Callable[[str], Sequence[str]]) -> Axis:
    """The axis that kind and text of a Value Axis describe. known: the names ComfyUI lists for a kind of NAMES.

    Values are float, for steps and CLIP skip int, for switch time text as in a timed prompt ("0.4" is a fraction, "8" a
    step), for LoRA a Lora or None, for several text encoders or one with its type EncoderFiles.

    Raises:
        TextError: a part of the text has a fault.
        ValueError: the kind is not known, or ComfyUI lists no names of it.
    """
    if kind in NUMBERS:
        found = list(read_numbers(text, NUMBERS[kind]))
        values = tuple(_value(kind, number) for number in found)
        labels = tuple(_LABELS[kind].format(number) for number in found)
    elif kind == TEXT:
        values = tuple(_texts(text))
        labels = values
    elif kind in NAMES:
        values = tuple(_names(text, kind, KnownNames(kind, known(kind))))
        labels = tuple(_label_names(kind, values))
    else:
        raise ValueError(f"kind: '{kind}' is not known. Choose one of: {', '.join(KINDS)}.")
    return Axis(kind, values, labels)


def note_commas(kind: str, text: str) -> str:
    """What to write where one text with commas may be meant as several; empty where nothing is in doubt."""
    parts = split_single_line(text) if kind == TEXT else []
    if len(parts) < 2:
        return ""
    return f"text: this is one value, with its comma. For {len(parts)} values, write one in each line."


def check_number(kind: str, value: float) -> None:
    """Check that the kind allows a number.

    Raises:
        ValueError: it does not.
    """
    limits = NUMBERS[kind]
    if not limits.low <= value <= limits.high:
        raise ValueError(f"{kind}: {value:g} is outside {limits.low:g} to {limits.high:g}.")


class KnownNames:
    """The names that ComfyUI lists for a kind of NAMES."""

    def __init__(self, kind: str, names: Sequence[str]) -> None:
        self.kind, self.names = kind, dict.fromkeys(names)

    def find(self, name: str) -> str:
        """The one that is meant by `name`: the same but for case, slashes, folder or ending.

        Raises:
            ValueError: none or several are meant. The message has the nearest names.
        """
        if not self.names:
            raise ValueError(f"{self.kind}: ComfyUI lists none. Put the files into its models folder and press R.")
        if name in self.names:
            return name
        for form, others in self._forms:
            found = others.get(form(name), ())
            if len(found) == 1:
                return found[0]
            if found:
                raise ValueError(
                    f"{self.kind}: '{name}' may be any of {', '.join(found[:5])}. Write it with its folder."
                )
        near = find_nearest_names(name, self.names, 3)
        raise ValueError(f"{self.kind}: ComfyUI has no '{name}'. Nearest are: {', '.join(near)}.")

    @cached_property
    def _forms(self) -> list[tuple[Callable[[str], str], dict[str, list[str]]]]:
        """For each way to write a name, the names by how they are written so."""
        result: list[tuple[Callable[[str], str], dict[str, list[str]]]] = []
        for form in (_slashes, _without_ending, _file, _stem):
            written: dict[str, list[str]] = defaultdict(list)
            for name in self.names:
                written[form(name)].append(name)
            result.append((form, dict(written)))
        return result


def find_name(name: str, kind: str, known: Sequence[str]) -> str:
    """The one of `known` that is meant by `name`, as KnownNames finds it.

    Raises:
        ValueError: none or several are meant.
    """
    return KnownNames(kind, known).find(name)


def _value(kind: str, number: str) -> Any:
    if kind == SWITCH_TIME:
        return number
    return int(number) if NUMBERS[kind].whole else float(number)


def _texts(text: str) -> Iterator[str]:
    seen: set[str] = set()
    for position, part in split_items(text, "\n"):
        if part in seen:
            raise TextError(text, position, "this is there twice. Remove one.")
        if len(seen) == MAX_VALUES:
            raise TextError(text, position, f"these are more than {MAX_VALUES} values. Use fewer.")
        seen.add(part)
        yield part
    if not seen:
        raise TextError(text, 0, "there is nothing here. Write one value in each line.")


def _names(text: str, kind: str, known: KnownNames) -> Iterator[Any]:
    """The values of names, each once."""
    seen: set[Any] = set()
    read = _READERS.get(kind, _find)
    for position, part in _split_names(text, kind, known):
        value = read(text, position, part, known)
        if value in seen:
            raise TextError(text, position, "this is there twice. Remove one.")
        if len(seen) == MAX_VALUES:
            raise TextError(text, position, f"these are more than {MAX_VALUES} values. Use fewer.")
        seen.add(value)
        yield value
    if not seen:
        raise TextError(text, 0, f"there is no {kind} here. {LIST_RULE}")


def _split_names(text: str, kind: str, known: KnownNames) -> Iterator[tuple[int, str]]:
    """The names of a text and their places. A line with a comma that names one file is one."""
    for position, line in split_items(text, "\n"):
        if "," not in line or (kind not in (SAMPLER, SCHEDULER) and _is_one(line, kind, known)):
            yield position, line
            continue
        yield from ((position + at, part) for at, part in split_items(line, ","))


def _is_one(line: str, kind: str, known: KnownNames) -> bool:
    """Whether the whole line names a file, or several with a + between them, whose name has a comma itself."""
    try:
        value = _READERS.get(kind, _find)(line, 0, line, known)
    except ValueError:
        return False
    return any("," in name for name in files_of(value))


def _find(text: str, position: int, name: str, known: KnownNames) -> str:
    """The known name that is meant. The error names the place in the text."""
    try:
        return known.find(name)
    except ValueError as error:
        if not known.names:  # no place in the text is wrong
            raise
        raise TextError(text, position, str(error)) from None


def _lora_row(text: str, position: int, line: str, known: KnownNames) -> Lora | tuple[Lora, ...] | None:
    """A LoRA, several of a line with a + between them, or none."""
    name, _, strength = line.rpartition(":")
    is_one = line in known.names or (name.strip() in known.names and _STRENGTH.fullmatch(strength.strip()))
    if " + " not in line or is_one:  # a file may have the + in its name
        return _lora(text, position, line, known)
    row = [_lora(text, position, part.strip(), known) for part in line.split(" + ")]
    loras = tuple(lora for lora in row if lora is not None)
    if len({lora.name for lora in loras}) < len(loras):
        raise TextError(text, position, "a LoRA is there twice in this line. Remove one.")
    return loras if len(loras) > 1 else loras[0] if loras else None


def _lora(text: str, position: int, part: str, known: KnownNames) -> Lora | None:
    if part.casefold() == NO_LORA and part not in known.names:
        return None
    name, colon, strength = part.rpartition(":")
    if not colon:
        name, strength = part, "1"
    if not _STRENGTH.fullmatch(strength.strip()):
        raise TextError(
            text, position, f"'{strength.strip()[:12]}' is no strength. Write for example name.safetensors : 0.8."
        )
    return Lora(_find(text, position, name.strip(), known), float(strength))


def _encoder(text: str, position: int, line: str, known: KnownNames) -> str | EncoderFiles:
    """One text encoder, or several with a + between them, and behind a colon their type."""
    files, _, kind = line.rpartition(":") if ":" in line and line not in known.names else (line, "", "")
    parts = [files] if files.strip() in known.names else files.split(" + ")
    names = tuple(_find(text, position, part.strip(), known) for part in parts)
    return EncoderFiles(names, kind.strip()) if kind.strip() or len(names) > 1 else names[0]


_READERS: dict[str, Callable[[str, int, str, KnownNames], Any]] = {LORA: _lora_row, TEXT_ENCODER: _encoder}


def _label_names(kind: str, values: Sequence[Any]) -> Iterator[str]:
    """The labels of names: of files, without folder and ending where that tells them apart."""
    if kind == LORA:
        loras = [lora for value in values for lora in (value if isinstance(value, tuple) else (value,))]
        names = dict(zip(dict.fromkeys(loras), _label_single(kind, list(dict.fromkeys(loras))), strict=True))
        yield from (" + ".join(names[lora] for lora in (v if isinstance(v, tuple) else (v,))) for v in values)
        return
    if kind == TEXT_ENCODER:
        files = dict.fromkeys(files_of(tuple(values)))
        names = dict(zip(files, _label_single(kind, list(files)), strict=True))
        for value in values:
            type_of = f" {value.type}" if isinstance(value, EncoderFiles) and value.type else ""
            yield " + ".join(names[name] for name in files_of(value)) + type_of
        return
    yield from _label_single(kind, values)


def _label_single(kind: str, values: Sequence[Any]) -> Iterator[str]:
    files = {value.name if isinstance(value, Lora) else value for value in values if value is not None}
    forms = [(form, Counter(map(form, files))) for form in (_short, _path_without_ending)]
    for value in values:
        name = value.name if isinstance(value, Lora) else value
        if value is None:
            yield "no LoRA"
        elif kind in FILES:
            label = next((form(name) for form, often in forms if often[form(name)] == 1), name)
            yield f"{label} {value.strength:g}" if isinstance(value, Lora) else label
        else:
            yield name


def _slashes(name: str) -> str:
    return name.replace("\\", "/").casefold()


def _without_ending(name: str) -> str:
    return _path_without_ending(name).casefold()


def _path_without_ending(name: str) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    return str(path.with_suffix("") if path.suffix.casefold() in _ENDINGS else path)


def _file(name: str) -> str:
    return PurePosixPath(_slashes(name)).name


def _short(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).stem


def _stem(name: str) -> str:
    return PurePosixPath(_without_ending(name)).name
