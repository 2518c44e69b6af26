"""The widgets of a node and the values that a file holds for them."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from .kinds import (
    ABSENT,
    AUTOGROW,
    BUTTONS,
    CONTROL,
    CONTROLLED,
    DYNAMIC_COMBO,
    Input,
    default_of,
    grown_inputs,
    inner_inputs,
)

# The keys from the top of a file down to one value, such as ("nodes", 3, "widgets_values", 0).
Place: TypeAlias = "tuple[str | int, ...]"
CUSTOM_COMBO = "CustomCombo"
VALUES = "widgets_values"
_FOLDER = re.compile(r"\[(input|output|temp)\]", re.IGNORECASE)
_ABOVE_3D = ("upload 3d model", "upload extra resources", "clear")


@dataclass(eq=False)
class Widget:
    """A widget and its value. input: the input of the node that it stands for. place: of the value in the file.

    kept: it has a place in `widgets_values`. first: what an empty choice of a picture becomes.
    """

    name: str
    input: Input | None = None
    value: Any = ABSENT
    place: Place | None = None
    kept: bool = True
    upload: Input | None = None
    first: Any = None

    @property
    def sent(self) -> bool:
        """Whether it is an input of the node, not a help of the frontend."""
        return self.input is not None and self.input.own

    def put(self, value: Any, place: Place | None) -> None:
        """Take a value from the file, in the form in which the frontend's widget holds it."""
        self.value, self.place = self._as_held(value), place

    def _as_held(self, value: Any) -> Any:
        if self.upload is not None:
            return self._as_file(value)
        each = self.input
        if each is not None and each.widget_type == "STRING" and each.options.get("multiline"):
            return "" if value is None else value if isinstance(value, str) else js_text(value)
        return value

    def _as_file(self, value: Any) -> Any:
        """The name of an uploaded file, with its folder where that is not ComfyUI's input folder."""
        assert self.upload is not None
        folder = str(self.upload.options.get("image_folder") or "input")

        def with_folder(name: Any) -> Any:
            if not isinstance(name, str) or folder == "input" or _FOLDER.search(name):
                return name
            return f"{name} [{folder}]"

        if not value:
            return self.first
        if isinstance(value, list):
            batch = self.upload.options.get("allow_batch")
            return [with_folder(name) for name in value] if batch else with_folder(value[0])
        return with_folder(value)

    def promoted(self, name: str) -> Widget:
        """The widget that an instance of a subgraph has in place of this one."""
        widget = copy.copy(self)
        widget.name = name
        return widget


def make_widgets(
    kind: str, definition: Mapping[str, Any], inputs: Sequence[Input], saved: Sequence[str]
) -> list[Widget]:
    """The widgets of a new node, with their defaults. saved: the names of the inputs that the file has for it."""
    widgets: list[Widget] = []
    for each in inputs:
        if each.type == AUTOGROW:
            grown = [one for one in grown_inputs(each, list(saved)) if one.widget_type]
            widgets += [widget for one in grown for widget in _make(one)]
        elif each.widget_type is not None:
            widgets += _make(each)
    for button in (widget for widget in widgets if widget.input and widget.input.widget_type == "IMAGEUPLOAD"):
        assert button.input is not None
        name = button.input.options.get("imageInputName")
        for widget in widgets:
            if widget.name == name:
                widget.upload, widget.first = button.input, widget.value
    if kind == CUSTOM_COMBO:
        widgets.append(Widget("index"))
    return widgets


def _make(each: Input) -> list[Widget]:
    """The widget of an input and those that the frontend puts around it."""
    kind, options = each.widget_type, each.options
    widget = Widget(each.name, each, default_of(each), kept=kind != "AUDIO_UI")
    if kind == "LOAD_3D":
        return [*(Widget(name) for name in _ABOVE_3D), widget]
    if kind == "AUDIO_RECORD":
        return [widget, Widget(each.name)]
    around: list[Widget] = []
    if kind == "COMBO" and options.get("remote") and not options.get("multi_select"):
        around.append(Widget("Auto-refresh after generation"))
        if isinstance(options["remote"], dict) and options["remote"].get("refresh_button"):
            around.append(Widget("refresh"))
    control = options.get(CONTROL)
    if kind == "INT" and (control if control is not None else each.name in CONTROLLED):
        around.append(Widget(control if isinstance(control, str) else CONTROL))
    if kind == "COMBO" and control and not options.get("multi_select"):
        around += [Widget(control if isinstance(control, str) else CONTROL), Widget("control_filter_list")]
    inner = [one for one in inner_inputs(each, widget.value) if one.widget_type] if kind == DYNAMIC_COMBO else []
    return [widget, *around, *(more for one in inner for more in _make(one))]


