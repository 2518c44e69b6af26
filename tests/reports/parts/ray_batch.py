"""`run.py queue` as a process of its own, the processes that it starts, and what it leaves."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ....runner.pack import ROOT

LIMIT_S = 900.0


@dataclass(frozen=True)
class Outcome:
    """A scenario, what came of it, and whether that is right."""

    scenario: str
    result: str
    good: bool


class Queueing:
    """`run.py queue` as a process of its own, its lines as they come."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        command = [sys.executable, str(ROOT / "run.py"), "queue", *arguments]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder, encoding="utf-8"
        )
        self.lines: list[str] = []

    def until(self, word: str, count: int = 1) -> None:
        """Read on until `count` lines began with `word`, or all is over."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if sum(each.startswith(word) for each in self.lines) >= count:
                return

    def end(self) -> int:
        """Read the lines that are left and wait for the end; returns the exit code."""
        self.until("no line begins so")
        return self.process.wait(LIMIT_S)

    def tail(self) -> str:
        """The last three lines."""
        return " / ".join(self.lines[-3:])


def processes(*words: str) -> list[int]:
    """The processes of this machine whose command holds all the words, newest last."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if all(word in command for word in words) and int(path.parent.name) != os.getpid():
                found.append(int(path.parent.name))
    return sorted(found)


def comfyuis() -> list[int]:
    """The ComfyUIs of workers: not their guards, which carry the same command."""
    return [pid for pid in processes("main.py", "steer-worker-") if pid not in processes("guard.py")]


def wait_for_none(limit_s: float = 60.0) -> int:
    """How many ComfyUIs of workers are left after this time at most."""
    limit = time.monotonic() + limit_s
    while comfyuis() and time.monotonic() < limit:
        time.sleep(0.5)
    return len(comfyuis())


def kill(pids: list[int], how: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to the newest of these processes."""
    os.kill(pids[-1], how)


def results(out: Path) -> list[dict[str, str]]:
    """The lines of a batch's list of results."""
    return [json.loads(line) for line in (out / "results.jsonl").read_text("utf-8").splitlines()]


def done_once(lines: list[dict[str, str]]) -> Counter[str]:
    """How often each job of these lines ended well, by its key."""
    return Counter(line["key"] for line in lines if not line["error"])
