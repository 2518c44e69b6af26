"""Cell after cell, with a maker whose pictures are known: what fails, what does not fit, what is cancelled."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from steer.nodes.axis import seed_axis
from steer.nodes.sweep.choices import BLANK, STOP
from steer.nodes.sweep.folder import saving
from steer.nodes.sweep.folder.manifest import AxisRecord, CellPlan, Manifest
from steer.nodes.sweep.folder.saving import SweepFolder
from steer.nodes.sweep.plan.cells import Cell, Settings, plan_cells, split_batches
from steer.nodes.sweep.run.runner import Outcome, Runner

BASE = Settings("girl", "", 0, 1, 1.0, "euler", "normal", 1.0)


class CancelledError(Exception):
    pass


class Fake:
    """Makes grey pictures whose value is the seed. `fault` may raise for the seeds of a batch."""

    passes = (CancelledError,)

    def __init__(self, fault: Callable[[list[int]], None] = lambda seeds: None) -> None:
        self.fault, self.seeds, self.freed = fault, list[list[int]](), 0

    def make(self, cells: Sequence[Settings]) -> list[torch.Tensor]:
        seeds = [cell.seed for cell in cells]
        self.seeds.append(seeds)
        self.fault(seeds)
        return [torch.full((4, 4, 3), seed / 255) for seed in seeds]

    def is_out_of_memory(self, error: Exception) -> bool:
        return isinstance(error, MemoryError)

    def free(self) -> None:
        self.freed += 1


class Silent:
    """No progress."""

    def begin(self, batch: Sequence[Cell]) -> None:
        pass

    def finish(self, cell: Cell, picture: torch.Tensor) -> None:
        pass


def key_of(settings: Settings) -> str:
    return f"{settings.seed:064x}"[::-1]


class Folder:
    def __init__(self, home: Path, count: int = 8) -> None:
        axis = seed_axis(range(count))
        self.cells = plan_cells(BASE, [axis], key_of)
        self.home = home
        plans = [CellPlan(cell.key, cell.at, cell.labels) for cell in self.cells]
        self.manifest = Manifest(home)
        self.manifest.start("", [AxisRecord("seed", axis.labels)], plans)

    def run(self, maker: Fake, size: int = 1, on_error: str = BLANK, cells: Sequence[Cell] | None = None) -> Outcome:
        """As a new run of the server would: the manifest is read again."""
        self.manifest = Manifest(self.home)
        folder = SweepFolder(self.manifest, lambda cell: {})
        missing = folder.find_missing(self.cells if cells is None else cells)
        return Runner(maker, folder, Silent(), on_error).run(split_batches(missing, lambda settings: size))

    def finished(self) -> list[int]:
        manifest = Manifest(self.home)
        return [cell.settings.seed for cell in self.cells if manifest.finished(cell.key)]

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.home.glob("*.png"))}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "sweep")


def raising(error: Exception, *bad: int) -> Callable[[list[int]], None]:
    def fault(seeds: list[int]) -> None:
        if set(seeds) & set(bad):
            raise error

    return fault


def test_a_failing_cell_is_a_blank_and_is_tried_again(folder: Folder):
    outcome = folder.run(Fake(raising(ValueError("no such LoRA"), 3)))
    assert (outcome.pictures, outcome.failed) == (7, [("seed 3", "no such LoRA")])
    assert folder.finished() == [0, 1, 2, 4, 5, 6, 7]
    state = Manifest(folder.home).state(folder.cells[3].key)
    assert state is not None
    assert state.error == "no such LoRA"
    before = folder.files()
    mended = Fake()
    assert folder.run(mended).pictures == 1
    assert mended.seeds == [[3]]
    assert folder.finished() == list(range(8))
    assert before.items() <= folder.files().items(), "a finished picture was touched"
    again = Fake()
    folder.run(again)
    assert again.seeds == []


def test_stop_ends_at_the_first_failing_cell(folder: Folder):
    with pytest.raises(RuntimeError, match="The cell 'seed 3' failed: broken"):
        folder.run(Fake(raising(ValueError("broken"), 3)), on_error=STOP)
    assert folder.finished() == [0, 1, 2]


def test_cancel_passes_through_and_keeps_what_is_done(folder: Folder):
    with pytest.raises(CancelledError):
        folder.run(Fake(raising(CancelledError(), 5)))
    assert folder.finished() == [0, 1, 2, 3, 4]
    assert Manifest(folder.home).state(folder.cells[5].key) is None, "a cancelled cell is no failed one"
    rest = Fake()
    folder.run(rest)
    assert rest.seeds == [[5], [6], [7]]


def test_a_batch_that_does_not_fit_is_halved_for_good(folder: Folder):
    def fault(seeds: list[int]) -> None:
        if len(seeds) > 2:
            raise MemoryError

    maker = Fake(fault)
    outcome = folder.run(maker, size=8)
    assert maker.seeds == [list(range(8)), [0, 1, 2, 3], [0, 1], [2, 3], [4, 5], [6, 7]]
    assert (outcome.pictures, outcome.failed, maker.freed) == (8, [], 2)
    assert outcome.notes[-1] == "Out of memory with 4 pictures at once: went on with 2."


def test_a_single_picture_that_does_not_fit_is_a_blank(folder: Folder):
    outcome = folder.run(Fake(raising(MemoryError("too large"), 2)), size=2)
    assert outcome.failed == [("seed 2", "too large")]
    assert folder.finished() == [0, 1, 3, 4, 5, 6, 7]


def test_a_picture_of_nan_is_a_blank(folder: Folder, monkeypatch: pytest.MonkeyPatch):
    maker = Fake()
    plain = maker.make
    monkeypatch.setattr(
        maker, "make", lambda cells: [p if p.mean() != 1 / 255 else p * float("nan") for p in plain(cells)]
    )
    assert "NaN" in folder.run(maker, size=4).failed[0][1]
    assert folder.finished() == [0, 2, 3, 4, 5, 6, 7]


def test_a_full_disk_ends_the_run_and_the_next_goes_on(folder: Folder, monkeypatch: pytest.MonkeyPatch):
    real = saving.write_png

    def full(path: Path, *rest: Any) -> None:
        if path.name.startswith("seed_4"):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(saving, "write_png", full)
        with pytest.raises(OSError, match="No space left"):
            folder.run(Fake())
    assert folder.finished() == [0, 1, 2, 3]
    before = folder.files()
    rest = Fake()
    folder.run(rest)
    assert rest.seeds == [[4], [5], [6], [7]]
    assert before.items() <= folder.files().items()


@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs")
@pytest.mark.parametrize("pages", [3, 4, 5, 6])
def test_a_disk_that_is_really_full_costs_no_finished_picture(small_disk: Callable[[str], Path], pages: int):
    folder = Folder(small_disk(f"{4 * pages}k") / "sweep")
    with pytest.raises(OSError, match=r"No space left|What is finished stays") as caught:
        folder.run(Fake())
    assert caught.value.errno == errno.ENOSPC
    done, before = folder.finished(), folder.files()
    assert done == list(range(len(done)))
    assert 1 <= len(done) < 8
    assert not list(folder.home.glob("*.part"))
    small_disk("1m")
    rest = Fake()
    folder.run(rest)
    assert rest.seeds == [[seed] for seed in range(len(done), 8)]
    assert before.items() <= folder.files().items()
    assert len(folder.files()) == 8


def test_a_vanished_or_torn_picture_is_made_again(folder: Folder):
    folder.run(Fake())
    paths = sorted(folder.home.glob("*.png"))
    paths[2].unlink()
    paths[6].write_bytes(paths[6].read_bytes()[:40])
    maker = Fake()
    folder.run(maker, size=8)
    assert maker.seeds == [[2, 6]]


def test_a_torn_line_of_the_manifest_costs_one_cell(folder: Folder):
    folder.run(Fake())
    with open(folder.manifest.path, "rb+") as file:
        file.truncate(folder.manifest.path.stat().st_size - 9)
    maker = Fake()
    folder.run(maker)
    assert maker.seeds == [[7]]
    assert folder.finished() == list(range(8))


def test_cells_with_one_key_are_made_once(folder: Folder):
    twin = replace(folder.cells[0], key=folder.cells[1].key, name=("twin",))
    maker = Fake()
    folder.run(maker, cells=[*folder.cells[:2], twin])
    assert maker.seeds == [[0], [1]]
