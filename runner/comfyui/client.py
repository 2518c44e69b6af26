"""Talks to a running ComfyUI: queue a prompt, follow its progress, fetch its files, send it files.

A prompt has a name of its own (`prompt_id`) before it is sent, so that after a broken connection the server can be
asked what became of it.
"""

from __future__ import annotations

import contextlib
import http
import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, TypeVar

import websocket

from ..workflow.prompt import Prompt, node_title
from .address import PATIENCE_S
from .messages import (
    FileGone,
    NodeFailed,
    Picture,
    Progress,
    QueueError,
    Refused,
    RunOutcome,
    ServerLost,
    only_in_part,
    outcome_of,
    refusal,
)

__all__ = [
    "ComfyClient",
    "FileGone",
    "NodeFailed",
    "Picture",
    "Progress",
    "Prompt",
    "QueueError",
    "Refused",
    "RunOutcome",
    "ServerLost",
    "node_title",
]

DONE, QUEUED, UNKNOWN = "done", "queued", "unknown"
LISTEN_S = 2.0  # how long one wait for a message lasts
QUIET_S = 10.0  # after this long without one, the server is asked what became of the prompt
ASK_S = 60.0  # for one answer
_UNREACHABLE = (502, 503, 504)  # what a proxy says in front of a server that is gone

T = TypeVar("T")


@dataclass
class PromptProgress:
    """What was told of a prompt while it ran."""

    cached: list[str] = field(default_factory=list)
    executed: list[str] = field(default_factory=list)

    @property
    def done(self) -> int:
        return len(self.cached) + max(0, len(self.executed) - 1)