def fill_widgets(
    widgets: list[Widget], data: Mapping[str, Any], place: Place, declared: Sequence[Input] | None = None
) -> None:
    """Give a node's widgets the values of the file. declared: the inputs in the order of the declaration."""
    values = data.get(VALUES)
    place = (*place, VALUES)
    if isinstance(values, dict):
        for widget in widgets:
            if widget.name in values and (widget.input is None or widget.input.widget_type not in BUTTONS):
                widget.put(values[widget.name], (*place, widget.name))
        return
    pairs: list[tuple[Any, Place]] = [(value, (*place, i)) for i, value in enumerate(values or ())]
    if declared is not None:
        pairs = _without_dummies(pairs, declared, {widget.name for widget in widgets})
    if len(widgets) > 1 and widgets[0].input is not None and widgets[1].name == "index" and widgets[1].input is None:
        _fill_custom_combo(widgets, pairs)
        return
    number = 0
    for value, where in pairs:
        kept = [widget for widget in widgets if widget.kept]
        if number >= len(kept):
            return
        widget, number = kept[number], number + 1
        widget.put(value, where)
        if widget.input is not None and widget.input.widget_type == DYNAMIC_COMBO:
            _choose_inner(widgets, widget)


def _without_dummies(
    pairs: list[tuple[Any, Place]], declared: Sequence[Input], names: set[str]
) -> list[tuple[Any, Place]]:
    """The values without those that files before frontend 1.16 hold for inputs that are sockets only."""
    counted = [each for each in declared if each.name in names or each.forced]
    number = sum(2 if each.options.get(CONTROL) or each.name in CONTROLLED else 1 for each in counted)
    if number != len(pairs):
        return pairs
    return [pair for i, pair in enumerate(pairs) if i >= len(counted) or not counted[i].forced]


def _choose_inner(widgets: list[Widget], combo: Widget) -> None:
    """Put the widgets of a dynamic COMBO's choice in the place of those of the choice before."""
    assert combo.input is not None
    widgets[:] = [widget for widget in widgets if not widget.name.startswith(f"{combo.name}.")]
    at = widgets.index(combo) + 1
    inner = [one for one in inner_inputs(combo.input, combo.value) if one.widget_type]
    widgets[at:at] = [widget for one in inner for widget in _make(one)]


def _fill_custom_combo(widgets: list[Widget], pairs: list[tuple[Any, Place]]) -> None:
    """A Custom Combo has a widget for each of its options and an empty one behind them."""
    for widget, (value, where) in zip(widgets, pairs, strict=False):
        widget.put(value, where)
    options: list[tuple[Any, Place | None]] = [(value, where) for value, where in pairs[2:] if isinstance(value, str)]
    if not options or options[-1][0]:
        options.append(("", None))
    del widgets[2:]
    for number, (value, where) in enumerate(options, start=1):
        widgets.append(Widget(f"option{number}", Input(f"option{number}", "STRING"), value, where))
    combo = widgets[0].value
    index = next((i for i, (value, _) in enumerate(options) if value == combo), -1)
    widgets[1] = Widget("index", Input("index", "INT"), index)


def promote_widgets(widgets: list[Widget], data: Mapping[str, Any], place: Place, properties: Any) -> None:
    """Give the widgets of a subgraph's instance the values of the file.

    Files of newer frontends name the order of the values in `proxyWidgets`; those marked -1 are the instance's own,
    the others stand for a widget inside and have their value there.
    """
    values = data.get(VALUES)
    values = values if isinstance(values, list) else []
    where = (*place, VALUES)
    listed = _read_proxies(properties.get("proxyWidgets"))
    if not any(owner == "-1" for owner, _ in listed):
        others = sum(2 if _has_control(widget) else 1 for widget in widgets)
        with_controls = len(values) > len(widgets) and len(values) == others
        number = 0
        for widget in widgets:
            if number < len(values) and values[number] is not None:
                widget.put(values[number], (*where, number))
            number += 2 if with_controls and _has_control(widget) else 1
    for number, (owner, name) in enumerate(listed):
        widget = next((each for each in widgets if each.name == name), None)
        if owner == "-1" and widget is not None and number < len(values) and values[number] is not None:
            widget.put(values[number], (*where, number))
    hidden = {name for owner, name in listed if owner != "-1"} - {name for owner, name in listed if owner == "-1"}
    widgets[:] = [widget for widget in widgets if widget.name not in hidden]


def _has_control(widget: Widget) -> bool:
    each = widget.input
    return each is not None and len(_make(each)) > 1 and each.widget_type == "INT"


def _read_proxies(listed: Any) -> list[tuple[str, str]]:
    if isinstance(listed, str):
        try:
            listed = json.loads(listed)
        except ValueError:
            return []
    if not isinstance(listed, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in listed):
        return []
    return [(str(owner), str(name)) for owner, name in listed]


def js_text(value: Any) -> str:
    """A value of JSON as JavaScript writes it into a text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    if isinstance(value, list):
        return ",".join("" if each is None else js_text(each) for each in value)
    if isinstance(value, dict):
        return "[object Object]"
    return "null" if value is None else str(value)
