"""Questions to one server over HTTP: each has a limit in time and in size, and is asked again while patience lasts."""

from __future__ import annotations

import functools
import http.client
import io
import json
import socket
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urljoin

import requests
import urllib3
from requests.adapters import HTTPAdapter
from websocket import WebSocketException

from .address import PATIENCE_S, AddressError, origin, read_address
from .messages import BadAnswer, QueueError, ServerLost

ANSWER_S = 60.0  # for one answer to begin, and between two pieces of it
MAX_JSON = 64 << 20  # bytes
MAX_FILE = 2 << 30  # bytes; a long video
# A file may take longer than patience lasts, if so many bytes of it come in a second.
FILE_RATE = 100_000.0
MAX_REDIRECTS = 5
_HEAD = 1 << 20  # bytes of an answer beside its content
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


class _Limit:
    """How much longer and how much larger one answer may become.

    until: a time of time.monotonic. rate: bytes a second that give it more time; 0: none do.
    """

    def __init__(self, seconds: float, until: float, size: int, rate: float = 0.0) -> None:
        self.began = time.monotonic()
        self.until, self.size, self.rate = min(self.began + seconds, until), size, rate
        self.wait, self.taken = seconds, 0

    def left(self) -> float:
        """Seconds that the next piece may take.

        Raises:
            TimeoutError: there are none left.
        """
        more = self.taken / self.rate if self.rate else 0.0
        left = self.until + more - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"its answer was not complete after {time.monotonic() - self.began:.0f} s")
        return min(left, self.wait)

    def take(self, count: int) -> None:
        """Count bytes that have come.

        Raises:
            OSError: these are too many.
        """
        self.taken += count
        if self.is_over:
            raise OSError("its answer is too large")

    @property
    def is_over(self) -> bool:
        """Whether more has come than may."""
        return self.taken > self.size + _HEAD


_limit: ContextVar[_Limit] = ContextVar("limit of the answer that is read in this thread")
_until: ContextVar[float] = ContextVar("when patience is over in this thread", default=float("inf"))


