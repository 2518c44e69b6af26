"""A slide that has run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Slide:
    """One workflow and what became of it."""

    name: str
    question: str = ""
    look_at: str = ""
    pictures: list[Path] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    seconds: float = 0.0
    checks: dict[str, bool] = field(default_factory=dict)
    measured: dict[str, bool] = field(default_factory=dict)
    error: str = ""

    @property
    def ok(self) -> bool:
        return not self.error and all(self.checks.values()) and all(self.measured.values())
