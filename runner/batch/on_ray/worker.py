"""What runs on a machine of the cluster: one ComfyUI, its jobs, and the identity of its files. Knows no Ray."""

from __future__ import annotations

import platform
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....files import is_inside, sha256_of
from ....nodes.identity import identity
from ....nodes.sweep.plan.cell_widget import TEMP_CELLS
from ...comfyui.client import ComfyClient
from ...comfyui.messages import Picture, Progress
from ...comfyui.process import ComfyServer, ServerError, has_gpu
from ...workflow.needs import ModelNeed, model_file
from ..jobs import BatchJob, JobFile
from ..pool import JobFailed, JobRefused, WorkerLost
from ..servers import ServerWorker

A_NODE_OF_STEER = "SteerSweep"


@dataclass(frozen=True)
class WorkerSetup:
    """Where ComfyUI and its Python are on every machine, and how many GPUs the worker has there."""

    comfyui: str
    python: str
    patience: float = 60.0
    gpus: float = 0.0


@dataclass(frozen=True)
class Identity:
    """Steer's version (empty: it is not there), hashes of its code and weights, the sha256 of each model (empty: not
    there)."""

    steer: str
    code: str = ""
    weights: str = ""
    models: dict[str, str] = field(default_factory=dict)


class ComfyWorker:
    """One ComfyUI. Its answers are plain data, because errors of this machine need not be known on the other."""

    def __init__(self, setup: WorkerSetup) -> None:
        """Start the ComfyUI; `up` says whether that went well."""
        self.setup = setup
        self._contents: dict[str, bytes] = {}
        self._progress: Progress | None = None
        self._server: ComfyServer | None = None
        self._home: Path | None = None
        self._worker: ServerWorker | None = None
        self._pictures: list[Picture] = []
        self._lock = threading.Lock()
        self._fault = self._start()

    def _start(self) -> str:
        """Why the ComfyUI could not be started; empty when it is up."""
        python = Path(self.setup.python)
        home = self._home = Path(tempfile.mkdtemp(prefix="steer-worker-"))
        try:
            if self.setup.gpus > 0 and not has_gpu(python):
                raise ServerError(
                    f"it needs {self.setup.gpus:g} GPU, but {python} on {platform.node()} sees none. Is its "
                    "PyTorch one for that GPU, and does nvidia-smi list it there? --gpus-per-worker 0 takes the CPU."
                )
            (home / "user").mkdir()
            (home / "input").mkdir()
            # Folders of its own: workers on one machine share the ComfyUI, but no file that one of them writes.
            arguments = [f"--{kind}-directory={home / kind}" for kind in ("user", "input", "output")]
            # _tidy knows which files this cache may name again.
            arguments += [f"--temp-directory={home}", "--cache-classic", *([] if self.setup.gpus > 0 else ["--cpu"])]
            self._server = ComfyServer(
                Path(self.setup.comfyui), python, home / "comfyui.log", None, arguments, guarded=True, leftovers=home
            )
            url = self._server.__enter__().url
        except (ServerError, OSError) as error:
            self.stop()
            return str(error).split("\nThe whole log:")[0]
        self._worker = ServerWorker(ComfyClient(url, patience=self.setup.patience), self._read)
        self._worker.on_progress = self._note
        self._pictures = []
        return ""

    def _read(self, file: JobFile) -> bytes:
        return self._contents[file.sha256]

    def _note(self, name: str, job: BatchJob, progress: Progress) -> None:
        self._progress = progress

    def up(self) -> str:
        """Why its ComfyUI could not be started; empty when it could."""
        return self._fault

    def object_info(self) -> dict[str, Any]:
        """The nodes of its ComfyUI; none where it did not start."""
        return self._worker.client.node_definitions() if self._worker is not None else {}

    def identity(self, models: Sequence[str]) -> Identity:
        """Of the Steer that its ComfyUI has loaded, and of those of `models` that it has."""
        comfyui = Path(self.setup.comfyui)
        return identity_of(find_loaded_pack(self.object_info(), comfyui), comfyui, models)

    def progress(self) -> Progress | None:
        """The last progress of the job that runs."""
        return self._progress

    def cancel(self) -> None:
        """End what runs now."""
        if self._worker is not None:
            self._worker.cancel()

    def run(self, job: BatchJob, contents: dict[str, bytes]) -> tuple[Any, ...]:
        """("done", JobOutput), ("failed", why), ("refused", why) or ("lost", why, whether its ComfyUI is gone)."""
        with self._lock:
            if self._worker is None:
                return ("lost", self._fault, True)
            self._contents, self._progress = contents, None
            try:
                output = self._worker.run(job)
            except JobFailed as error:
                return ("failed", str(error))
            except JobRefused as error:
                return ("refused", str(error))
            except WorkerLost as error:
                return ("lost", str(error), error.gone)
            self._tidy(self._worker.pictures)
            return ("done", output)

    def _tidy(self, pictures: Sequence[Picture]) -> None:
        """Delete what has been fetched, but for what ComfyUI's cache may name again: the files of the last job."""
        if self._home is None:
            return
        last = {path for picture in pictures for path in _paths(self._home, picture)}
        old = [path for path in (self._home / "output").rglob("*") if path.is_file()]
        old += [path for picture in self._pictures for path in _paths(self._home, picture)]
        for path in old:
            if path not in last:
                path.unlink(missing_ok=True)
        for folder in (self._home / "temp" / TEMP_CELLS).glob("*"):
            if not any(folder in path.parents for path in last):
                shutil.rmtree(folder, ignore_errors=True)
        self._pictures = list(pictures)

    def restart(self) -> bool:
        """Start its ComfyUI again, which has ended or hangs; whether that went well."""
        self.stop()
        self._fault = self._start()
        return not self._fault

    def stop(self) -> None:
        """End its ComfyUI, and delete its folders."""
        self._worker = None
        if self._server is not None:
            self._server.stop()
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)


def _paths(home: Path, picture: Picture) -> Iterator[Path]:
    name = "/".join(filter(None, (picture.subfolder.replace("\\", "/"), picture.filename)))
    if picture.type in ("output", "temp") and is_inside(name):
        yield home / picture.type / name


def find_loaded_pack(object_info: dict[str, Any], comfyui: Path) -> Path | None:
    """The folder of the Steer that a ComfyUI has loaded, as its own answer names it; None where it has none."""
    module = str(object_info.get(A_NODE_OF_STEER, {}).get("python_module") or "")
    folder = comfyui / module.replace(".", "/", 1)
    return folder if module.startswith("custom_nodes.") and (folder / "pyproject.toml").is_file() else None


def identity_of(pack: Path | None, comfyui: Path, models: Sequence[str] = ()) -> Identity:
    """The identity of the Steer in the folder `pack` and of those of `models` that `comfyui` has."""
    found = {name: model_file(ModelNeed(name), comfyui / "models") for name in models}
    hashes = {name: sha256_of(path) if path is not None else "" for name, path in found.items()}
    return Identity("", models=hashes) if pack is None else Identity(**identity(pack), models=hashes)
