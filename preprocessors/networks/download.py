"""Fetch a registered weight file: resumable, checked, atomic. Called only when the user turned on a download.

By hand: the older versions of huggingface_hub that diffusers accepts have no hook for progress and Cancel.
"""

from __future__ import annotations

import http.client
import os
import urllib.request
from collections.abc import Callable
from pathlib import Path

from .registry import NetworkWeightsError, WeightFile, find_fault

ENDPOINT = "https://huggingface.co"
TIMEOUT_S = 20.0
_BLOCK = 1 << 20


def download(
    weight: WeightFile, folder: Path, progress: Callable[[int, int], None] | None = None, endpoint: str | None = None
) -> Path:
    """Fetch `weight` into `folder` and return its path.

    An interrupted download is kept as `<file>.part` and goes on where it stopped. The file appears under its own name
    only after its size and SHA-256 were checked. progress(bytes so far, bytes in all) may raise to stop.

    Raises:
        NetworkWeightsError: it failed, or another file came. It names the address, the reason and what to do.
    """
    base = (endpoint or os.environ.get("HF_ENDPOINT") or ENDPOINT).rstrip("/")
    url = f"{base}/{weight.repository}/resolve/{weight.revision}/{weight.file}"
    target = folder / weight.file
    part = target.with_name(target.name + ".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _fetch(url, part, weight.size, progress)
    except (OSError, http.client.HTTPException) as error:  # urllib's errors are OSErrors
        raise NetworkWeightsError(
            f"Could not download {url} to {target} ({weight.size:,} bytes): {error}. Check the network and the disk "
            f"space and run again (it goes on where it stopped), or put the file into {folder} yourself."
        ) from error
    if find_fault(part, weight):
        part.unlink()
        raise NetworkWeightsError(
            f"{url} is not the file that Steer knows ({weight.size:,} bytes, SHA-256 {weight.sha256}); what came was "
            "deleted. Run again; if it stays so, the file was replaced upstream: please report it."
        )
    part.replace(target)
    return target


def _fetch(url: str, part: Path, size: int, progress: Callable[[int, int], None] | None) -> None:
    done = part.stat().st_size if part.is_file() else 0
    if done >= size:
        return
    request = urllib.request.Request(
        url, headers={"Range": f"bytes={done}-", "User-Agent": "steer"} if done else {"User-Agent": "steer"}
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        resumed = done > 0 and answer.status == 206
        done = done if resumed else 0
        with part.open("ab" if resumed else "wb") as file:
            while block := answer.read(_BLOCK):
                file.write(block)
                done += len(block)
                if done > size:
                    raise OSError(f"more than the expected {size:,} bytes came")
                if progress is not None:
                    progress(done, size)
    if done < size:
        raise OSError(f"the connection ended after {done:,} of {size:,} bytes")
