"""The client on a server whose connections break for a moment: whatever is asked is asked again."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

BREAKS = 2


class Flaky(ThreadingHTTPServer):
    """Answers as a ComfyUI, but not the first BREAKS times that it is asked for one of `breaks`.

    breaks: whether the server took what it did not answer, by the start of the path. busy: how often it answers 503
    first, and asks to wait a second.
    """

    def __init__(self, breaks: dict[str, bool]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.breaks = breaks
        self.busy = 0
        self.asked: Counter[str] = Counter()
        self.queued: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Flaky  # type: ignore

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = "/" + self.path.split("?")[0].split("/")[1]
        self.server.asked[path] += 1
        if self.server.busy:
            self.server.busy -= 1
            self.send_response(503)
            self.send_header("Retry-After", "1")
            self.end_headers()
            return
        silent = path in self.server.breaks and self.server.asked[path] <= BREAKS
        if not silent or self.server.breaks[path]:
            answer = self._content(path, body)
            if not silent:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(answer)
                return
        self.close_connection = True

    def _content(self, path: str, body: bytes) -> bytes:
        if path == "/prompt":
            self.server.queued.append(json.loads(body)["prompt_id"])
            return json.dumps({"prompt_id": self.server.queued[-1], "node_errors": {}}).encode()
        if path == "/queue":
            return json.dumps({"queue_running": [], "queue_pending": [[0, i] for i in self.server.queued]}).encode()
        return {"/view": b"bytes", "/history": b"{}"}.get(path, b'{"name": "a.png", "subfolder": "deep"}')


@pytest.fixture
def flaky(request: pytest.FixtureRequest) -> Iterator[Flaky]:
    with Flaky(request.param) as server:
        threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize(
    "flaky", [{"/view": False, "/upload": True, "/prompt": False, "/history": False}], indirect=True
)
def test_what_a_broken_connection_did_not_answer_is_asked_again(flaky: Flaky):
    from steer.runner.comfyui.client import ComfyClient
    from steer.runner.comfyui.messages import Picture

    client = ComfyClient(f"http://127.0.0.1:{flaky.server_port}", patience=3.0)
    assert client.fetch(Picture("1", "a.png", "", "output")) == b"bytes"
    assert client.upload("deep/a.png", b"x") == "deep/a.png"
    assert client.submit({}, None, "mine") == "mine"
    assert flaky.queued == ["mine"], "it had not been taken, and is sent again under its name"
    assert flaky.asked["/view"] == flaky.asked["/upload"] == flaky.asked["/prompt"] == BREAKS + 1


@pytest.mark.parametrize("flaky", [{"/prompt": True, "/history": False}], indirect=True)
def test_a_prompt_that_was_taken_without_an_answer_is_not_sent_again(flaky: Flaky):
    from steer.runner.comfyui.client import ComfyClient

    client = ComfyClient(f"http://127.0.0.1:{flaky.server_port}", patience=3.0)
    assert client.submit({}, None, "mine") == "mine"
    assert flaky.queued == ["mine"]


@pytest.mark.parametrize("flaky", [{}], indirect=True)
def test_one_that_never_answers_is_given_up(flaky: Flaky):
    from steer.runner.comfyui.client import ComfyClient
    from steer.runner.comfyui.messages import Picture, ServerLost

    flaky.breaks = {"/view": False}
    flaky.asked["/view"] = -1000
    client = ComfyClient(f"http://127.0.0.1:{flaky.server_port}", patience=0.5)
    with pytest.raises(ServerLost, match="does not answer"):
        client.fetch(Picture("1", "a.png", "", "output"))


@pytest.mark.parametrize("flaky", [{}], indirect=True)
def test_a_busy_server_is_asked_again_when_it_says(flaky: Flaky):
    from steer.runner.comfyui.client import ComfyClient
    from steer.runner.comfyui.messages import Picture

    flaky.busy = 1
    client = ComfyClient(f"http://127.0.0.1:{flaky.server_port}", patience=10.0)
    began = time.monotonic()
    assert client.fetch(Picture("1", "a.png", "", "output")) == b"bytes"
    assert time.monotonic() - began >= 1.0
    assert flaky.asked["/view"] == 2


@pytest.mark.parametrize("flaky", [{}], indirect=True)
def test_an_answer_without_end_is_not_read_to_its_end(flaky: Flaky):
    from steer.runner.comfyui.messages import QueueError
    from steer.runner.comfyui.transport import Http

    server = Http(f"http://127.0.0.1:{flaky.server_port}")
    assert server.ask("GET", "/view", limit=5) == b"bytes"
    with pytest.raises(QueueError, match="not read to its end"):
        server.ask("GET", "/view", limit=4)
