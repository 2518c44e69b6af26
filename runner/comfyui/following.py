"""Follows one prompt on a ComfyUI's websocket until it has ended, also over connections that break."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import websocket

from ..workflow.prompt import Prompt, node_title
from .messages import Progress
from .transport import Http

LISTEN_S = 2.0  # how long one wait for a message lasts
QUIET_S = 10.0  # after this long without one, the server is asked what became of the prompt
RECONNECT_S = 0.2


def connect(http: Http, client_id: str) -> websocket.WebSocket:
    """A websocket on which the server reports to this client what happens.

    Raises:
        OSError, WebSocketException: it cannot be had.
    """
    address = http.url.replace("http", "ws", 1) + f"/ws?clientId={client_id}"
    socket = websocket.create_connection(address, timeout=http.answer_s)
    socket.settimeout(LISTEN_S)
    return socket


@dataclass
class Follower:
    """What is known of a running prompt: the nodes that were cached, and those that have begun, in order.

    has_ended: asks the server; raises ServerLost where it does not answer or has forgotten the prompt.
    """

    http: Http
    client_id: str
    prompt_id: str
    prompt: Prompt
    on_progress: Callable[[Progress], None]
    has_ended: Callable[[], bool]
    cached: list[str] = field(default_factory=list)
    executed: list[str] = field(default_factory=list)
    _title: str = ""

    def run(self, socket: websocket.WebSocket | None = None) -> None:
        """Return when the prompt has ended, however it did. A connection that breaks is made again. Closes `socket`.

        Raises:
            ServerLost: the server does not answer any more, or has forgotten the prompt.
        """
        while True:
            try:
                socket = socket or connect(self.http, self.client_id)
                self._listen(socket)
                return
            except (websocket.WebSocketException, OSError):
                if self.has_ended():
                    return
                time.sleep(RECONNECT_S)
            finally:
                if socket is not None:
                    socket.close()
                socket = None

    def _listen(self, socket: websocket.WebSocket) -> None:
        heard = time.monotonic()
        while True:
            if time.monotonic() - heard > min(QUIET_S, self.http.patience):  # its end may have been missed
                if self.has_ended():
                    return
                heard = time.monotonic()
            try:
                message = socket.recv()
            except websocket.WebSocketTimeoutException:
                message = ""
            if not isinstance(message, str) or not message:  # binary messages are preview pictures
                self.http.check_alive()
                continue
            event = json.loads(message)
            data = event.get("data") or {}
            if data.get("prompt_id") == self.prompt_id:
                heard = time.monotonic()
                if self._take(event["type"], data):
                    return

    def _take(self, kind: str, data: dict[str, Any]) -> bool:
        """Note one event; whether it is the last of the prompt."""
        if kind == "execution_cached":
            self.cached = list(data["nodes"])
        elif kind == "executing" and data.get("node") is None:
            self.on_progress(Progress(len(self.prompt), len(self.prompt), "done"))
            return True
        elif kind == "executing":
            if data["node"] not in self.executed[-1:]:  # after a new connection, it comes again
                self.executed.append(data["node"])
            self._title = node_title(self.prompt, data.get("display_node") or data["node"])
            self._report()
        elif kind == "progress":
            self._report(int(data["value"]), int(data["max"]))
        return False

    def _report(self, step: int = 0, steps: int = 0) -> None:
        done = len(self.cached) + max(0, len(self.executed) - 1)
        self.on_progress(Progress(done, len(self.prompt), self._title, step, steps))
