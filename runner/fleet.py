"""The workers of a batch: running ComfyUIs that are named by their URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from .answers import Progress, QueueError
from .client import ComfyClient, full_url
from .jobs import Job
from .remote import Made, ServerWorker

OnProgress = Callable[[str, Job, Progress], None]


class BatchWorker(Protocol):
    """A worker of the pool that also tells its progress and can be stopped."""

    on_progress: OnProgress

    @property
    def name(self) -> str: ...

    def run(self, job: Job, /) -> Made: ...

    def cancel(self) -> None: ...


class Fleet(Protocol):
    """Workers, and the kinds of nodes that they have."""

    @property
    def workers(self) -> Sequence[BatchWorker]: ...

    @property
    def object_info(self) -> dict[str, Any]: ...

    def check(self, jobs: Sequence[Job]) -> Iterator[str]:
        """Leave out workers that would make other pictures; tells which and why. Raises QueueError if none is left."""
        ...

    def close(self) -> None: ...


class Servers:
    """The ComfyUIs at `urls` that answer. Raises QueueError when none does. left_out: what was told of the others."""

    def __init__(self, urls: Sequence[str], patience: float) -> None:
        self.workers: list[ServerWorker] = []
        self.object_info: dict[str, Any] = {}
        self.left_out: list[str] = []
        for url in dict.fromkeys(map(full_url, urls)):
            client = ComfyClient(url, patience=patience)
            try:
                self.object_info = client.get("/object_info") | self.object_info
                self.workers.append(ServerWorker(client))
            except QueueError as error:
                self.left_out.append(f"Left out: {error}")
        if not self.workers:
            told = " ".join(self.left_out)
            raise QueueError(f"no ComfyUI answers. Start one, or name one that runs with --comfyui-url URL. {told}")

    def check(self, jobs: Sequence[Job]) -> Iterator[str]:
        yield from self.left_out

    def close(self) -> None:
        """They are not ours to end."""
