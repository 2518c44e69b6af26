"""Loads the checkout the way ComfyUI does: as a package of its own, not through sys.path.

Whatever imports ComfyUI must keep the checkout off sys.path, because its `nodes/` would hide ComfyUI's `nodes`.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def load_pack(name: str = "steer", root: Path = ROOT) -> None:
    """Register the checkout at `root` as the package `name`, as ComfyUI's loader of custom nodes does.

    Raises:
        ImportError: there is no checkout.
    """
    spec = importlib.util.spec_from_file_location(name, root / "__init__.py", submodule_search_locations=[str(root)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{root} is not a Python package")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
