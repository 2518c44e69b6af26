"""The registry of weights: what is shipped, what is found where, and what is said when a file is missing or altered."""

from __future__ import annotations

import http.server
import os
import re
import socket
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from steer.files import sha256_of
from steer.preprocessors.networks import registry as module
from steer.preprocessors.networks.download import download
from steer.preprocessors.networks.registry import (
    REGISTRY,
    SHIPPED_FOLDER,
    NetworkWeightsError,
    WeightFile,
    read_weights,
    require,
)

SHIPPED = [weight for weight in REGISTRY.values() if weight.shipped]
OTHER = [weight for weight in REGISTRY.values() if not weight.shipped]


def test_shipped_files_are_the_registered_ones_and_small():
    assert {path.name for path in SHIPPED_FOLDER.iterdir()} == {weight.file for weight in SHIPPED}
    for weight in SHIPPED:
        path = require(weight)
        assert path.stat().st_size == weight.size
        assert weight.licence == "Apache-2.0"
    assert sum(weight.size for weight in SHIPPED) < 35e6


def test_every_network_has_origin_licence_and_checksum():
    notice = (SHIPPED_FOLDER.parent / "NOTICE").read_text("utf-8")
    for weight in REGISTRY.values():
        assert len(weight.sha256) == 64
        assert weight.size > 100_000
        assert weight.licence
        assert weight.origin
        assert weight.file in notice
    assert "non-commercial" in REGISTRY["openpose_body"].licence


def test_shipped_files_hold_half_precision_but_for_mlsd():
    for weight in SHIPPED:
        tensors, metadata = read_weights(weight)
        kinds = {str(tensor.dtype) for tensor in tensors.values()}
        assert kinds == ({"torch.float32"} if weight.name == "mlsd" else {"torch.float16"})
        assert metadata["origin"] == weight.origin


@pytest.mark.parametrize("weight", OTHER, ids=lambda weight: weight.name)
def test_a_missing_file_is_named_with_folder_size_and_command_at_once(weight: WeightFile, tmp_path: Path):
    started = time.perf_counter()
    with pytest.raises(NetworkWeightsError) as caught:
        require(weight, [tmp_path / "models", tmp_path / "aux"])
    assert time.perf_counter() - started < 1
    text = str(caught.value)
    for part in (
        weight.file,
        str(tmp_path / "models"),
        str(tmp_path / "aux"),
        f"{weight.size / 1e6:.0f} MB",
        weight.licence,
        "hf download",
        "download",
    ):
        assert part in text


def small(content: bytes) -> WeightFile:
    import hashlib

    return WeightFile("x", "x.pth", hashlib.sha256(content).hexdigest(), len(content), "MIT", "here", "some/where")


def test_files_are_found_in_every_usual_layout(tmp_path: Path):
    weight = small(b"content")
    layouts = ["x.pth", "some/where/x.pth", "models--some--where/snapshots/0123abc/x.pth"]
    for number, layout in enumerate(layouts):
        path = tmp_path / str(number) / layout
        path.parent.mkdir(parents=True)
        path.write_bytes(b"content")
        assert require(weight, [tmp_path / "absent", tmp_path / str(number)]) == path
    with pytest.raises(NetworkWeightsError, match="not on this machine"):
        require(weight, [tmp_path / "absent"])


def test_a_good_file_counts_though_a_bad_one_lies_before_it(tmp_path: Path):
    weight = small(b"content")
    bad, worse, good = tmp_path / "a" / "x.pth", tmp_path / "b" / "x.pth", tmp_path / "c" / "some" / "where" / "x.pth"
    for path, content in ((bad, b"cont"), (worse, b"CONTENT"), (good, b"content")):
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    folders = [tmp_path / name for name in "abc"]
    assert require(weight, folders) == good
    good.unlink()
    with pytest.raises(NetworkWeightsError, match=r"incomplete.*altered") as caught:
        require(weight, folders)
    assert str(tmp_path / "a" / "some" / "where") in str(caught.value), "where a download would go"


def test_truncated_and_altered_files_are_refused(tmp_path: Path):
    weight = small(b"0123456789")
    path = tmp_path / "x.pth"
    for content, word in ((b"01234", "incomplete"), (b"01234567890", "not the expected"), (b"012345678X", "altered")):
        path.write_bytes(content)
        with pytest.raises(NetworkWeightsError, match=word) as caught:
            require(weight, [tmp_path])
        assert str(path) in str(caught.value)
        assert "hf download" in str(caught.value)


