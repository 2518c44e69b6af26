"""The options of `run.py convert`, `check`, `pack`, `unpack` and `remake`. Standard library only."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..commands import Commands, add_command, engine, positive, tools
from ..engine import add_engine_options
from ..setup import COMFYUI, Needs

ALL_THERE, SOMETHING_MISSING, NOT_CHECKED = 0, 1, 2
SAME, DIFFERENT, NOT_MADE = 0, 1, 2
STDOUT = "-"
WHICH_COMFYUI = "Name one with --comfyui PATH, or one that runs with --comfyui-url URL."
MAX_GB = 2.0  # that a zip may unpack to


def add_commands(commands: Commands) -> None:
    """Declare `convert`, `check`, `pack`, `unpack` and `remake`."""
    _add_convert(commands)
    _add_check(commands)
    _add_pack(commands)
    _add_unpack(commands)
    _add_remake(commands)


def _add_convert(commands: Commands) -> None:
    convert = add_command(
        commands,
        "convert",
        "write the API prompt that ComfyUI's frontend would send for a workflow",
        "share.convert:run",
        _convert_needs,
        more="The standard output holds the JSON alone: the prompt of one FILE, or an object of prompts by FILE.",
    )
    convert.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="a workflow, saved or exported (API), or a picture of it"
    )
    convert.add_argument(
        "--out", default=STDOUT, metavar="FILE", help=f"the file to write ({STDOUT}, the default: standard output)"
    )
    convert.add_argument("--comfyui-url", metavar="URL", help="ask this running ComfyUI what its nodes are")
    convert.add_argument(
        "--comfyui",
        type=Path,
        metavar="PATH",
        help="start this ComfyUI to ask it (default: Steer's own). The answer is kept until its nodes change",
    )
    convert.set_defaults(only_data=True)


def _convert_needs(options: argparse.Namespace) -> Needs:
    return tools(options) if options.comfyui_url or options.comfyui else engine(options)


def _add_check(commands: Commands) -> None:
    check = add_command(
        commands,
        "check",
        "say which nodes, models and input files workflows need and which are missing",
        "share.check:run",
        tools,
        more=f"Exit code {ALL_THERE}: nothing is missing, {SOMETHING_MISSING}: something is, {NOT_CHECKED}: it could "
        "not be checked.",
    )
    check.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="a workflow, saved or exported (API), or a picture of it"
    )
    check.add_argument("--comfyui-url", metavar="URL", help="ask this running ComfyUI")
    check.add_argument(
        "--comfyui",
        type=Path,
        default=COMFYUI,
        metavar="PATH",
        help="look into the folders of this ComfyUI (default: Steer's own)",
    )
    _add_input(check, "input files may also lie here; repeatable")


def _add_pack(commands: Commands) -> None:
    pack = add_command(
        commands,
        "pack",
        "pack a workflow, its input files and a list of the models it needs into one zip",
        "share.command:pack",
        tools,
    )
    pack.add_argument("file", type=Path, help="a workflow, saved or exported (API), or a picture of it")
    pack.add_argument("-o", "--output", type=Path, metavar="ZIP", help="the zip to write (default: FILE.zip here)")
    pack.add_argument(
        "--comfyui",
        type=Path,
        default=COMFYUI,
        metavar="PATH",
        help="the ComfyUI in whose input and models folders to look (default: Steer's own)",
    )
    _add_input(pack, "look for the input files here first; repeatable")
    pack.add_argument(
        "--allow-missing",
        action="store_true",
        help="pack although input files are missing or lie outside the input folder",
    )
    pack.add_argument(
        "--expected",
        type=Path,
        action="append",
        default=[],
        metavar="PICTURE",
        help="add a picture that the workflow should make; repeatable",
    )
    pack.add_argument("--force", action="store_true", help="replace a ZIP that is there already")


def _add_unpack(commands: Commands) -> None:
    unpack = add_command(
        commands,
        "unpack",
        "open a zip that `pack` wrote, into a new folder and nowhere else",
        "share.command:unpack",
        _unpack_needs,
    )
    unpack.add_argument("zip", type=Path, help="the zip")
    unpack.add_argument("--to", type=Path, metavar="DIR", help="the folder to make (default: the zip's name, here)")
    unpack.add_argument(
        "--limit",
        type=positive,
        default=MAX_GB,
        metavar="GB",
        help=f"refuse a zip that unpacks to more (default: {MAX_GB:g} GB)",
    )
    unpack.add_argument(
        "--remake", action="store_true", help="make its pictures again and compare them with those that were packed"
    )
    unpack.add_argument("--comfyui-url", metavar="URL", help="make them on this running ComfyUI, not on an own one")
    add_engine_options(unpack)


def _unpack_needs(options: argparse.Namespace) -> Needs:
    return engine(options) if options.remake and not options.comfyui_url else tools(options)


def _add_remake(commands: Commands) -> None:
    remake = add_command(
        commands,
        "remake",
        "make pictures again from the workflows they carry, and say whether they are the same",
        "share.remake:run",
        _remake_needs,
        more=f"Exit code {SAME}: all are the same, {DIFFERENT}: one is not, {NOT_MADE}: it could not be tried.",
    )
    remake.add_argument(
        "pictures", type=Path, nargs="+", metavar="PICTURE", help="a picture that ComfyUI saved, or a sweep's folder"
    )
    remake.add_argument("--comfyui-url", metavar="URL", help="make them on this running ComfyUI, not on an own one")
    remake.add_argument("--cells", type=int, default=3, metavar="N", help="of a sweep's folder: so many (default: 3)")
    remake.add_argument("--seed", type=int, default=0, help="of the choice of these cells (default: 0)")
    remake.add_argument("--out", type=Path, metavar="DIR", help="write the new pictures here")
    _add_input(remake, "input files may also lie here; repeatable")
    add_engine_options(remake)


def _remake_needs(options: argparse.Namespace) -> Needs:
    return tools(options) if options.comfyui_url else engine(options)


def _add_input(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--input", type=Path, action="append", default=[], metavar="DIR", help=text)
