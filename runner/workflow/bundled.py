"""The workflows that come with Steer, and the notes in them."""

from __future__ import annotations

from pathlib import Path

from ..pack import ROOT
from .prompt import WorkflowError
from .reading import Graph

FOLDER = ROOT / "workflows"
SD15_TWIN = "-sd15"  # ends the name of the same workflow for a downloaded checkpoint


def list_bundled() -> list[Path]:
    """The bundled workflows in lecture order, without the twins that need a downloaded checkpoint."""
    return sorted(path for path in FOLDER.glob("[0-9]*.json") if not path.stem.endswith(SD15_TWIN))


def list_twins() -> list[Path]:
    """The twins that need a downloaded checkpoint, in lecture order."""
    return sorted(FOLDER.glob(f"[0-9]*{SD15_TWIN}.json"))


def find_workflows(name: str) -> list[Path]:
    """The workflows that `--only NAME` means: a file, a bundled name, or the start of one ("08", "08-canny").

    Raises:
        WorkflowError: there is none.
    """
    if name.endswith(".json"):
        path = Path(name) if Path(name).exists() else FOLDER / name
        if not path.is_file():
            raise WorkflowError(f"--only {name}: there is no such file")
        return [path]
    exact = FOLDER / f"{name}.json"
    found = [exact] if exact.exists() else [path for path in list_bundled() if path.stem.startswith(name)]
    if not found:
        names = ", ".join(path.stem for path in list_bundled())
        raise WorkflowError(f"--only {name}: no bundled workflow has that name. There are: {names}")
    return found


def note_of(graph: Graph) -> tuple[str, str]:
    """(question, what to look at) of a slide, from the heading and the "Look at" paragraph of its note; else empty."""
    notes = [node for node in graph.get("nodes", ()) if isinstance(node, dict) and node.get("type") == "MarkdownNote"]
    values = (note.get("widgets_values") for note in notes)
    for text in (str(listed[0]) for listed in values if isinstance(listed, list) and listed):
        paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
        question = next((part.removeprefix("## ") for part in paragraphs if part.startswith("## ")), "")
        return question, next((part for part in paragraphs if part.startswith("**Look at**")), "")
    return "", ""
