"""The workers of a batch: running ComfyUIs that are named by their URL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

from ..comfyui.address import full_url
from ..comfyui.client import ComfyClient
from ..comfyui.inventory import RunningComfy
from ..comfyui.messages import Progress, QueueError
from ..workflow.needs import ModelNeed, model_needs
from .jobs import BatchJob
from .worker import JobOutput, ServerWorker

OnProgress = Callable[[str, BatchJob, Progress], None]


class BatchWorker(Protocol):
    """A worker of the pool that also tells its progress and can be stopped."""

    on_progress: OnProgress

    @property
    def name(self) -> str: ...

    def run(self, job: BatchJob, /) -> JobOutput: ...

    def cancel(self) -> None: ...


class Fleet(Protocol):
    """Workers, the kinds of nodes that they have, and after `check` the sha256 of models that are known by name."""

    @property
    def workers(self) -> Sequence[BatchWorker]: ...

    @property
    def object_info(self) -> dict[str, Any]: ...

    @property
    def models(self) -> Mapping[str, str]: ...

    def check(self, jobs: Sequence[BatchJob]) -> Iterator[str]:
        """Leave out workers that would make other pictures; tells which and why. Raises QueueError if none is left."""
        ...

    def close(self) -> None: ...


class Servers:
    """The ComfyUIs at `urls` that answer. left_out: what was told of the others.

    Raises QueueError when none does, unless they are only `beside` other workers.
    """

    def __init__(self, urls: Sequence[str], patience: float, beside: bool = False) -> None:
        self.beside = beside
        self.places: dict[str, RunningComfy] = {}
        self.object_info: dict[str, Any] = {}
        self.left_out: list[str] = []
        self.models: dict[str, str] = {}  # no ComfyUI tells what is in its models
        for url in dict.fromkeys(map(full_url, urls)):
            try:
                place = RunningComfy(ComfyClient(url, patience=patience))
                self.places[place.client.url] = place
                self.object_info = place.object_info | self.object_info
            except QueueError as error:
                self.left_out.append(f"Left out: {error}")
        self.workers = [ServerWorker(place.client) for place in self.places.values()]
        if not self.workers and not beside:
            told = " ".join(self.left_out)
            raise QueueError(f"no ComfyUI answers. Start one, or name one that runs with --comfyui-url URL. {told}")

    def check(
        self, jobs: Sequence[BatchJob], kinds: Collection[str] = (), models: Collection[str] | None = None
    ) -> Iterator[str]:
        """kinds and models: what other workers have, None where there are none."""
        yield from self.left_out
        told = list(find_lacking(self.places, jobs, kinds, models))
        yield from (line for _, _, line in told)
        useless = {name for name, useless, _ in told if useless}
        self.workers = [worker for worker in self.workers if worker.name not in useless]
        if not self.workers and not self.beside:
            raise QueueError("no ComfyUI has all that a job needs.")

    def close(self) -> None:
        """They are not ours to end."""


def find_lacking(
    places: Mapping[str, RunningComfy], jobs: Sequence[BatchJob], kinds: Collection[str], models: Collection[str] | None
) -> Iterator[tuple[str, bool, str]]:
    """Which places lack a node or model that another has: the name, whether no job can run there, and a line."""
    if len(places) < 2 and models is None:
        return
    needs = {
        (
            frozenset(node["class_type"] for node in job.prompt.values()),
            frozenset(need.name for need in model_needs(job.prompt)),
        )
        for job in jobs
    }
    nodes = frozenset().union(*(some for some, _ in needs))
    names = frozenset().union(*(some for _, some in needs))
    there = {name: _models_of(place, names) for name, place in places.items()}
    somewhere = {*kinds, *(kind for place in places.values() for kind in place.object_info)} & nodes
    anywhere = {*(models or ()), *(name for found in there.values() for name in found)} & names
    for name, place in places.items():
        no_nodes, no_models = somewhere - place.object_info.keys(), anywhere - there[name]
        if not no_nodes and not no_models:
            continue
        what = [f"the node {kind}" for kind in sorted(no_nodes)] + [f"the model {model}" for model in sorted(no_models)]
        useless = all(own & no_nodes or used & no_models for own, used in needs)
        if useless:
            yield name, True, f"Left out: {name} lacks {', '.join(what)}."
        else:
            yield name, False, f"Note: {name} lacks {', '.join(what)}. Jobs that need it go to others."


def _models_of(place: RunningComfy, names: Collection[str]) -> set[str]:
    try:
        return {name for name in names if place.has_model(ModelNeed(name))}
    except QueueError:  # an old ComfyUI that does not list its models: it refuses what it lacks
        return set(names)
