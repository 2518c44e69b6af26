"""`--set TITLE.widget=value`: changes of widgets, found by the title of their node."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .conversion import Place, as_offered
from .frontend.kinds import Input
from .frontend.shape import check_values
from .prompt import WorkflowError
from .workflow import Workflow

_BRACE = re.compile(r"(?<!\\)[{}]")


class Written(str):
    """A value as the user wrote it."""


@dataclass(frozen=True)
class Setting:
    """`--set TITLE.widget=value`. The title may also be the kind or the id of a node.

    value: for the widget as it is, or as `Written`.
    """

    title: str
    widget: str
    value: Any

    def __str__(self) -> str:
        return f"--set {self.title}.{self.widget}"

    @classmethod
    def parse(cls, text: str) -> Setting:
        """A setting as the user writes it. What its value means, the widget decides.

        Raises:
            WorkflowError: it is not written so.
        """
        target, equals, value = text.partition("=")
        title, dot, widget = target.rpartition(".")
        if not equals or not dot or not title.strip() or not widget.strip():
            raise WorkflowError(
                f"--set {text}: write it as NODE_TITLE.widget=value, for example --set Canny.low_threshold=50"
            )
        return cls(title.strip(), widget.strip(), Written(value))

    def apply(self, workflow: Workflow) -> Workflow:
        """The workflow with the value in every node that has the title; as it is where none has.

        Raises:
            WorkflowError: no such node has such a widget, or the widget takes no such value.
        """
        values: dict[Place, Any] = {}
        nodes = workflow.find_nodes(self.title)
        found = [node_id for node_id in nodes if workflow.find_place(node_id, self.widget) is not None]
        for node_id in found or nodes:
            place = workflow.place(node_id, self.widget, str(self))
            value = self._value(*workflow.declared(node_id, self.widget))
            choices = workflow.graph is not None and workflow.makes_choices(node_id, self.widget)
            if choices and isinstance(value, str) and "|" not in value:
                value = _BRACE.sub(r"\\\g<0>", value)  # with nothing to choose from, braces are letters
            values[place] = value
        return workflow.with_values(values)

    def _value(self, declared: Input | None, now: Any) -> Any:
        if not isinstance(self.value, Written):
            return self.value
        try:
            return read_value(self.value[:], declared, now)  # plain text, not Written
        except ValueError as error:
            raise WorkflowError(f"{self}: {error}") from None


def read_value(text: str, declared: Input | None, now: Any) -> Any:
    """The value that a text means to a widget.

    declared: the input that the widget stands for. now: its value now, whose type decides where nothing is declared.

    Raises:
        ValueError: the widget takes no such value.
    """
    kind = (declared.widget_type or declared.type) if declared else _KINDS.get(type(now), "")
    read = _READERS.get(kind)
    if read is not None:
        return read(text.strip())
    if kind == "COMBO" and declared is not None:
        if declared.options.get("multi_select"):
            return [part.strip() for part in text.split(",") if part.strip()]
        numbers = {str(each): each for each in declared.choices if not isinstance(each, str)}
        return numbers.get(text.strip(), as_offered(text, declared.choices))
    if kind not in ("", *_TEXTS) and isinstance(now, (list, dict)):
        return _read_json(text)
    return text


def _read_whole(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,30}(\.0+)?", text):
        raise ValueError(f"{text[:40]!r} is no whole number. Write for example 20.")
    return int(text.partition(".")[0])


def _read_real(text: str) -> float:
    if not re.fullmatch(r"[+-]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?", text):
        raise ValueError(f"{text[:40]!r} is no number. Write for example 0.5.")
    return float(text)


def _read_switch(text: str) -> bool:
    if text.casefold() not in _SWITCHES:
        raise ValueError(f"{text[:40]!r} is neither true nor false. Write one of these.")
    return _SWITCHES[text.casefold()]


def _read_json(text: str) -> Any:
    try:
        value = json.loads(text)
        check_values(value)
    except (ValueError, RecursionError, WorkflowError):
        raise ValueError(f"{text[:40]!r} is no list or object. Write it as JSON.") from None
    return value


_SWITCHES = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False, "1": True, "0": False}
_READERS: dict[str, Callable[[str], Any]] = {"INT": _read_whole, "FLOAT": _read_real, "BOOLEAN": _read_switch}
_TEXTS = ("STRING", "TEXTAREA", "MARKDOWN", "COLOR")
_KINDS: dict[type, str] = {bool: "BOOLEAN", int: "INT", float: "FLOAT", str: "STRING", list: "JSON", dict: "JSON"}


def apply_settings(workflows: Mapping[str, Workflow], settings: Sequence[Setting]) -> dict[str, Workflow]:
    """The workflows, each by its name, with the settings that concern them.

    Raises:
        WorkflowError: a setting concerns none of them, or a node that it names has no such widget.
    """
    changed = dict(workflows)
    for setting in settings:
        concerned = [name for name, workflow in changed.items() if workflow.find_nodes(setting.title)]
        if not concerned:
            titles = sorted({title for workflow in changed.values() for title in workflow.titles()})
            raise WorkflowError(
                f"{setting}: no workflow has a node titled '{setting.title}'. There are: {', '.join(titles)}"
            )
        for name in concerned:
            with name_in_errors(name):
                changed[name] = setting.apply(changed[name])
    return changed


@contextmanager
def name_in_errors(name: str) -> Iterator[None]:
    """Errors of what is done here begin with the name of the workflow.

    Raises:
        WorkflowError: as it came, but with the name.
    """
    try:
        yield
    except WorkflowError as error:
        raise WorkflowError(f"{name}: {error}") from error
