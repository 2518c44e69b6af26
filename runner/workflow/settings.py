"""`--set TITLE.widget=value`: changes of widgets, found by the title of their node."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .prompt import WorkflowError
from .workflow import Workflow


@dataclass(frozen=True)
class Setting:
    """`--set TITLE.widget=value`. The title may also be the kind or the id of a node."""

    title: str
    widget: str
    value: Any

    def __str__(self) -> str:
        return f"--set {self.title}.{self.widget}"

    @classmethod
    def parse(cls, text: str) -> Setting:
        """A setting as the user writes it; a value that is no JSON is text.

        Raises:
            WorkflowError: it is not written so.
        """
        target, equals, value = text.partition("=")
        title, dot, widget = target.rpartition(".")
        if not equals or not dot or not title.strip() or not widget.strip():
            raise WorkflowError(
                f"--set {text}: write it as NODE_TITLE.widget=value, for example --set Canny.low_threshold=50"
            )
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = value
        return cls(title.strip(), widget.strip(), parsed)

    def apply(self, workflow: Workflow) -> Workflow:
        """The workflow with the value in every node that has the title; as it is where none has.

        Raises:
            WorkflowError: such a node has no such widget.
        """
        places = [workflow.place(node_id, self.widget, str(self)) for node_id in workflow.find_nodes(self.title)]
        return workflow.with_values(dict.fromkeys(places, self.value))


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
