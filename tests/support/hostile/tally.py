"""What became of hostile inputs."""

from __future__ import annotations

from dataclasses import dataclass, field

SLOW_S = 20.0  # more is a hang


@dataclass
class Tally:
    """How many inputs there were, how many did what they say, how many were refused in words, and what was wrong.

    mended: inputs that had a fault in an earlier run and have none now. A fault begins with the number of its input.
    """

    inputs: int = 0
    ran: int = 0
    refused: int = 0
    slowest: float = 0.0
    seconds: float = 0.0
    mended: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count further inputs."""
        self.inputs += other.inputs
        self.ran += other.ran
        self.refused += other.refused
        self.slowest = max(self.slowest, other.slowest)
        self.seconds += other.seconds
        self.faults += other.faults