class ComfyClient:
    """One client of the ComfyUI at `url`. patience: how many seconds it may give no answer before it counts as lost."""

    def __init__(self, url: str, check_alive: Callable[[], None] = lambda: None, patience: float = PATIENCE_S) -> None:
        self.url = url.rstrip("/")
        self.client_id = uuid.uuid4().hex
        self.check_alive = check_alive
        self.patience = patience

    def get(self, path: str) -> Any:
        """The JSON at `path`. Raises ServerLost where there is none."""
        try:
            return json.loads(self._open(path))
        except (urllib.error.HTTPError, ValueError) as error:
            raise ServerLost(f"{self.url}{path} gives no JSON ({error}). Is it a ComfyUI?") from error

    def has(self, path: str) -> bool:
        """Whether there is something at `path`."""
        try:
            self._open(urllib.request.Request(f"{self.url}{path}", method="HEAD"))
        except urllib.error.HTTPError:
            return False
        return True

    def fetch(self, picture: Picture) -> bytes:
        """The bytes of an output file, as ComfyUI wrote it. Raises FileGone where it is not there any more."""
        query = urllib.parse.urlencode(
            {"filename": picture.filename, "subfolder": picture.subfolder, "type": picture.type}
        )
        try:
            return self._patiently(lambda: self._open(f"/view?{query}"))
        except urllib.error.HTTPError as error:
            if error.code == http.HTTPStatus.NOT_FOUND:
                raise FileGone(self.url, picture) from error
            raise QueueError(f"{self.url} does not give out {picture.filename}: {error}") from error

    def upload(self, name: str, content: bytes) -> str:
        """Put a file into ComfyUI's input folder under `name` (forward slashes); returns the name it got there.

        Nothing is overwritten: a file of that name with the same content is used, one with another gets a number.
        """
        return self._patiently(lambda: self._upload(name, content))

    def _upload(self, name: str, content: bytes) -> str:
        import requests  # comfy-cli brings it along

        path = PurePosixPath(name)
        fields = {"subfolder": "" if str(path.parent) == "." else str(path.parent), "type": "input"}
        try:
            answer = requests.post(
                f"{self.url}/upload/image",
                data=fields,
                files={"image": (path.name, content)},
                timeout=min(ASK_S, self.patience),
            )
            if answer.status_code in _UNREACHABLE:
                raise ServerLost(f"{self.url} does not answer (HTTP {answer.status_code}).")
            answer.raise_for_status()
            told = answer.json()
            return "/".join(filter(None, (str(told.get("subfolder") or "").replace("\\", "/"), str(told["name"]))))
        except requests.HTTPError as error:
            raise QueueError(f"{self.url} did not take the input file {name}: {error}") from error
        except (requests.RequestException, KeyError, ValueError) as error:
            raise ServerLost(f"{self.url} broke off while it was sent {name}: {error}") from error

    def run(
        self,
        prompt: Prompt,
        workflow: dict[str, Any] | None = None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        prompt_id: str | None = None,
    ) -> RunOutcome:
        """Queue `prompt`, wait for its end and collect what its output nodes showed.

        `workflow` (the UI graph) travels along, so that saved pictures open as that workflow.
        Raises Refused when the prompt is refused, NodeFailed when a node fails or the run is cancelled, ServerLost
        when the server is gone or has forgotten it.
        """
        socket = self._patiently(self._connect)  # before the prompt, so that nothing of it is missed
        started = time.monotonic()
        try:
            prompt_id = self.submit(prompt, workflow, prompt_id)
            seen = self.follow(prompt_id, prompt, on_progress, socket)
        finally:
            socket.close()
        outcome = self.collect(prompt_id, prompt)
        outcome.seconds = time.monotonic() - started
        outcome.cached, outcome.executed = seen.cached, seen.executed
        return outcome

    def submit(self, prompt: Prompt, workflow: dict[str, Any] | None = None, prompt_id: str | None = None) -> str:
        """Queue `prompt`; returns the name under which the server knows it.

        Raises Refused also where the server would run only some of its output nodes.
        """
        prompt_id = prompt_id or str(uuid.uuid4())
        extra = {"extra_pnginfo": {"workflow": workflow}} if workflow is not None else {}
        body = {"prompt": prompt, "client_id": self.client_id, "extra_data": extra, "prompt_id": prompt_id}
        request = urllib.request.Request(
            f"{self.url}/prompt", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        sent = False

        def send() -> dict[str, Any]:
            nonlocal sent
            if sent and self.state(prompt_id) != UNKNOWN:  # it was taken, and only the answer was lost
                return {"prompt_id": prompt_id}
            sent = True
            return dict(json.loads(self._open(request)))

        try:
            answer = self._patiently(send)
        except urllib.error.HTTPError as error:
            raise refusal(prompt, error.read()) from error
        if answer.get("node_errors"):
            with contextlib.suppress(QueueError, OSError):  # it does not listen: the refusal stands all the same
                self.cancel(str(answer["prompt_id"]))
            raise only_in_part(prompt, answer["node_errors"])
        return str(answer["prompt_id"])

    def follow(
        self,
        prompt_id: str,
        prompt: Prompt,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        socket: websocket.WebSocket | None = None,
    ) -> PromptProgress:
        """Wait until `prompt_id` has ended, however it did. A connection that breaks is made anew. Closes `socket`."""
        seen = PromptProgress()
        while True:
            try:
                socket = socket or self._connect()
                self._listen(socket, prompt_id, prompt, seen, on_progress)
                return seen
            except (websocket.WebSocketException, OSError):
                if self._ended(prompt_id):
                    return seen
                time.sleep(LISTEN_S / 10)
            finally:
                if socket is not None:
                    socket.close()
                socket = None

    def collect(self, prompt_id: str, prompt: Prompt) -> RunOutcome:
        """What the output nodes of a prompt that has ended showed."""
        history = self._patiently(lambda: self.get(f"/history/{prompt_id}"))
        if prompt_id not in history:
            raise ServerLost(f"{self.url} has forgotten the prompt. Was it started again?", forgotten=True)
        return outcome_of(history[prompt_id], prompt)

    def state(self, prompt_id: str) -> str:
        """DONE (however it ended), QUEUED (waiting or running) or UNKNOWN."""
        if prompt_id in self.get(f"/history/{prompt_id}"):
            return DONE
        queue = self.get("/queue")
        if any(prompt_id == entry[1] for part in ("queue_running", "queue_pending") for entry in queue.get(part, [])):
            return QUEUED
        # It may have ended between the two questions.
        return DONE if prompt_id in self.get(f"/history/{prompt_id}") else UNKNOWN

    def cancel(self, prompt_id: str) -> None:
        """Take a prompt off the queue or end it. Raises ServerLost."""
        for path, body in (("/queue", {"delete": [prompt_id]}), ("/interrupt", {"prompt_id": prompt_id})):
            self._open(
                urllib.request.Request(
                    self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
                ),
                timeout=LISTEN_S,
            )

    def _open(self, request: str | urllib.request.Request, timeout: float | None = None) -> bytes:
        """The body of an answer. Raises ServerLost where there is none, HTTPError for one that says no."""
        target = f"{self.url}{request}" if isinstance(request, str) else request
        limit = timeout or min(ASK_S, self.patience)
        try:
            with urllib.request.urlopen(target, timeout=limit) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            if error.code in _UNREACHABLE:
                raise ServerLost(f"{self.url} does not answer ({error}).") from error
            raise
        except (OSError, http.client.HTTPException) as error:
            self.check_alive()
            raise ServerLost(f"{self.url} does not answer ({getattr(error, 'reason', None) or error}).") from error

    def _connect(self) -> websocket.WebSocket:
        address = self.url.replace("http", "ws", 1) + f"/ws?clientId={self.client_id}"
        socket = websocket.create_connection(address, timeout=min(ASK_S, self.patience))
        socket.settimeout(LISTEN_S)
        return socket

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Ask again until there is an answer. Raises ServerLost when there was none for too long.

        An answer that says no, an HTTPError, is one.
        """
        limit = time.monotonic() + self.patience
        while True:
            try:
                return ask()
            except urllib.error.HTTPError:
                raise
            except ServerLost:
                if time.monotonic() >= limit:
                    raise
            except (websocket.WebSocketException, OSError) as error:
                self.check_alive()
                if time.monotonic() >= limit:
                    raise ServerLost(f"{self.url} does not answer ({error}).") from error
            time.sleep(min(1.0, self.patience / 10))

    def _ended(self, prompt_id: str) -> bool:
        """Whether it has. Raises ServerLost where the server knows nothing of it or does not answer."""
        self.check_alive()
        state = self._patiently(lambda: self.state(prompt_id))
        if state == UNKNOWN:
            raise ServerLost(f"{self.url} has forgotten the prompt. Was it started again?", forgotten=True)
        return state == DONE

    def _listen(
        self,
        socket: websocket.WebSocket,
        prompt_id: str,
        prompt: Prompt,
        seen: PromptProgress,
        on_progress: Callable[[Progress], None],
    ) -> None:
        title = ""
        heard = time.monotonic()
        while True:
            if time.monotonic() - heard > min(QUIET_S, self.patience):  # its end may have been missed
                if self._ended(prompt_id):
                    return
                heard = time.monotonic()
            try:
                message = socket.recv()
            except websocket.WebSocketTimeoutException:
                self.check_alive()
                continue
            if not isinstance(message, str) or not message:  # binary messages are preview pictures
                self.check_alive()
                continue
            event = json.loads(message)
            kind, data = event["type"], event.get("data") or {}
            if data.get("prompt_id") != prompt_id:
                continue
            heard = time.monotonic()
            if kind == "execution_cached":
                seen.cached = list(data["nodes"])
            elif kind == "executing" and data.get("node") is not None:
                if data["node"] not in seen.executed[-1:]:  # it is told again after a new connection
                    seen.executed.append(data["node"])
                title = node_title(prompt, data.get("display_node") or data["node"])
                on_progress(Progress(seen.done, len(prompt), title))
            elif kind == "progress":
                on_progress(Progress(seen.done, len(prompt), title, int(data["value"]), int(data["max"])))
            elif kind == "executing":  # no node: all is over, and the history holds what was made
                on_progress(Progress(len(prompt), len(prompt), "done"))
                return
