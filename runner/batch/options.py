"""The options of `run.py queue`. Standard library only."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

from ..comfyui.address import DEFAULT_URL, PATIENCE_S
from ..commands import Commands, add_command, engine, positive, tools
from ..setup import Needs

ALL_DONE, SOMETHING_FAILED, NOT_STARTED = 0, 1, 2


def add_commands(commands: Commands) -> None:
    """Declare `queue`."""
    queue = add_command(
        commands,
        "queue",
        "run workflows as a batch on running ComfyUIs, the results in one folder",
        "batch.command:run",
        _needs,
        more="What the results folder holds already is not done again. "
        f"Exit code {ALL_DONE}: all is done, {SOMETHING_FAILED}: something failed, {NOT_STARTED}: nothing was begun.",
    )
    queue.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="a workflow, saved or exported (API), or a picture of it"
    )
    queue.add_argument(
        "--comfyui-url",
        action="append",
        default=[],
        metavar="URL",
        dest="urls",
        help=f"a running ComfyUI (default: {DEFAULT_URL}); repeatable, each takes the next job when it is free",
    )
    queue.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="TITLE.widget=value",
        dest="settings",
        help="change a widget first, e.g. --set KSampler.steps=30; repeatable",
    )
    queue.add_argument("--seeds", metavar="LIST", help="run each workflow once a seed, e.g. 1-8 or 42, 1000..1040(+10)")
    queue.add_argument(
        "--out",
        type=Path,
        default=Path("output") / "queue",
        metavar="DIR",
        help="the results folder (default: output/queue)",
    )
    queue.add_argument(
        "--input",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="look for the input files here first, then beside the workflow; repeatable",
    )
    queue.add_argument(
        "--ray",
        nargs="?",
        const="local",
        metavar="ADDRESS",
        help="let Ray place ComfyUIs: on this machine, or on the cluster at ADDRESS "
        "(auto: the one this machine belongs to)",
    )
    queue.add_argument(
        "--comfyui",
        type=Path,
        metavar="PATH",
        help="with --ray: the ComfyUI to start, in this place on each machine (default: Steer's own)",
    )
    queue.add_argument("--workers", type=int, metavar="N", help="with --ray: how many ComfyUIs (default: 1)")
    queue.add_argument(
        "--gpus-per-worker", type=float, metavar="G", help="with --ray: GPUs for each (default: 0, on the CPU)"
    )
    queue.add_argument(
        "--patience",
        type=positive,
        default=PATIENCE_S,
        metavar="SECONDS",
        help=f"how long a ComfyUI may give no whole answer before its job goes to another (default: {PATIENCE_S:g})",
    )


def _needs(options: argparse.Namespace) -> Needs:
    """An engine of its own only where Ray is to start one: beside running ComfyUIs, only as many as are asked for."""
    starts_own = options.ray and not options.comfyui and (options.workers or not options.urls)
    if starts_own and importlib.util.find_spec("ray") is not None:
        return engine(options)
    return tools(options)
