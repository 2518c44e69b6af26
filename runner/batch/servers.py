"""The workers of a batch: running ComfyUIs that are named by their URL."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

from ..comfyui.address import full_url
from ..comfyui.client import ComfyClient
from ..comfyui.inventory import RunningComfy
from ..comfyui.messages import BadAnswer, FileGone, NodeFailed, Picture, Progress, QueueError, Refused, ServerLost
from ..workflow.needs import ModelNeed, model_needs
from .jobs import BatchJob, JobFile, JobOutput
from .pool import JobFailed, JobRefused, WorkerLost

OnProgress = Callable[[str, BatchJob, Progress], None]


class BatchWorker(Protocol):
    """A worker of the pool that also reports its progress and can be stopped."""

    on_progress: OnProgress

    @property
    def name(self) -> str: ...

    def run(self, job: BatchJob, /) -> JobOutput: ...

    def cancel(self) -> None: ...


class Fleet(Protocol):
    """Workers and the kinds of nodes that they have. models: after `check`, the sha256 of those known by name."""

    @property
    def workers(self) -> Sequence[BatchWorker]: ...

    @property
    def object_info(self) -> dict[str, Any]: ...

    @property
    def models(self) -> Mapping[str, str]: ...

    def check(self, jobs: Sequence[BatchJob]) -> Iterator[str]:
        """Leave out workers that would make other pictures; gives a line for each, with the reason.

        Raises:
            QueueError: none is left.
        """
        ...

    def close(self) -> None:
        """End what was started for the batch."""
        ...


class ServerWorker:
    """Runs jobs on the ComfyUI of `client`, one at a time; sends their input files, fetches what they made."""

    def __init__(
        self, client: ComfyClient, read: Callable[[JobFile], bytes] = lambda file: file.path.read_bytes()
    ) -> None:
        """read: gives the content of an input file."""
        self.client = client
        self.on_progress: Callable[[str, BatchJob, Progress], None] = lambda name, job, progress: None
        self._read = read
        self._sent: dict[tuple[str, str], str] = {}  # name and sha256 -> the name there
        self._running = ""
        self.pictures: list[Picture] = []  # of the last job that succeeded

    @property
    def name(self) -> str:
        return self.client.url

    def run(self, job: BatchJob) -> JobOutput:
        """Run a job to its end and fetch its files.

        Raises:
            JobRefused: the server does not take it, or lacks a file; another may not.
            JobFailed: it did not work here.
            WorkerLost: the server is gone, or has forgotten the job.
        """
        self._running = str(uuid.uuid4())
        try:
            prompt = job.name_files([self._send(file) for file in job.files])
            outcome = self.client.run(
                prompt, job.workflow, lambda progress: self.on_progress(self.name, job, progress), self._running
            )
            pictures = [each for each in outcome.pictures if _is_of(each.node_id, job.node)]
            files = tuple((each.filename, self.client.fetch_whole(each)) for each in _choose_files(pictures))
        except (Refused, FileGone) as error:  # another may not have made the file yet
            raise JobRefused(f"{self.name}: {error}") from error
        except BadAnswer as error:  # nothing here says that the job is at fault
            self.cancel()
            raise JobRefused(str(error)) from error
        except ServerLost as error:
            if not error.forgotten:
                self.cancel()
            raise WorkerLost(str(error), gone=not error.forgotten) from error
        except (NodeFailed, QueueError, OSError) as error:
            raise JobFailed(str(error)) from error
        except Exception as error:  # whatever a server brings about ends this job here and no other
            self.cancel()
            raise JobFailed(f"{self.name}: {type(error).__name__}: {error}") from error
        finally:
            self._running = ""
        self.pictures = outcome.pictures
        texts = [texts for node_id, texts in outcome.texts.items() if _is_of(node_id, job.node)]
        return JobOutput(outcome.seconds, files, tuple(text for each in texts for text in each))

    def cancel(self) -> None:
        """End what runs now, if the server listens. Its result is not wanted any more."""
        if self._running:
            try:
                self.client.cancel(self._running)
            except (QueueError, OSError):
                return  # it does not listen, and there is nothing else to be done

    def _send(self, file: JobFile) -> str:
        known = (file.need.name, file.sha256)
        if known not in self._sent:
            self._sent[known] = self.client.upload(file.need.name, self._read(file))
        return self._sent[known]


def _is_of(node_id: str, node: str) -> bool:
    """Whether what a node gave is a result: all is, or that of `node` and of the nodes that it added to the run."""
    return not node or node_id == node or node_id.startswith(f"{node}.")


def _choose_files(pictures: Sequence[Picture]) -> list[Picture]:
    """The files to fetch: those that were saved; where none was, the previews."""
    saved = [picture for picture in pictures if picture.type == "output"]
    return list(dict.fromkeys(saved or pictures))


class Servers:
    """The ComfyUIs at `urls` that answer. left_out: a line for each of the others.

    Raises:
        QueueError: none answers, and they are not only `beside` other workers.
    """

    def __init__(self, urls: Sequence[str], patience: float, beside: bool = False) -> None:
        self.beside = beside
        self.places: dict[str, RunningComfy] = {}
        self.object_info: dict[str, Any] = {}
        self.left_out: list[str] = []
        self.models: dict[str, str] = {}  # no ComfyUI says what is in its models
        for url in dict.fromkeys(map(full_url, urls)):
            try:
                place = RunningComfy(ComfyClient(url, patience=patience))
                self.places[place.client.url] = place
                self.object_info = place.object_info | self.object_info
            except QueueError as error:
                self.left_out.append(f"Left out: {error}")
        self.workers = [ServerWorker(place.client) for place in self.places.values()]
        if not self.workers and not beside:
            reasons = " ".join(self.left_out)
            raise QueueError(f"no ComfyUI answers. Start one, or name one that runs with --comfyui-url URL. {reasons}")

    def check(
        self, jobs: Sequence[BatchJob], kinds: Collection[str] = (), models: Collection[str] | None = None
    ) -> Iterator[str]:
        """Leave out servers that can run none of the jobs; gives a line for each that lacks something.

        kinds and models: what other workers have, None where there are none.

        Raises:
            QueueError: none is left, and they are not only beside other workers.
        """
        yield from self.left_out
        lacking = list(find_lacking(self.places, jobs, kinds, models))
        yield from (line for _, _, line in lacking)
        useless = {name for name, useless, _ in lacking if useless}
        self.workers = [worker for worker in self.workers if worker.name not in useless]
        if not self.workers and not self.beside:
            raise QueueError("no ComfyUI has all that a job needs.")

    def close(self) -> None:
        """Do nothing: they are not ours to end."""


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
