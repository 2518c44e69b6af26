"""Workflow files: read, converted, changed, and what they need."""

from .bundled import FOLDER, Note, find_workflows, is_twin, list_bundled, note_of
from .prompt import Prompt, WorkflowError
from .reading import Document, Graph, read_graph, read_workflow
from .settings import Setting, apply_settings
from .workflow import Workflow, to_prompt

__all__ = [
    "FOLDER",
    "Document",
    "Graph",
    "Note",
    "Prompt",
    "Setting",
    "Workflow",
    "WorkflowError",
    "apply_settings",
    "find_workflows",
    "is_twin",
    "list_bundled",
    "note_of",
    "read_graph",
    "read_workflow",
    "to_prompt",
]
