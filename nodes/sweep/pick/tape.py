"""The network's answers in one run of a sampler, by the number of the call: recorded, and handed out again.

A sampler calls the network the same number of times whatever it answers, but for adaptive ones. So the first n steps
are the first calls, and a later run over the whole schedule that is given their answers goes on as if it had never
stopped: its history of steps, the states of its generators and its Brownian tree are those of the one long run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

# One answer for each side of the guidance, [B, C, ...]; None for a side that was not asked.
Answer = list["torch.Tensor | None"]
AskNetwork = Callable[[], "list[torch.Tensor]"]


class EnoughError(Exception):
    """The calls that were wanted are made. It ends a run from inside the sampler."""


@dataclass
class SeedTape:
    """What the network answered for one picture. answers: for each call, its sides [C, ...]. inputs: hashes of x."""

    answers: list[Answer] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)


def hash_input(x: torch.Tensor, sigma: torch.Tensor) -> str:
    """A hash of what the network is given for one picture: x [C, ...] and its sigma."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (x, sigma):
        digest.update(part.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


class Counter:
    """Answers nothing and counts: how many calls the first steps of a sampler make."""

    def __init__(self) -> None:
        self.calls = 0
        self.at_step: list[int] = []  # calls made when the sampler reported a step

    def answer(
        self, x: torch.Tensor, sigma: torch.Tensor, sides: Sequence[bool], ask: AskNetwork
    ) -> list[torch.Tensor]:
        """Zeros in the place of the network."""
        self.calls += 1
        return [torch.zeros_like(x) for _ in sides]

    def report_step(self, number: int) -> None:
        """The sampler reported a step: its first call was the latest."""
        self.at_step.append(self.calls)

    def calls_before(self, step: int) -> int:
        """How many calls the first `step` steps make. Each begins with the call before its report."""
        return self.at_step[step] - 1 if step < len(self.at_step) else self.calls


class Recording:
    """Keeps the first `limit` answers of a batch, and ends the run at the next call."""

    def __init__(self, pictures: int, limit: int) -> None:
        self.tapes = [SeedTape() for _ in range(pictures)]
        self.limit, self.rows = limit, 0

    def answer(
        self, x: torch.Tensor, sigma: torch.Tensor, sides: Sequence[bool], ask: AskNetwork
    ) -> list[torch.Tensor]:
        """The network's own answer, kept.

        Raises:
            EnoughError: there are `limit` of them.
        """
        if len(self.tapes[0].answers) == self.limit:
            raise EnoughError
        answers = ask()
        self.rows += len(x) * sum(sides)
        for number, tape in enumerate(self.tapes):
            tape.inputs.append(hash_input(x[number], sigma[number]))
            tape.answers.append(
                [
                    side[number].detach().cpu().clone() if asked else None
                    for side, asked in zip(answers, sides, strict=True)
                ]
            )
        return answers


class Replay:
    """Hands out the answers of `tapes`, one for each picture of the batch, and asks the network from then on.

    An answer holds for one input alone. Where the sampler gives another than before, the network is asked: the picture
    is right in any case. rows: that the network computed. missed: calls whose answer did not fit.
    """

    def __init__(self, tapes: Sequence[SeedTape]) -> None:
        self.tapes, self.calls, self.rows, self.missed = tapes, 0, 0, 0

    def answer(
        self, x: torch.Tensor, sigma: torch.Tensor, sides: Sequence[bool], ask: AskNetwork
    ) -> list[torch.Tensor]:
        """The kept answer to this call, or the network's."""
        number, self.calls = self.calls, self.calls + 1
        if all(number < len(tape.answers) for tape in self.tapes):
            if self._fits(number, x, sigma, sides):
                return [self._side(number, side, x) for side in range(len(sides))]
            self.missed += 1
        self.rows += len(x) * sum(sides)
        return ask()

    def _fits(self, number: int, x: torch.Tensor, sigma: torch.Tensor, sides: Sequence[bool]) -> bool:
        return all(
            tape.inputs[number] == hash_input(x[row], sigma[row])
            and [side is not None for side in tape.answers[number]] == list(sides)
            for row, tape in enumerate(self.tapes)
        )

    def _side(self, number: int, side: int, x: torch.Tensor) -> torch.Tensor:
        rows = [tape.answers[number][side] for tape in self.tapes]
        return torch.stack([torch.zeros_like(x[0]) if row is None else row.to(x.device) for row in rows])
