"""Starts a ComfyUI as a process of its own, waits until it answers, and ends it whatever happens."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from .messages import QueueError
from .transport import Http

START_LIMIT_S = 300.0
PROBE_S = 5.0  # for one answer while it starts
POLL_S = 0.2
STOP_S = 15.0  # after this long it is killed
GPU_PROBE = (
    "import torch; print(any(getattr(torch, n).is_available() for n in ('cuda', 'xpu', 'mps') if hasattr(torch, n)))"
)
# In /dev: NVIDIA's GPUs, those of its small boards, AMD's, Intel's, and those of Windows in its Linux.
GPU_DEVICES = ("nvidia*", "nvhost*", "nvmap", "kfd", "dri", "dxg")


class ServerError(Exception):
    """ComfyUI could not be started or died. The message holds the end of its log."""


def free_port() -> int:
    """A port of this machine that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Whether a ComfyUI could be started on that port of this machine."""
    with socket.socket() as probe:
        if os.name != "nt":  # a port whose last owner has just ended counts as free, as ComfyUI will see it
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def own_folders(folder: Path, *kinds: str) -> list[str]:
    """Arguments that give a ComfyUI folders of its own, made in `folder`. kinds: such as "user", "output", "temp"."""
    arguments = []
    for kind in kinds:
        (folder / kind).mkdir(parents=True, exist_ok=True)
        arguments += [f"--{kind}-directory", str(folder / kind)]
    return arguments


def has_gpu(python: Path) -> bool:
    """Whether that Python's torch sees a GPU. ComfyUI does not start without one unless it is given --cpu.

    To import torch takes seconds. A Linux without a device for one is not asked.

    Raises:
        ServerError: that Python has no torch.
    """
    if sys.platform == "linux" and not any(any(Path("/dev").glob(each)) for each in GPU_DEVICES):
        return False
    answer = subprocess.run([str(python), "-c", GPU_PROBE], capture_output=True, text=True)
    if answer.returncode:
        raise ServerError(f"{python} cannot import torch:\n{answer.stderr.strip()[-800:]}")
    return answer.stdout.strip().endswith("True")


class ComfyServer:
    """`with ComfyServer(...) as server:` a running ComfyUI at `server.url`.

    guarded: it also ends when this process is killed. A process between the two (watchdog.py) sees to that, and then
    deletes the folder `leftovers`.

    Raises:
        ServerError: the port is in use, or, on entering, the server did not start.
    """

    def __init__(
        self,
        comfyui: Path,
        python: Path,
        log: Path,
        port: int | None = None,
        arguments: Sequence[str] = (),
        guarded: bool = False,
        leftovers: Path | None = None,
    ) -> None:
        if port is not None and not port_is_free(port):
            raise ServerError(f"Port {port} is in use. Choose another with --port, or leave --port out.")
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.comfyui, self.python, self.log = comfyui, python, log
        self.arguments = list(arguments)
        self.guarded, self.leftovers = guarded, leftovers
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ComfyServer:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [
            str(self.python),
            "main.py",
            "--listen",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--disable-auto-launch",
            *self.arguments,
        ]
        if self.guarded:
            guard = str(Path(__file__).with_name("watchdog.py"))
            command = [sys.executable, guard, str(self.leftovers or "-"), *command]
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
        with self.log.open("wb") as out:
            # A session of its own: Ctrl-C reaches run.py alone, which then ends the server in good order.
            self.process = subprocess.Popen(
                command,
                cwd=self.comfyui,
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.PIPE if self.guarded else subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait(self) -> None:
        server = Http(self.url, patience=PROBE_S)
        limit = time.monotonic() + START_LIMIT_S
        while time.monotonic() < limit:
            self.check_alive()
            try:
                server.get_json("/system_stats")
                return
            except QueueError:
                time.sleep(POLL_S)
        raise ServerError(f"ComfyUI did not answer within {START_LIMIT_S:.0f} s.\n{self.log_tail()}")

    def check_alive(self) -> None:
        """Do nothing while the process runs.

        Raises:
            ServerError: it has ended.
        """
        if self.process is not None and self.process.poll() is not None:
            raise ServerError(f"ComfyUI ended with exit code {self.process.returncode}.\n{self.log_tail()}")

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of its log, for a message."""
        text = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(["The end of its log:", *text[-lines:], f"The whole log: {self.log}"])

    def stop(self) -> None:
        """End the process, if it runs."""
        if self.process is None:
            return
        if self.guarded and self.process.stdin is not None:
            self.process.stdin.close()  # the guard ends it
        else:
            self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
