"""A slide that has run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..workflow import Note


@dataclass
class Slide:
    """One workflow and what became of it.

    note: the workflow's. pictures: files, with a caption each. saved: those of them that a node saved; others are
    previews.
    checks, promises: whether each holds. error: why it did not run to its end; empty if it did.
    """

    name: str
    note: Note = field(default_factory=Note)
    pictures: list[Path] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    seconds: float = 0.0
    checks: dict[str, bool] = field(default_factory=dict)
    promises: dict[str, bool] = field(default_factory=dict)
    error: str = ""
    saved: set[Path] = field(default_factory=set)

    @property
    def ok(self) -> bool:
        """Whether it ran to its end and every check and promise holds."""
        return not self.error and all(self.checks.values()) and all(self.promises.values())
