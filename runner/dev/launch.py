"""Runs `main(argv)` of a module of the checkout: launch.py steer.tests.bench.canny [ARGUMENT ...].

A process of its own, with neither the checkout nor this folder on sys.path: their `nodes` and `server` would hide
ComfyUI's in modules that load ComfyUI.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from pack import load_pack

    sys.path.pop(0)
    load_pack()
    module = importlib.import_module(sys.argv[1])
    try:
        sys.exit(module.main(sys.argv[2:]))
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
