"""Commands that are Python modules of the checkout: benchmarks (tests/bench), pictures and training (demo)."""

from __future__ import annotations

import importlib
import sys

from .pack import ROOT, load_pack

TRAIN_PARTS = ("vae", "model", "controlnet-canny", "controlnet-mlsd", "controlnet-openpose", "report")


def bench(argv: list[str]) -> int:
    """Run the named benchmark, or all of them."""
    names = sorted(path.stem for path in (ROOT / "tests" / "bench").glob("[a-z]*.py"))
    if argv and argv[0] not in names and not argv[0].startswith("-"):
        sys.exit(f"There is no benchmark '{argv[0]}'. There are: {', '.join(names)}")
    load_pack()
    chosen, rest = ([argv[0]], argv[1:]) if argv and argv[0] in names else (names, argv)
    return max(importlib.import_module(f"steer.tests.bench.{name}").main(rest) for name in chosen)


def train(argv: list[str]) -> int:
    """Train one part of the embedded model."""
    if not argv or argv[0] not in TRAIN_PARTS:
        sys.exit(f"Say what to train: python run.py train {'|'.join(TRAIN_PARTS)}")
    load_pack()
    part, _, kind = argv[0].partition("-")
    return int(importlib.import_module(f"steer.demo.train.{part}").main(([kind] if kind else []) + argv[1:]))


def pictures(argv: list[str]) -> int:
    """Draw the bundled pictures anew."""
    load_pack()
    return int(importlib.import_module("steer.demo.pictures").main(argv))
