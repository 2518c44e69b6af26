"""`python run.py convert`: the API prompt that ComfyUI's frontend would send for a workflow."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ...files import write_whole
from .. import setup
from ..comfyui.messages import QueueError
from ..comfyui.process import ServerError
from ..engine import SetupError
from ..workflow.prompt import Prompt, WorkflowError
from ..workflow.reading import read_workflow
from ..workflow.workflow import Workflow
from .archive import plain
from .check import say_error
from .definitions import ask_folder, ask_running
from .options import STDOUT


def run(options: argparse.Namespace) -> int:
    """Convert the files. Only JSON goes to the standard output; returns the exit code."""
    found: dict[str, Prompt] = {}
    try:
        workflows = {str(path): read_workflow(path) for path in options.files}
        object_info = _definitions(options)
        for name, data in workflows.items():
            try:
                workflow = Workflow(data, object_info).settle()
                found[name] = workflow.prompt
                for note in workflow.notes:
                    print(plain(f"Note: {name}: {note}"), file=sys.stderr)
            except WorkflowError as error:
                raise WorkflowError(f"{name}: {error}") from error
        content = next(iter(found.values())) if len(found) == 1 else found
        _write(options.out, (json.dumps(content, indent=1) + "\n").encode())
    except (WorkflowError, QueueError, ServerError, SetupError, OSError) as error:
        say_error(error)
        return 1
    return 0


def _definitions(options: argparse.Namespace) -> dict[str, Any]:
    if options.comfyui_url:
        return ask_running(options.comfyui_url)
    own = options.comfyui is None
    return ask_folder(setup.COMFYUI if own else options.comfyui, own)


def _write(out: str, content: bytes) -> None:
    if out == STDOUT:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    else:
        write_whole(Path(out), content)
        print(f"wrote {out}", file=sys.stderr)
