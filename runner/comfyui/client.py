"""Talks to a running ComfyUI: queue a prompt, follow its progress, fetch its files, send it files.

A prompt has a name of its own (`prompt_id`) before it is sent, so that after a broken connection the server can be
asked what became of it.
"""

from __future__ import annotations

import contextlib
import json
import time
import urllib.parse
import uuid
from collections.abc import Callable
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Any, TypeVar

from ..workflow.prompt import Prompt
from . import answers
from .address import PATIENCE_S
from .contents import find_fault
from .following import LISTEN_S, Connection, Follower, connect
from .messages import BadAnswer, FileGone, Picture, Progress, QueueError, RunOutcome, ServerLost
from .transport import FILE_RATE, MAX_FILE, Declined, Http, json_content

DONE, QUEUED, UNKNOWN = "done", "queued", "unknown"
MAX_NODES = 256 << 20  # bytes of /object_info: an installation with hundreds of packs has about 30 MB

T = TypeVar("T")


class ComfyClient:
    """One client of the ComfyUI at `url`. patience: how many seconds it may give no answer before it counts as lost.

    check_alive: raises where the process of the server is known to have ended.
    """

    def __init__(self, url: str, check_alive: Callable[[], None] = lambda: None, patience: float = PATIENCE_S) -> None:
        self.http = Http(url, check_alive, patience)
        self.url = self.http.url
        self.client_id = uuid.uuid4().hex

    def get(self, path: str) -> Any:
        """The JSON at `path`.

        Raises:
            ServerLost: there is none.
        """
        return self.http.get_json(path)

    def node_definitions(self) -> dict[str, Any]:
        """The kinds of nodes that it has (/object_info).

        Raises:
            ServerLost: there is no answer.
            BadAnswer: it is not that of a ComfyUI.
        """
        return self._check(lambda: answers.node_definitions(self.http.get_json("/object_info", MAX_NODES)))

    def names(self, path: str) -> list[str]:
        """The list of names at `path`, such as /models.

        Raises:
            ServerLost: there is no answer.
            BadAnswer: it is no such list.
        """
        return self._check(lambda: answers.names(self.get(path), path))

    def _check(self, read: Callable[[], T]) -> T:
        """What `read` reads, with the server's name in its faults."""
        try:
            return read()
        except BadAnswer as error:
            if self.url in str(error):
                raise
            raise BadAnswer(f"{self.url}: {error}") from error

    def has(self, path: str) -> bool:
        """Whether there is something at `path`.

        Raises:
            ServerLost: there is no answer.
        """
        try:
            self.http.ask("HEAD", path)
        except Declined:
            return False
        return True

    def fetch(self, picture: Picture) -> bytes:
        """The bytes of an output file, as ComfyUI wrote it.

        Raises:
            FileGone: it is not there any more.
            QueueError: the server does not give it out.
        """
        query = urllib.parse.urlencode(
            {"filename": picture.filename, "subfolder": picture.subfolder, "type": picture.type}
        )
        try:
            return self.http.patiently(lambda: self.http.ask("GET", f"/view?{query}", limit=MAX_FILE, rate=FILE_RATE))
        except Declined as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise FileGone(self.url, picture) from error
            raise QueueError(f"{self.url} does not give out {picture.filename}: {error}") from error

    def fetch_whole(self, picture: Picture) -> bytes:
        """As `fetch`, but never empty, and a whole picture where the name says that it is one.

        Raises:
            FileGone: it is not there any more.
            BadAnswer: what comes is something else.
            QueueError: the server does not give it out.
        """
        content = self.fetch(picture)
        if fault := find_fault(picture.filename, content):
            raise BadAnswer(f"{self.url} gives {picture.filename}, but {fault}.")
        return content

    def upload(self, name: str, content: bytes) -> str:
        """Put a file into ComfyUI's input folder under `name` (forward slashes); returns the name it got there.

        Nothing is overwritten: a file of that name with the same content is used, one with another gets a number.

        Raises:
            QueueError: the server does not take it.
        """
        path = PurePosixPath(name)
        fields = {"subfolder": "" if str(path.parent) == "." else str(path.parent), "type": "input"}

        def send() -> str:
            body = self.http.ask("POST", "/upload/image", data=fields, files={"image": (path.name, content)})
            try:
                answer = json.loads(body)
            except (ValueError, RecursionError) as error:
                raise ServerLost(f"{self.url} broke off while it was sent {name}: {error}") from error
            return answers.uploaded_name(answer)

        try:
            return self._check(lambda: self.http.patiently(send))
        except Declined as error:
            raise QueueError(f"{self.url} did not take the input file {name}: {error}") from error

    def run(
        self,
        prompt: Prompt,
        workflow: dict[str, Any] | None = None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        prompt_id: str | None = None,
    ) -> RunOutcome:
        """Queue `prompt`, wait for its end and collect what its output nodes gave.

        `workflow` (the UI graph) travels along, so that saved pictures open as that workflow.

        Raises:
            Refused: the server does not take the prompt.
            NodeFailed: a node failed, or the run was cancelled.
            BadAnswer: the server does not answer as a ComfyUI.
            ServerLost: the server is gone or has forgotten the prompt.
        """
        connection = self.http.patiently(self._connect)  # before the prompt, so that nothing of it is missed
        started = time.monotonic()
        try:
            prompt_id = self.submit(prompt, workflow, prompt_id)
            follower = self._follower(prompt_id, prompt, on_progress)
            follower.run(connection)
        finally:
            connection.shutdown()
        outcome = self.collect(prompt_id, prompt)
        self._collect_jobs(outcome, prompt, on_progress)
        outcome.seconds = time.monotonic() - started
        outcome.cached, outcome.executed = follower.cached, follower.executed
        return outcome

    def submit(self, prompt: Prompt, workflow: dict[str, Any] | None = None, prompt_id: str | None = None) -> str:
        """Queue `prompt`; returns the name under which the server knows it.

        Raises:
            Refused: the server does not take it, or would run only some of its output nodes.
            BadAnswer: what it answers is something else.
            ServerLost: the server does not answer.
        """
        prompt_id = prompt_id or str(uuid.uuid4())
        extra = {"extra_pnginfo": {"workflow": workflow}} if workflow is not None else {}
        content = json_content(
            {"prompt": prompt, "client_id": self.client_id, "extra_data": extra, "prompt_id": prompt_id}
        )
        sent = False

        def send() -> tuple[str, dict[str, Any]]:
            nonlocal sent
            if sent and self.state(prompt_id) != UNKNOWN:  # it was taken, and only the answer was lost
                return prompt_id, {}
            sent = True
            body = self.http.ask("POST", "/prompt", **content)
            try:
                answer = json.loads(body)
            except (ValueError, RecursionError) as error:
                raise ServerLost(f"{self.url} gives no JSON for a prompt ({error}). Is it a ComfyUI?") from error
            return answers.queued(answer)

        try:
            name, node_errors = self._check(lambda: self.http.patiently(send))
        except Declined as error:
            raise answers.refusal(prompt, error.body) from error
        if node_errors:
            with contextlib.suppress(QueueError, OSError):  # it does not listen: the refusal stands all the same
                self.cancel(name)
            raise answers.only_in_part(prompt, node_errors)
        return name

    def follow(
        self, prompt_id: str, prompt: Prompt, on_progress: Callable[[Progress], None] = lambda progress: None
    ) -> None:
        """Wait until `prompt_id` has ended, however it did.

        Raises:
            ServerLost: the server does not answer any more, or has forgotten the prompt.
        """
        self._follower(prompt_id, prompt, on_progress).run()

    def collect(self, prompt_id: str, prompt: Prompt) -> RunOutcome:
        """What the output nodes of a prompt that has ended gave.

        Raises:
            NodeFailed: a node failed, or the run was cancelled.
            BadAnswer: the server does not say how it ended.
            ServerLost: the server does not answer, or has forgotten the prompt.
        """
        entry = self.http.patiently(lambda: self._history(prompt_id))
        if entry is None:
            raise self._forgotten()
        return self._check(lambda: answers.outcome_of(entry, prompt))

    def _collect_jobs(self, outcome: RunOutcome, prompt: Prompt, on_progress: Callable[[Progress], None]) -> None:
        """Wait for the jobs that a Sweep Graph of the prompt has queued, and take what they gave.

        Raises:
            NodeFailed: one failed.
        """
        for job in reversed(outcome.jobs):  # the last one first: then all have ended
            if self.state(job) != DONE:
                self.follow(job, prompt, on_progress)
        for job in outcome.jobs:
            outcome.add(self.collect(job, prompt))

    def state(self, prompt_id: str) -> str:
        """DONE (however it ended), QUEUED (waiting or running) or UNKNOWN.

        Raises:
            ServerLost: the server does not answer.
            BadAnswer: it does not say.
        """
        if self._history(prompt_id) is not None:
            return DONE
        if prompt_id in self._check(lambda: answers.queued_names(self.get("/queue"))):
            return QUEUED
        # It may have ended between the two questions.
        return DONE if self._history(prompt_id) is not None else UNKNOWN

    def _history(self, prompt_id: str) -> dict[str, Any] | None:
        return self._check(lambda: answers.history_entry(self.get(f"/history/{prompt_id}"), prompt_id))

    def cancel(self, prompt_id: str) -> None:
        """Take a prompt off the queue or end it.

        Raises:
            QueueError: the server does not listen.
        """
        try:
            for path, body in (("/queue", {"delete": [prompt_id]}), ("/interrupt", {"prompt_id": prompt_id})):
                self.http.ask("POST", path, timeout=LISTEN_S, **json_content(body))
        except Declined as error:
            raise QueueError(str(error)) from error

    def _connect(self) -> Connection:
        return connect(self.http, self.client_id)

    def _follower(self, prompt_id: str, prompt: Prompt, on_progress: Callable[[Progress], None]) -> Follower:
        return Follower(
            self.http, self.client_id, prompt_id, prompt, on_progress, has_ended=lambda: self._has_ended(prompt_id)
        )

    def _has_ended(self, prompt_id: str) -> bool:
        self.http.check_alive()
        state = self.http.patiently(lambda: self.state(prompt_id))
        if state == UNKNOWN:
            raise self._forgotten()
        return state == DONE

    def _forgotten(self) -> ServerLost:
        return ServerLost(f"{self.url} has forgotten the prompt. Was it started again?", forgotten=True)
