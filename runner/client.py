"""Talks to a running ComfyUI: queue a prompt, follow its progress, fetch its pictures."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import websocket

Prompt = dict[str, dict[str, Any]]


class QueueError(Exception):
    """ComfyUI refused a prompt or a node failed. The message names the node and what it said."""


@dataclass(frozen=True)
class Picture:
    """One file that an output node showed."""

    node_id: str
    filename: str
    subfolder: str
    type: str


@dataclass
class RunOutcome:
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


class ComfyClient:
    """One client of the ComfyUI at `url`."""

    def __init__(self, url: str, check_alive: Callable[[], None] = lambda: None) -> None:
        self.url = url.rstrip("/")
        self.client_id = uuid.uuid4().hex
        self.check_alive = check_alive

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=60) as answer:
            return json.load(answer)

    def fetch(self, picture: Picture) -> bytes:
        """The bytes of an output file, as ComfyUI wrote it."""
        query = urllib.parse.urlencode(
            {"filename": picture.filename, "subfolder": picture.subfolder, "type": picture.type}
        )
        with urllib.request.urlopen(f"{self.url}/view?{query}", timeout=60) as answer:
            return bytes(answer.read())

    def run(
        self,
        prompt: Prompt,
        workflow: dict[str, Any] | None = None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> RunOutcome:
        """Queue `prompt`, wait for its end and collect what its output nodes showed.

        `workflow` (the UI graph) travels along, so that saved pictures open as that workflow.
        Raises QueueError when the prompt is refused, a node fails or the run is cancelled.
        """
        address = self.url.replace("http", "ws", 1) + f"/ws?clientId={self.client_id}"
        socket = websocket.create_connection(address, timeout=2)
        try:
            started = time.monotonic()
            prompt_id = self._post(prompt, workflow)
            seen = self._follow(socket, prompt_id, prompt, on_progress)
        finally:
            socket.close()
        outcome = RunOutcome(seconds=time.monotonic() - started, cached=seen.cached, executed=seen.executed)
        outputs = self.get(f"/history/{prompt_id}")[prompt_id]["outputs"]
        for node_id, shown in outputs.items():
            outcome.texts[node_id] = [str(text) for text in shown.get("text", [])]
            for kind in ("images", "gifs"):
                outcome.pictures += [
                    Picture(node_id, entry["filename"], entry.get("subfolder", ""), entry.get("type", "output"))
                    for entry in shown.get(kind, [])
                ]
        return outcome

    def _post(self, prompt: Prompt, workflow: dict[str, Any] | None) -> str:
        extra = {"extra_pnginfo": {"workflow": workflow}} if workflow is not None else {}
        body = {"prompt": prompt, "client_id": self.client_id, "extra_data": extra}
        request = urllib.request.Request(
            f"{self.url}/prompt", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return str(json.load(answer)["prompt_id"])
        except urllib.error.HTTPError as error:
            raise QueueError(_refusal(prompt, error.read())) from error

    def _follow(
        self, socket: websocket.WebSocket, prompt_id: str, prompt: Prompt, on_progress: Callable[[Progress], None]
    ) -> _Seen:
        seen = _Seen()
        title = ""
        while True:
            try:
                message = socket.recv()
            except websocket.WebSocketTimeoutException:
                self.check_alive()
                continue
            except (websocket.WebSocketException, OSError) as error:
                self.check_alive()
                raise QueueError(f"The connection to ComfyUI broke off: {error}") from error
            if not isinstance(message, str) or not message:  # binary messages are preview pictures
                self.check_alive()
                continue
            event = json.loads(message)
            kind, data = event["type"], event["data"]
            if data.get("prompt_id") != prompt_id:
                continue
            if kind == "execution_cached":
                seen.cached = list(data["nodes"])
            elif kind == "executing" and data.get("node") is not None:
                seen.executed.append(data["node"])
                title = node_title(prompt, data.get("display_node") or data["node"])
                on_progress(Progress(seen.done, len(prompt), title))
            elif kind == "progress":
                on_progress(Progress(seen.done, len(prompt), title, int(data["value"]), int(data["max"])))
            elif kind == "execution_error":
                name = node_title(prompt, data["node_id"])
                raise QueueError(f"The node '{name}' failed: {str(data['exception_message']).strip()}")
            elif kind == "execution_interrupted":
                raise QueueError("The run was cancelled in ComfyUI.")
            elif kind == "executing":  # no node: all is over, and the history holds what was made
                on_progress(Progress(len(prompt), len(prompt), "done"))
                return seen


@dataclass
class _Seen:
    cached: list[str] = field(default_factory=list)
    executed: list[str] = field(default_factory=list)

    @property
    def done(self) -> int:
        return len(self.cached) + max(0, len(self.executed) - 1)


def node_title(prompt: Prompt, node_id: str) -> str:
    node = prompt.get(node_id, {})
    return str(node.get("_meta", {}).get("title") or node.get("class_type") or node_id)


def _refusal(prompt: Prompt, body: bytes) -> str:
    """ComfyUI's answer to a prompt that does not validate, in one readable block."""
    try:
        answer = json.loads(body)
    except ValueError:
        return f"ComfyUI refused the workflow: {body[:500].decode(errors='replace')}"
    lines = [f"ComfyUI refused the workflow: {answer.get('error', {}).get('message', 'no reason given')}"]
    for node_id, fault in (answer.get("node_errors") or {}).items():
        for error in fault.get("errors", []):
            lines.append(f"  {node_title(prompt, node_id)}: {error.get('message')}: {error.get('details')}")
    return "\n".join(lines)
