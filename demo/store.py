"""The weight files of the embedded model: safetensors in half precision, their checksums, reading and writing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch

FOLDER = Path(__file__).resolve().parent / "weights"
CHECKSUMS = "SHA256SUMS.json"
NAMES = ("vae", "text_encoder", "unet", "controlnet-canny", "controlnet-mlsd", "controlnet-openpose")


class WeightsError(ValueError):
    """A weight file is missing, incomplete or changed. The message names the file and what to do."""


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _checksums(folder: Path) -> dict[str, str]:
    listing = folder / CHECKSUMS
    if not listing.is_file():
        raise WeightsError(f"The list of checksums {listing} is missing. Install Steer again to restore it.")
    return json.loads(listing.read_text("utf-8"))


def read(name: str, folder: Path = FOLDER) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and metadata of the weight file `name` ("unet", "vae", ...), verified against its checksum.

    Raises WeightsError when the file is missing, truncated or altered.
    """
    path = folder / f"{name}.safetensors"
    if not path.is_file():
        raise WeightsError(f"The demo model's file {path} is missing. Install Steer again to restore it.")
    expected = _checksums(folder).get(path.name)
    found = sha256(path)
    if found != expected:
        raise WeightsError(
            f"The demo model's file {path} is damaged or was changed: its SHA-256 is {found}, expected {expected}. "
            "Install Steer again to restore it."
        )
    from safetensors import safe_open
    from safetensors.torch import load_file

    with safe_open(path, framework="pt") as file:
        metadata = dict(file.metadata() or {})
    return load_file(path), metadata


def write(name: str, tensors: dict[str, torch.Tensor], metadata: dict[str, str], folder: Path = FOLDER) -> Path:
    """Save `tensors` in half precision (integers as they are) as `name`.safetensors and record its checksum."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    path, scratch = folder / f"{name}.safetensors", folder / f"{name}.part"
    half = {k: (v.half() if v.is_floating_point() else v).contiguous().clone() for k, v in tensors.items()}
    save_file(half, scratch, metadata=metadata)
    scratch.replace(path)
    path.chmod(0o644)
    listing = folder / CHECKSUMS
    sums = json.loads(listing.read_text("utf-8")) if listing.is_file() else {}
    sums[path.name] = sha256(path)
    listing.write_text(json.dumps(dict(sorted(sums.items())), indent=2) + "\n", "utf-8")
    return path