def test_another_networks_weights_under_the_right_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    weight, other = REGISTRY["palm_detection"], REGISTRY["face_landmark"]
    monkeypatch.setattr(module, "SHIPPED_FOLDER", tmp_path)
    (tmp_path / weight.file).write_bytes((SHIPPED_FOLDER / other.file).read_bytes())
    with pytest.raises(NetworkWeightsError, match="weights build"):
        read_weights(weight)
    swapped = replace(weight, size=other.size)
    with pytest.raises(NetworkWeightsError, match="another network"):
        read_weights(swapped)


def test_building_is_repeatable(tmp_path: Path):
    from steer.preprocessors.networks.build import encode

    tensors = {"b": np.arange(6, dtype=np.float16).reshape(2, 3), "a": np.ones(4, np.float32)}
    files = {
        encode(REGISTRY["mlsd"], dict(order), {"graph": {"z": 1, "a": 2}})
        for order in (tensors.items(), list(tensors.items())[::-1])
        for _ in range(5)
    }
    assert len(files) == 1


@pytest.mark.parametrize("weight", SHIPPED, ids=lambda weight: weight.name)
def test_what_a_shipped_file_holds_is_written_back_bit_for_bit(weight: WeightFile):
    """The second half of `weights build`, with this machine's safetensors and JSON; the first half reads archives."""
    from steer.preprocessors.networks.build import encode

    tensors, metadata = read_weights(weight)
    extra = {"graph": metadata["graph"]} if "graph" in metadata else {}
    data = encode(weight, {name: tensor.numpy() for name, tensor in tensors.items()}, extra)
    assert data == (SHIPPED_FOLDER / weight.file).read_bytes()


@pytest.mark.skipif("STEER_ARCHIVES" not in os.environ, reason="STEER_ARCHIVES names no folder of archives")
def test_the_archives_give_the_shipped_files_bit_for_bit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """For a machine that has the three archives: `python run.py weights build --archives FOLDER` keeps them there."""
    from steer.preprocessors.networks import build

    monkeypatch.setattr(build.subprocess, "run", lambda command, **_: pytest.fail(f"not there: {command[-1]}"))
    assert build.main(["build", "--archives", os.environ["STEER_ARCHIVES"], "--out", str(tmp_path)]) == 0
    assert len(list(tmp_path.iterdir())) == len(SHIPPED) == 7
    for weight in SHIPPED:
        assert (tmp_path / weight.file).read_bytes() == (SHIPPED_FOLDER / weight.file).read_bytes()


def test_an_archive_that_was_altered_is_refused(tmp_path: Path):
    """As is what an archive of the right name holds, if its sum is right: both are pinned."""
    from steer.preprocessors.networks import build

    archive = tmp_path / build.MLSD.file
    name = next(iter(build.MEMBERS))
    with tarfile.open(archive, "w:gz") as package:
        package.add(Path(__file__), name)
    with pytest.raises(build.BuildError, match=r"not the expected archive.*Delete it"):
        build.fetch(build.MLSD, tmp_path)
    with pytest.raises(build.BuildError, match=re.escape(name)):
        build.read_member(archive, name)


def test_a_build_that_differs_never_replaces_the_shipped_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from steer.preprocessors.networks import build

    weight = small(b"shipped")
    shipped, other = tmp_path / "shipped", tmp_path / "other"
    for folder in (shipped, other):
        folder.mkdir()
        (folder / "x.pth").write_bytes(b"shipped")
    monkeypatch.setattr(build, "SHIPPED_FOLDER", shipped)
    monkeypatch.setitem(build.BUILDERS, "x", lambda archives: ({}, {}))
    for content, status, at_other in ((b"another", 1, b"another"), (b"shipped", 0, b"shipped")):
        monkeypatch.setattr(build, "encode", lambda *parts, content=content: content)
        assert [build._build(weight, tmp_path, folder) for folder in (shipped, other)] == [status] * 2
        assert (shipped / "x.pth").read_bytes() == b"shipped"
        assert (other / "x.pth").read_bytes() == at_other
    assert [path.name for path in shipped.iterdir()] == ["x.pth"]


