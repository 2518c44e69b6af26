"""Questions to one server over HTTP: each has a limit in time and in size, and is asked again while patience lasts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import requests
from websocket import WebSocketException

from .address import PATIENCE_S
from .messages import QueueError, ServerLost

ANSWER_S = 60.0  # for one answer to begin, and between two pieces of it
MAX_JSON = 256 << 20  # bytes; /object_info of an installation with hundreds of packs has about 30 MB
MAX_FILE = 8 << 30  # bytes; a long video
_PIECE = 1 << 20
# What a proxy says in front of a server that is gone or busy.
_UNREACHABLE = (
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
# Pauses between two tries: each twice the last, up to a second or a tenth of the patience.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 1.0

T = TypeVar("T")


class Declined(Exception):
    """The server answers, and says no. status: of HTTP. body: what it says."""

    def __init__(self, url: str, status: int, body: bytes) -> None:
        super().__init__(f"{url} says HTTP {status}")
        self.status, self.body = status, body


class Http:
    """The server at `url`. patience: for how many seconds it may give no answer before it counts as lost.

    check_alive: raises where the process of the server is known to have ended.
    """

    def __init__(self, url: str, check_alive: Callable[[], None] = lambda: None, patience: float = PATIENCE_S) -> None:
        self.url = url.rstrip("/")
        self.check_alive = check_alive
        self.patience = patience
        self.answer_s = min(ANSWER_S, patience)
        self._session = requests.Session()
        self._session.headers["Connection"] = "close"  # one that was kept open may be broken when it is used again

    def ask(
        self, method: str, path: str, *, limit: int = MAX_JSON, timeout: float | None = None, **content: Any
    ) -> bytes:
        """The body of an answer of at most `limit` bytes. content: see requests.request.

        Raises:
            ServerLost: there is no answer.
            Declined: the server says no.
            QueueError: the answer is larger.
        """
        url = self.url + path
        try:
            with self._session.request(method, url, timeout=timeout or self.answer_s, stream=True, **content) as answer:
                if answer.status_code in _UNREACHABLE:
                    raise ServerLost(
                        f"{self.url} does not answer (HTTP {answer.status_code}).",
                        retry_after=_seconds(answer.headers.get("Retry-After")),
                    )
                body = _read(answer, limit)
                if answer.status_code >= HTTPStatus.BAD_REQUEST:
                    raise Declined(url, answer.status_code, body)
                return body
        except (requests.RequestException, OSError) as error:
            self.check_alive()
            raise ServerLost(f"{self.url} does not answer ({_cause(error)}).") from error

    def get_json(self, path: str) -> Any:
        """The JSON at `path`.

        Raises:
            ServerLost: there is no answer, or one that is no JSON.
            QueueError: the answer is too large.
        """
        try:
            return json.loads(self.ask("GET", path))
        except (Declined, ValueError, RecursionError) as error:
            raise ServerLost(f"{self.url}{path} gives no JSON ({error}). Is it a ComfyUI?") from error

    def patiently(self, ask: Callable[[], T]) -> T:
        """Call `ask` again until it gives an answer. A Declined is one.

        Raises:
            ServerLost: there was no answer for as long as patience lasts.
        """
        limit = time.monotonic() + self.patience
        pause, longest = _FIRST_PAUSE_S, min(_LONGEST_PAUSE_S, self.patience / 10)
        while True:
            wait = 0.0
            try:
                return ask()
            except ServerLost as error:
                wait = error.retry_after
                if time.monotonic() >= limit:
                    raise
            except (WebSocketException, OSError) as error:
                self.check_alive()
                if time.monotonic() >= limit:
                    raise ServerLost(f"{self.url} does not answer ({error}).") from error
            pause = min(longest, 2 * pause)
            time.sleep(max(pause, min(wait, limit - time.monotonic())))


def _read(answer: requests.Response, limit: int) -> bytes:
    body = bytearray()
    for piece in answer.iter_content(_PIECE):
        body += piece
        if len(body) > limit:
            raise QueueError(f"{answer.url} gives more than {limit / 1e6:.0f} MB. It was not read to its end.")
    return bytes(body)


def _seconds(retry_after: str | None) -> float:
    """What a server asks to wait, in seconds; 0 where it names none, or a date."""
    return float(retry_after) if retry_after and retry_after.isdigit() else 0.0


def _cause(error: BaseException) -> BaseException:
    """What is at the bottom of an error: requests wraps urllib3's, which wraps that of the operating system."""
    while inner := error.__cause__ or next((each for each in error.args if isinstance(each, BaseException)), None):
        error = inner
    return error


def json_content(data: Mapping[str, Any]) -> dict[str, Any]:
    """`data` as the content of a request."""
    return {"data": json.dumps(data).encode(), "headers": {"Content-Type": "application/json"}}
