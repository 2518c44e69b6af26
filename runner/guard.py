"""Runs a command until it ends or until whoever started this does: guard.py COMMAND [ARGUMENT ...].

The starter holds the other end of this process's standard input. A second process waits for that to be closed, because
what ends the starter may end its children with it (Ray does). Standard library only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

WATCH = "--watch"
GRACE_S = 10.0


def main(arguments: list[str]) -> int:
    if arguments[0] == WATCH:
        sys.stdin.buffer.read()  # until the starter is gone
        return _end(int(arguments[1]))
    child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL)
    watcher = subprocess.Popen([sys.executable, __file__, WATCH, str(child.pid)])
    try:
        return child.wait()
    finally:
        watcher.kill()


def _end(pid: int) -> int:
    """Ask the process to end, and make it after a while."""
    limit = time.monotonic() + GRACE_S
    try:
        os.kill(pid, signal.SIGTERM)
        while time.monotonic() < limit:
            time.sleep(0.1)
            os.kill(pid, 0)
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    except OSError:
        return 0  # it has ended
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
