"""Commands that are modules of the checkout: benchmarks and reports (tests), training and pictures (demo), weights."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ..pack import ROOT


def launch(module: str, arguments: Sequence[str]) -> int:
    """Run `main(arguments)` of a module of the checkout in a process of its own; returns its exit code."""
    script = Path(__file__).with_name("launch.py")
    return subprocess.call([sys.executable, str(script), f"steer.{module}", *arguments])


def _find(folder: str) -> dict[str, str]:
    """The module of each benchmark or report by its name, also of those in `methods`."""
    home = ROOT / "tests" / folder
    paths = sorted([*home.glob("[a-z]*.py"), *home.glob("methods/[a-z]*.py")], key=lambda path: path.stem)
    return {path.stem: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths}


def bench(options: argparse.Namespace) -> int:
    """Run the named benchmark, or all of them."""
    names = _find("bench")
    if options.name is None:
        return max(launch(module, options.rest) for module in names.values())
    if options.name not in names:
        sys.exit(f"bench: there is no benchmark '{options.name}'. There are: {', '.join(names)}")
    return launch(names[options.name], options.rest)


def report(options: argparse.Namespace) -> int:
    """Make one of the long reports that are committed under tests/reports/."""
    names = _find("reports")
    if options.name not in names:
        sys.exit(f"report: give the name of a report. There are: {', '.join(names)}")
    return launch(names[options.name], options.rest)


def train(options: argparse.Namespace) -> int:
    """Train one part of the embedded model."""
    program, _, kind = options.part.partition("-")
    return launch(f"demo.train.{program}", [*([kind] if kind else []), *options.part_arguments])


def pictures(options: argparse.Namespace) -> int:
    """Draw the pictures that ship with Steer."""
    return launch("demo.draw_pictures", options.rest)


def weights(options: argparse.Namespace) -> int:
    """Make the detectors' weights again from the archives that they come from."""
    return launch("preprocessors.networks.build", options.rest)