class _Limited(io.RawIOBase):
    """What comes from a socket, within a limit: a timeout of a socket alone counts from byte to byte."""

    def __init__(self, source: io.RawIOBase, sock: socket.socket, limit: _Limit) -> None:
        self._source, self._sock, self._bounds = source, sock, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._bounds.left())
        count = self._source.readinto(buffer)
        self._bounds.take(count or 0)
        return count

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer that is read within the limit of this thread, its head included."""

    def __init__(self, sock: socket.socket, *args: Any, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        source: Any = self.fp
        self.fp: Any = io.BufferedReader(_Limited(source.detach(), sock, _limit.get()))


@functools.cache
def _limited(kind: type) -> type:
    """A class of connections whose answers are read within limits."""
    return type(kind.__name__, (kind,), {"response_class": _Response})


class _Adapter(HTTPAdapter):
    def get_connection_with_tls_context(self, *args: Any, **named: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **named)
        if not issubclass(pool.ConnectionCls.response_class, _Response):
            pool.ConnectionCls = _limited(pool.ConnectionCls)
        return pool


class Http:
    """The server at `url`. patience: for how many seconds it may give no answer before it counts as lost.

    check_alive: raises where the process of the server is known to have ended.

    Raises:
        QueueError: `url` is none.
    """

    def __init__(self, url: str, check_alive: Callable[[], None] = lambda: None, patience: float = PATIENCE_S) -> None:
        try:
            address = read_address(url)
        except AddressError as error:
            raise QueueError(str(error)) from None
        self.url, self.login = address.url, address.login
        self.check_alive = check_alive
        self.patience = patience
        self.answer_s = min(ANSWER_S, patience)
        self._session = requests.Session()
        self._session.auth = self.login
        self._session.headers["Connection"] = "close"  # one that was kept open may be broken when it is used again
        self._session.headers["Accept-Encoding"] = "identity"  # a packed answer may be small and fill the memory
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter())

    def ask(
        self,
        method: str,
        path: str,
        *,
        limit: int = MAX_JSON,
        timeout: float | None = None,
        rate: float = 0.0,
        **content: Any,
    ) -> bytes:
        """The body of an answer of at most `limit` bytes.

        timeout: seconds for all of it (default: patience). rate: bytes a second that give it more. content: see
        requests.request.

        Raises:
            ServerLost: there is no answer.
            Declined: the server says no.
            BadAnswer: the answer is larger, packed, or sends on to another server.
        """
        bounds = _Limit(timeout or self.patience, _until.get(), limit, rate)
        wait = min(timeout or self.answer_s, self.answer_s)
        bounds.wait = wait
        token = _limit.set(bounds)
        try:
            return self._ask(method, self.url + path, bounds, min(wait, max(0.05, bounds.left())), content)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            if bounds.is_over:
                raise self._too_large(limit) from error
            self.check_alive()
            raise ServerLost(f"{self.url} does not answer ({_cause(error)}).") from error
        finally:
            _limit.reset(token)

    def _ask(self, method: str, url: str, bounds: _Limit, wait: float, content: Mapping[str, Any]) -> bytes:
        for _ in range(MAX_REDIRECTS):
            with self._session.request(
                method, url, timeout=wait, stream=True, allow_redirects=False, **content
            ) as answer:
                if answer.is_redirect and method in ("GET", "HEAD"):
                    url = self._next_url(url, answer.headers["location"])
                    continue
                if answer.status_code in _UNREACHABLE:
                    raise ServerLost(
                        f"{self.url} does not answer (HTTP {answer.status_code}).",
                        retry_after=_seconds(answer.headers.get("Retry-After")),
                    )
                body = self._read(answer, bounds.size)
                if answer.status_code >= HTTPStatus.MULTIPLE_CHOICES:
                    raise Declined(url, answer.status_code, body)
                return body
        raise BadAnswer(f"{self.url} sends on from one address to the next without end.")

    def _next_url(self, url: str, location: str) -> str:
        """Where an answer sends on to, on the same server."""
        try:
            following = urljoin(url, location)
            target, own = origin(following), origin(self.url)
        except (AddressError, ValueError):
            raise BadAnswer(f"{self.url} sends on to an address that is none.") from None
        if target != own:
            raise BadAnswer(
                f"{self.url} sends on to another server, {target}, which is not asked. If that one is your ComfyUI, "
                "name it in its place."
            )
        return following

    def _read(self, answer: requests.Response, limit: int) -> bytes:
        if (packed := answer.headers.get("Content-Encoding", "identity").strip().lower()) not in ("", "identity"):
            raise BadAnswer(f"{self.url} packs its answers ({packed[:20]}), which was not asked for.")
        stated = answer.headers.get("Content-Length", "")
        if stated.isascii() and stated.isdigit() and (len(stated) > 18 or int(stated) > limit):
            raise self._too_large(limit)
        body = bytearray()
        for piece in answer.iter_content(_PIECE):
            body += piece
            # A file whose length is not stated may be one without an end.
            if len(body) > (limit if stated else min(limit, 4 * MAX_JSON)):
                raise self._too_large(limit)
        return bytes(body)

    def _too_large(self, limit: int) -> BadAnswer:
        return BadAnswer(f"{self.url} gives more than {limit / 1e6:.0f} MB. It was not read to its end.")

    def get_json(self, path: str, limit: int = MAX_JSON) -> Any:
        """The JSON at `path`.

        Raises:
            ServerLost: there is no answer, or one that is no JSON.
            BadAnswer: the answer is too large, or sends on to another server.
        """
        try:
            return json.loads(self.ask("GET", path, limit=limit))
        except (Declined, ValueError, RecursionError) as error:
            raise ServerLost(f"{self.url}{path} gives no JSON ({error}). Is it a ComfyUI?") from error

    def patiently(self, ask: Callable[[], T]) -> T:
        """Call `ask` again until it gives an answer. A Declined is one.

        No try begins when patience is over, and none lasts for more than that again.

        Raises:
            ServerLost: there was none.
        """
        limit = min(time.monotonic() + self.patience, _until.get())
        pause, longest = _FIRST_PAUSE_S, min(_LONGEST_PAUSE_S, self.patience / 10)
        token = _until.set(limit + self.patience)  # a try that has begun may take its time, too
        try:
            while True:
                wait = 0.0
                try:
                    return ask()
                except ServerLost as error:
                    wait = error.retry_after
                    if time.monotonic() + pause >= limit:
                        raise
                except (WebSocketException, OSError) as error:
                    self.check_alive()
                    if time.monotonic() + pause >= limit:
                        raise ServerLost(f"{self.url} does not answer ({error}).") from error
                pause = min(longest, 2 * pause)
                time.sleep(max(pause, min(wait, limit - time.monotonic())))
        finally:
            _until.reset(token)


def _seconds(retry_after: str | None) -> float:
    """What a server asks to wait, in seconds; 0 where it names none, or a date."""
    return float(retry_after) if retry_after and retry_after.isdecimal() and len(retry_after) < 10 else 0.0


def _cause(error: BaseException) -> BaseException:
    """What is at the bottom of an error: requests wraps urllib3's, which wraps that of the operating system."""
    while inner := error.__cause__ or next((each for each in error.args if isinstance(each, BaseException)), None):
        error = inner
    return error


def json_content(data: Mapping[str, Any]) -> dict[str, Any]:
    """`data` as the content of a request."""
    return {"data": json.dumps(data).encode(), "headers": {"Content-Type": "application/json"}}
