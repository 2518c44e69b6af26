"""Import every module that ships and needs no ComfyUI, with the Python that runs this script.

The nodes promise Python 3.10, and `python run.py test` needs a newer one.
"""

from __future__ import annotations

import importlib
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("nodes", "preprocessors", "demo")
NOT_SHIPPED = (
    "demo/train/",
    "demo/scenes/",
    "demo/judges/",
    "demo/draw_pictures.py",
    "nodes/text/fonts_build.py",
    "preprocessors/networks/build",
)
COMFYUI = {"comfy", "comfy_api", "comfy_extras", "comfy_execution", "execution", "folder_paths", "node_helpers"}


def load_pack() -> None:
    """Register the checkout as the package `steer`, without its folder on sys.path."""
    spec = spec_from_file_location("steer", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{ROOT} is not a package.")
    sys.modules["steer"] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules["steer"])


def is_imported(name: str) -> bool:
    """Import a module; False if it needs ComfyUI. Any other error goes on."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in COMFYUI:
            raise
        return False
    return True


def main() -> None:
    load_pack()
    files = sorted(path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    shipped = [path for path in files if not path.as_posix().startswith(NOT_SHIPPED)]
    names = [".".join(("steer", *path.with_suffix("").parts)) for path in shipped]
    imported = sum(map(is_imported, names))
    print(f"Python {sys.version.split()[0]}: {imported} modules import, {len(names) - imported} need ComfyUI.")


if __name__ == "__main__":
    main()
