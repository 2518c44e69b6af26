"""The options of the commands for those who work on Steer. Standard library only."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...demo.train import options as training
from ..commands import Commands, add_command, development, engine
from ..engine import add_engine_options

if TYPE_CHECKING:
    SubParsers = argparse._SubParsersAction[Any]
else:
    SubParsers = argparse._SubParsersAction


def add_commands(commands: Commands) -> None:
    """Add test, bench, report, train, workflows, pictures and weights."""
    test = add_command(
        commands,
        "test",
        "run the whole test suite",
        "dev.testing:run",
        development,
        passes_on=True,
        more="All other arguments go to pytest.",
    )
    test.add_argument(
        "--fast", action="store_true", help="leave out what starts a server or a browser, and what is slow"
    )
    add_engine_options(test)
    bench = add_command(
        commands,
        "bench",
        "measure Steer side by side with named rivals",
        "dev.modules:bench",
        development,
        passes_on=True,
        more="All other arguments go to the benchmark.",
    )
    bench.add_argument("name", nargs="?", help="the benchmark (default: all)")
    add_engine_options(bench)
    report = add_command(
        commands,
        "report",
        "make a long report again, as committed under tests/reports/",
        "dev.modules:report",
        development,
        passes_on=True,
        more="All other arguments go to the report.",
    )
    report.add_argument("name", nargs="?", help="the report")
    add_engine_options(report)
    _add_training(commands)
    workflows = add_command(
        commands, "workflows", "write workflows/*.json again from their sources", "dev.workflows:run", engine
    )
    workflows.add_argument(
        "--pictures",
        nargs="*",
        metavar="START",
        help="also run those whose names start so (all, if none is named) and make their thumbnails and the pictures "
        "of the help pages",
    )
    add_command(commands, "pictures", "draw the pictures that ship with Steer", "dev.modules:pictures", development)
    add_command(
        commands,
        "weights",
        "make the detectors' weights again from their archives",
        "dev.modules:weights",
        development,
        passes_on=True,
    )


def _add_training(commands: Commands) -> None:
    train = add_command(
        commands,
        "train",
        "train a part of the embedded model",
        "dev.modules:train",
        development,
        more="`train PART --help` lists the options of a part.",
    )
    parts = train.add_subparsers(title="parts", metavar="PART", required=True, action=_Parts)
    for name, add_options in training.PARTS.items():
        add_options(parts.add_parser(name, help=f"the options of {name}"))


class _Parts(SubParsers):
    """Puts the name of a part and its arguments, as they were written, into the options.

    The training is a process of its own that reads them again.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        super().__call__(parser, namespace, values, option_string)
        assert values, "argparse calls this with the part's name"
        namespace.part, namespace.part_arguments = values[0], list(values[1:])
        part = self.choices[namespace.part]
        if unknown := getattr(namespace, argparse._UNRECOGNIZED_ARGS_ATTR, None):
            part.refuse(unknown)
        if fault := training.find_fault(namespace):
            part.error(fault)
