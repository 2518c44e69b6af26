"""The workflows that come with Steer, and the notes in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..pack import ROOT
from .prompt import WorkflowError
from .reading import Graph

FOLDER = ROOT / "workflows"
LOOK_AT, TRY_NEXT = "**Look at**", "**Try next**"
TWINS = ("-sd15", "-qwen", "-sdxl", "-zimage")  # end the names of the same workflow for downloaded models


def is_twin(name: str) -> bool:
    """Whether a bundled workflow of that name needs downloaded models."""
    return name.endswith(TWINS)


def list_bundled() -> list[Path]:
    """The bundled workflows in lecture order, without the twins that need downloaded models."""
    return sorted(path for path in FOLDER.glob("[0-9]*.json") if not is_twin(path.stem))


def list_twins() -> list[Path]:
    """The twins that need downloaded models, in lecture order."""
    return sorted(path for path in FOLDER.glob("[0-9]*.json") if is_twin(path.stem))


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


class Note(NamedTuple):
    """What a slide says of itself, in Markdown, each without line breaks. try_next: one line each."""

    question: str = ""
    answer: str = ""
    look_at: str = ""
    try_next: tuple[str, ...] = ()


def note_of(graph: Graph) -> Note:
    """What the notes of a slide say; empty where it has none.

    The heading is the question. The paragraph below answers it. "**Look at**" and "**Try next**" begin the others.
    """
    notes = [node for node in graph.get("nodes", ()) if isinstance(node, dict) and node.get("type") == "MarkdownNote"]
    values = (note.get("widgets_values") for note in notes)
    texts = [str(listed[0]) for listed in values if isinstance(listed, list) and listed]
    paragraphs = [part.strip() for text in texts for part in text.split("\n\n") if part.strip()]
    question = next((part.removeprefix("## ") for part in paragraphs if part.startswith("## ")), "")
    look_at = next((part for part in paragraphs if part.startswith(LOOK_AT)), "")
    listed = next((part for part in paragraphs if part.startswith(TRY_NEXT)), "")
    answer = next((part for part in paragraphs if not part.startswith(("#", LOOK_AT, TRY_NEXT))), "")
    return Note(_on_one_line(question), _on_one_line(answer), _on_one_line(look_at), tuple(_items(listed)))


def _items(paragraph: str) -> Iterator[str]:
    """The points of a list, whose lines may go on in the next one."""
    return (_on_one_line(item) for item in paragraph.split("\n- ")[1:])


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
