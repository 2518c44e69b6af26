"""A server that answers as a ComfyUI but for one reply, which is odd, endless, slow, torn or somebody else's."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
NODES = {
    "EmptyImage": {"input": {"required": {"width": ["INT", {}]}}, "output": ["IMAGE"], "output_node": False},
    "SaveImage": {"input": {"required": {"images": ["IMAGE"]}}, "output": [], "output_node": True},
}
ROUTES = ("prompt", "history", "queue", "view", "upload", "object_info", "ws", "message")
PROMPT = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 8}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
}


def png(color: int = 0) -> bytes:
    """A small picture."""
    content = io.BytesIO()
    Image.new("RGB", (16, 16), (color, 90, 30)).save(content, "PNG")
    return content.getvalue()


PICTURE = png()
Send = Callable[["Talk"], None]


@dataclass
class Talk:
    """One connection: what was asked, and the socket to answer on."""

    sock: socket.socket
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def send(self, data: bytes) -> None:
        """Send these bytes."""
        self.sock.sendall(data)

    def answer(self, body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> None:
        """A plain answer."""
        head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
        self.send("\r\n".join([*head, "Connection: close", "", ""]).encode("latin-1", "replace"))
        if self.method != "HEAD":
            self.send(body)


@dataclass
class HostileServer:
    """`with HostileServer({"history": send}) as server:`; routes that are not named answer as they should.

    The websocket route is "ws" for its opening and "message" for what is sent on it. late: the prompt is done only when
    somebody has asked for the queue.
    """

    odd: dict[str, Send] = field(default_factory=dict)
    late: bool = True
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> HostileServer:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.queued: dict[str, Any] = {}
        self.ends = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.ends.set()
        self.listener.close()

    def _accept(self) -> None:
        while not self.ends.is_set():
            try:
                sock, _ = self.listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=[sock], daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), sock:  # the client hangs up in the middle
            sock.settimeout(30)
            talk = _read(sock)
            route = talk.path.split("?")[0].split("/")[1]
            self.asked.append(f"{talk.method} {route}")
            if route == "ws":
                self._open(talk)
            elif route in self.odd and not (route == "queue" and talk.method == "POST"):
                self.odd[route](talk)
            else:
                talk.answer(self.reply(route, talk))

    def reply(self, route: str, talk: Talk) -> bytes:
        """What a ComfyUI answers."""
        if route == "prompt":
            name = json.loads(talk.body)["prompt_id"]
            self.queued[name] = entry()
            return json.dumps({"prompt_id": name, "number": 1, "node_errors": {}}).encode()
        if route == "history":
            name = talk.path.rpartition("/")[2]
            if not self.late and name in self.queued:
                return json.dumps({name: self.queued[name]}).encode()
            return b"{}"
        if route == "queue":  # it is done as soon as somebody has asked
            waiting = [[0, name] for name in self.queued] if self.late else []
            self.late = False
            return json.dumps({"queue_running": waiting, "queue_pending": []}).encode()
        if route == "view":
            return PICTURE
        answers = {
            "object_info": NODES,
            "upload": {"name": "a.png", "subfolder": "", "type": "input"},
        }
        return json.dumps(answers.get(route, [])).encode()

    def _open(self, talk: Talk) -> None:
        if "ws" in self.odd:
            self.odd["ws"](talk)
            return
        key = base64.b64encode(hashlib.sha1(talk.headers["sec-websocket-key"].encode() + GUID).digest()).decode()
        head = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")
        talk.send("\r\n".join([*head, f"Sec-WebSocket-Accept: {key}", "", ""]).encode())
        while not self.ends.is_set() and not self.queued:
            time.sleep(0.01)
        name = next(iter(self.queued), "")
        if "message" in self.odd:
            talk.body = name.encode()
            self.odd["message"](talk)
        for data in ({"node": "1", "prompt_id": name}, {"node": None, "prompt_id": name}):
            talk.send(frame(json.dumps({"type": "executing", "data": data}).encode()))
        self.ends.wait(5)


def entry() -> dict[str, Any]:
    """What the history tells of a prompt that went well."""
    return {
        "prompt": [1, "name", PROMPT, {}, ["2"]],
        "outputs": {"2": {"images": [{"filename": "made.png", "subfolder": "", "type": "output"}]}},
        "status": {"status_str": "success", "completed": True, "messages": []},
    }


def frame(payload: bytes, opcode: int = 1, *, final: bool = True, length: int | None = None) -> bytes:
    """A frame of a websocket. length: the one that it states."""
    size = len(payload) if length is None else length
    head = bytes([opcode | (0x80 if final else 0)])
    if size < 126:
        return head + bytes([size]) + payload
    return head + (b"\x7e" + struct.pack("!H", size) if size < 1 << 16 else b"\x7f" + struct.pack("!Q", size)) + payload


def _read(sock: socket.socket) -> Talk:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(1 << 16)
        if not piece:
            raise ValueError("no question")
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += sock.recv(1 << 16)
    method, path, *_ = first.split(" ")
    return Talk(sock, method, path, headers, body)


# Replies that no ComfyUI gives.


def says(body: bytes | str, status: str = "200 OK", *headers: str, length: int | None = None) -> Send:
    """Answers so."""
    content = body.encode() if isinstance(body, str) else body
    return lambda talk: talk.answer(content, status, *headers, length=length)


def sends(data: bytes, pause: float = 0.0, times: int = 1, *, then: float = 0.0) -> Send:
    """Sends these bytes, again and again, without a head of its own. then: seconds of silence at the end."""

    def send(talk: Talk) -> None:
        for _ in range(times):
            talk.send(data)
            time.sleep(pause)
        time.sleep(then)

    return send


def trickles(body: bytes, pause: float = 0.05) -> Send:
    """Answers rightly, a byte at a time."""

    def send(talk: Talk) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        for byte in head + body:
            talk.send(bytes([byte]))
            time.sleep(pause)

    return send
