"""The options of the commands for those who work on Steer. Standard library only."""

from __future__ import annotations

from ..commands import Commands, add_command, development, engine

TRAIN_PARTS = ("vae", "model", "controlnet-canny", "controlnet-mlsd", "controlnet-openpose", "judges")


def add_commands(commands: Commands) -> None:
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
    report = add_command(
        commands,
        "report",
        "make a long report anew, as committed under tests/reports/",
        "dev.modules:report",
        development,
        passes_on=True,
        more="All other arguments go to the report.",
    )
    report.add_argument("name", nargs="?", help="the report")
    train = add_command(
        commands,
        "train",
        "train a part of the embedded model",
        "dev.modules:train",
        development,
        passes_on=True,
        more="All other arguments go to the training: `--help` behind the part lists them.",
    )
    train.add_argument("part", choices=TRAIN_PARTS, help="the part")
    workflows = add_command(
        commands, "workflows", "write workflows/*.json anew from their sources", "dev.workflows:run", engine
    )
    workflows.add_argument(
        "--pictures",
        nargs="*",
        metavar="START",
        help="also run those whose names start so (all, if none is named) and make their thumbnails and the pictures "
        "of the help pages",
    )
    add_command(
        commands, "pictures", "draw the pictures anew that ship with Steer", "dev.modules:pictures", development
    )
    add_command(
        commands,
        "weights",
        "remake the detectors' weights from their archives",
        "dev.modules:weights",
        development,
        passes_on=True,
    )
