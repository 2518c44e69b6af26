"""Runs `main(argv)` of a module of the checkout: launch.py steer.tests.bench.canny [ARGUMENT ...].

This is a process of its own, with neither the checkout nor this folder on sys.path: their `nodes` and `server` would
hide ComfyUI's in modules that load ComfyUI.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

# Read by the OpenMP runtime when torch is first imported. A waiting thread that spins for long takes the core of the
# thread it waits for as soon as anything else runs on the machine; one that sleeps at once is woken too late. Spinning
# for about a millisecond was best by far: with another process on one of two cores 1.4 s a training step, against 2.6
# and 3.3.
SPINS = "20000"
TRAININGS = "steer.demo.train."

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from pack import load_pack  # pyrefly: ignore[missing-import]  # this file is run, not imported

    sys.path.pop(0)
    load_pack()
    if sys.argv[1].startswith(TRAININGS):
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    module = importlib.import_module(sys.argv[1])
    try:
        sys.exit(module.main(sys.argv[2:]))
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
