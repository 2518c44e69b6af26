"""Spoiled workflow files through convert, check, pack and queue, in this process."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any
from unittest import mock

from steer.runner import cli
from steer.runner.batch import command
from steer.runner.share import convert

from ..workflow_files.malformed import spoiled_files
from .tally import SLOW_S, Tally

ROOM = Path(__file__).resolve().parents[2] / "runner"


class _Fleet:
    """ComfyUIs that are asked what they have, and that nothing reaches."""

    models: dict[str, str] = {}
    workers: tuple[()] = ()

    def __init__(self, object_info: dict[str, Any]) -> None:
        self.object_info = object_info

    def check(self, jobs: Any) -> list[str]:
        for job in jobs:
            assert job.key
        raise OSError("nothing is sent")

    def close(self) -> None: ...


def try_files(folder: Path, numbers: range, seed: int) -> Tally:
    """The spoiled files with these numbers. Right are the exit codes 0, 1 and 2, and never a traceback."""
    info = json.loads((ROOM / "data" / "nodes.json").read_text(encoding="utf-8"))
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((ROOM / "cases").glob("*.json"))]
    (folder / "comfyui").mkdir(parents=True, exist_ok=True)
    (folder / "comfyui" / "main.py").write_text("")
    path, comfyui = folder / "w.json", folder / "comfyui"
    lines = (
        ("convert", path),
        ("check", path, "--comfyui", comfyui),
        ("pack", path, "-o", folder / "w.zip", "--allow-missing", "--force", "--comfyui", comfyui),
        ("queue", path, "--out", folder / "out"),
    )
    parsed = [cli.parse([str(word) for word in line]) for line in lines]
    tried = Tally()
    with (
        mock.patch.object(command, "_fleet", return_value=_Fleet(info)),
        mock.patch.object(convert, "_definitions", return_value=info),
    ):
        for number in numbers:
            path.write_bytes(_content(documents, seed, number))
            codes = []
            for line, options in zip(lines, parsed, strict=True):
                began = time.monotonic()
                code, fault = _call(options)
                codes.append(code)
                seconds = time.monotonic() - began
                tried.slowest = max(tried.slowest, seconds)
                if seconds > SLOW_S:
                    fault = fault or f"more than {SLOW_S:g} s"
                if fault or code not in (0, 1, 2) or (line[0] == "queue" and code == 0):
                    tried.faults.append(f"{number} ({line[0]}, exit code {code}): {fault}")
            tried.inputs += 1
            tried.ran += codes[0] == 0
            tried.refused += codes[0] != 0
    return tried


def _content(documents: list[Any], seed: int, number: int) -> bytes:
    """The file with this number: the same one always."""
    some = documents[number % len(documents) :] + documents[: number % len(documents)]
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)  # to nest deeply, not to read what is nested deeply
    try:
        return next(spoiled_files(some, 1, seed * 1_000_003 + number))
    finally:
        sys.setrecursionlimit(limit)


def _call(options: Any) -> tuple[int, str]:
    """The exit code of a command, and a traceback if it ended in one."""
    said = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", write_through=True)  # as cli.main sets it
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code, fault = cli.call(options), ""
        except SystemExit as error:
            code, fault = error.code if isinstance(error.code, int) else 1, ""
        except BaseException:  # noqa: BLE001 - that is what is looked for
            return 99, traceback.format_exc(limit=-3)
    printed = said.buffer.getvalue()
    return code, "a traceback was printed" if b"Traceback (most recent" in printed else fault
