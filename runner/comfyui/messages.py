"""What ComfyUI answers, as plain data: why it refuses a prompt, progress, and how a prompt ended. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ..workflow.prompt import Prompt, node_title


class QueueError(Exception):
    """A prompt did not run to its end. The message says why."""


@dataclass(frozen=True)
class NodeFault:
    """What ComfyUI has against an input of a node. title: what the user calls the node."""

    node_id: str
    title: str
    message: str
    details: str = ""

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.title, self.message, self.details)))


class Refused(QueueError):
    """ComfyUI did not take the prompt: a node, model, file or value is wrong. faults: what is wrong where."""

    def __init__(self, reason: str, faults: tuple[NodeFault, ...] = ()) -> None:
        super().__init__("\n".join([f"ComfyUI refused the workflow: {reason}", *(f"  {fault}" for fault in faults)]))
        self.faults = faults


class NodeFailed(QueueError):
    """A node raised an error, or the run was cancelled."""


class ServerLost(QueueError):
    """The server does not answer any more, or (`forgotten`) answers but knows nothing of the prompt.

    retry_after: how many seconds it asks to wait before the next question.
    """

    def __init__(self, message: str, forgotten: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.forgotten, self.retry_after = forgotten, retry_after


@dataclass(frozen=True)
class Picture:
    """One file of an output node. type: the folder of ComfyUI that holds it, output, temp or input."""

    node_id: str
    filename: str
    subfolder: str
    type: str


class FileGone(QueueError):
    """The server names a file that it made earlier and that is not in its folder any more."""

    def __init__(self, url: str, picture: Picture) -> None:
        where = "/".join(filter(None, (picture.type, picture.subfolder, picture.filename)))
        super().__init__(
            f"{url} made {where} earlier and takes the workflow for done, but the file is not there any more: it was "
            "moved, renamed or deleted. Choose 'Unload Models and Execution Cache' in that ComfyUI's menu or restart "
            "it, then run the same command again: it makes the file again."
        )


@dataclass
class RunOutcome:
    """What a prompt gave that ran to its end.

    pictures: files of all kinds. texts: by node. cached, executed: nodes, the latter in the order in which they began.
    """

    seconds: float
    pictures: list[Picture] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=dict)
    cached: list[str] = field(default_factory=list)
    executed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Progress:
    """What a running prompt is doing: nodes done of all, the node at work, its step of steps."""

    done: int
    total: int
    title: str
    step: int = 0
    steps: int = 0

    @property
    def share(self) -> float:
        """How much is done, 0..1."""
        part = self.step / self.steps if self.steps else 0.0
        return min(1.0, (self.done + part) / max(self.total, 1))


def refusal(prompt: Prompt, body: bytes) -> Refused:
    """The answer to a prompt that does not validate."""
    try:
        answer = json.loads(body)
    except ValueError:
        return Refused(body[:500].decode(errors="replace").strip() or "no reason given")
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return Refused(str(error or answer)[:500])
    faults = _faults(prompt, answer.get("node_errors") or {})
    reason = str(error.get("message") or "no reason given")
    details = str(error.get("details") or "")
    return Refused(f"{reason}: {details}" if details and not faults else reason, faults)


def only_in_part(prompt: Prompt, node_errors: dict[str, Any]) -> Refused:
    """For a prompt of which ComfyUI took only those output nodes that validate."""
    return Refused("it would make only some of its outputs, so it was not run.", _faults(prompt, node_errors))


def _faults(prompt: Prompt, node_errors: dict[str, Any]) -> tuple[NodeFault, ...]:
    return tuple(
        NodeFault(node_id, node_title(prompt, node_id), str(each.get("message")), str(each.get("details") or ""))
        for node_id, errors in node_errors.items()
        for each in errors.get("errors", [])
    )


def outcome_of(history: dict[str, Any], prompt: Prompt) -> RunOutcome:
    """What the output nodes of a prompt gave, from its entry in ComfyUI's history.

    Raises:
        NodeFailed: a node failed, or the run was cancelled.
    """
    for kind, data in (history.get("status") or {}).get("messages", []):
        if kind == "execution_error":
            reason = str(data.get("exception_message")).strip() or str(data.get("exception_type"))
            raise NodeFailed(f"The node '{node_title(prompt, str(data.get('node_id')))}' failed: {reason}")
        if kind == "execution_interrupted":
            raise NodeFailed("The run was cancelled in ComfyUI.")
    outcome = RunOutcome(seconds=0.0)
    for node_id, output in history.get("outputs", {}).items():
        outcome.texts[node_id] = [str(text) for text in output.get("text", [])]
        for entries in output.values():  # images, gifs, audio, 3d ...: whatever names files
            for entry in entries if isinstance(entries, (list, tuple)) else ():
                if isinstance(entry, dict) and isinstance(entry.get("filename"), str):
                    outcome.pictures.append(
                        Picture(node_id, entry["filename"], entry.get("subfolder", ""), entry.get("type", "output"))
                    )
    return outcome
