"""How a command is declared: its name, its help, the function that runs it, and the set-up it needs."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

from .setup import Needs

if TYPE_CHECKING:  # an older Python, which has not all of this, gets as far as the message that names the right one
    from collections.abc import Callable
    from typing import TypeAlias

    Commands: TypeAlias = argparse._SubParsersAction[Any]
    NeedsOf: TypeAlias = Callable[[argparse.Namespace], Needs]
else:
    Commands = Any


def positive(text: str) -> float:
    """A number above 0 from the command line, as argparse's `type`.

    Raises:
        ArgumentTypeError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number above 0")
    return value


def tools(options: argparse.Namespace) -> Needs:
    """The small packages of run.py: no torch, no ComfyUI."""
    return Needs()


def engine(options: argparse.Namespace) -> Needs:
    """Torch, a ComfyUI, and Steer linked into it."""
    return Needs(engine=True)


def development(options: argparse.Namespace) -> Needs:
    """All that, and the packages of tests and training."""
    return Needs(engine=True, dev=True)


def add_command(
    commands: Commands,
    name: str,
    summary: str,
    function: str,
    needs: NeedsOf,
    *,
    passes_on: bool = False,
    more: str = "",
) -> argparse.ArgumentParser:
    """Declare a command; returns its parser for further options.

    function: "module:function" within runner/, called with the parsed options.
    passes_on: unknown options go on to another program as `options.rest`. more: text below the summary in its help.
    A command that sets the default `only_data` keeps its standard output for data: the set-up talks elsewhere.
    """
    description = f"{summary[0].upper()}{summary[1:]}. {more}".strip()
    parser = commands.add_parser(name, help=summary, description=description)
    parser.set_defaults(function=function, needs=needs, passes_on=passes_on, only_data=False)
    return parser
