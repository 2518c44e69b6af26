"""Follows one prompt on a ComfyUI's websocket until it has ended, also over connections that break.

What comes on a websocket decides nothing alone: whether the prompt has ended is asked over HTTP. So messages that are
odd, endless or a byte at a time are left out, and cost a limited time and memory.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import websocket

from ...nodes.text.printable import printable
from ..workflow.prompt import Prompt, node_title
from .answers import progress_of, read_event
from .messages import Progress
from .transport import Http

LISTEN_S = 2.0  # how long one wait for a message lasts
QUIET_S = 10.0  # after this long without one, the server is asked what became of the prompt
ASK_S = 60.0  # and after this long in any case: messages may come from a server that has forgotten the prompt
RECONNECT_S = 0.2
CONNECT_S = 20.0
MAX_MESSAGE = 64 << 20  # bytes
MAX_TITLE = 200  # letters of a node's name


class Connection(websocket.WebSocket):
    """A websocket that gives back control after LISTEN_S, whatever comes, and takes no message without end."""

    _listens_until = float("inf")
    _bytes = 0

    def next_message(self) -> bytes | None:
        """The next text; None for anything else: a picture, a ping, nothing in LISTEN_S.

        Raises:
            OSError, WebSocketException: the connection broke.
        """
        self._listens_until = time.monotonic() + LISTEN_S
        try:
            kind, frame = self.recv_data_frame(control_frame=True)
        except websocket.WebSocketTimeoutException:
            return None  # a message of which a part has come goes on with the next call
        self._bytes = 0
        if kind == websocket.ABNF.OPCODE_CLOSE:
            raise websocket.WebSocketConnectionClosedException("the server ended the connection")
        return bytes(frame.data) if kind == websocket.ABNF.OPCODE_TEXT else None

    def _recv(self, bufsize: int) -> bytes:
        if time.monotonic() > self._listens_until:
            raise websocket.WebSocketTimeoutException("it sends a little at a time")
        piece = super()._recv(bufsize)
        self._bytes += len(piece)
        if self._bytes > MAX_MESSAGE:
            raise websocket.WebSocketException("a message without end")
        return piece

    def abort(self) -> None:
        """Make whoever waits for this socket stop waiting."""
        if self.sock is not None:
            with contextlib.suppress(OSError):  # it may be closed already
                self.sock.shutdown(socket.SHUT_RDWR)


def connect(server: Http, client_id: str) -> Connection:
    """A websocket on which the server reports to this client what happens.

    Raises:
        OSError, WebSocketException: it cannot be had.
    """
    address = server.url.replace("http", "ws", 1) + f"/ws?clientId={client_id}"
    connection = Connection()
    connection.settimeout(min(server.answer_s, CONNECT_S))
    timer = threading.Timer(min(server.answer_s, CONNECT_S), connection.abort)  # of it all, not of each byte
    timer.start()
    try:
        connection.connect(address, redirect_limit=0, header=_login(server))
        if connection.getstatus() != HTTPStatus.SWITCHING_PROTOCOLS:
            raise websocket.WebSocketException("it sends on to another address, which is not asked")
    except websocket.WebSocketBadStatusException as error:
        connection.shutdown()
        raise websocket.WebSocketException(f"it opens no websocket: HTTP {error.status_code}") from error
    except (websocket.WebSocketException, OSError):
        connection.shutdown()
        raise
    except Exception as error:  # the library's own, over what no server should answer
        connection.shutdown()
        raise websocket.WebSocketException(f"it does not open a websocket ({error})") from error
    finally:
        timer.cancel()
    connection.settimeout(LISTEN_S)
    return connection


def _login(server: Http) -> list[str]:
    if server.login is None:
        return []
    return [f"Authorization: Basic {base64.b64encode(':'.join(server.login).encode()).decode()}"]


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

    def run(self, connection: Connection | None = None) -> None:
        """Return when the prompt has ended, however it did. A connection that breaks is made again. Closes it.

        Raises:
            ServerLost: the server does not answer any more, or has forgotten the prompt.
        """
        while True:
            try:
                connection = connection or connect(self.http, self.client_id)
                self._listen(connection)
                return
            except (websocket.WebSocketException, OSError):
                if self.has_ended():
                    return
                time.sleep(RECONNECT_S)
            finally:
                if connection is not None:
                    connection.shutdown()
                connection = None

    def _listen(self, connection: Connection) -> None:
        heard = asked = time.monotonic()
        while True:
            now = time.monotonic()
            if now - heard > min(QUIET_S, self.http.patience) or now - asked > ASK_S:  # its end may have been missed
                if self.has_ended():
                    return
                heard = asked = time.monotonic()
            message = connection.next_message()
            if message is None:
                self.http.check_alive()
                continue
            kind, data = read_event(message)
            if data.get("prompt_id") == self.prompt_id:
                heard = time.monotonic()
                if self._take(kind, data) and self.has_ended():
                    return

    def _take(self, kind: str, data: dict[str, Any]) -> bool:
        """Note one event; whether it is the last of the prompt."""
        node = data.get("node")
        if kind == "execution_cached":
            nodes = data.get("nodes")
            self.cached = [name for name in nodes if isinstance(name, str)] if isinstance(nodes, list) else []
        elif kind == "executing" and node is None and "node" in data:
            self.on_progress(Progress(len(self.prompt), len(self.prompt), "done"))
            return True
        elif kind == "executing" and isinstance(node, str):
            if node not in self.executed[-1:]:  # after a new connection, it comes again
                self.executed.append(node)
            shown = data.get("display_node")
            name = node_title(self.prompt, shown if shown and isinstance(shown, str) else node)
            self._title = printable(name, MAX_TITLE)
            self._report({})
        elif kind == "progress":
            self._report(data)
        return False

    def _report(self, data: dict[str, Any]) -> None:
        done = len(self.cached) + max(0, len(self.executed) - 1)
        self.on_progress(progress_of(data, done, len(self.prompt), self._title))
