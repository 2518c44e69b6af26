"""What runs on a machine of the cluster: one ComfyUI, its jobs, and what tells its files apart. Knows no Ray."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .answers import Progress
from .client import ComfyClient
from .jobs import Job, JobFile
from .needs import ModelNeed, model_file, sha256_of
from .pack import version
from .remote import ServerWorker
from .scheduling import JobFailed, JobRefused, WorkerLost
from .server import ComfyServer, ServerError, has_gpu

WEIGHTS = ("demo/weights", "preprocessors/weights")


@dataclass(frozen=True)
class WorkerSetup:
    """Where Steer, ComfyUI and its Python are on every machine, or the url of a ComfyUI that runs already."""

    root: str
    comfyui: str
    python: str
    url: str = ""
    patience: float = 60.0
    gpus: float = 0.0


@dataclass(frozen=True)
class Identity:
    """Steer's version, a hash of its weights, the sha256 of each model (empty: not there). None: not to be seen."""

    steer: str | None
    weights: str = ""
    models: dict[str, str] = field(default_factory=dict)


class ComfyWorker:
    """One ComfyUI. Its answers are plain data, because errors of this machine need not be known on the other."""

    def __init__(self, setup: WorkerSetup) -> None:
        """Raises ServerError when the ComfyUI cannot be started."""
        self.setup = setup
        self._contents: dict[str, bytes] = {}
        self._progress: Progress | None = None
        self._server: ComfyServer | None = None
        self._home: Path | None = None
        self._lock = threading.Lock()
        self._worker = self._start()

    def _start(self) -> ServerWorker:
        url = self.setup.url
        if not url:
            home = self._home = Path(tempfile.mkdtemp(prefix="steer-worker-"))
            (home / "user").mkdir()
            (home / "input").mkdir()
            # Folders of its own: workers on one machine share the ComfyUI, but no file that one of them writes.
            arguments = [f"--{kind}-directory={home / kind}" for kind in ("user", "input", "output")]
            arguments += [f"--temp-directory={home}"]
            gpu = self.setup.gpus > 0 and has_gpu(Path(self.setup.python))
            arguments += [] if gpu else ["--cpu"]
            self._server = ComfyServer(
                Path(self.setup.comfyui), Path(self.setup.python), home / "comfyui.log", None, arguments, guarded=True
            )
            url = self._server.__enter__().url
        worker = ServerWorker(ComfyClient(url, patience=self.setup.patience), self._read)
        worker.on_progress = self._note
        return worker

    def _read(self, file: JobFile) -> bytes:
        return self._contents[file.sha256]

    def _note(self, name: str, job: Job, progress: Progress) -> None:
        self._progress = progress

    def object_info(self) -> dict[str, Any]:
        return self._worker.client.get("/object_info")

    def identity(self, models: Sequence[str]) -> Identity:
        if self.setup.url:
            return Identity(None)
        return identity_of(self.setup.root, self.setup.comfyui, models)

    def progress(self) -> Progress | None:
        return self._progress

    def cancel(self) -> None:
        self._worker.cancel()

    def run(self, job: Job, contents: dict[str, bytes]) -> tuple[Any, ...]:
        """("made", Made), ("failed", why), ("refused", why) or ("lost", why, whether its ComfyUI is gone)."""
        with self._lock:
            self._contents, self._progress = contents, None
            try:
                return ("made", self._worker.run(job))
            except JobFailed as error:
                return ("failed", str(error))
            except JobRefused as error:
                return ("refused", str(error))
            except WorkerLost as error:
                return ("lost", str(error), error.gone)

    def restart(self) -> bool:
        """Start its ComfyUI anew, which has ended or hangs."""
        if self._server is None:
            return False
        self.stop()
        try:
            self._worker = self._start()
        except ServerError:
            return False
        return True

    def stop(self) -> None:
        """End its own ComfyUI, and delete its folders."""
        if self._server is not None:
            self._server.stop()
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)


def identity_of(root: str, comfyui: str = "", models: Sequence[str] = ()) -> Identity:
    """What the Steer at `root` and the models of `comfyui` are told apart by."""
    digest = hashlib.sha256()
    for folder in WEIGHTS:
        for path in sorted((Path(root) / folder).glob("*.safetensors")):
            digest.update(f"{folder}/{path.name} {sha256_of(path)}\n".encode())
    found = {name: model_file(ModelNeed(name), Path(comfyui) / "models") for name in models}
    hashes = {name: sha256_of(path) if path is not None else "" for name, path in found.items()}
    return Identity(version(Path(root)), digest.hexdigest(), hashes)