class _Handler(http.server.BaseHTTPRequestHandler):
    content = b""
    cut_after: int | None = None
    chunked = False
    requests: list[str | None] = []

    def do_GET(self) -> None:
        span = self.headers.get("Range")
        self.requests.append(span)
        start = int(span.removeprefix("bytes=").rstrip("-")) if span else 0
        body = self.content[start:]
        self.send_response(206 if span else 200)
        if self.chunked:  # one chunk that says it is longer
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n" % (len(body) + 1))
        else:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
        self.wfile.write(body[: self.cut_after])

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def host() -> Iterator[tuple[str, type[_Handler]]]:
    handler = type("Handler", (_Handler,), {"requests": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", handler
        server.shutdown()


def test_downloads_resume_are_checked_and_appear_at_once(host: tuple[str, type[_Handler]], tmp_path: Path):
    address, handler = host
    content = np.random.default_rng(0).bytes(3_000_000)
    weight = small(content)
    handler.content, handler.cut_after = content, 1_200_000
    with pytest.raises(NetworkWeightsError, match="goes on where it stopped"):
        download(weight, tmp_path / "models", endpoint=address)
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["x.pth.part"]
    handler.cut_after = None
    seen: list[tuple[int, int]] = []
    path = download(weight, tmp_path / "models", lambda done, total: seen.append((done, total)), endpoint=address)
    assert path.read_bytes() == content
    assert sha256_of(path) == weight.sha256
    assert handler.requests == [None, "bytes=1200000-"]
    assert seen[0][0] > 1_200_000
    assert seen[-1] == (len(content), len(content))
    assert [found.name for found in (tmp_path / "models").iterdir()] == ["x.pth"]


def test_an_answer_that_breaks_off_in_a_chunk_is_reported_plainly(host: tuple[str, type[_Handler]], tmp_path: Path):
    address, handler = host
    handler.content, handler.chunked = b"0123456789", True
    with pytest.raises(NetworkWeightsError, match="goes on where it stopped"):
        download(small(b"0123456789abcdef"), tmp_path, endpoint=address)


def test_a_wrong_download_is_deleted(host: tuple[str, type[_Handler]], tmp_path: Path):
    address, handler = host
    handler.content = b"another thing"
    with pytest.raises(NetworkWeightsError, match="deleted"):
        download(small(b"what we want."), tmp_path, endpoint=address)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_a_download_fails_at_once_and_says_why(tmp_path: Path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    started = time.perf_counter()
    with pytest.raises(NetworkWeightsError, match="Check the network"):
        download(small(b"abc"), tmp_path, endpoint=f"http://127.0.0.1:{port}")
    assert time.perf_counter() - started < 1


def test_cancel_keeps_what_came(host: tuple[str, type[_Handler]], tmp_path: Path):
    address, handler = host
    handler.content = bytes(3_000_000)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(small(handler.content), tmp_path, stop, endpoint=address)
    assert (tmp_path / "x.pth.part").stat().st_size >= 1 << 20


def test_the_nodes_download_shows_progress_and_stops_at_cancel(
    comfy, host: tuple[str, type[_Handler]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import comfy.model_management as management
    import comfy.utils
    from steer.nodes.preprocess import comfy_networks

    address, handler = host
    handler.content = np.random.default_rng(1).bytes(4_500_000)
    weight = small(handler.content)
    monkeypatch.setitem(REGISTRY, weight.name, weight)
    monkeypatch.setattr(comfy_networks, "list_weight_folders", lambda: [tmp_path])
    monkeypatch.setenv("HF_ENDPOINT", address)
    progress: list[tuple[int, int]] = []

    def hook(value: int, total: int, *more: object, **options: object) -> None:
        progress.append((value, total))
        if len(progress) == 1:
            management.interrupt_current_processing(True)

    monkeypatch.setattr(comfy.utils, "PROGRESS_BAR_HOOK", hook)
    with pytest.raises(management.InterruptProcessingException):
        comfy_networks.fetch_missing([weight.name])
    part = tmp_path / weight.repository / f"{weight.file}.part"
    assert 0 < part.stat().st_size < weight.size
    comfy_networks.fetch_missing([weight.name])
    assert (tmp_path / weight.repository / weight.file).read_bytes() == handler.content
    assert progress[-1] == (weight.size, weight.size)
    assert handler.requests[-1] is not None, "it went on where it stopped"
