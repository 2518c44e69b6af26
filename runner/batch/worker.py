"""A running ComfyUI as a worker for the pool of scheduling.py."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..comfyui.client import ComfyClient
from ..comfyui.messages import FileGone, NodeFailed, Picture, Progress, QueueError, Refused, ServerLost
from .jobs import BatchJob, JobFile
from .pool import JobFailed, JobRefused, WorkerLost


@dataclass(frozen=True)
class JobOutput:
    """What a job has made: files, each with its name on the server and its content."""

    seconds: float
    files: tuple[tuple[str, bytes], ...]
    texts: tuple[str, ...] = ()


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
        self.shown: list[Picture] = []  # by the last job that succeeded

    @property
    def name(self) -> str:
        return self.client.url

    def run(self, job: BatchJob) -> JobOutput:
        """Raises JobFailed, JobRefused or WorkerLost."""
        self._running = str(uuid.uuid4())
        try:
            prompt = job.with_names([self._send(file) for file in job.files])
            outcome = self.client.run(
                prompt, job.workflow, lambda progress: self.on_progress(self.name, job, progress), self._running
            )
            shown = [each for each in outcome.pictures if job.node in ("", each.node_id)]
            files = tuple((each.filename, self.client.fetch(each)) for each in kept(shown))
        except (Refused, FileGone) as error:  # another may not have made the file yet
            raise JobRefused(f"{self.name}: {error}") from error
        except ServerLost as error:
            if not error.forgotten:
                self.cancel()
            raise WorkerLost(str(error), gone=not error.forgotten) from error
        except (NodeFailed, QueueError, OSError) as error:
            raise JobFailed(str(error)) from error
        finally:
            self._running = ""
        self.shown = outcome.pictures
        told = [texts for node_id, texts in outcome.texts.items() if job.node in ("", node_id)]
        return JobOutput(outcome.seconds, files, tuple(text for texts in told for text in texts))

    def cancel(self) -> None:
        """End what runs now, should the server listen: nobody waits for it any more."""
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


def kept(shown: Sequence[Picture]) -> list[Picture]:
    """The files to fetch: what was saved; where nothing was, what was shown."""
    saved = [picture for picture in shown if picture.type == "output"]
    return list(dict.fromkeys(saved or shown))
