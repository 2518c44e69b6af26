"""Replies that no ComfyUI gives, of many kinds, each by its number."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from .server import NODES, PICTURE, ROUTES, HostileServer, Send, Talk, entry, frame, says, sends, trickles
from .texts import hostile_text

DEEP = "[" * 100_000 + "]" * 100_000
JSON_VALUES = (
    "null",
    "[]",
    "{}",
    "7",
    '"text"',
    "true",
    "1e999",
    "NaN",
    "-1",
    "9" * 400,
    '"\\ud83d\\u001b[31m"',
    "[null]",
    "[[]]",
    DEEP,
)
PAGE = "<!DOCTYPE html><html><body>\x1b[31mLog in</body></html>"


def odd_reply(rng: random.Random, route: str, right: bytes) -> tuple[str, Send]:
    """A reply of one of many kinds, and what it is called. right: what belongs there."""
    kinds: list[tuple[str, Callable[[], Send]]] = [
        ("a JSON value", lambda: says(rng.choice(JSON_VALUES))),
        ("changed JSON", lambda: says(json.dumps(changed(rng, _parsed(right))))),
        ("changed JSON", lambda: says(json.dumps(changed(rng, _parsed(right))))),
        ("a page", lambda: says(PAGE, "200 OK", "Content-Type: text/html")),
        ("nothing", lambda: says(b"")),
        ("torn", lambda: says(right[: rng.randrange(1 + len(right))], length=len(right))),
        ("cut", lambda: says(right[: rng.randrange(1 + len(right))])),
        ("bytes", lambda: says(rng.randbytes(rng.choice((1, 40, 3000))))),
        (
            "a status",
            lambda: says(right, rng.choice(("204 No", "301 M", "304 N", "400 B", "401 U", "404 N", "500 I", "418 T"))),
        ),
        (
            "another host",
            lambda: says(
                b"", "302 Found", f"Location: {rng.choice(('http://example.invalid/x', '//[', 'ftp://a', '/'))}"
            ),
        ),
        ("packed", lambda: says(right, "200 OK", f"Content-Encoding: {rng.choice(('gzip', 'br', 'x'))}")),
        (
            "no head",
            lambda: sends(
                rng.choice((b"hello\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"\x00" * 50, b"HTTP/1.1 999999 x\r\n\r\n"))
            ),
        ),
        ("odd head", lambda: says(right, "200 OK", hostile_text(rng).replace("\n", " ").replace("\r", " ")[:200])),
        (
            "odd length",
            lambda: sends(
                b"HTTP/1.1 200 OK\r\nContent-Length: " + rng.choice((b"x", b"-5", b"9" * 40)) + b"\r\n\r\n" + right
            ),
        ),
        (
            "odd pieces",
            lambda: sends(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                + rng.choice((b"zz\r\n", b"5\r\nab", b"-1\r\n"))
            ),
        ),
        ("go on", lambda: sends(b"HTTP/1.1 100 Continue\r\n\r\n", times=rng.choice((3, 2000)))),
        ("silence", lambda: sends(b"", then=3.0)),
        ("a byte at a time", lambda: trickles(right, 0.02)),
        ("hangs up", lambda: sends(b"")),
    ]
    name, make = rng.choice(kinds)
    return f"{route}: {name}", make()


def odd_message(rng: random.Random) -> tuple[str, Send]:
    """Something on the websocket before what belongs there."""

    def event(talk: Talk) -> None:
        data = {"node": "1", "prompt_id": talk.body.decode(), "value": 1, "max": 2, "nodes": ["1"], "display_node": "1"}
        kind = rng.choice(("executing", "progress", "execution_cached", "executed", "status", "\ud83d"))
        talk.send(frame(json.dumps(changed(rng, {"type": kind, "data": data}, rng.choice((1, 3)))).encode()))

    kinds: list[tuple[str, Send]] = [
        ("changed event", event),
        ("changed event", event),
        ("text", lambda talk: talk.send(frame(hostile_text(rng).encode(errors="surrogatepass")[:60_000]))),
        ("a value", lambda talk: talk.send(frame(rng.choice(JSON_VALUES).encode()))),
        ("bytes", lambda talk: talk.send(rng.randbytes(rng.choice((1, 20, 2000))))),
        ("pings", lambda talk: sends(frame(b"x", 9), times=500)(talk)),
        ("a frame without end", lambda talk: talk.send(frame(b"x" * 1000, length=1 << 62))),
        ("pieces without end", lambda talk: sends(frame(b"x" * 1000, 0, final=False), times=300)(talk)),
        ("a byte at a time", lambda talk: sends(b"\x81", 0.1, 1)(talk)),
        ("good-bye", lambda talk: talk.send(frame(b"\x03\xe8", 8))),
        ("hangs up", lambda talk: talk.sock.close()),
    ]
    name, send = rng.choice(kinds)
    return f"message: {name}", send


def odd_server(seed: int, number: int) -> tuple[str, HostileServer]:
    """The server with this number, the same one always, and what is odd about it."""
    rng = random.Random(f"{seed} {number}")
    route = rng.choice(ROUTES)
    if route == "message":
        name, send = odd_message(rng)
        return name, HostileServer({route: send}, late=False)
    answers: dict[str, Any] = {
        "prompt": {"prompt_id": "x", "number": 1, "node_errors": {}},
        "history": {"x": entry()},
        "queue": {"queue_running": [[0, "x"]], "queue_pending": []},
        "upload": {"name": "a.png", "subfolder": "", "type": "input"},
        "object_info": NODES,
    }
    right = PICTURE if route == "view" else json.dumps(answers.get(route, {})).encode()
    name, send = odd_reply(rng, route, right)
    return name, HostileServer({route: send}, late=route == "queue" or rng.random() < 0.2)


def _parsed(right: bytes) -> Any:
    try:
        return json.loads(right)
    except ValueError:
        return {"a": [1, "b"]}


def changed(rng: random.Random, value: Any, times: int = 1) -> Any:
    """The JSON with some of its parts in the place of others, or gone."""
    odd = (
        None,
        [],
        {},
        0,
        -1,
        10**400,
        1e308,
        "",
        "x",
        True,
        ["a"],
        [[]],
        {"a": None},
        "\ud83d",
        "\x1b[31m",
        "../../x",
    )
    result = json.loads(json.dumps(value))
    for _ in range(times):
        places = list(_places(result))
        if not places:
            return rng.choice(odd)
        box, key = rng.choice(places)
        if rng.random() < 0.25 and isinstance(box, dict):
            del box[key]
        else:
            box[key] = rng.choice(odd)
    return result


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(inner):
        yield value, key
        yield from _places(part)
