"""Light prompts for batches, and a proxy that breaks connections on demand."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import threading
from pathlib import Path
from typing import Any

from PIL import Image


def noisy_prompt(side: int = 64, seed: int = 0, image: str = "") -> dict[str, Any]:
    """A picture with noise of its own seed, saved. image: an input file in the place of a plain red one."""
    plain = {"width": side, "height": side, "batch_size": 1, "color": 0xC00000}
    source = (
        {"class_type": "LoadImage", "inputs": {"image": image}}
        if image
        else {"class_type": "EmptyImage", "inputs": plain}
    )
    return {
        "1": source,
        "2": {"class_type": "ImageAddNoise", "inputs": {"image": ["1", 0], "seed": seed, "strength": 0.1}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "batch"}},
    }


def slow_prompt(steps: int, seed: int = 0) -> dict[str, Any]:
    """Steps of the embedded model, each reported."""
    return {
        "m": {"class_type": "SteerDemoModel", "inputs": {}},
        "p": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["m", 1], "text": "smiling"}},
        "l": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "k": {
            "class_type": "KSampler",
            "inputs": {
                "model": ["m", 0],
                "positive": ["p", 0],
                "negative": ["p", 0],
                "latent_image": ["l", 0],
                "seed": seed,
                "steps": steps,
                "cfg": 1.0,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 1.0,
            },
        },
        "d": {"class_type": "VAEDecode", "inputs": {"samples": ["k", 0], "vae": ["m", 2]}},
        "s": {"class_type": "SaveImage", "inputs": {"images": ["d", 0], "filename_prefix": "batch"}},
    }


def plain_png(path: Path, color: tuple[int, int, int]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 64), color).save(path)
    return path


def prompt_in(content: bytes) -> dict[str, Any]:
    """The API prompt that a saved picture carries."""
    with Image.open(io.BytesIO(content)) as picture:
        return json.loads(picture.info["prompt"])


class Proxy:
    """`with Proxy(port) as proxy:` forwards `proxy.url` to that port of this machine until it is set otherwise.

    refuse_answers: connections that have sent these bytes are cut when the server answers. frozen: nothing passes.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.refuse_answers: bytes | None = None
        self.refused = 0
        self.frozen = False
        self.pairs: list[tuple[socket.socket, socket.socket]] = []

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.listener.close()
        self.cut()

    def cut(self) -> int:
        """Break all connections; returns how many there were."""
        pairs, self.pairs = self.pairs, []
        for each in (one for pair in pairs for one in pair):
            _close(each)
        return len(pairs)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.port))
            except OSError:  # the listener was closed
                return
            self.pairs.append((near, far))
            marked = threading.Event()
            threading.Thread(target=self._pump, args=[near, far, marked, True], daemon=True).start()
            threading.Thread(target=self._pump, args=[far, near, marked, False], daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, marked: threading.Event, outward: bool) -> None:
        with contextlib.suppress(OSError):  # cut by the test or by one of the two sides
            while data := source.recv(1 << 16):
                if outward and self.refuse_answers is not None and self.refuse_answers in data:
                    marked.set()
                if not outward and marked.is_set():
                    self.refused += 1
                    break
                if not self.frozen:
                    target.sendall(data)
        _close(source)
        _close(target)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may be closed already
        end.shutdown(socket.SHUT_RDWR)
    end.close()
