"""What a kind of node shows in the frontend: its sockets and its widgets, in the frontend's order.

The declaration is ComfyUI's /object_info. The frontend adds widgets of its own, such as the button that uploads a
picture; some have a place in `widgets_values`, none is an input of the node.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

CONTROLLED = ("seed", "noise_seed")  # of type INT: the frontend gives them a "control after generate"
CONTROL = "control_after_generate"
AUTOGROW, DYNAMIC_COMBO, MATCH_TYPE = "COMFY_AUTOGROW_V3", "COMFY_DYNAMICCOMBO_V3", "COMFY_MATCHTYPE_V3"
PLAIN = ("INT", "FLOAT", "BOOLEAN", "STRING", "COMBO", "COLOR", "TEXTAREA", "MARKDOWN")
# Shown by the frontend for the widgets of one kind of data.
SHOWN = ("IMAGECOMPARE", "CHART", "GALLERIA", "AUDIO_UI", "AUDIO_RECORD", "WEBCAM", "LOAD_3D", "PREVIEW_3D")
BUTTONS = ("IMAGEUPLOAD", "AUDIOUPLOAD")
WIDGETS = frozenset((*PLAIN, *SHOWN, *BUTTONS, DYNAMIC_COMBO))
_UPLOADS = ("image_upload", "video_upload", "animated_image_upload")
_AUDIO = ("LoadAudio", "SaveAudio", "PreviewAudio", "SaveAudioMP3", "SaveAudioOpus")
ABSENT: Any = object()  # the value of a widget that has none; it is not sent


@dataclass(frozen=True, eq=False)
class Input:
    """An input as a node declares it. type: COMBO for every list of choices. own: declared by the node itself."""

    name: str
    type: str
    options: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = False
    own: bool = True

    @property
    def forced(self) -> bool:
        """Whether it is a socket, though its type has a widget."""
        return bool(self.options.get("forceInput"))

    @property
    def widget_type(self) -> str | None:
        """The type of its widget; None for a socket."""
        kind = str(self.options.get("widgetType") or self.type)
        return kind if kind in WIDGETS and not self.forced else None

    @property
    def choices(self) -> list[Any]:
        """What a COMBO offers."""
        offered = self.options.get("options")
        return list(offered) if isinstance(offered, (list, tuple)) else []


def options_of(spec: Any) -> dict[str, Any]:
    """The options of an input as /object_info declares it: [type, options]."""
    return spec[1] if len(spec) > 1 and isinstance(spec[1], dict) else {}


def inputs_of(definition: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Name and declaration of each input of a node of /object_info."""
    for part in ("required", "optional"):
        yield from _part(definition, part).items()


def _part(definition: Mapping[str, Any], part: str) -> dict[str, Any]:
    declared = definition.get("input")
    inputs = declared.get(part) if isinstance(declared, dict) else None
    if not isinstance(inputs, dict):
        return {}
    return {name: spec for name, spec in inputs.items() if isinstance(spec, (list, tuple)) and spec}


def read_input(name: str, spec: Any, optional: bool = False) -> Input:
    """An input of a node of /object_info."""
    options = options_of(spec)
    if isinstance(spec[0], (list, tuple)):
        return Input(name, "COMBO", {**options, "options": spec[0]}, optional)
    return Input(name, str(spec[0]), options, optional)


def declared_inputs(kind: str, definition: Mapping[str, Any]) -> list[Input]:
    """The inputs that the frontend makes sockets and widgets of: required ones first, its own after those."""
    required = [read_input(name, spec) for name, spec in _part(definition, "required").items()]
    optional = [read_input(name, spec, True) for name, spec in _part(definition, "optional").items()]
    added = [] if kind not in _AUDIO else [Input("audioUI", "AUDIO_UI", own=False)]
    audio = next((each for each in required if each.name == "audio"), None)
    if audio is not None and audio.options.get("audio_upload") is True:
        added.append(Input("upload", "AUDIOUPLOAD", own=False))
    uploads = (each for each in required if each.type == "COMBO" and any(each.options.get(k) is True for k in _UPLOADS))
    if (found := next(uploads, None)) is not None:
        added.append(Input("upload", "IMAGEUPLOAD", {**found.options, "imageInputName": found.name}, own=False))
    return [*required, *added, *optional]


def in_order(definition: Mapping[str, Any], inputs: list[Input]) -> list[Input]:
    """The inputs in the order in which the frontend shows them: that of `input_order`, the rest behind."""
    order = definition.get("input_order")
    if not isinstance(order, dict):
        return inputs
    named = {each.name: each for each in inputs}
    first = [
        named[name]
        for part, optional in (("required", False), ("optional", True))
        for name in order.get(part) or ()
        if name in named and named[name].optional == optional
    ]
    return [*dict.fromkeys(first), *(each for each in inputs if each not in first)]


def output_types(definition: Mapping[str, Any]) -> list[str]:
    """The types of a node's outputs."""
    listed = definition.get("output")
    return ["COMBO" if isinstance(kind, list) else str(kind) for kind in (listed if isinstance(listed, list) else ())]


def default_of(each: Input) -> Any:
    """The value of a new widget; ABSENT where it has none."""
    default = each.options.get("default")
    kind = each.widget_type
    if kind in ("COMBO", DYNAMIC_COMBO):
        if each.options.get("multi_select"):
            return []
        if default:
            return default
        choices = _keys(each) if kind == DYNAMIC_COMBO else each.choices
        return choices[0] if choices else ABSENT
    if kind in ("INT", "FLOAT"):
        return 0 if default is None else default
    if kind == "BOOLEAN":
        return False if default is None else default
    if kind == "COLOR":
        return default or "#000000"
    return default if isinstance(default, str) else ""


def _keys(each: Input) -> list[str]:
    return [str(option.get("key")) for option in each.choices if isinstance(option, dict)]


def inner_inputs(each: Input, key: Any) -> list[Input]:
    """The inputs that a dynamic COMBO has while `key` is chosen, named `combo.input`."""
    option = next((one for one in each.choices if isinstance(one, dict) and one.get("key") == key), {})
    declared = {"input": option.get("inputs")}
    return [
        read_input(f"{each.name}.{name}", spec, part == "optional")
        for part in ("required", "optional")
        for name, spec in _part(declared, part).items()
    ]


def grown_inputs(each: Input, names: list[str]) -> list[Input]:
    """Those inputs of an input that grows which have these full names, such as `values.a`, and are its own."""
    template = each.options.get("template")
    template = template if isinstance(template, dict) else {}
    parts = {part: _part(template, part) for part in ("required", "optional")}
    specs = [spec for part in parts.values() for spec in part.values()]
    if not specs:
        return []
    return [read_input(name, specs[0], True) for name in names if name.startswith(f"{each.name}.")]
