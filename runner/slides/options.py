"""The options of `run.py slides`, which is also `run.py` alone. Standard library only."""

from __future__ import annotations

from pathlib import Path

from ..comfyui.address import DEFAULT_PORT
from ..commands import Commands, add_command, engine
from ..engine import add_engine_options
from ..setup import ROOT


def add_commands(commands: Commands) -> None:
    """Add slides, the command that runs without a name."""
    slides = add_command(
        commands,
        "slides",
        "run the bundled workflows in a real ComfyUI and show their pictures",
        "slides.command:run",
        engine,
    )
    slides.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="run just this one: a bundled name, the start of one (08), or a workflow file; repeatable",
    )
    slides.add_argument(
        "--out",
        type=Path,
        default=ROOT / "output" / "slides",
        metavar="DIR",
        help="where pictures and gallery go (default: output/slides)",
    )
    add_engine_options(slides)
    slides.add_argument(
        "--port",
        type=int,
        help=f"port for ComfyUI (default: a free one; with --serve {DEFAULT_PORT} if it is free)",
    )
    slides.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="TITLE.widget=value",
        dest="settings",
        help="change a widget first, e.g. --set Canny.low_threshold=50; repeatable",
    )
    slides.add_argument(
        "--serve", action="store_true", help="leave ComfyUI open for a browser; runs only what --only names"
    )
