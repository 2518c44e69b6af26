"""The manifest of a sweep's folder: the grids, the finished cells, the failed ones. One JSON object a line.

Lines are only ever appended (journal.py), so that a killed server or a full disk loses at most the line being written.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from ....files import NotAFileError, is_inside, known_sha256, open_plain
from ...journal import append_line, read_lines_from
from ...text.printable import MAX_MESSAGE, get_log, printable

MANIFEST = "manifest.jsonl"

MAX_BYTES = 1 << 62  # of a file

log = get_log(__name__)


@dataclass(frozen=True)
class AxisRecord:
    """What varies along one axis: its name and the label of each of its values. title: of the node it comes from."""

    name: str
    labels: tuple[str, ...]
    title: str = field(default="", compare=False)  # with another one it is the same axis


@dataclass(frozen=True)
class CellPlan:
    """A cell of a grid. key: hash of all that makes its picture. at: its place on each axis. labels: one an axis."""

    key: str
    at: tuple[int, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """The cells of one run, in any order.

    Raises:
        ValueError: a cell is outside the axes, or two have one place.
    """

    title: str
    axes: tuple[AxisRecord, ...]
    cells: tuple[CellPlan, ...]

    def __post_init__(self) -> None:
        shape = tuple(len(axis.labels) for axis in self.axes)
        for cell in self.cells:
            if len(cell.at) != len(shape) or not all(0 <= i < n for i, n in zip(cell.at, shape, strict=True)):
                raise ValueError(f"grid '{self.title}': there is no place {cell.at} in a grid of {shape}.")
            if len(cell.labels) != len(shape):
                raise ValueError(f"grid '{self.title}': cell {cell.at} has {len(cell.labels)} labels.")
        if len({cell.at for cell in self.cells}) < len(self.cells):
            raise ValueError(f"grid '{self.title}': two cells have one place.")


@dataclass(frozen=True)
class CellRecord:
    """How a cell ended: a picture in `file` (relative to the folder, with forward slashes) or an `error`, not both.

    values: what it was made with, as JSON. seconds: how long it took.

    Raises:
        ValueError: it has both or neither, or the file is outside the folder.
    """

    key: str
    file: str | None
    error: str | None
    values: dict[str, Any]
    seconds: float

    def __post_init__(self) -> None:
        if (self.file is None) == (self.error is None):
            raise ValueError(f"cell {self.key}: it has either a file or an error.")
        if self.file is not None and (not is_inside(self.file) or "\\" in self.file):
            raise ValueError(f"cell {self.key}: the file '{self.file}' is not inside the folder of its sweep.")


class Manifest:
    """The manifest of `folder`, read once when made; a folder or file that is not there yet is an empty one.

    Lines that cannot be read, as of another Steer, are skipped with one warning.

    Raises:
        OSError: the file is there but may not be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / MANIFEST
        self._grids: list[Grid] = []
        self._run = ""
        self._last: dict[str, CellRecord] = {}
        self._states: dict[str, _State] = {}
        self._attempts: dict[str, int] = {}
        self._seeds: dict[str, tuple[int, ...]] = {}
        self._seen = 0  # bytes of the file that were read
        self._read()

    @property
    def grid(self) -> Grid | None:
        """The grid of the last run; None if there is none."""
        return self._grids[-1] if self._grids else None

    @property
    def grids(self) -> tuple[Grid, ...]:
        """The grids of all runs in this folder, the last at the end."""
        return tuple(self._grids)

    @property
    def run(self) -> str:
        """The name of the last run that had something to make for the grid; empty where it gave none."""
        return self._run

    @property
    def complete(self) -> bool:
        """Whether there is a grid, and every picture of it."""
        return self.grid is not None and all(self.finished(cell.key) for cell in self.grid.cells)

    def refresh(self) -> None:
        """Read what another process, or another sweep of this one, has written meanwhile.

        Raises:
            OSError: the file may not be read.
        """
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return
        if size > self._seen:
            self._read()

    def start(self, title: str, axes: Sequence[AxisRecord], cells: Sequence[CellPlan], run: str = "") -> None:
        """Begin a run: this becomes the last grid. run: its name, empty if it has nothing to make.

        Raises:
            ValueError: the grid is impossible.
            OSError: the manifest cannot be written.
        """
        grid = Grid(title, tuple(axes), tuple(cells))
        self.folder.mkdir(parents=True, exist_ok=True)
        if grid != self.grid:
            self._append({"kind": "grid", **asdict(grid)})
            self._grids.append(grid)
            self._run = ""
        if run and run != self._run:
            self._append({"kind": "run", "name": run})
            self._run = run

    def record(self, cell: CellRecord) -> None:
        """Write down how a cell ended. Its picture must be there.

        Raises:
            OSError: it cannot be written. The manifest is as it was before.
        """
        state = _State(0) if cell.file is None else _State.read(self.folder / cell.file)
        self._append({"kind": "cell", **asdict(cell), "bytes": state.bytes, "sha256": state.sha256})
        self._remember(cell, state)

    def seeds(self, graph: str) -> tuple[int, ...] | None:
        """The seeds with which the cells of a graph were made that the frontend changes after each Run; None if new."""
        return self._seeds.get(graph)

    def note_seeds(self, graph: str, seeds: Sequence[int]) -> None:
        """Write these seeds down. graph: a hash of the graph without them.

        Raises:
            OSError: the manifest cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._append({"kind": "seeds", "graph": graph, "seeds": list(seeds)})
        self._seeds[graph] = tuple(seeds)

    def state(self, key: str) -> CellRecord | None:
        """How the cell ended last, whether or not its picture is still there."""
        return self._last.get(key)

    def finished(self, key: str) -> CellRecord | None:
        """The record of a cell whose picture is there, as it was made or changed by someone since; else None."""
        record = self._last.get(key)
        if record is None or record.file is None:
            return None
        path, made = self.folder / record.file, self._states[key]
        try:
            state = path.stat()
            if not stat.S_ISREG(state.st_mode):
                return None
            now = _State(state.st_size, known_sha256(path) if made.sha256 and state.st_size == made.bytes else "")
        except OSError:
            return None
        if now != made:
            if not _is_picture(path):
                return None
            log.warning("Steer: %s was changed after it was made. It is left as it is.", path)
            self._states[key] = _State.read(path)
        return record

    def is_damaged(self, key: str) -> bool:
        """Whether the picture of a cell has its size, but holds something else that is no picture."""
        record = self._last.get(key)
        if record is None or record.file is None or self.finished(key):
            return False
        path = self.folder / record.file
        return path.is_file() and path.stat().st_size == self._states[key].bytes

    def fingerprint(self) -> str:
        """A hash that changes with the grid, with what is finished, and with every attempt at an unfinished cell."""
        digest = hashlib.sha256()
        for cell in self.grid.cells if self.grid else ():
            done = self.finished(cell.key)
            made = self._states[cell.key] if done else None
            state = (done.file, made.bytes, made.sha256) if done and made else (None, self._attempts.get(cell.key, 0))
            digest.update(json.dumps([asdict(cell), state]).encode())
        return digest.hexdigest()

    def _remember(self, cell: CellRecord, state: _State) -> None:
        self._last[cell.key] = cell
        self._states[cell.key] = state
        self._attempts[cell.key] = self._attempts.get(cell.key, 0) + 1

    def _read(self) -> None:
        self._seen, unreadable = read_lines_from(self.path, self._seen, self._take)
        if unreadable:
            log.warning(
                "Steer: %d of the lines of %s cannot be read and are skipped; the first is line %d. Another version "
                "may have written them.",
                len(unreadable),
                self.path,
                unreadable[0],
            )

    def _take(self, line: Any) -> None:
        """Raises ValueError, TypeError or KeyError for a line of another kind or shape."""
        entry = _mapping(line)
        if entry["kind"] == "grid":
            axes = [
                AxisRecord(
                    printable(_text(axis["name"])), _texts(axis["labels"]), printable(_text(axis.get("title", "")))
                )
                for axis in map(_mapping, _list(entry["axes"]))
            ]
            cells = [
                CellPlan(_text(cell["key"]), tuple(_whole(i) for i in _list(cell["at"])), _texts(cell["labels"]))
                for cell in _list(entry["cells"])
            ]
            grid = Grid(printable(_text(entry["title"])), tuple(axes), tuple(cells))
            if grid != self.grid:  # its own line is read again where another process has written before it
                self._grids.append(grid)
                self._run = ""
        elif entry["kind"] == "run":
            self._run = _text(entry["name"])
        elif entry["kind"] == "seeds":
            self._seeds[_text(entry["graph"])] = tuple(_whole(seed) for seed in _list(entry["seeds"]))
        elif entry["kind"] == "cell":
            file, error = (None if entry[name] is None else _text(entry[name]) for name in ("file", "error"))
            values, seconds = dict(_mapping(entry["values"])), float(entry["seconds"])
            error = None if error is None else printable(error, MAX_MESSAGE)
            size, sha256 = _whole(entry["bytes"]), _text(entry.get("sha256", ""))  # older lines have none
            if not 0 <= size < MAX_BYTES:
                raise ValueError("bytes: no file has so many")
            self._remember(CellRecord(_text(entry["key"]), file, error, values, seconds), _State(size, sha256))
        else:
            raise ValueError("a line of unknown kind")

    def _append(self, line: Mapping[str, Any]) -> None:
        try:
            before = self.path.stat().st_size if self.path.is_file() else 0
            append_line(self.path, line, flush=False)  # a cell whose line is lost is made again
            if before == self._seen:
                self._seen = self.path.stat().st_size
        except NotAFileError:
            raise
        except OSError as error:
            raise OSError(
                error.errno,
                f"The manifest {self.path} cannot be written ({error.strerror}). What is finished stays: make room, or "
                "let ComfyUI write there, and run it again.",
            ) from error


@dataclass(frozen=True)
class _State:
    """What a picture's file is: its size, and the SHA-256 of what it holds, empty where it is not known."""

    bytes: int
    sha256: str = ""

    @classmethod
    def read(cls, path: Path) -> _State:
        """Raises OSError where the file cannot be read."""
        return cls(path.stat().st_size, known_sha256(path))


def _is_picture(path: Path) -> bool:
    """Whether the file holds a whole picture: one that was retouched does, a torn one does not."""
    try:
        with open_plain(path) as file, Image.open(file) as picture:
            picture.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):  # what Pillow raises for a broken file
        return False
    return True


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("not a list")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(printable(_text(part)) for part in _list(value))


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("not a whole number")
    return value
