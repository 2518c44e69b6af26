"""Commands that are modules of the checkout: benchmarks and reports (tests), training and pictures (demo), weights."""

from __future__ import annotations

import subprocess
import sys

from .pack import ROOT

TRAIN_PARTS = ("vae", "model", "controlnet-canny", "controlnet-mlsd", "controlnet-openpose", "judges")


def launch(module: str, argv: list[str]) -> int:
    return subprocess.call([sys.executable, str(ROOT / "runner" / "launch.py"), f"steer.{module}", *argv])


def _names(folder: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / "tests" / folder).glob("[a-z]*.py"))


def bench(argv: list[str]) -> int:
    """Run the named benchmark, or all of them."""
    names = _names("bench")
    if not argv or argv[0].startswith("-"):
        return max(launch(f"tests.bench.{name}", argv) for name in names)
    if argv[0] not in names:
        sys.exit(f"There is no benchmark '{argv[0]}'. There are: {', '.join(names)}")
    return launch(f"tests.bench.{argv[0]}", argv[1:])


def report(argv: list[str]) -> int:
    """Make one of the long reports that are committed under tests/reports/."""
    names = _names("reports")
    if not argv or argv[0] not in names:
        sys.exit(f"Say which report: python run.py report {'|'.join(names)}")
    return launch(f"tests.reports.{argv[0]}", argv[1:])


def train(argv: list[str]) -> int:
    """Train one part of the embedded model."""
    if not argv or argv[0] not in TRAIN_PARTS:
        sys.exit(f"Say what to train: python run.py train {'|'.join(TRAIN_PARTS)}")
    part, _, kind = argv[0].partition("-")
    return launch(f"demo.train.{part}", ([kind] if kind else []) + argv[1:])


def pictures(argv: list[str]) -> int:
    """Draw the bundled pictures anew."""
    return launch("demo.pictures", argv)


def weights(argv: list[str]) -> int:
    """Remake the detectors' weights from the archives they come from."""
    return launch("preprocessors.weights_build", argv)
