"""What becomes of a prompt on a ComfyUI, as plain data: refusals, progress, and how it ended. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...nodes.text.printable import MAX_MESSAGE, printable


class QueueError(Exception):
    """A prompt did not run to its end. The message says why; what it quotes of a server is made printable."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message, MAX_MESSAGE))


class BadAnswer(QueueError):
    """A server answers, but not as a ComfyUI does."""


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
    jobs: the ids of further jobs that a Sweep Graph has queued, the last one at the end.
    """

    seconds: float
    pictures: list[Picture] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=dict)
    cached: list[str] = field(default_factory=list)
    executed: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)

    def add(self, other: RunOutcome) -> None:
        """Take what a further job gave."""
        self.pictures += other.pictures
        for node_id, texts in other.texts.items():
            self.texts[node_id] = self.texts.get(node_id, []) + texts


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
