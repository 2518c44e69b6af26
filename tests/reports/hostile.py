"""`python run.py report hostile`: hostile words, files and servers, 10,000 of each.

Writes tests/reports/hostile.md. What has been tried is kept in output/hostile.json: a run that was ended goes on where
it stopped, and tries what had a fault once more. The suite tries 480 others.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...runner.pack import ROOT
from ..support.hostile.commands import try_files
from ..support.hostile.jobs import try_servers
from ..support.hostile.nodes import try_nodes
from ..support.hostile.tally import Tally
from ._served import served
from .parts.places import output_file

OUTPUT = ROOT / "tests" / "reports" / "hostile.md"
STATE = ROOT / "output" / "hostile.json"
SURFACES = {
    "nodes": "texts in the widgets of all nodes, through a real ComfyUI that writes its log",
    "files": "spoiled workflow files, through convert, check, pack and queue",
    "servers": "a job with an input file on a server that answers oddly once, through the worker of queue",
}
BLOCK = 250
SHOWN = 20


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report hostile", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="of each surface")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=tuple(SURFACES), nargs="*", default=list(SURFACES))
    parser.add_argument("--again", action="store_true", help="forget what has been tried")
    parser.add_argument("--out", type=output_file, default=OUTPUT)
    options = parser.parse_args(argv)
    state = {} if options.again else _read_state(options.seed)
    for name in options.only:
        _run(name, options.inputs, options.seed, state)
    _write(options, argv, state)
    return 0 if all(not found.faults for found in state.values()) else 1


def _read_state(seed: int) -> dict[str, Tally]:
    try:
        state = json.loads(STATE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: Tally(**found) for name, found in state["surfaces"].items()} if state.get("seed") == seed else {}


def _run(name: str, inputs: int, seed: int, state: dict[str, Tally]) -> None:
    """Try what is left of a surface, block by block."""
    found = state.setdefault(name, Tally())
    again = [int(match[1]) for fault in found.faults if (match := re.match(r"(\d+) ", fault))]
    if found.inputs >= inputs and not again:
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temp, OPENED[name](Path(temp), seed) as attempt:
        faults = [fault for number in again for fault in attempt(range(number, number + 1)).faults]
        found.mended += len(found.faults) - len(faults)
        found.faults = faults
        while found.inputs < inputs:
            began = time.monotonic()
            block = attempt(range(found.inputs, min(inputs, found.inputs + BLOCK)))
            block.seconds = time.monotonic() - began
            found.add(block)
            STATE.parent.mkdir(exist_ok=True)
            state_of_all = {each: asdict(tried) for each, tried in state.items()}
            STATE.write_text(json.dumps({"seed": seed, "surfaces": state_of_all}), encoding="utf-8")
            print(f"{name}: {found.inputs} of {inputs}, {len(found.faults)} faults", flush=True)
            if not block.inputs:  # the worker is dead
                return


Attempt = Callable[[range], Tally]


@contextmanager
def _nodes(folder: Path, seed: int) -> Iterator[Attempt]:
    with served(folder / "comfyui") as client:
        info: dict[str, Any] = client.get("/object_info")
        log = folder / "comfyui" / "comfyui.log"

        def attempt(numbers: range) -> Tally:
            before = log.read_bytes().count(b"--- Logging error ---")
            tried = try_nodes(client.url, info, numbers, seed)
            errors = log.read_bytes().count(b"--- Logging error ---") - before
            tried.faults += [f"{numbers}: {errors} errors of the log"] if errors else []
            return tried

        yield attempt


@contextmanager
def _files(folder: Path, seed: int) -> Iterator[Attempt]:
    yield lambda numbers: try_files(folder, numbers, seed)


@contextmanager
def _servers(folder: Path, seed: int) -> Iterator[Attempt]:
    yield lambda numbers: try_servers(folder, numbers, seed)


OPENED = {"nodes": _nodes, "files": _files, "servers": _servers}


def _write(options: argparse.Namespace, argv: list[str], state: dict[str, Tally]) -> None:
    command = " ".join(["python run.py report hostile", *argv])
    faults = [(name, fault) for name, found in state.items() for fault in found.faults]
    text = [
        "# Hostile words, files and servers",
        "",
        f"`{command}`, {datetime.date.today()}, Python {platform.python_version()}, ComfyUI on the CPU.",
        "",
        "Each input is refused in words that can be printed, or does what it says: no traceback of Steer, no dead "
        "worker, nothing over 20 s, nothing called done that is not. "
        f"Inputs with a fault: {len(faults)}. {'MISS' if faults else 'pass'}",
        "",
        "| surface | inputs | did what they say | refused in words | slowest, s | faults | mended | seconds in all |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {SURFACES[name]} | {found.inputs:,} | {found.ran:,} | {found.refused:,} | {found.slowest:.1f} | "
            f"{len(found.faults)} | {found.mended} | {found.seconds:.0f} |"
            for name, found in sorted(state.items(), key=lambda item: list(SURFACES).index(item[0]))
        ),
        "",
        *(f"- {name}: {fault!a}" for name, fault in faults[:SHOWN]),
    ]
    options.out.write_text("\n".join(text).rstrip() + "\n", encoding="utf-8")
    print("\n".join(text[4:]))
