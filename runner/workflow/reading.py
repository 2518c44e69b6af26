"""Workflow files as they lie on the disk, in either of ComfyUI's two formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

from .prompt import Prompt, WorkflowError, is_prompt

Graph: TypeAlias = dict[str, Any]  # the UI format: what ComfyUI saves, with a list of nodes
Document: TypeAlias = "Graph | Prompt"  # what a file may hold; the second is the API format, which ComfyUI exports


def read_workflow(path: Path) -> Document:
    """The content of a workflow file in UI or API format.

    Raises:
        WorkflowError: the file cannot be read or is something else.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise WorkflowError(f"{path} is not a workflow file: {error}") from error
    if is_prompt(data) or (isinstance(data, dict) and isinstance(data.get("nodes"), list)):
        return data
    raise WorkflowError(
        f"{path} is JSON but no workflow: it has neither a list of nodes, as ComfyUI saves it, nor nodes by number, as "
        "ComfyUI exports it for the API. Save it from ComfyUI again."
    )


def read_graph(path: Path) -> Graph:
    """The content of a workflow file in UI format.

    Raises:
        WorkflowError: the file cannot be read, or is something else, such as an API export.
    """
    data = read_workflow(path)
    if is_prompt(data):
        raise WorkflowError(f"{path} is an API export, which has no graph. Save the workflow from ComfyUI instead.")
    return data
