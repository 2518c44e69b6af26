#!/usr/bin/env python3
"""Steer's commands.

python run.py                  set everything up, run every bundled workflow in a real ComfyUI, make the gallery
python run.py test [...]       the whole test suite (arguments go to pytest)
python run.py queue FILE...    workflows as a batch on running ComfyUIs, the results in one folder
python run.py check FILE...    which nodes and models workflows need, and which are missing
python run.py pack FILE        one zip of a workflow, its input files and a list of the models it needs
python run.py unpack ZIP       open such a zip, into a new folder and nowhere else
python run.py bench [NAME]     the benchmarks, side by side with named rivals
python run.py workflows        write workflows/*.json anew from their sources
python run.py pictures         draw the pictures anew that ship with Steer
python run.py train PART       train a part of the embedded model
python run.py report NAME      make a long report anew, as committed under tests/reports/
python run.py weights build    remake the detectors' weights from their archives
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

from runner import setup

MODULES = ("bench", "report", "train", "pictures", "weights")
SHARING = ("pack", "unpack")
TOOLS = ("queue", "check", *SHARING)  # need no ComfyUI of their own (but queue --ray, which starts some)
COMMANDS = ("slides", "test", "workflows", *TOOLS, *MODULES)


def main(argv: list[str]) -> int:
    command, rest = (argv[0], argv[1:]) if argv and argv[0] in COMMANDS else ("slides", argv)
    elsewhere = command == "slides" and any(a.split("=")[0] in ("--comfyui", "-h", "--help") for a in rest)
    in_venv = Path(sys.prefix).resolve() == setup.VENV.resolve()
    on_ray = command == "queue" and in_venv and _starts_own(rest) and importlib.util.find_spec("ray") is not None
    own_engine = on_ray or (command not in TOOLS and not elsewhere)
    setup.prepare(engine=own_engine, dev=command in ("test", *MODULES))
    return _dispatch(command, rest) if in_venv else _again_in_venv(argv)


def _starts_own(rest: list[str]) -> bool:
    """Whether `queue` starts ComfyUIs from Steer's own set-up: beside running ones only as many as are asked for."""
    names = {a.split("=")[0] for a in rest}
    if "--ray" not in names or names & {"--comfyui", "-h", "--help"}:
        return False
    return "--comfyui-url" not in names or "--workers" in names


def _again_in_venv(argv: list[str]) -> int:
    command = [str(setup.PYTHON), str(Path(__file__).resolve()), *argv]
    if os.name == "nt":  # exec would detach from the console there
        return subprocess.call(command)
    os.execv(command[0], command)


def _dispatch(command: str, rest: list[str]) -> int:
    if command == "slides":
        from runner.slides import main as run
    elif command == "test":
        from runner.testing import main as run
    elif command == "workflows":
        from runner.build import main as run
    elif command == "queue":
        from runner.queueing import main as run
    elif command == "check":
        from runner.checking import main as run
    elif command in SHARING:
        from runner import sharing

        run = getattr(sharing, command)
    else:
        from runner import modules

        run = getattr(modules, command)
    return run(rest)


def _terminate(signum: int, frame: object) -> None:
    raise KeyboardInterrupt  # so that a server that was started is ended on kill as on Ctrl-C


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminate)
    try:
        sys.exit(main(sys.argv[1:]))
    except setup.SetupError as error:
        sys.exit(f"\nSet-up failed: {error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
