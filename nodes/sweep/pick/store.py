"""The answers of the network for each seed, on disk: they hold after a restart and without ComfyUI's cache.

    <folder>/<run>/<seed>.safetensors

A run is a hash of everything that its pictures have in common; the graph, the schedule and the latent decide it. Files
are written whole. The newest runs are kept, older ones removed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ....files import write_whole
from ...text.printable import get_log
from .tape import SeedTape

KEPT_RUNS = 4
VERSION = "1"
_MARK = "early-pick.json"  # in each folder of a run, so that no other folder is ever removed

log = get_log(__name__)


@dataclass
class EarlyPicture:
    """One seed after its first steps. x0: [C, ...], what the model expects. preview: uint8 [H, W, 3] of it, or None."""

    tape: SeedTape
    x0: torch.Tensor
    preview: torch.Tensor | None = None


class Store:
    """The pictures of one run. folder None: in memory alone, where nothing tells one graph from another."""

    def __init__(self, folder: Path | None, run: str) -> None:
        self.home = None if folder is None else folder / run
        self._held: dict[str, EarlyPicture] = {}

    def get(self, seed: str) -> EarlyPicture | None:
        """What is kept of a seed; None where there is nothing, or a file that cannot be used."""
        if seed not in self._held and self.home is not None and (path := self._path(seed)).is_file():
            try:
                self._held[seed] = _read(path)
            except Exception as error:  # noqa: BLE001  # whatever is wrong with the file, the steps are made again
                log.warning("Early Pick: %s cannot be used and is made again: %s", path, error)
        return self._held.get(seed)

    def put(self, seed: str, picture: EarlyPicture) -> None:
        """Keep a picture. A disk that takes no more is no reason to stop: the log says so."""
        self._held[seed] = picture
        if self.home is None:
            return
        try:
            if not self.home.is_dir():
                self.home.mkdir(parents=True)
                write_whole(self.home / _MARK, json.dumps({"version": VERSION}).encode())
                _remove_old(self.home)
            write_whole(self._path(seed), _to_bytes(picture))
        except OSError as error:
            log.warning("Early Pick: what is made is not kept for the next run: %s", error)

    def _path(self, seed: str) -> Path:
        assert self.home is not None
        return self.home / f"{hashlib.sha256(seed.encode()).hexdigest()[:24]}.safetensors"


def _to_bytes(picture: EarlyPicture) -> bytes:
    from safetensors.torch import save

    tensors = {"x0": picture.x0}
    if picture.preview is not None:
        tensors["preview"] = picture.preview
    sides = []
    for call, answer in enumerate(picture.tape.answers):
        sides.append([side is not None for side in answer])
        tensors |= {f"{call}.{n}": side for n, side in enumerate(answer) if side is not None}
    metadata = {"version": VERSION, "inputs": json.dumps(picture.tape.inputs), "sides": json.dumps(sides)}
    return save({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, metadata)


def _read(path: Path) -> EarlyPicture:
    from safetensors import safe_open

    with safe_open(path, framework="pt", device="cpu") as file:
        metadata = file.metadata()
        if metadata["version"] != VERSION:
            raise ValueError(f"it is of version {metadata['version']}, not {VERSION}")
        inputs, sides = json.loads(metadata["inputs"]), json.loads(metadata["sides"])
        answers = [
            [file.get_tensor(f"{call}.{n}") if there else None for n, there in enumerate(each)]
            for call, each in enumerate(sides)
        ]
        preview = file.get_tensor("preview") if "preview" in file.keys() else None  # noqa: SIM118  # no dict
        return EarlyPicture(SeedTape(answers, inputs), file.get_tensor("x0"), preview)


def _remove_old(home: Path) -> None:
    """Remove the oldest runs beside `home` beyond KEPT_RUNS."""
    runs: Sequence[Path] = [path for path in home.parent.iterdir() if (path / _MARK).is_file() and path != home]
    for path in sorted(runs, key=lambda each: each.stat().st_mtime_ns, reverse=True)[KEPT_RUNS - 1 :]:
        shutil.rmtree(path, ignore_errors=True)
