"""Frontends of other versions, from their packages on PyPI. Each is fetched once and kept beside run.py's packages."""

from __future__ import annotations

import subprocess
import tempfile
import zipfile
from pathlib import Path

from steer.runner import setup

PACKAGE = "comfyui-frontend-package"
FRONTENDS = ("1.32.9", "1.45.21", "1.58.1")
NEWEST = FRONTENDS[-1]


def frontend_folder(version: str) -> Path:
    """The web folder of a frontend, from its package.

    Raises:
        subprocess.CalledProcessError: pip does not get it.
    """
    folder = setup.VENV / "frontends" / version
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(dir=setup.VENV) as temp:
            command = ["-m", "pip", "download", "--quiet", "--no-deps", "--dest", temp, f"{PACKAGE}=={version}"]
            subprocess.run([str(setup.PYTHON), *command], check=True)
            with zipfile.ZipFile(next(Path(temp).glob("*.whl"))) as wheel:
                wheel.extractall(Path(temp) / "wheel")
            folder.parent.mkdir(exist_ok=True)
            (Path(temp) / "wheel").rename(folder)
    return folder / PACKAGE.replace("-", "_") / "static"
