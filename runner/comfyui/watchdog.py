"""Runs a command until it ends, or until the process that started this ends: watchdog.py FOLDER COMMAND [ARGUMENT ...].

FOLDER is deleted once the starter is gone; "-" is none. The starter holds the other end of this process's standard
input. A second process waits for that to be closed, because what ends the starter may end its children with it (Ray
does). Standard library only.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

WATCH, DELETE, NONE = "--watch", "--delete", "-"
GRACE_S = 10.0


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit code."""
    if arguments[0] in (WATCH, DELETE):
        sys.stdin.buffer.read()  # until the starter is gone
        forced = _end(int(arguments[2])) if arguments[0] == WATCH else 0
        return _delete(arguments[1]) or forced
    folder, *command = arguments
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    watcher = subprocess.Popen([sys.executable, __file__, WATCH, folder, str(child.pid)])
    try:
        return child.wait()
    finally:
        watcher.kill()
        if folder != NONE:  # the starter may still read the log there
            subprocess.Popen([sys.executable, __file__, DELETE, folder])


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


def _delete(folder: str) -> int:
    if folder != NONE:
        shutil.rmtree(folder, ignore_errors=True)  # the starter may be deleting it too
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
