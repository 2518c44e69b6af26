"""Workflow files with something wrong in them, made from good ones."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

# What may stand where something else should.
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    7,
    1.5,
    float("nan"),
    float("inf"),
    -float("inf"),
    10**30,
    "",
    "x",
    "7",
    "\ud83d",
    "\u0000\u001b[2J",
    "../../etc/passwd",
    "\uadf8\ub9bc",
    [],
    [[]],
    [None],
    [1, 2, 3],
    {},
    {"": {}},
    {"id": {}},
    {"name": 1},
)


def places_in(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield (*place, key)
        yield from places_in(each, (*place, key))


def spoil(data: Any, random_: random.Random) -> Any:
    """A copy with one to three things wrong: another value, a missing one, a repeated one, or one nested deeply."""
    data = copy.deepcopy(data)
    for _ in range(random_.choice((1, 1, 2, 3))):
        places = list(places_in(data))
        if not places:
            return data
        *way, last = random_.choice(places)
        owner = data
        for key in way:
            owner = owner[key]
        kind = random_.randrange(8)
        if kind == 0:
            del owner[last]
        elif kind == 1 and isinstance(owner, list):
            owner.append(copy.deepcopy(owner[last]))
        elif kind == 2:
            for _ in range(random_.choice((3, 120, 400))):
                owner[last] = [owner[last]]
        elif kind == 3:
            owner[last] = copy.deepcopy(random_.choice([data, *(_at(data, place) for place in places[:40])]))
        else:
            owner[last] = copy.deepcopy(random_.choice(ODD))
    return data


def _at(data: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        data = data[key]
    return data


def spoiled_files(documents: list[Any], count: int, seed: int = 0) -> Iterator[bytes]:
    """The contents of `count` files."""
    random_ = random.Random(seed)
    for number in range(count):
        data = spoil(documents[number % len(documents)], random_)
        content = json.dumps(data, ensure_ascii=random_.random() < 0.9).encode("utf-8", "surrogatepass")
        if random_.random() < 0.05:
            content = content[: random_.randrange(len(content))]
        yield content
