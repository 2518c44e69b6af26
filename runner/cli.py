"""The front door: every command and its options, parsed before anything is made or installed.

Standard library only.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from . import engine, setup
from .batch import options as batch
from .dev import options as dev
from .share import options as share
from .slides import options as slides

DEFAULT = "slides"
USAGE_ERROR = 2
DESCRIPTION = """Steer's commands. Without a command, `slides` runs: everything is set up, every bundled workflow
runs in a real ComfyUI, and the pictures are shown on a page."""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that takes no shortened options and names what an unknown one may have meant."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        """End with a message and the exit code of a wrong call."""
        self.exit(USAGE_ERROR, f"{self.prog}: {message}\nSee: {self.prog} --help\n")

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """End with an error for arguments that no option takes."""
        options = [name for action in self._actions for name in action.option_strings]
        self.error(f"there is no option {_with_nearest(unknown[0].split('=')[0], options)}")


def build_parser() -> tuple[Parser, dict[str, Parser]]:
    """The parser of the whole line, and that of each command by its name."""
    parser = Parser(prog="python run.py", description=DESCRIPTION)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    for room in (slides, batch, share, dev):
        room.add_commands(commands)
    return parser, dict(commands.choices)  # type: ignore[bad-argument-type]


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command and its options. `rest`: what goes on to pytest, a benchmark, a report or a training.

    Exits with 2, and says what may have been meant, for a command or an option that is not known.
    """
    parser, commands = build_parser()
    if not argv or (argv[0].startswith("-") and argv[0] not in ("-h", "--help")):
        argv = [DEFAULT, *argv]
    if not argv[0].startswith("-") and argv[0] not in commands:
        parser.error(f"there is no command {_with_nearest(argv[0], commands)}")
    own, passed = _split_help(argv, commands)
    options, unknown = parser.parse_known_args(own)
    if unknown and not options.passes_on:
        commands[argv[0]].refuse(unknown)
    options.rest = [*unknown, *passed]
    return options


def _split_help(argv: Sequence[str], commands: dict[str, Parser]) -> tuple[Sequence[str], list[str]]:
    """The words for this parser, and a --help for the program that a command passes its options on to.

    It is one if it stands behind the name of that program, as in `train model --help`.
    """
    passes_on = argv[0] in commands and commands[argv[0]].get_default("passes_on")
    if not passes_on or len(argv) < 3 or argv[1].startswith("-"):
        return argv, []
    passed = [word for word in argv[2:] if word in ("-h", "--help")]
    return [word for word in argv if word not in passed], passed


def _with_nearest(word: str, words: Sequence[str] | dict[str, Parser]) -> str:
    near = difflib.get_close_matches(word, words, n=1)
    return f"'{word}'. Did you mean {near[0]}?" if near else f"'{word}'."


def call(options: argparse.Namespace) -> int:
    """Run a parsed command in this process; what it needs must be there."""
    module, _, function = options.function.partition(":")
    return getattr(importlib.import_module(f".{module}", __package__), function)(options)


def run(argv: Sequence[str]) -> int:
    """Parse and call, without a set-up: for tests and for commands that call others."""
    return call(parse(argv))


def main(argv: Sequence[str]) -> int | str:
    """The exit code, or the message to end with."""
    signal.signal(signal.SIGTERM, _interrupt)
    for stream in (sys.stdout, sys.stderr):  # what a terminal has no letters for is printed as escapes
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    options = parse(argv)
    try:
        if other := engine.chosen_engine(options):
            return engine.begin_again(other, argv)
        with contextlib.redirect_stdout(sys.stderr if options.only_data else sys.stdout):
            setup.prepare(options.needs(options))
        if Path(sys.prefix).resolve() == setup.VENV.resolve():
            return call(options)
        return _again_in_venv(argv)
    except engine.SetupError as error:
        return f"\nSet-up failed: {error}"
    except KeyboardInterrupt:
        return "\nStopped."


def _again_in_venv(argv: Sequence[str]) -> int:
    command = [str(setup.PYTHON), str(setup.ROOT / "run.py"), *argv]
    if os.name == "nt":  # exec would detach from the console there
        return subprocess.call(command)
    os.execv(command[0], command)


def _interrupt(signum: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt  # so that a server that was started is ended on kill as on Ctrl-C
