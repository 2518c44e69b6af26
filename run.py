#!/usr/bin/env python3
"""Steer's commands. `python run.py --help` lists them; runner/cli.py holds them."""

from __future__ import annotations

import importlib
import sys

from runner.pack import load_pack

if __name__ == "__main__":
    sys.path.pop(0)  # the checkout: its nodes/ would hide ComfyUI's `nodes`
    load_pack()
    sys.exit(importlib.import_module("steer.runner.cli").main(sys.argv[1:]))
