"""The weight files of the embedded model: safetensors, half and 8-bit precision, checksums, reading and writing."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from ..files import sha256_of, write_whole

FOLDER = Path(__file__).resolve().parent / "weights"
CHECKSUMS = "SHA256SUMS.json"
NAMES = ("vae", "text_encoder", "unet", "controlnet-canny", "controlnet-mlsd", "controlnet-openpose")


class WeightsError(ValueError):
    """A weight file is missing, incomplete or changed. The message names the file and what to do."""


def _checksums(folder: Path) -> dict[str, str]:
    listing = folder / CHECKSUMS
    if not listing.is_file():
        raise WeightsError(f"The list of checksums {listing} is missing. Install Steer again to restore it.")
    return json.loads(listing.read_text("utf-8"))


def fingerprint(*names: str, folder: Path = FOLDER) -> str:
    """A text that changes with the weights of any of `names`, from the list of checksums alone.

    Raises:
        WeightsError: the list is missing.
    """
    sums = _checksums(folder)
    return " ".join(sums.get(f"{name}.safetensors", "missing") for name in names)


def read(name: str, folder: Path = FOLDER) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and metadata of the weight file `name` ("unet", "vae", ...), verified against its checksum.

    Raises:
        WeightsError: the file is missing, truncated or altered.
    """
    path = folder / f"{name}.safetensors"
    if not path.is_file():
        raise WeightsError(f"The demo model's file {path} is missing. Install Steer again to restore it.")
    expected = _checksums(folder).get(path.name)
    found = sha256_of(path)
    if found != expected:
        raise WeightsError(
            f"The demo model's file {path} is damaged or was changed: its SHA-256 is {found}, expected {expected}. "
            "Install Steer again to restore it."
        )
    from safetensors import safe_open
    from safetensors.torch import load_file

    with safe_open(path, framework="pt") as file:
        metadata = dict(file.metadata() or {})
    return unpack(load_file(path)), metadata


SCALE = ".scale"  # added to a tensor's name: the size of one step of its 8-bit rows
SMALL = 4096  # a tensor of fewer values stays in half precision


def pack(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Matrices and kernels as 8-bit rows, round(w / s) with s = max |w| / 127 of the row (output channel).

    Halves the files; pictures stay the same to 40 dB and more. Small tensors and vectors stay as they are.
    """
    packed: dict[str, torch.Tensor] = {}
    for key, value in tensors.items():
        if value.ndim < 2 or value.numel() < SMALL:
            packed[key] = value
            continue
        rows = value.float().flatten(1)
        step = (rows.abs().amax(1) / 127).clamp(min=1e-12)
        packed[key] = (rows / step[:, None]).round().to(torch.int8).reshape(value.shape)
        packed[key + SCALE] = step
    return packed


def unpack(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The inverse of :func:`pack`, in half precision."""
    whole: dict[str, torch.Tensor] = {}
    for key, value in tensors.items():
        if key + SCALE in tensors:
            step = tensors[key + SCALE].reshape(-1, *[1] * (value.ndim - 1))
            whole[key] = (value.float() * step).half()
        elif not key.endswith(SCALE):
            whole[key] = value
    return whole


def write(name: str, tensors: dict[str, torch.Tensor], metadata: dict[str, str], folder: Path = FOLDER) -> Path:
    """Save `tensors` as `name`.safetensors and record its checksum.

    Half precision; integers, and the steps of packed rows, as they are.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    path, scratch = folder / f"{name}.safetensors", folder / f"{name}.part"
    half = {
        key: (value.half() if value.is_floating_point() and not key.endswith(SCALE) else value).contiguous().clone()
        for key, value in tensors.items()
    }
    save_file(half, scratch, metadata=metadata)
    scratch.replace(path)
    path.chmod(0o644)
    listing = folder / CHECKSUMS
    sums = json.loads(listing.read_text("utf-8")) if listing.is_file() else {}
    sums[path.name] = sha256_of(path)
    write_whole(listing, (json.dumps(dict(sorted(sums.items())), indent=2) + "\n").encode())
    return path
